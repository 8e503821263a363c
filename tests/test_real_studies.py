"""Whole studies through the command line, with real workers that train real models."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from pydantic import TypeAdapter

from nas.errors import NASError
from nas.store import queries
from nas.store.engine import open_read_only, storage_url
from nas.store.records import TrialRecord
from tests.real import finish, nas, write_study

pytestmark = [pytest.mark.tf, pytest.mark.timeout(300)]


def trials_of(folder: Path, name: str = "toy") -> list[TrialRecord]:
    engine = open_read_only(storage_url(str(folder / "nas.db")))
    return queries.trials(engine, queries.study(engine, name).id)


def begun(folder: Path) -> list[TrialRecord]:
    """The trials so far; none while the database is being created."""
    try:
        return trials_of(folder)
    except NASError:
        return []


def test_every_way_to_break_is_an_outcome_of_its_own_and_the_others_go_on(tmp_path):
    kinds = {
        "Raises": "error",
        "Rejects": "rejected",
        "LeavesPython": "error",
        "ExitsCleanly": "crash",
        "Segfaults": "crash",
        "Sleeps": "timeout",
        "Freezes": "timeout",
        "RunsOutOfMemory": "oom",
        "Diverges": "nan",
        "Tiny": None,
    }
    path = write_study(
        tmp_path, *kinds, trials=9, epochs=1, rest="[limits]\ntrial_seconds = 12.0\nsilence_seconds = 5.0"
    )
    code, _, err = finish(nas(tmp_path, "launch", str(path)))
    found = {trial.family.split(":")[1]: trial for trial in trials_of(tmp_path)[: len(kinds)]}
    assert {family: trial.kind for family, trial in found.items()} == kinds, err
    assert code == 0
    assert found["Tiny"].outcome == "complete"
    assert "there is no such layer" in found["Raises"].message
    assert "there is no such layer" in found["Raises"].traceback
    assert "SIGSEGV" in found["Segfaults"].message
    assert "families.py" in found["Segfaults"].traceback  # where it was when it died
    assert "exit code 0" in found["ExitsCleanly"].message
    assert "sign of life" in found["Freezes"].message


def test_numbers_are_told_from_vectors_and_compared_with_their_mean(tmp_path):
    path = write_study(tmp_path, "Tiny", trials=3, epochs=20, workers=1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4)).astype("float32")
    np.savez(tmp_path / "toy.npz", x=x, y=500 + 20 * x[:, 0] - 10 * x[:, 1] ** 2)
    path.write_text(path.read_text() + '[task]\nkind = "regression"\n')
    code, out, err = finish(nas(tmp_path, "launch", str(path)))
    assert code == 0, out + err
    assert "mean of train: val_rmse 2" in out
    assert "no complete trial beats it" not in out
    best = min(trials_of(tmp_path), key=lambda trial: trial.values)
    assert best.values[0] == best.metrics["val_rmse"] < 15
    assert best.metrics["val_r2"] > 0.5
    assert best.training["task_loss"] in ("squared", "huber")
    shown, _ = nas(tmp_path, "show", "toy").communicate()
    assert "1 number" in shown


def test_models_that_come_compiled_and_families_that_fit_themselves(tmp_path):
    path = write_study(tmp_path, "Compiled", "FitsItself", trials=4, epochs=2)
    code, _, err = finish(nas(tmp_path, "launch", str(path)))
    assert code == 0, err
    compiled, fits_itself = trials_of(tmp_path)[:2]
    assert set(compiled.params) == {
        "family",
        "Compiled/layers",
        "Compiled/units",
        "Compiled/learning_rate",
        "training/batch_size",
    }
    assert set(fits_itself.params) == {
        "family",
        *(f"FitsItself/{name}" for name in ("layers", "units", "learning_rate", "batch_size")),
    }
    assert (compiled.outcome, compiled.epochs) == ("complete", 2)
    assert (fits_itself.outcome, fits_itself.epochs) == ("complete", 2)
    assert fits_itself.training == {}


def test_the_same_graph_is_trained_once_whatever_params_led_to_it(tmp_path):
    path = write_study(tmp_path, "Few", trials=30, epochs=1)
    code, _, err = finish(nas(tmp_path, "launch", str(path)))
    assert code == 0, err
    trials = trials_of(tmp_path)
    trained = [trial for trial in trials if trial.duplicate_of is None]
    keys = [(trial.fingerprint, json.dumps(trial.training, sort_keys=True)) for trial in trained]
    assert len(set(keys)) == len(keys)
    for trial in trials:
        if trial.duplicate_of is not None:
            assert trial.values == trials[trial.duplicate_of].values


def test_one_worker_and_one_seed_give_the_same_study_twice(tmp_path):
    results = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        path = write_study(folder, "Tiny", trials=6, epochs=2, workers=1, strategy="tpe")
        assert finish(nas(folder, "launch", str(path)))[0] == 0
        results.append([(trial.params, trial.values, trial.fingerprint) for trial in trials_of(folder)])
    assert results[0] == results[1]


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 6)])
def test_one_signal_saves_everything_and_resume_finishes(tmp_path, number, expected):
    path = write_study(tmp_path, "Tiny", trials=40, epochs=60)
    process = nas(tmp_path, "launch", str(path))
    wait_for(lambda: any(trial.epochs for trial in begun(tmp_path)))
    os.kill(process.pid, number)
    code, out, err = finish(process)
    assert code == expected, err
    assert "nas resume toy" in " ".join(out.split())
    wait_for(lambda: not orphans(tmp_path))
    before = trials_of(tmp_path)
    cut = [trial for trial in before if trial.outcome is None]
    assert cut
    code, _, err = finish(nas(tmp_path, "resume", "toy", "--trials", str(len(before))))
    assert code == 0, err
    after = trials_of(tmp_path)
    assert len(after) == len(before)
    assert {trial.outcome for trial in after} == {"complete"}
    for trial in cut:
        assert after[trial.number].attempts == 2
        assert after[trial.number].epochs == 60


def test_the_second_signal_ends_it_at_once(tmp_path):
    path = write_study(tmp_path, "Sleeps", trials=4)
    process = nas(tmp_path, "launch", str(path))
    wait_for(lambda: begun(tmp_path))
    os.kill(process.pid, signal.SIGTERM)
    time.sleep(1.0)
    assert process.poll() is None  # it waits for the epoch
    os.kill(process.pid, signal.SIGTERM)
    assert finish(process, timeout=20)[0] == 143
    wait_for(lambda: not orphans(tmp_path))


@pytest.mark.parametrize("end", ["deadline", "kill -9"])
def test_what_a_candidate_started_goes_with_it(tmp_path, end):
    seconds = 6.0 if end == "deadline" else 600.0
    path = write_study(
        tmp_path, "StartsAChild", "Tiny", trials=2, epochs=1, rest=f"[limits]\ntrial_seconds = {seconds}"
    )
    child = tmp_path / "child"
    process = nas(tmp_path, "launch", str(path), NAS_TEST_CHILD=str(child))
    wait_for(child.exists)
    if end == "kill -9":
        process.kill()
    assert finish(process)[0] == (0 if end == "deadline" else -signal.SIGKILL)
    wait_for(lambda: not orphans(tmp_path))


def test_workers_that_cannot_start_are_given_up_with_the_reason(tmp_path):
    path = write_study(tmp_path, "Tiny")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "tensorflow.py").write_text('raise ImportError("libcudart.so is not here")')
    code, out, err = finish(nas(tmp_path, "launch", str(path), PYTHONPATH=str(tmp_path / "broken")))
    assert (code, out) == (1, "")
    assert "libcudart.so is not here" in err
    assert "nas doctor" in err
    assert not (tmp_path / "nas.db").exists()


def test_a_fork_server_that_dies_takes_no_trial_along(tmp_path):
    path = write_study(tmp_path, "Tiny", trials=2, epochs=300)
    process = nas(tmp_path, "launch", str(path))
    wait_for(lambda: any(trial.epochs for trial in begun(tmp_path)))
    servers = [child for child in psutil.Process(process.pid).children() if "forkserver" in " ".join(child.cmdline())]
    for server in servers:
        server.kill()
    code, out, err = finish(process)
    assert code == 0, out + err
    assert servers
    assert [(trial.outcome, trial.epochs) for trial in trials_of(tmp_path)] == [("complete", 300)] * 2
    assert max(trial.attempts for trial in trials_of(tmp_path)) == 2


def test_bad_data_is_refused_before_anything_is_created(tmp_path):
    path = write_study(tmp_path, "Tiny")
    (tmp_path / "toy.npz").write_bytes(b"PK nonsense")
    code, out, err = finish(nas(tmp_path, "launch", str(path)))
    assert (code, out) == (2, "")
    assert err.count("npz:toy.npz") == 1
    assert f"data.source = 'npz:toy.npz': {tmp_path / 'toy.npz'} cannot be read" in err
    assert "Traceback" not in err
    assert not (tmp_path / "nas.db").exists()


def test_a_changed_space_or_other_data_is_refused_with_the_difference(tmp_path):
    path = write_study(tmp_path, "Tiny", trials=2, epochs=1)
    assert finish(nas(tmp_path, "launch", str(path)))[0] == 0
    families = tmp_path / "families.py"
    original = families.read_text()
    families.write_text(original.replace("[8, 16, 32, 64]", "[8, 16]"))
    code, _, err = finish(nas(tmp_path, "resume", "toy", "--trials", "3"))
    assert code == 4
    assert "space" in err
    assert "families.py:Tiny" in err
    code, _, err = finish(nas(tmp_path, "resume", "toy", "--trials", "3", "--allow-changed", "space"))
    assert code == 4
    assert "Tiny/units: one of 8, 16, 32, 64 then; one of 8, 16 now" in err
    assert len(trials_of(tmp_path)) == 2, "it is refused before anything is written"
    families.write_text(original + "\n# a comment changes nothing\n")
    assert finish(nas(tmp_path, "resume", "toy", "--trials", "3"))[0] == 0
    with np.load(tmp_path / "toy.npz") as file:
        x, y = file["x"], file["y"]
    np.savez(tmp_path / "toy.npz", x=x + 1, y=y)
    code, _, err = finish(nas(tmp_path, "resume", "toy", "--trials", "4"))
    assert code == 4
    assert "data" in err
    assert finish(nas(tmp_path, "resume", "toy", "--trials", "4", "--allow-changed", "data"))[0] == 0
    assert len(trials_of(tmp_path)) == 4


def test_a_study_that_runs_is_not_run_twice(tmp_path):
    path = write_study(tmp_path, "Tiny", trials=200, epochs=200)
    process = nas(tmp_path, "launch", str(path))
    wait_for(lambda: begun(tmp_path))
    code, _, err = finish(nas(tmp_path, "resume", "toy"))
    assert code == 4
    assert str(process.pid) in err
    code, out, _ = finish(nas(tmp_path, "status", "toy", "--json"))  # reading goes on meanwhile
    assert code == 0
    assert json.loads(out)["schema"] == 1
    code, _, err = finish(nas(tmp_path, "launch", str(path)))
    assert code == 4
    assert str(process.pid) in err
    process.kill()
    finish(process)
    code, _, err = finish(nas(tmp_path, "launch", str(path)))
    assert code == 4
    assert "nas resume toy" in err
    wait_for(lambda: not orphans(tmp_path))


def test_a_rehearsal_writes_no_database(tmp_path):
    path = write_study(tmp_path, "Tiny", "Raises")
    code, out, err = finish(nas(tmp_path, "launch", str(path), "--dry-run", "--json"))
    assert code == 1, err  # one of the families cannot be built
    assert "families.py:Raises" in err
    members = json.loads(out)["members"]
    assert len(members) == 6
    assert members[0]["weights"] > 0
    assert members[0]["seconds_per_epoch"] > 0
    assert "no such layer" in members[3]["problem"]
    assert not (tmp_path / "nas.db").exists()


def wait_for(condition, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def orphans(folder: Path) -> list[int]:
    """Return the pids of processes of this study that are still alive."""
    mark = str(folder / "nas.db")
    alive = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("NAS_STORAGE") == mark and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process.pid)
        except psutil.Error:
            continue
    return alive


def test_keras_tuners_own_resnet_runs_unchanged(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "toy.npz", x=rng.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8), y=np.arange(60) % 3)
    path = tmp_path / "resnet.toml"
    path.write_text(
        'name = "toy"\n[data]\nsource = "npz:toy.npz"\n'
        '[space]\nfamilies = ["keras_tuner.applications:HyperResNet"]\n'
        "[search]\ntrials = 1\nepochs = 1\nworkers = 1\n"
    )
    code, out, err = finish(nas(tmp_path, "launch", str(path)))
    assert code == 0, out + err
    (trial,) = trials_of(tmp_path)
    assert trial.outcome == "complete"
    assert trial.params["HyperResNet/learning_rate"] == 0.01  # KerasTuner's default: the model keeps its own optimizer
    assert set(trial.training) == {"batch_size"}
    assert trial.cost.macs is not None


def test_candidates_are_timed_as_an_objective_within_a_limit_and_afterwards_in_turns(tmp_path):
    rest = '[objective]\nmaximize = "val_accuracy"\nminimize = ["latency_ms"]\n[limits]\nlatency_ms = 10_000.0'
    path = write_study(tmp_path, "Tiny", trials=3, epochs=1, rest=rest)
    code, _, err = finish(nas(tmp_path, "launch", str(path)))
    assert code == 0, err
    trained = [trial for trial in trials_of(tmp_path) if trial.duplicate_of is None]
    assert all(trial.values[1] > 0 for trial in trained)

    code, out, err = finish(nas(tmp_path, "latency", "toy", "--top", "2", "--batch", "1", "--batch", "4", "--json"))
    assert code == 0, err
    timed = json.loads(out)["latencies"]
    assert len(timed) == min(2, len({trial.fingerprint for trial in trained}))
    assert [[one["batch"], one["threads"]] for one in timed[0]["latencies"]] == [[1, 1], [4, 1]]

    code, out, err = finish(nas(tmp_path, "show", "toy", str(timed[0]["best"]["number"]), "--json"))
    kept = json.loads(out)["latencies"]
    assert [record["alone"] for record in kept] == [False, True, True]  # while it was searched, then by the command
    assert kept[1]["latency"]["median_ms"] == timed[0]["latencies"][0]["median_ms"]


def test_a_candidate_slower_than_allowed_is_turned_away_before_an_epoch(tmp_path):
    path = write_study(tmp_path, "Tiny", trials=2, epochs=1, rest="[limits]\nlatency_ms = 1e-6")
    finish(nas(tmp_path, "launch", str(path)))
    trial = trials_of(tmp_path)[0]
    assert (trial.kind, trial.epochs) == ("rejected", 0)
    assert "ms, 1e-06 allowed (limits.latency_ms)" in trial.message


PRETRAINING = """
name = "pretraining"
[data]
source = "npz:images.npz"
[task]
kind = "simclr"
[space]
families = ["cnn"]
[search]
trials = 2
epochs = 2
workers = 1
"""
STARTED = """
name = "started"
[data]
source = "npz:images.npz"
[space]
start_from = "pretraining"
[search]
trials = 3
epochs = 2
workers = 1
"""


def test_a_study_starts_from_the_encoder_of_another_and_keeps_it(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(240) % 3
    x = rng.normal(100, 30, (240, 8, 8, 1)) + 20 * y[:, None, None, None] * np.eye(8)[None, :, :, None]
    np.savez(tmp_path / "images.npz", x=x.clip(0, 255).astype(np.uint8), y=y)
    for name, text in (("pretraining", PRETRAINING), ("started", STARTED)):
        (tmp_path / f"{name}.toml").write_text(text)
        code, out, err = finish(nas(tmp_path, "launch", f"{name}.toml"))
        assert code == 0, out + err
    old, new = trials_of(tmp_path, "pretraining"), trials_of(tmp_path, "started")
    best = max(old, key=lambda trial: trial.values)
    own = {name: value for name, value in best.params.items() if name.startswith("cnn/")}
    assert own
    for trial in new:
        assert trial.outcome == "complete"
        assert {name: value for name, value in trial.params.items() if name.startswith("cnn/")} == own
        assert trial.training["starts_from"] == f"pretraining/{best.number}"
    assert new[0].training["pretrained_rate"] == 1.0  # by default an encoder of one's own goes on as fast as its head
    assert len({trial.fingerprint for trial in new}) == 1
    assert len({json.dumps(trial.training, sort_keys=True) for trial in new}) == 3
    assert_starts_with_its_weights(tmp_path, new[0], best)
    for weights in (tmp_path / "nas.db.files" / "study-1").glob("trial-*.npz"):
        weights.unlink()
    code, out, err = finish(nas(tmp_path, "resume", "started", "--trials", "4"))
    assert code == 0, out + err
    assert trials_of(tmp_path, "started")[3].training["starts_from"] == f"pretraining/{best.number}"


def assert_starts_with_its_weights(folder: Path, trial: TrialRecord, best: TrialRecord) -> None:
    """Build what `trial` was before its first epoch: its encoder is what `best` had become."""
    from nas.conversation import Evaluate, Start
    from nas.data_card import DataCard
    from nas.training.candidate import build
    from nas.training.hyperparameters import from_params

    engine = open_read_only(storage_url(str(folder / "nas.db")))
    card = TypeAdapter(DataCard).validate_python(queries.study(engine, "started").data)
    files = folder / "nas.db.files"
    start = Start(f"pretraining/{best.number}", "cnn", {}, str(files / "study-2" / "start.npz"))
    order = Evaluate(trial.number, "cnn", card, "classification", 0, 1, 1, "", str(folder), trial.params, start=start)
    encoder = build(order, from_params(trial.params)).encoder
    with np.load(files / "study-1" / f"trial-{best.number}.npz") as file:
        kept = [file[f"v{place}"] for place, _ in json.loads(file["manifest"].tobytes())["encoder"]]
    assert len(kept) == len(encoder) > 0
    for weight, value in zip(encoder, kept, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)
