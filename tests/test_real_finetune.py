"""Fine-tuning through the command line, with real workers that train real models."""

import json
import os
import signal
import time

import pytest

from nas.store import queries
from nas.store.engine import open_read_only, storage_url
from tests.real import finish, nas, write_study

pytestmark = [pytest.mark.tf, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a study that was searched."""
    made = tmp_path_factory.mktemp("real")
    path = write_study(made, "Tiny", trials=3, epochs=2, workers=1, rest='[objective]\nminimize = "val_loss"')
    code, _, err = finish(nas(made, "launch", str(path)))
    assert code == 0, err
    assert "nas finetune toy" in err
    return made


def evaluations_of(folder):
    engine = open_read_only(storage_url(str(folder / "nas.db")))
    every = queries.evaluations(engine, queries.study(engine, "toy").id)
    return [record for record in every if record.purpose == "finetune"]


def test_a_finalist_is_tuned_measured_and_after_more_trainings_looked_at_again(folder):
    words = ["finetune", "toy", "--top", "1", "--epochs", "3", "--seeds", "1"]
    code, out, err = finish(nas(folder, *words, "--trainings", "2", "--json"))
    assert code == 0, err
    (first,) = json.loads(out)["finalists"]
    assert first["scratch"] != first["from_search"]  # both were tried
    assert [training["trained"] for training in first["trainings"]] == [3, 3]
    assert "curve" not in json.dumps(first)
    trial = str(first["searched"]["trial"]["number"])
    code, told, err = finish(nas(folder, "show", "toy", trial, "--json"))
    assert code == 0, err
    assert [len(training["curve"]) for training in json.loads(told)["evaluations"]] == [3, 3]
    assert first["best"]["score"] == min(first["scratch"], first["from_search"])
    assert len(first["looks"]) == 1
    test = first["looks"][0]["metrics"]["val_loss"]
    assert test["low"] < test["value"] < test["high"]
    assert {"val_accuracy", "val_loss"} <= set(first["looks"][0]["metrics"])

    unmet = [*words, "--trainings", "6", "--until", "val_loss<=1e-9"]
    code, out, err = finish(nas(folder, *unmet, COLUMNS="80"))
    assert code == 1, err
    text = " ".join(out.split())
    assert "The requirement val_loss <= 1e-09 is not met: the best came to" in text
    assert "look 2 at the test split" in text  # a higher learning rate is better after three epochs
    assert "nas export toy --architecture" in err
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
    assert len(evaluations_of(folder)) == 6

    code, out, _ = finish(nas(folder, "status", "toy", "--json"))
    assert json.loads(out)["studies"][0]["finetuned"]["looks"] == 2
    code, out, _ = finish(nas(folder, "show", "toy"))
    assert "fine-tuned" in out


def test_ctrl_c_saves_and_the_same_command_goes_on(folder):
    words = [
        "finetune",
        "toy",
        "--top",
        "1",
        "--epochs",
        "2000",
        "--seeds",
        "1",
        "--trainings",
        "1",
        "--from",
        "scratch",
    ]
    process = nas(folder, *words)
    deadline = time.monotonic() + 120
    while not any(record.epochs == 2000 and record.curve for record in evaluations_of(folder)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    code, out, err = finish(process)
    assert code == 130, err
    assert "Go on with `nas finetune toy --top 1 --seeds 1 --epochs 2000 --from scratch --trainings 1`" in " ".join(
        out.split()
    )
    (cut,) = (record for record in evaluations_of(folder) if record.epochs == 2000)
    assert cut.outcome is None
    code, out, err = finish(nas(folder, *words))
    assert code == 0, err
    assert f"training {cut.number}: goes on" in err
    (done,) = (record for record in evaluations_of(folder) if record.epochs == 2000)
    assert (done.outcome, done.attempts) == ("complete", 2)
    assert done.curve[: len(cut.curve)] == cut.curve


def test_a_family_whose_code_changed_is_refused_and_nothing_is_lost(folder):
    families = folder / "families.py"
    words = ["finetune", "toy", "--top", "1", "--epochs", "4", "--seeds", "1", "--trainings", "1"]
    families.write_text(families.read_text().replace('activation="relu"', 'activation="tanh"'))
    code, _, err = finish(nas(folder, *words))
    assert code == 4
    assert "--allow-changed" in err
    code, out, _ = finish(nas(folder, *words, "--allow-changed", "space"))
    assert code == 1
    text = " ".join(out.split())
    assert "Not every finalist could be measured on the test split" in text
    assert "cannot be built any more" in text
    assert all(record.outcome == "complete" for record in evaluations_of(folder))
