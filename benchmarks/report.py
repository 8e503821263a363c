"""How long a report takes, and how large it is: ``python -m benchmarks.report [TRIALS ...]``.

Each report is written by a process of its own, imports included, from a database that is made up here. What counts is
how long somebody waits, on two cores; the seconds of the processor are told beside it, which other work does not change
as much.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import insert

from nas.store import models
from nas.store.engine import open_for_writing, storage_url
from nas.store.ledger import create_study
from tests.report.samples import FILE, digits, resnet_graph

COUNTS = (1_000, 10_000)
LIMITS = {1_000: (2.0, 2_000_000), 10_000: (5.0, 3_000_000)}
"""Seconds and bytes that a report may take."""
RATE = {"name": "FloatDistribution", "attributes": {"step": None, "low": 1e-5, "high": 1e-1, "log": True}}


def make(path: Path, count: int) -> None:
    """Write a study of `count` trials, of which three in five are complete."""
    url = storage_url(str(path))
    objectives = [("val_accuracy", "maximize")]
    create_study(url, name="digits", file=FILE, base=".", objectives=objectives, trials=count, hours=None)
    data, random = digits(count), Random(0)
    rows: dict[Any, list[dict[str, Any]]] = {
        models.Architecture: [], models.Trial: [], models.TrialParam: [], models.TrialValue: [], models.Epoch: [],
    }  # fmt: skip
    graph, known = [asdict(node) for node in resnet_graph()], set()
    for trial in data.trials:
        identity = trial.number + 1
        if trial.fingerprint not in known:
            known.add(trial.fingerprint)
            cost = {name: getattr(trial.cost, name) for name in ("weights", "macs", "memory", "unknown")}
            rows[models.Architecture].append({"fingerprint": trial.fingerprint, "graph": graph} | cost)
        state = {"complete": "COMPLETE", "pruned": "PRUNED"}.get(trial.outcome or "", "FAIL")
        plain = (
            "number",
            "outcome",
            "kind",
            "message",
            "traceback",
            "family",
            "training",
            "fingerprint",
            "duplicate_of",
        )
        told = {name: getattr(trial, name) for name in (*plain, "duplicate_of", "started", "ended", "metrics")}
        rows[models.Trial].append({"id": identity, "study_id": 1, "state": state} | told)
        for position in range(12):
            param: Mapping[str, Any] = {"name": f"training/choice{position}", "value": 10 ** random.uniform(-5, -1)}
            rows[models.TrialParam].append({"trial_id": identity, "position": position, "distribution": RATE, **param})
        if trial.outcome == "complete":
            rows[models.TrialValue].append({"trial_id": identity, "objective": 0, "value": (trial.values or (0,))[0]})
        for epoch in data.curves.get(trial.number, ()):
            metrics = {"val_accuracy": epoch.value, "accuracy": epoch.value, "loss": 1 - epoch.value}
            row = {"step": epoch.step, "value": epoch.value, "metrics": metrics, "seconds": 0.25}
            rows[models.Epoch].append({"trial_id": identity} | row)
    engine = open_for_writing(url, create=False)
    with engine.begin() as connection:
        for model, some in rows.items():
            connection.execute(insert(model), some)
    engine.dispose()


def main(counts: list[int]) -> None:
    """Print a line for each count."""
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            database, page = Path(folder) / "nas.db", Path(folder) / "page.html"
            make(database, count)
            command = [sys.executable, "-m", "nas", "report", "digits", "--storage", str(database), "-o", str(page)]
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            size = page.stat().st_size
        limit = LIMITS.get(count)
        within = "" if limit is None else " within" if took <= limit[0] and size <= limit[1] else " OVER"
        bounds = "" if limit is None else f"{within} {limit[0]:g} s and {limit[1]:,} bytes"
        print(f"{count:>7,} trials: {took:.2f} s, {used:.2f} s of the processor, {size:,} bytes{bounds}")


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or list(COUNTS))
