"""``launch`` and ``resume`` through the real command: streams, summary, exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from nas.cli.documents import ending_document
from nas.cli.ending_view import ending_view, rehearsal_view
from nas.cli.views import commands_view
from nas.data_card import DataCard, Input, Target
from nas.search.endings import Ending
from nas.search.rehearsal import Member, Rehearsal
from tests.cli.conftest import FILE, spawn
from tests.report import samples

COUNTS = {"complete": 3, "pruned": 2, "failed": 1, "running": 0, "duplicate": 1, "rejected": 0}
ENDING = Ending("digits", 0, "The budget is used up.", COUNTS, samples.ranked(samples.trial(7, values=(0.98,))))


def _text(*views: RenderableType) -> str:
    console = Console(width=80, markup=False)
    with console.capture() as captured:
        for view in views:
            console.print(view)
    return captured.get()


def test_an_ending_counts_the_outcomes_and_names_the_best() -> None:
    text = " ".join(_text(*ending_view(ENDING, samples.study(trials_budget=6))).split())
    assert "6 of 6: 3 complete, 2 pruned, 1 failed; and at no cost 1 duplicate" in text
    assert "val_accuracy 0.9800 in one training · trial 7 · cnn · 1.00 k weights" in text


def test_a_perfect_score_is_noticed() -> None:
    ending = replace(ENDING, perfect=3)
    text = " ".join(_text(*ending_view(ending, samples.study(trials_budget=6))).split())
    assert "3 architectures reached the best val_accuracy there can be" in text
    assert "`nas data check`" in text
    assert ending_document(ending, samples.study())["perfect"] == 3


def test_an_ending_is_a_document_with_its_objectives() -> None:
    document = ending_document(ENDING, samples.study())
    assert document["study"] == "digits"
    assert document["objectives"] == [{"metric": "val_accuracy", "direction": "maximize"}]
    assert document["best"]["number"] == 7


def test_next_commands_go_to_the_same_database_and_show_no_password() -> None:
    def line(storage: str | None) -> str:
        return commands_view([("nas rank digits", "in order")], storage)[0]

    assert line(None) == "  nas rank digits  in order"
    assert line("my studies.db") == "  nas rank digits --storage 'my studies.db'  in order"
    assert line("me@home.db") == "  nas rank digits --storage me@home.db  in order"
    server = line("postgresql://me:secret@host/db?password=secret&sslmode=require")
    assert "--storage 'postgresql+psycopg://me@host/db?sslmode=require'" in server
    assert "secret" not in server


def test_a_rehearsal_shows_costs_and_problems() -> None:
    card = DataCard("sklearn:digits", "ab", "nowhere", {"x": Input("image", (8, 8, 1))}, Target(), {})
    members = (
        Member("cnn", "default", 1234, 56789, 0.25, 1.0, None),
        Member("vit", "random 1", None, None, None, 1.0, "312,455 weights [red] are over"),
    )
    text = _text(*rehearsal_view(Rehearsal("digits", card, members, 90.0, ("48 trials",))))
    assert "1.23 k  56.8 k     0.25" in text
    assert "[red]" in text
    assert "about 1 min 30 s" in text


@pytest.mark.tf
def test_launch_resume_and_look(tmp_path: Path) -> None:
    study = (
        FILE.replace("trials = 48", "trials = 2")
        .replace("epochs = 12", "epochs = 1")
        .replace('["cnn", "resnet", "vit"]', '["cnn"]')
    )
    (tmp_path / "digits.toml").write_text(study)
    launched = spawn("-m", "nas", "launch", "digits.toml", cwd=tmp_path)
    assert launched.returncode == 0, launched.stderr
    assert launched.stdout.startswith("digits  The budget is used up.")
    assert "val_accuracy 0." in launched.stdout
    assert "nas resume digits --trials 4 " in launched.stderr
    assert "trial 1: begins" in launched.stderr
    assert "nas report digits" in launched.stderr
    resumed = spawn("-m", "nas", "resume", "digits", "--trials", "3", "--json", "-q", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stderr == ""
    document = json.loads(resumed.stdout)
    assert document["schema"] == 1
    assert document["objectives"][0]["metric"] == "val_accuracy"
    assert sum(document["counts"][outcome] for outcome in ("complete", "pruned", "failed")) >= 3
    shown = json.loads(spawn("-m", "nas", "status", "--json", cwd=tmp_path).stdout)
    assert shown["studies"][0]["state"] == "finished"
    assert spawn("-m", "nas", "launch", "digits.toml", cwd=tmp_path).returncode == 4


@pytest.mark.tf
def test_a_dry_run_keeps_no_study(tmp_path: Path) -> None:
    (tmp_path / "digits.toml").write_text(FILE.replace('["cnn", "resnet", "vit"]', '["cnn"]'))
    ran = spawn("-m", "nas", "launch", "--dry-run", "--json", "-q", "digits.toml", cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    document = json.loads(ran.stdout)
    assert document["members"][0]["label"] == "default"
    assert document["estimate_seconds"] > 0
    assert not (tmp_path / "studies" / "nas.db").exists()
    assert list((tmp_path / "studies" / "nas.db.files" / "logs").iterdir()) == []  # what workers print is gone again
