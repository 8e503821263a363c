"""Encoders of plain vectors: (features,) -> features."""
