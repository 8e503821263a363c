"""Encoders of sequences and time series: (steps, channels) -> features, or a vector for each step."""
