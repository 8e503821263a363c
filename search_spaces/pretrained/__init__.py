"""Encoders that have been trained before: checkpoints, how much of them is trained on, and what is added."""
