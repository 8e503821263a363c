"""The embedded default, from nothing to a page: what ``make demo`` runs.

It launches ``studies/digits.toml``, or goes on with it if it was begun before, and writes the report.
"""

from __future__ import annotations

import sys

from rich.console import Console

from nas.errors import NASError, NotFound

STUDY_FILE = "studies/digits.toml"


def main() -> int:
    """Run the study and write its report; return an exit code."""
    from nas.report import write_report
    from nas.search.run import launch, resume
    from nas.store import queries
    from nas.store.engine import open_read_only, storage_url
    from nas.study_file import read_study

    console = Console(stderr=True)
    try:
        study, _ = read_study(STUDY_FILE)
        url = storage_url()
        try:
            queries.study(open_read_only(url), study.name)
        except NotFound:
            ending = launch(STUDY_FILE, console=console)
        else:
            ending = resume(study.name, console=console)
        console.print(ending.message, highlight=False)
        if ending.exit_code == 0:
            console.print("The report, a page that opens in any browser:")
            print(write_report(url, study.name))  # noqa: T201  # the one line of data
        return ending.exit_code
    except NASError as error:
        console.print(f"Error: {error}", markup=False, highlight=False)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
