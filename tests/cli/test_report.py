"""`nas report`: what it writes, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nas.store.engine import storage_url
from nas.store.ledger import Ledger
from tests.cli.conftest import Nas, create, new_session

NOW = "2026-03-02T11:30:00Z"


def test_the_same_report_as_data_and_as_text(nas: Nas, database: Path, tmp_path: Path) -> None:
    told = json.loads(nas("report", "digits", "--format", "json", "-o", "-", storage=database).stdout)
    ranked = json.loads(nas("rank", "digits", "--json", storage=database).stdout)
    for key in ("schema", "study", "objectives", "reliability", "tradeoff", "ranking"):
        assert told[key] == ranked[key]
    assert nas("report", "digits", "--format", "csv", "--top", "1", storage=database).stdout == "reports/digits.csv\n"
    assert len((tmp_path / "reports" / "digits.csv").read_text().splitlines()) == 2
    assert nas("report", "digits", "--format", "md", "-o", "-", storage=database).stdout.startswith("# digits\n")


def test_several_studies_are_compared_and_none_means_all(nas: Nas, database: Path, tmp_path: Path) -> None:
    nas("report", "digits", storage=database)
    assert nas("report", "digits", "killed", storage=database).stdout == "reports/comparison.html\n"
    page = (tmp_path / "reports" / "comparison.html").read_text()
    assert "2 studies compared" in page
    assert "There are not yet two with a score." in page
    assert nas("report", storage=database).stdout == "reports/index.html\n"
    page = (tmp_path / "reports" / "index.html").read_text()
    assert '<a href="digits.html">digits</a>' in page
    assert "killed" in page
    assert 'href="killed' not in page


def test_an_anonymous_report_is_called_study(nas: Nas, database: Path, tmp_path: Path) -> None:
    assert nas("report", "digits", "--anonymous", storage=database).stdout == "reports/study.html\n"
    assert str(tmp_path) not in (tmp_path / "reports" / "study.html").read_text()


def test_watching_ends_with_the_study(nas: Nas, database: Path, tmp_path: Path) -> None:
    assert nas("report", "digits", "--watch", storage=database).stdout == "reports/digits.html\n"
    assert "refresh" not in (tmp_path / "reports" / "digits.html").read_text().partition("<script")[0]


def test_a_page_that_is_watched_reloads_itself_until_its_study_has_ended(
    database: Path, tmp_path: Path, nas: Nas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The study ends between two writings: what is slept for ends its session."""
    url, page = storage_url(str(database)), tmp_path / "live.html"
    create(url, "live")
    ledger, written = Ledger.open(url, "live", new_session()), []

    def end(seconds: float) -> None:
        assert seconds == 10
        written.append(page.read_text())
        ledger.close("The budget is used up.")

    monkeypatch.setattr("nas.cli.report.time.sleep", end)
    nas("report", "live", "--watch", "-o", str(page), storage=database)
    assert [text.count('http-equiv="refresh" content="10"') for text in (*written, page.read_text())] == [1, 0]


def test_the_same_moment_gives_the_same_bytes_in_any_process(database: Path, tmp_path: Path) -> None:
    pages = []
    for seed, moment in (("1", NOW), ("2", "2026-03-02T12:30:00+01:00")):
        page = tmp_path / f"{seed}.html"
        command = [sys.executable, "-m", "nas", "report", "digits", "--storage", str(database), "-o", str(page)]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([*command, "--now", moment], check=True, capture_output=True, env=environment)
        pages.append(page.read_bytes())
    assert pages[0] == pages[1]
    assert b"2026-03-02 11:30" in pages[0]


@pytest.mark.parametrize(
    ("moment", "told"), [("2026-03-02T11:30:00", "add Z for UTC"), ("yesterday", "is no moment in ISO 8601")]
)
def test_a_moment_that_is_none_is_refused(nas: Nas, database: Path, moment: str, told: str) -> None:
    found = nas("report", "digits", "--now", moment, storage=database)
    assert found.exit_code == 2
    assert told in " ".join(found.stderr.split())


def test_what_makes_no_sense_together_is_refused(nas: Nas, database: Path) -> None:
    for words in (
        ("digits", "killed", "--format", "csv"),
        ("--anonymous",),
        ("digits", "--watch", "-o", "-"),
        ("digits", "--watch", "--now", NOW),
    ):
        assert nas("report", *words, storage=database).exit_code == 2


def test_the_page_in_another_language(nas: Nas, database: Path, tmp_path: Path) -> None:
    assert nas("report", "digits", "--lang", "zh", storage=database).exit_code == 0
    assert '<html lang="zh-Hans">' in (tmp_path / "reports" / "digits.html").read_text("utf-8")
    assert "截至" in nas("report", "digits", "--lang", "zh", "--format", "md", "-o", "-", storage=database).stdout
    assert nas("report", "--lang", "zh", storage=database).exit_code == 0
    assert "<h1>研究</h1>" in (tmp_path / "reports" / "index.html").read_text("utf-8")
    for form in ("json", "csv"):
        told = [nas("report", "digits", "--format", form, "-o", "-", *more, storage=database).stdout
                for more in ((), ("--lang", "zh"))]  # fmt: skip
        assert re.sub(r'"written": .*', "", told[0]) == re.sub(r'"written": .*', "", told[1])
    refused = nas("report", "digits", "--lang", "fr", storage=database)
    assert refused.exit_code == 2
    assert "'fr' is not one of 'en', 'zh'" in refused.stderr
