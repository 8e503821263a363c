"""Signals that end a study."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from nas.cli.output import Output
from nas.cli.stopped import nothing_half
from nas.search.stopping import StopSignals


@pytest.mark.parametrize(
    ("name", "asked", "once", "twice"), [("SIGINT", "Ctrl-C", 130, 130), ("SIGTERM", "SIGTERM", 6, 143)]
)
def test_once_is_in_good_order_and_twice_at_once_and_the_handlers_come_back(name, asked, once, twice):
    number = signal.Signals[name]
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert (signals.asked, signals.at_once) == (None, False)
        os.kill(os.getpid(), number)
        assert (signals.asked, signals.at_once, signals.exit_code) == (asked, False, once)
        os.kill(os.getpid(), number)
        assert (signals.at_once, signals.exit_code) == (True, twice)
    assert signal.getsignal(number) is before


def test_in_another_thread_a_study_runs_without_listening():
    heard = []

    def run():
        with StopSignals() as signals:
            heard.append(signals.asked)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert heard == [None]


def test_who_ignores_the_end_of_its_terminal_goes_on():
    """That is what ``nohup`` does, under which this may run itself."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as signals, nothing_half(Output()):
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.asked is None
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        with StopSignals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.asked == "SIGHUP"
    finally:
        signal.signal(signal.SIGHUP, before)
