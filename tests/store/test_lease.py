from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from nas.errors import StudyRunning
from nas.store import queries
from nas.store.engine import open_read_only
from nas.store.lease import SILENCE, is_alive, this_process
from nas.store.ledger import Ledger
from nas.store.models import Session

from .small import begin, hold, run_trial, session

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
US = this_process()
JUST, LONG_AGO = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def zombie_pid() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.communicate()


@pytest.mark.parametrize("ago", [JUST, LONG_AGO, -LONG_AGO])
def test_here_the_process_table_knows_whatever_the_clock_says(ago: timedelta, dead_pid: int, zombie_pid: int) -> None:
    assert is_alive(US, NOW - ago, NOW)
    assert not is_alive(replace(US, pid=dead_pid), NOW - ago, NOW)
    assert not is_alive(replace(US, pid=zombie_pid), NOW - ago, NOW)
    assert not is_alive(replace(US, process_started=US.process_started - 60), NOW - ago, NOW)  # the pid of another


@pytest.mark.parametrize(
    "elsewhere", [{"host": "other"}, {"boot_id": "before-the-reboot"}, {"host": "x", "boot_id": ""}]
)
def test_elsewhere_only_silence_tells(elsewhere: dict[str, str], dead_pid: int) -> None:
    holder = replace(US, pid=dead_pid, **elsewhere)
    assert is_alive(holder, NOW - SILENCE, NOW)
    assert not is_alive(holder, NOW - SILENCE - timedelta(seconds=1), NOW)


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="there are no namespaces of pids")
def test_of_a_process_in_another_container_only_silence_tells(dead_pid: int) -> None:
    boot, namespace = US.boot_id.split(" ", 1)
    assert namespace == str(Path("/proc/self/ns/pid").readlink())
    holder = replace(US, pid=dead_pid, boot_id=f"{boot} pid:[1]")  # host and boot are the same, the pids are others
    assert is_alive(holder, NOW - JUST, NOW)
    assert not is_alive(holder, NOW - LONG_AGO, NOW)


def test_a_living_holder_is_named(any_url: str) -> None:
    begin(any_url)
    ledger = hold(any_url)
    with pytest.raises(StudyRunning) as caught:
        hold(any_url)
    assert (caught.value.pid, caught.value.host) == (os.getpid(), socket.gethostname())
    ledger.close("done")
    hold(any_url).close("done")


def test_a_dead_holders_lease_is_taken_over_with_its_open_attempts(any_url: str, dead_pid: int) -> None:
    begin(any_url)
    ledger = Ledger.open(any_url, "digits", session(replace(US, pid=dead_pid)))
    run_trial(ledger, [0.5])
    cut_short = run_trial(ledger, [0.6], finished=False)
    ledger.flush()

    heir = hold(any_url)
    assert [trial._trial_id for trial in heir.unfinished()] == [cut_short]
    assert heir.start_attempt(cut_short, worker=1, family="cnn") == 2
    heir.end_attempt(cut_short, "interrupted", "Ctrl-C")
    heir.close("interrupted")

    engine = open_read_only(any_url)
    attempts = queries.trial(engine, 1, 1).attempts
    assert [(attempt.outcome, attempt.ended is not None) for attempt in attempts] == [
        ("lost", True),
        ("interrupted", True),
    ]
    assert [(event.kind, event.trial) for event in queries.events(engine, 1)] == [("takeover", None), ("lost", 1)]
    study = queries.study(engine, "digits")
    assert [session.ending for session in study.sessions] == [None, "interrupted"]
    assert study.running is None
    engine.dispose()
    ledger._engine.dispose()


def test_who_was_taken_for_dead_writes_no_more(any_url: str) -> None:
    begin(any_url)
    silent = Ledger.open(any_url, "digits", session(replace(US, host="other")))
    run_trial(silent, [0.5])
    silent.flush()
    with silent._engine.begin() as connection:  # as if it had been suspended
        connection.execute(update(Session).values(renewed=datetime.now(UTC) - timedelta(minutes=2)))

    heir = hold(any_url)
    silent.event("late", "I was only asleep.")
    with pytest.raises(StudyRunning, match=str(os.getpid())):
        silent.flush()
    heir.close("done")
    engine = open_read_only(any_url)
    assert [event.kind for event in queries.events(engine, 1)] == ["takeover"]
    engine.dispose()
    silent._engine.dispose()


def test_of_four_that_open_at_once_one_wins(any_url: str, tmp_path: Path) -> None:
    begin(any_url)
    script = """
import sys, time
from pathlib import Path
from nas.errors import StudyRunning
from nas.store.ledger import Ledger
from tests.store.small import session
url, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
(folder / f"{name}.ready").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
try:
    ledger = Ledger.open(url, "digits", session())
    print("won", flush=True)
    input()
    ledger.close("done")
except StudyRunning:
    print("lost", flush=True)
"""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", script, any_url, str(tmp_path), str(i)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(4)
    ]
    while len(list(tmp_path.glob("*.ready"))) < 4:
        time.sleep(0.01)
    (tmp_path / "go").touch()
    answers = [racer.stdout.readline().strip() for racer in racers if racer.stdout]
    for racer in racers:
        racer.communicate("\n")
    assert sorted(answers) == ["lost", "lost", "lost", "won"]
    assert all(racer.returncode == 0 for racer in racers)
