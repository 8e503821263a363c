"""Where a command's words go: data to stdout, everything else to stderr."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nas.cli.commands import complete, suggested
from nas.documents import SCHEMA, plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Command = TypeVar("Command", bound=Callable[..., Any])


class Output:
    """What the user asked to see, and the two streams. Kept as ``click.Context.obj``.

    Attributes:
        json: Data as one JSON document instead of tables.
        quiet: Nothing but data and errors.
        verbose: Leave nothing out.
        debug: Show tracebacks.
        storage: What was given as ``--storage``: suggested commands have it, too.
    """

    def __init__(self) -> None:
        self.json = self.quiet = self.verbose = self.debug = False
        self.storage: str | None = None

    @property
    def stdout(self) -> Console:
        """A console for data. Text is shown as it is: names from a database are no markup."""
        return _console(stderr=False)

    @property
    def stderr(self) -> Console:
        """A console for progress and remarks, silent where the user wants quiet."""
        return _console(stderr=True, quiet=self.quiet)

    def show(self, *views: RenderableType) -> None:
        """Print `views` to stdout, one below the other; what is too wide for the terminal is not cut off.

        A sentence with a command in it is not broken into lines: it would be copied with the break.
        """
        from rich.text import Text

        console = self.stdout
        for view in views:
            said = view.plain if isinstance(view, Text) else view
            if not isinstance(said, str) or not suggested(said):
                console.print(view, crop=False)
                continue
            told = Text(complete(said, self.storage))
            if isinstance(view, Text):  # what is styled of a sentence comes before its commands, or is all of it
                told.style, told.spans = view.style, [*view.spans]
            console.print(told, soft_wrap=True)

    def document(self, **content: object) -> None:
        """Print `content` as the one JSON document of this command."""
        click.echo(json.dumps({"schema": SCHEMA, **plain(content)}, indent=2, allow_nan=False))

    def hint(self, *lines: str) -> None:
        """Print remarks and next commands to stderr, unless the user wants quiet."""
        for line in lines:
            self.stderr.print(complete(line, self.storage), soft_wrap=True)


def _console(**options: bool) -> Console:
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, **options)  # type: ignore[arg-type]


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and parameter.name is not None:
        setattr(context.ensure_object(Output), parameter.name, True)


def _remember_storage(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    context.ensure_object(Output).storage = value
    return value


def _flag(*names: str, help: str) -> Callable[[Command], Command]:
    return click.option(*names, is_flag=True, expose_value=False, callback=_remember, is_eager=True, help=help)


def talk_options(command: Command) -> Command:
    """Give a command ``--quiet``, ``--verbose`` and ``--debug``, which the group has as well."""
    for option in (
        _flag("--debug", help="Show the traceback of an error (also NAS_DEBUG=1)."),
        _flag("--verbose", "-v", help="Leave nothing out of tables and lists."),
        _flag("--quiet", "-q", help="Print nothing but data and errors."),
    ):
        command = option(command)
    return command


def output_options(command: Command) -> Command:
    """Give a command ``--json`` and the `talk_options`."""
    return _flag("--json", help="Print one JSON document.")(talk_options(command))


def storage_option(command: Command) -> Command:
    """Give a command ``--storage``."""
    return click.option(
        "--storage",
        metavar="URL",
        callback=_remember_storage,
        is_eager=True,
        help="The database: a file or a postgresql:// URL.  [default: $NAS_STORAGE, else studies/nas.db]",
    )(command)
