"""Numbers on the command line, and what is said where none was given."""

from __future__ import annotations

import re
from typing import Any

import click


class WholeNumber(click.IntRange):
    """``click.IntRange``, which calls what is no number "not a valid integer range"."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, if it is one and in the range."""
        try:
            int(value)
        except ValueError:
            self.fail(f"{value!r} is no whole number.", param, ctx)
        return super().convert(value, param, ctx)


class Number(click.FloatRange):
    """``click.FloatRange``, likewise."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number, if it is one and in the range."""
        try:
            float(value)
        except ValueError:
            self.fail(f"{value!r} is no number.", param, ctx)
        return super().convert(value, param, ctx)


class Numbered(click.Command):
    """A command with an argument that is a whole number from 0: a negative one would be an option that is not there."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse `args`, unless there is a negative number among them."""
        for arg in args:
            if re.fullmatch(r"-\d+", arg):
                raise click.UsageError(f"{arg}: trials are numbered from 0.", ctx)
        return super().parse_args(ctx, args)
