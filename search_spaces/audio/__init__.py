"""Encoders of sounds: (samples,) in [-1, 1] -> features."""
