"""`nas data check`: what it says of data that can be searched on, and of data that cannot."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from optuna.trial import TrialState
from PIL import Image
from rich.console import Console

from nas.cli import bars
from nas.cli.app import cli
from nas.store.engine import storage_url
from nas.store.files import files_root, study_folder
from nas.store.ledger import Ledger
from tests.cli.conftest import ROOT, Nas, create, new_session, train


def write(folder: Path, source: str, more: str = "") -> str:
    study = f'name = "s"\n[data]\nsource = "{source}"\n{more}\n[search]\ntrials = 1\n'
    (folder / "s.toml").write_text(study)
    return str(folder / "s.toml")


def reviews(folder: Path, classes: int = 2) -> str:
    lines = [f"number {n} {'is not' if n % 2 else 'is'} a good one,{n % classes}" for n in range(20 * classes)]
    (folder / "t.csv").write_text("\n".join(["text,label", *lines, ""]))
    return write(folder, "manifest:t.csv", "text.length = 5")


def test_it_says_what_the_data_are_like(nas: Nas, tmp_path: Path) -> None:
    result = nas("data", "check", str(ROOT / "studies" / "digits.toml"))
    assert result.exit_code == 0, result.output
    told = " ".join(result.stdout.split())
    assert told.startswith("sklearn:digits can be searched on, for classification")
    assert "1,150 train, 288 validation, 359 test" in told
    assert "majority class: val_accuracy 0.1007" in told
    assert "x image 8×8×1 uint8 float32 0 to 16" in told
    assert "9 115 29 36" in told
    assert "nas launch" in result.stderr
    assert "a launch finds them there" in result.stderr


def test_nothing_is_written_but_the_prepared_arrays(nas: Nas, tmp_path: Path) -> None:
    result = nas("data", "check", str(ROOT / "studies" / "digits.toml"), "--json")
    document = json.loads(result.stdout)
    assert (document["schema"], document["study"]) == (1, "digits")
    folder = Path(document["data"]["folder"])
    assert folder.parent == tmp_path / "studies" / "nas.db.files" / "data"
    assert (folder / "x_train.npy").is_file()
    assert [path.name for path in (tmp_path / "studies").iterdir()] == ["nas.db.files"]
    assert document["inputs"]["x"]["high"] == 16


def test_of_texts_the_lengths_and_what_is_unknown(nas: Nas, tmp_path: Path) -> None:
    study = reviews(tmp_path)
    facts = json.loads(nas("data", "check", study, "--json").stdout)["inputs"]["x"]
    assert (facts["kind"], facts["stored"], facts["received"]) == ("text", "int32", "int32")
    assert (facts["tokens"][0], facts["tokens"][-1]) == (6, 7)
    assert facts["cut"] == 1
    assert 0 < facts["unknown"] < 1
    told = nas("data", "check", study).stdout
    assert "x, tokens: least 6 · 25 % 6 · half" in told
    assert "100 % of texts are cut off" in " ".join(told.split())
    assert "taken for text: text" in told


def test_of_many_classes_the_ends_are_shown(nas: Nas, tmp_path: Path) -> None:
    study = reviews(tmp_path, classes=14)
    told = nas("data", "check", study).stdout
    assert "… 2 more classes" in told
    assert "more classes" not in nas("data", "check", study, "-v").stdout
    assert "… 1 more class " in nas("data", "check", reviews(tmp_path, classes=13)).stdout


def test_eighty_columns_are_enough(nas: Nas, tmp_path: Path) -> None:
    result = nas("data", "check", reviews(tmp_path))
    tables = [line for line in result.stdout.splitlines() if not line.startswith("  The columns")]
    assert max(len(line.rstrip()) for line in tables) <= 80


def test_data_that_cannot_be_used_are_refused_with_2(nas: Nas, tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for n in range(5):
            Image.new("L", (4, 4), 10 * n).save(tmp_path / "pictures" / label / f"{n}.png")
    (tmp_path / "pictures" / "cat" / "0.png").write_bytes(b"")
    study = write(tmp_path, "images:pictures")
    result = nas("data", "check", study)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "images:pictures: 1 of 10 images cannot be read" in result.stderr
    assert "cat/0.png is empty" in result.stderr
    study = write(tmp_path, "images:pictures", "bad = 0.2\nimages.size = 4")
    result = nas("data", "check", study)
    assert result.exit_code == 0, result.output
    assert "1 of 10 images cannot be read and are left out" in result.stdout


def test_identities_that_validation_shares_with_train_are_told(nas: Nas, tmp_path: Path) -> None:
    rows = [f"{n},{'ann' if n % 2 else 'bob'},{'validation' if n % 5 == 4 else 'train'}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["size,label,split", *rows, "50,eve,test", ""]))
    study = write(tmp_path, "manifest:t.csv")
    (tmp_path / "s.toml").write_text((tmp_path / "s.toml").read_text() + '[task]\nkind = "metric_learning"\n')
    told = " ".join(nas("data", "check", study).stdout.split())
    assert "Identities of the validation split that train has as well: 2 of 2 (ann, bob)" in told


def test_what_a_function_prints_is_no_part_of_the_document(nas: Nas, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import numpy as np\ndef load():\n    print('hello')\n"
        "    return {'x': np.arange(60.0).reshape(30, 2), 'y': np.arange(30) % 3}\n"
    )
    result = nas("data", "check", write(tmp_path, "python:own.py:load"), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["data"]["examples"] == {"train": 19, "validation": 5, "test": 6}
    assert "hello" in result.stderr


def test_a_long_loop_gets_a_bar_and_a_short_one_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for patience, shown in ((-1.0, True), (60.0, False)):
        monkeypatch.setattr(bars, "PATIENCE", patience)
        console = Console(file=io.StringIO(), force_terminal=True)
        assert list(bars.bars(console)(range(3), "images", 3)) == [0, 1, 2]
        assert ("Reading images" in console.file.getvalue()) is shown  # type: ignore[attr-defined]


def test_the_command_has_help_with_an_example(nas: Nas) -> None:
    assert "    nas data check" in nas("data", "check", "--help").stdout
    assert "data" in cli.commands


def test_a_family_that_does_not_fit_is_refused_with_2_below_what_the_data_are_like(nas: Nas, tmp_path: Path) -> None:
    study = reviews(tmp_path)
    (tmp_path / "s.toml").write_text((tmp_path / "s.toml").read_text() + '[space]\nfamilies = "cnn"\n')
    result = nas("data", "check", study)
    assert result.exit_code == 2
    assert "manifest:t.csv  can be searched on" in result.stdout
    assert "Error: space.families: 'cnn' is for images" in result.stderr
    assert "nas launch" not in result.stderr
    assert json.loads(nas("data", "check", study, "--json").stdout)["data"]["source"] == "manifest:t.csv"


def test_what_a_study_cannot_start_from_is_refused_with_2(nas: Nas, tmp_path: Path) -> None:
    study = reviews(tmp_path)
    (tmp_path / "s.toml").write_text((tmp_path / "s.toml").read_text() + '[space]\nstart_from = "other"\n')
    result = nas("data", "check", study)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "space.start_from: There is no database" in result.stderr


def test_an_encoder_that_knows_other_tokens_is_refused_with_2_and_the_remedy(nas: Nas, tmp_path: Path) -> None:
    study = reviews(tmp_path)
    card = json.loads(nas("data", "check", study, "--json", storage=tmp_path / "nas.db").stdout)["data"]
    url = storage_url(str(tmp_path / "nas.db"))
    create(url, "digits")
    ledger = Ledger.open(url, "digits", new_session())
    ledger.set_data(card)
    trial = train(ledger, "aa", [0.5])
    ledger.finish(trial, state=TrialState.COMPLETE, values=[0.5], outcome="complete", metrics={})
    ledger.close("The budget is used up.")
    weights = study_folder(files_root(url), 1) / "trial-0.npz"
    weights.parent.mkdir(parents=True)
    weights.touch()
    (tmp_path / "t.csv").write_text((tmp_path / "t.csv").read_text().replace("good", "bad"))
    (tmp_path / "s.toml").write_text((tmp_path / "s.toml").read_text() + '[space]\nstart_from = "digits"\n')
    result = nas("data", "check", study, storage=tmp_path / "nas.db")
    assert result.exit_code == 2
    assert "Error: space.start_from: " in result.stderr
    assert f'Under [data.text] write tokenizer = "{card["folder"]}/x_tokenizer.json" and length = 5.' in result.stderr


def test_it_says_what_it_did_not_check_and_that_the_name_is_taken(nas: Nas, tmp_path: Path) -> None:
    create(storage_url(str(tmp_path / "nas.db")), "digits")
    result = nas("data", "check", str(ROOT / "studies" / "digits.toml"), storage=tmp_path / "nas.db")
    assert result.exit_code == 0, result.output
    assert "A study named 'digits' is in" in result.stderr
    told = result.stderr.splitlines()
    where = told.index(
        "Not checked: whether the families can be built and trained, and what they cost. That is tried by"
    )
    assert told[where + 1].startswith("  nas launch ")
    assert " --dry-run --storage " in told[where + 1]


def test_more_workers_than_this_machine_has_room_for_are_told(nas: Nas, tmp_path: Path) -> None:
    study = write(tmp_path, "sklearn:wine")
    (tmp_path / "s.toml").write_text((tmp_path / "s.toml").read_text() + "workers = 200\n")
    assert "search.workers = 200, and this machine has " in nas("data", "check", study).stderr


@pytest.mark.parametrize("command", [("data", "check"), ("launch",), ("launch", "--dry-run")], ids=" ".join)
def test_a_bad_place_for_the_database_is_told_with_5_before_anything_slow(
    nas: Nas, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "no.db").write_text("not a database at all, but long enough to be taken for one" * 20)
    for where, told in (
        (
            "file/nas.db",
            "cannot be created: a file is where its folder would be. Name another place with --storage or NAS_STORAGE.",
        ),
        ("/proc/nas/nas.db", "The database /proc/nas/nas.db cannot be created: No such file or directory."),
        ("no.db", "no.db is not an SQLite database. Name another with --storage, or move the file away."),
        (".", "that is a folder. Name a file in it."),
    ):
        result = nas(*command, str(ROOT / "studies" / "digits.toml"), storage=Path(where))
        assert (result.exit_code, result.stdout) == (5, ""), where
        assert told in result.stderr
