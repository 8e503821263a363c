"""The command line: parse ▶ one call ▶ print. Nothing heavy is imported before a command needs it."""

from nas.cli.app import main

__all__ = ["main"]
