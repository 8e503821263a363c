"""Encoders of texts: (length,) tokens, of which 0 is padding -> features."""
