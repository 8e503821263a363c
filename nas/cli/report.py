"""``report``: it reads, and works while a study runs."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nas.cli.database import complete_name, reading
from nas.cli.numbers import WholeNumber
from nas.cli.output import Output, output_options, storage_option
from nas.language import SOURCE, languages

if TYPE_CHECKING:
    from nas.report.writing import Format

SECONDS = 10
"""Between two writings of a report that is watched."""


class Moment(click.ParamType[datetime]):
    """A moment as ISO 8601 with its offset from UTC, told in UTC."""

    name = "TIMESTAMP"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment; one without an offset is refused, for it would be another one on another machine."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no moment in ISO 8601, as 2026-03-02T11:30:00Z is one.", param, ctx)
        if moment.utcoffset() is None:
            self.fail(f"{value!r} does not say how far it is from UTC: add Z for UTC, or as +01:00.", param, ctx)
        return moment.astimezone(UTC)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_name)
@click.option(
    "-o",
    "--output",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write, - for stdout.  [default: reports/NAME.html]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "json", "md", "csv"]),
    default="html",
    show_default=True,
    help="The page, or the same as data or text.",
)
@click.option("--top", type=WholeNumber(min=1), metavar="K", help="Tell of the best K only.")
@click.option("--anonymous", is_flag=True, help="Leave out names of studies, hosts and paths, and the study file.")
@click.option(
    "--lang",
    type=click.Choice(languages()),
    default=SOURCE,
    show_default=True,
    help="The language of the page, or of the Markdown; JSON and CSV are the same in all of them.",
)
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
@click.option(
    "--watch", is_flag=True, help="Write it anew every ten seconds while the study runs; the page reloads itself."
)
@click.option(
    "--now", type=Moment(), help="The moment to write as of, instead of the present one: the same gives the same bytes."
)
@storage_option
@output_options
@click.pass_obj
def report(
    output: Output,
    names: tuple[str, ...],
    path: Path | None,
    form: Format,
    top: int | None,
    anonymous: bool,
    lang: str,
    open_it: bool,
    watch: bool,
    now: datetime | None,
    storage: str | None,
) -> None:
    """Write one self-contained HTML page about a study.

    Of several studies a page that compares them; of none a page that lists all in the database.

    \b
    Examples:
        nas report digits -o digits.html --open
        nas report digits --format json -o - | jq '.ranking[0].best.params'
        nas report digits fashion
        nas report digits --lang zh
    """
    from nas.store.engine import storage_url

    if len(names) != 1 and (form != "html" or anonymous or watch or top):
        raise click.UsageError("--format, --top, --anonymous and --watch are for the report of one study.")
    if watch and path == Path("-"):
        raise click.UsageError("--watch writes a file again and again: name one with -o.")
    if watch and now:
        raise click.UsageError("--watch follows the present moment: it goes without --now.")
    url = storage_url(storage)
    # Asked before each writing: a study that ends while one is written is written once more, as one that has ended.
    running = watch and _is_running(url, names[0])

    @_uncollected()
    def write() -> Path:
        from nas.report import write_comparison, write_index, write_report

        if not names:
            return write_index(url, path, now=now, lang=lang)
        if len(names) > 1:
            return write_comparison(url, names, path, now=now, lang=lang)
        every = SECONDS if watch else None
        return write_report(
            url, names[0], path, now=now, form=form, top=top, hide_names=anonymous, lang=lang, every=every
        )

    written = write()
    if written != Path("-"):
        if output.json:
            output.document(study=names[0] if len(names) == 1 else list(names), path=written.absolute())
        else:
            click.echo(written)
    if open_it and written != Path("-"):
        click.launch(written.absolute().as_uri())
    while running:
        time.sleep(SECONDS)
        running = _is_running(url, names[0])
        write()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector of garbage off: what is read stays to the end, and going through it again costs a tenth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _is_running(url: str, name: str) -> bool:
    from nas.store import queries

    with reading(url) as connection:
        return queries.study(connection, name).running is not None
