"""The ``nas`` command: its group, and what becomes of an exception."""

from __future__ import annotations

import errno
import os
import sys
import traceback
import warnings
from typing import Any

import click

from nas.cli.about import doctor, spaces
from nas.cli.commands import complete
from nas.cli.dashboard import dashboard
from nas.cli.data import data
from nas.cli.delete import delete
from nas.cli.encode import encode
from nas.cli.export import export
from nas.cli.finetune import finetune
from nas.cli.latency import latency
from nas.cli.output import Output, talk_options
from nas.cli.reading import list_studies, rank, show
from nas.cli.report import report
from nas.cli.running import launch, race, resume
from nas.cli.status import status
from nas.errors import NASError

EXIT_CODES = """\b
Exit codes:
  0    done
  1    a run failed: no trial is complete, a check of `nas doctor` failed, an export differs from its model
  2    something typed or written in a file cannot be used
  3    no such study, trial or database
  4    a conflict: the study exists, is being run, or stands on something else now
  5    the database cannot be read or written
  6    stopped in good order before the budget was used up; all is saved
  130  stopped by Ctrl-C; all is saved
  143  ended at once by a second SIGTERM; finished epochs are saved

\b
Completion of commands and options, here for bash (also zsh_source, fish_source):
  eval "$(_NAS_COMPLETE=bash_source nas)"
"""


class Shown(click.ClickException):
    """An error as the user sees it: one ``Error:`` on stderr, then the exit code."""

    def __init__(self, message: str, exit_code: int, storage: str | None = None) -> None:
        super().__init__(complete(message, storage))
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: Any = None) -> None:
        """Print it."""
        from rich.text import Text

        from nas.report.words import clean

        console = Output().stderr
        console.print(Text.assemble(("Error:", "bold red"), " ", clean(self.message)), soft_wrap=True)


class Nas(click.Group):
    """A group that turns exceptions into sentences, once for all commands."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the commands in the order one needs them."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        """Run the command."""
        context.ensure_object(Output)  # the commands' contexts inherit it
        try:
            return super().invoke(context)
        except NASError as error:
            _trace(context)
            raise Shown(str(error), error.exit_code, context.ensure_object(Output).storage) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(130) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # whoever read our output has left; click leaves silently
            _trace(context)
            raise Shown(_unexpected(error), 1) from error


def _trace(context: click.Context) -> None:
    if context.ensure_object(Output).debug or os.environ.get("NAS_DEBUG", "") not in ("", "0"):
        traceback.print_exc()


def _unexpected(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}. NAS_DEBUG=1 shows where it happened."
    what = " ".join(str(error).split())[:300]
    return (
        f"Something unforeseen happened, a mistake in nas: {type(error).__name__}{f': {what}' if what else ''}. "
        "Run the command again with NAS_DEBUG=1 to see where, and please report it."
    )


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"nas {version('encoder-nas')}")
    except PackageNotFoundError:
        click.echo("nas, from a source tree that is not installed")
    context.exit()


@click.group(cls=Nas, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-V",
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version.",
)
@talk_options
def cli() -> None:
    """Search encoder architectures for Keras.

    \b
    nas launch studies/digits.toml     begin a study
    nas status digits --watch          see how it goes, from another terminal
    nas report digits                  one page that says what to fine-tune
    nas finetune digits                train the best to the end
    nas export digits                  take one away
    """


RUN = (launch, resume, race, finetune)
READ = (list_studies, status, show, rank, report)
REST = (latency, encode, export, data, spaces, delete, doctor, dashboard)

for command in (*RUN, *READ, *REST):
    cli.add_command(command)


def main() -> None:
    """Run the command line and leave the process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?", it ends nothing
    if not sys.warnoptions:  # warnings are for those who program; python -W default shows them
        warnings.simplefilter("ignore")
    cli(prog_name="nas")
