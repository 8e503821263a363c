"""A study file that cannot be used is refused before anything starts: exit code 2, each problem by its key."""

from __future__ import annotations

import copy
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nas.cli.app import cli
from tests.cli.conftest import Nas

VALID: dict[str, Any] = {
    "name": "digits",
    "data": {"source": "sklearn:digits"},
    "task": {"kind": "classification"},
    "space": {"families": ["cnn", "resnet"]},
    "search": {"strategy": "auto", "pruner": "asha", "trials": 8, "hours": 1.5, "epochs": 3, "workers": 2, "seed": 0},
    "objective": {"maximize": "val_accuracy", "minimize": ["latency_ms"]},
    "limits": {"weights": 200000, "macs": 20000000, "trial_seconds": 60.0, "silence_seconds": 30.0},
}
KEYS = [(section, key) for section, table in VALID.items() if isinstance(table, dict) for key in table]
NUMBERS = [key for key in KEYS if key[0] == "limits" or key[1] in ("trials", "hours", "epochs", "workers", "seed")]
NAMES = [key for key in KEYS if key not in NUMBERS]


def toml(value: Any) -> str:
    """A value as TOML writes it inline."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in value)
            return f'"{escaped}"'
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
    raise TypeError(value)


def document(study: dict[str, Any]) -> str:
    return "\n".join(f"{toml(key)} = {toml(value)}" for key, value in study.items())


def launch(content: str | bytes) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return CliRunner().invoke(cli, ["launch", "--dry-run", str(path)], prog_name="nas")


def assert_refused(content: str | bytes, *expected: str) -> None:
    loaded_before = "tensorflow" in sys.modules
    result = launch(content)
    assert result.exit_code == 2, f"{content!r}\n{result.output}\n{result.exception!r}"
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.stderr
    for text in expected:
        assert text in result.stderr, f"{content!r}\n{result.stderr}"
    assert ("tensorflow" in sys.modules) == loaded_before  # by another test, perhaps


def test_what_is_broken_below_was_whole() -> None:
    from nas.study_file import parse_study

    assert parse_study(document(VALID), path="study.toml", base=Path()).name == "digits"


def changed(section: str, key: str, value: Any) -> str:
    study = copy.deepcopy(VALID)
    study[section][key] = value
    return document(study)


text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
junk = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=60)
@given(st.sampled_from(KEYS), text.filter(bool))
def test_an_unknown_key_is_named(where: tuple[str, str], extra: str) -> None:
    section, key = where
    unknown = key + "x" if extra in VALID[section] else extra
    if unknown in ("trials", "hours"):
        return
    study = copy.deepcopy(VALID)
    study[section][unknown] = study[section].pop(key)
    expected = f"{section}." if unknown.isascii() and unknown.isprintable() else "no such key"
    assert_refused(document(study), expected, "no such key")


@settings(max_examples=60)
@given(st.sampled_from(KEYS), st.one_of(st.booleans(), st.just({}), st.dictionaries(text, junk, max_size=2)))
def test_a_wrong_type_is_named(where: tuple[str, str], value: Any) -> None:
    assert_refused(changed(*where, value), f"{where[0]}.{where[1]}")


@settings(max_examples=60)
@given(st.sampled_from(NUMBERS), st.one_of(st.integers(max_value=-1), st.floats(max_value=-1e-9), text))
@example(("search", "epochs"), 10**30)
@example(("search", "hours"), float("nan"))
@example(("limits", "trial_seconds"), float("nan"))
@example(("limits", "silence_seconds"), 0)
@example(("search", "workers"), 0)
@example(("search", "trials"), 1.0)
def test_a_number_out_of_range_is_named(where: tuple[str, str], value: Any) -> None:
    assert_refused(changed(*where, value), f"{where[0]}.{where[1]}")


@settings(max_examples=60)
@given(st.sampled_from(NAMES), text)
@example(("data", "source"), "sklearn:")
@example(("data", "source"), "nothing:digits")
@example(("space", "families"), "gone.py:Class")
@example(("space", "families"), "no_such_package.module:Class")
@example(("space", "families"), "\x00.py:Class")
@example(("space", "families"), "..:Class")
@example(("space", "families"), "cnn.py:")
def test_a_bad_name_is_named(where: tuple[str, str], name: str) -> None:
    assert_refused(changed(*where, name), f"{where[0]}.{where[1]}")


@settings(max_examples=40)
@given(text)
@example("")
@example("a" * 65)
@example("../digits")
@example("Tickets ünï 票")
@example("digits\n")
def test_a_bad_study_name_is_named(name: str) -> None:
    from nas.study_file import NAME

    if NAME.fullmatch(name) is None:
        assert_refused(document({**VALID, "name": name}), "name: must be 1 to 64 ASCII letters")


@settings(max_examples=60)
@given(st.sampled_from([*VALID]), junk)
@example("data", [])
@example("search", "auto")
@example("space", {"families": []})
@example("space", {"families": [["cnn"]]})
@example("space", {"families": ["cnn", "cnn"]})
@example("objective", {"maximize": ["loss", "loss"]})
def test_junk_in_the_place_of_a_section_is_named(section: str, value: Any) -> None:
    if section in ("task", "space", "objective", "limits") and value == {}:
        return  # all of their keys have defaults
    if section == "name" and isinstance(value, str):
        return
    assert_refused(document({**VALID, section: value}), section)


@settings(max_examples=60)
@given(st.integers(0, len(document(VALID)) - 2))
def test_a_truncated_file_is_refused(length: int) -> None:
    cut = document(VALID)[:length]
    if cut.endswith(("}", "\n")):  # whole lines: what is missing has a default, or is asked for
        return
    assert_refused(cut)


@settings(max_examples=60)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\xff\xfe\x00")
@example(b"name = 'digits'\n\x80")
@example(b"[[[[" * 2000)
@example(b"a = " + b"[" * 5000)
@example(b"name = 'a'\nname = 'b'")
@example(b"a." * 3000 + b"a = 1")
def test_bytes_that_are_no_study_are_refused(content: bytes) -> None:
    assert_refused(content)


def test_every_problem_is_listed_at_once() -> None:
    study = copy.deepcopy(VALID)
    study["name"] = "no spaces please"
    study["space"]["families"] = ["resnt", "cnn"]
    study["search"].update(epoch=3, workers=0, strategy="magic")
    study["limit"] = {}
    del study["data"]
    assert_refused(
        document(study),
        "7 problems",
        "name: must be",
        "space.families: No search space is named 'resnt'. Did you mean 'resnet'?",
        "search.epoch: [search] has no such key. Did you mean 'epochs'?",
        "search.workers: input should be greater than or equal to 1. Received: 0.",
        "search.strategy: No strategy is named 'magic'.",
        "limit: a study file has no such key. Did you mean 'limits'?",
        "data: is required and missing.",
    )


@pytest.mark.parametrize(
    ("section", "key", "misspelt"),
    [("search", "trials", "trails"), ("search", "hours", "hour"), ("data", "source", "sorce")],
)
def test_what_is_misspelt_is_not_missing_as_well(section: str, key: str, misspelt: str) -> None:
    study = {**VALID, "search": {"trials": 8} if key != "hours" else {"hours": 1.5}}
    study[section] = {misspelt if name == key else name: value for name, value in study[section].items()}
    assert_refused(
        document(study), "1 problem\n", f"{section}.{misspelt}: [{section}] has no such key. Did you mean {key!r}?"
    )


def test_a_budget_is_asked_for_where_no_key_is_like_one() -> None:
    assert_refused(
        document({**VALID, "search": {"budget": 8}}), "2 problems\n", "search: give a budget: `trials`, `hours`"
    )


@pytest.mark.parametrize(
    ("kind", "objective", "expected"),
    [
        (
            "regression",
            {"maximize": "val_accuracy"},
            "objective.maximize: the task 'regression' has no measure 'val_accuracy'. It has: maximize val_r2; "
            "minimize val_rmse, val_mae. Costs, to minimize beside one of these: weights, macs, memory, latency_ms.",
        ),
        ("regression", {"minimize": "val_rsme"}, "no measure 'val_rsme'. Did you mean 'val_rmse'? It has: maximize"),
        ("regression", {"minimize": "mae"}, "no measure 'mae'. Did you mean 'val_mae'?"),
        ("classification", {"maximize": "val_acc"}, "no measure 'val_acc'. Did you mean 'val_accuracy'?"),
        ("classification", {"maximize": "balanced"}, "Did you mean 'val_balanced_accuracy'?"),
        ("classification", {"minimize": "weigths"}, "Did you mean 'weights'?"),
        ("transcription", {"minimize": "val_wer"}, "It has: minimize val_cer, val_beam_cer, val_loss. Costs"),
    ],
)
def test_an_objective_the_task_has_not_got_is_told_with_those_it_has(
    kind: str, objective: dict[str, str], expected: str
) -> None:
    assert_refused(document({**VALID, "task": {"kind": kind}, "objective": objective}), expected)


def test_environment_variables_that_are_not_set_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAS_TEST_NOWHERE", raising=False)
    monkeypatch.setenv("NAS_TEST_SOMEWHERE", "/somewhere")
    study = copy.deepcopy(VALID)
    study["data"] = {
        "source": "npz:${NAS_TEST_SOMEWHERE}/${NAS_TEST_NOWHERE}/digits.npz",
        "interactions": {"items": "${NAS_TEST_NOWHERE}/films.csv"},
    }
    assert_refused(
        document(study),
        "2 problems",
        "data.source: the environment variable 'NAS_TEST_NOWHERE' in 'npz:${NAS_TEST_SOMEWHERE}/${NAS_TEST_NOWHERE}",
        "data.interactions.items: the environment variable 'NAS_TEST_NOWHERE'",
    )


def test_a_file_that_is_not_there_suggests_the_nearest(nas: Nas, tmp_path: Path) -> None:
    (tmp_path / "digits.toml").write_text(document(VALID))
    result = nas("launch", "digit.toml")
    assert result.exit_code == 2
    assert "There is no such file. Did you mean 'digits.toml'?" in result.stderr


def test_a_folder_suggests_the_study_file_beside_it(nas: Nas, tmp_path: Path) -> None:
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes.toml").write_text(document(VALID))
    for path, near in (("shapes", "shapes.toml"), ("shapes/", "shapes.toml")):
        result = nas("data", "check", path)
        assert result.exit_code == 2
        assert f"This is a folder: name a study file, a .toml. Did you mean '{near}'?" in result.stderr


@pytest.mark.parametrize("path", [".", "a" * 300 + ".toml", "nowhere/a.toml"])
def test_a_path_that_cannot_be_read(nas: Nas, path: str) -> None:
    result = nas("launch", path)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
