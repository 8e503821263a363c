"""Families of encoders for several inputs: each is encoded by a family of its own, and what comes of it is joined."""
