"""One self-contained page about a study. Never Keras."""
