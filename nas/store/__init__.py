"""The one place where a study lives. The only SQL."""
