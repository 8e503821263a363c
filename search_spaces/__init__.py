"""Encoder families: ordinary Keras models with choices in them, one family a file, grouped by modality."""
