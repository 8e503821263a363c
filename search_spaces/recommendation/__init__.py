"""Encoders of users and items."""
