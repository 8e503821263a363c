"""Killed again and again, at any moment, coordinator and workers alike: nothing finished is lost or done twice."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import sqlalchemy

from nas.store import queries
from nas.store.engine import open_read_only, storage_url
from nas.store.records import TrialDetail
from tests.real import finish, nas, write_study

pytestmark = [pytest.mark.tf, pytest.mark.timeout(420)]

COORDINATOR_KILLS, WORKER_KILLS = 8, 16
TRIALS, EPOCHS = 200, 20


def details(folder: Path) -> list[TrialDetail]:
    engine = open_read_only(storage_url(str(folder / "nas.db")))
    study = queries.study(engine, "toy")
    return [queries.trial(engine, study.id, trial.number) for trial in queries.trials(engine, study.id)]


def children_of(coordinator: subprocess.Popen[str]) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """The processes that train, and the server they are forked from."""
    try:
        servers = [child for child in psutil.Process(coordinator.pid).children() if child.children()]
        return [worker for server in servers for worker in server.children()], servers
    except psutil.Error:
        return [], []


def victim(coordinator: subprocess.Popen[str], rng: random.Random) -> int | None:
    """A worker; now and then the server they are forked from."""
    workers, servers = children_of(coordinator)
    several = servers if rng.random() < 0.15 else workers
    return rng.choice(several).pid if several else None


def kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def await_work(folder: Path, coordinator: subprocess.Popen[str]) -> None:
    """Wait until workers are there, or everything is over."""
    deadline = time.monotonic() + 60
    while not children_of(coordinator)[0] and coordinator.poll() is None:
        assert time.monotonic() < deadline, "no worker in 60 s"
        time.sleep(0.02)


def test_nothing_finished_is_lost_and_nothing_is_done_twice(tmp_path):
    rng = random.Random(2026)
    path = write_study(tmp_path, "Tiny", trials=TRIALS, epochs=EPOCHS, pruner="asha", workers=2)
    finished_before: dict[int, tuple[object, ...]] = {}
    epochs_before: dict[int, int] = {}
    killed = {"coordinator": 0, "worker": 0}
    words = ("launch", str(path))
    while killed["coordinator"] < COORDINATOR_KILLS:
        coordinator = nas(tmp_path, *words)
        await_work(tmp_path, coordinator)
        for _ in range(WORKER_KILLS // COORDINATOR_KILLS):
            time.sleep(rng.uniform(0.1, 1.2))
            if (pid := victim(coordinator, rng)) is not None:
                killed["worker"] += kill(pid)
        time.sleep(rng.uniform(0.0, 1.0))
        both = rng.random() < 0.5
        if both and (pid := victim(coordinator, rng)) is not None:
            killed["worker"] += kill(pid)
        alive = children_of(coordinator)[0]
        was_running = coordinator.poll() is None
        killed["coordinator"] += kill(coordinator.pid)
        _, _, err = finish(coordinator)
        gone = psutil.wait_procs(alive, timeout=15)
        assert not gone[1], "a worker outlived its coordinator"
        if (tmp_path / "nas.db").exists():
            words = ("resume", "toy")
            check(details(tmp_path), finished_before, epochs_before)
        assert was_running, f"the study ended before it was killed often enough: make it longer\n{err}"

    code, out, err = finish(nas(tmp_path, "resume", "toy"))
    assert code == 0, out + err
    final = details(tmp_path)
    check(final, finished_before, epochs_before)
    assert killed["coordinator"] + killed["worker"] >= 20
    assert all(detail.trial.outcome is not None for detail in final)
    counted = [detail for detail in final if detail.trial.duplicate_of is None and detail.trial.kind != "rejected"]
    engine = open_read_only(storage_url(str(tmp_path / "nas.db")))
    study = queries.study(engine, "toy")
    assert (len(counted), study.race_budget) == (170, 30)
    races = queries.evaluations(engine, study.id)
    assert len(races) == len({(race.trial, race.seed) for race in races}) == 30
    for race in races:
        assert race.outcome == "complete" or race.kind == "killed", race.message
        assert [epoch.step for epoch in race.curve] == list(range(1, len(race.curve) + 1))
    repeated = [event.trial for event in queries.events(engine, study.id) if event.kind == "epoch repeated"]
    attempts = {detail.trial.number: detail.trial.attempts for detail in final}
    for number in repeated:  # at most one epoch for each time a trial was taken up again
        assert repeated.count(number) <= attempts[number] - 1
    with sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'nas.db'}").connect() as connection:
        assert connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"
    assert not list((tmp_path / "nas.db.files").rglob(".*-*.npz*"))  # no half-written checkpoint is left


def check(found: list[TrialDetail], finished: dict[int, tuple[object, ...]], epochs: dict[int, int]) -> None:
    """Hold every invariant of a resumed study against what was seen before."""
    assert [detail.trial.number for detail in found] == list(range(len(found)))
    for detail in found:
        trial = detail.trial
        steps = [epoch.step for epoch in detail.epochs]
        assert steps == list(range(1, len(steps) + 1)), f"trial {trial.number} has gaps: {steps}"
        assert trial.epochs >= epochs.get(trial.number, 0), "an epoch was lost"
        epochs[trial.number] = trial.epochs
        if trial.number in finished:
            now = (trial.outcome, trial.values, trial.params, trial.ended, trial.attempts)
            assert now == finished[trial.number], f"trial {trial.number} changed after it had finished"
        elif trial.outcome is not None:
            finished[trial.number] = (trial.outcome, trial.values, trial.params, trial.ended, trial.attempts)
            assert trial.outcome != "failed" or trial.kind == "killed", trial.message
        if trial.outcome == "complete" and trial.duplicate_of is None:
            assert trial.epochs == EPOCHS
