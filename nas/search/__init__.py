"""The coordinator's half: asks, converses, tells. Never Keras, never TensorFlow."""
