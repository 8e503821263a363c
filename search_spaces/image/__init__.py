"""Encoders of images: (height, width, channels) -> features."""
