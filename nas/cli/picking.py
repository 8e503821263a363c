"""The options that say which trained model is meant, for `nas export` and `nas encode`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from nas.cli.numbers import WholeNumber

Command = TypeVar("Command", bound=Callable[..., Any])


def model_options(command: Command) -> Command:
    """Give a command ``--trial`` and ``--architecture``."""
    command = click.option(
        "--architecture",
        metavar="F",
        help="The first digits of a fingerprint, six or more: the best training of that architecture.",
    )(command)
    return click.option(
        "--trial",
        type=WholeNumber(min=0),
        metavar="N",
        help="A trial.  [default: the best that was fine-tuned, else the first of the ranking]",
    )(command)
