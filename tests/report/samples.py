"""Studies as a report gets them: plain records, made here, the same on every run."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from nas.architecture import Cost, Node
from nas.ranking import Ranked
from nas.report import ReportData
from nas.store.evaluation_records import (
    EmbeddingRecord,
    EnsembleMember,
    EpochRecord,
    EvaluationRecord,
    Interval,
    LookRecord,
    Projection,
)
from nas.store.queries import COUNTED
from nas.store.records import EventRecord, Holder, SessionRecord, StudyRecord, TrialRecord, counted_as, spent

BEGAN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NOW = BEGAN + timedelta(hours=2)
HOLDER = Holder(pid=4242, host="bench", boot_id="b", process_started=1.0)

FILE = """\
name = "digits"

[data]
source = "sklearn:digits"

[space]
families = ["cnn", "resnet", "vit"]

[search]
trials = 60
hours = 1.0
epochs = 12
seed = 0

[objective]
maximize = "val_accuracy"
"""


def trial(number: int, **changes: Any) -> TrialRecord:
    """A complete trial of an architecture of its own."""
    record = TrialRecord(
        number=number,
        outcome="complete",
        kind=None,
        message=None,
        traceback=None,
        values=(0.5,),
        params={"cnn/width": 32, "training/optimizer": "adam"},
        family="cnn",
        training={"optimizer": "adam", "learning_rate": 0.00123, "batch_size": 64},
        fingerprint=hashlib.sha256(str(number).encode()).hexdigest(),
        cost=Cost(weights=1000, macs=5000, memory=4096),
        duplicate_of=None,
        started=BEGAN + timedelta(seconds=3 * number),
        ended=BEGAN + timedelta(seconds=3 * number + 3),
        epochs=12,
        seconds=3.0,
        metrics={"val_accuracy": 0.5},
        attempts=1,
    )
    return replace(record, **changes)


def ranked(trial: TrialRecord, place: int = 1, **changes: Any) -> Ranked:
    """An architecture's place, with that trial alone, before a race."""
    return replace(Ranked(place, 1, trial, (trial.number,)), **changes)


def fresh(number: int, trial: int, score: float | None, between: Sequence[int], **changes: Any) -> EvaluationRecord:
    """A training of a race; a score of ``None`` is a failure. A trial's seeds are to be counted by the caller."""
    record = EvaluationRecord(
        number=number,
        purpose="race",
        trial=trial,
        seed=0,
        plan={"between": list(between)},
        epochs=12,
        outcome="failed" if score is None else "complete",
        kind="oom" if score is None else None,
        message="out of memory" if score is None else None,
        traceback=None,
        score=math.nan if score is None else score,
        curve=(),
        attempts=1,
        started=BEGAN,
        ended=BEGAN + timedelta(seconds=3),
    )
    return replace(record, **changes)


def race(scores: Mapping[int, Sequence[float | None]], between: Sequence[int] | None = None) -> list[EvaluationRecord]:
    """A race: what each trial came to, seed by seed."""
    told = [(trial, seed, score) for trial, of in scores.items() for seed, score in enumerate(of)]
    members = list(scores) if between is None else between
    return [fresh(number, trial, score, members, seed=seed) for number, (trial, seed, score) in enumerate(told)]


def embedding(trial: int, classes: int = 10, examples: int = 500, **changes: Any) -> EmbeddingRecord:
    """What the vectors of a trial are worth: a cloud for each class, of sizes that fall."""
    random = Random(classes)
    centres = [(random.gauss(0, 3), random.gauss(0, 3)) for _ in range(classes)]
    labels = tuple(min(int(classes * random.random() ** 1.3), classes - 1) for _ in range(examples))
    points = [(random.gauss(centres[label][0], 0.6), random.gauss(centres[label][1], 0.6)) for label in labels]
    x, y = (tuple(round(value, 4) for value in column) for column in zip(*points, strict=True))
    names = tuple(str(n) if classes <= 10 else f"class_of_a_long_name_{n}" for n in range(classes))
    record = EmbeddingRecord(
        trial=trial,
        evaluation=None,
        at=NOW,
        split="validation",
        layer=None,
        normalised=False,
        width=64,
        neighbours=5,
        knn=Interval(0.9722, 0.9499, 0.9848),
        probe=Interval(0.9639, 0.9393, 0.9787),
        converged=True,
        train=1077,
        examples=max(examples, 360),
        projection=Projection((0.4312, 0.2101), x, y, labels, names),
    )
    return replace(record, **changes)


def look(number: int, trial: int | None, value: float, **changes: Any) -> LookRecord:
    """A measurement on the test split."""
    found = {"val_accuracy": Interval(value, value - 0.01, value + 0.01)}
    return replace(LookRecord(number, trial, None, NOW, 360, found), **changes)


def tuned() -> ReportData:
    """Two finalists, fine-tuned, measured on the test split, together as well, and what their vectors are worth."""
    data = digits()
    first, second = 12, 45
    trainings = [
        fresh(number, of, score, (), purpose="finetune", plan={"stage": "full length", "origin": "scratch"})
        for number, (of, score) in enumerate([(first, 0.98), (second, 0.97)])
    ]
    looks = (
        look(0, first, 0.975, evaluation=0),
        look(1, second, 0.965, evaluation=1),
        look(2, None, 0.985, members=(EnsembleMember(first, 0, 2), EnsembleMember(second, 1, 1))),
    )
    measured = (embedding(first, evaluation=0), embedding(second, classes=77))
    return replace(data, evaluations=tuple(trainings), looks=looks, embeddings=measured)


def session(number: int = 1, **changes: Any) -> SessionRecord:
    started = BEGAN + timedelta(minutes=30 * (number - 1))
    record = SessionRecord(
        id=number,
        command="nas launch studies/digits.toml" if number == 1 else "nas resume digits",
        holder=HOLDER,
        seed=0,
        versions={"python": "3.11.9", "tensorflow": "2.21.0", "keras": "3.15.1", "optuna": "5.0.0", "nas": "0.1.0"},
        space_fingerprints={"cnn": "11" * 32, "resnet": "22" * 32, "vit": "33" * 32},
        data_fingerprint="ab" * 32,
        commit="3f2c1d0e9b8a7f6e5d4c3b2a19081726354a5b6c",
        started=started,
        renewed=started + timedelta(minutes=4),
        ended=started + timedelta(minutes=4),
        ending="The budget is used up.",
        machine="2 cores (AMD EPYC), 24 GiB of memory, Linux x86_64, CPython 3.11.9",
    )
    return replace(record, **changes)


def study(trials: Sequence[TrialRecord] = (), **changes: Any) -> StudyRecord:
    keys = [counted_as(trial.outcome, trial.kind, is_duplicate=trial.duplicate_of is not None) for trial in trials]
    counts = {key: keys.count(key) for key in COUNTED}
    record = StudyRecord(
        id=1,
        name="digits",
        created=BEGAN,
        file=FILE,
        base="studies",
        directions=("maximize",),
        objectives=("val_accuracy",),
        trials_budget=60,
        hours_budget=1.0,
        data={
            "source": "sklearn:digits",
            "fingerprint": "ab" * 32,
            "folder": "studies/.data/ab",
            "input_shape": [8, 8, 1],
            "classes": 10,
            "class_names": [str(n) for n in range(10)],
            "examples": {"train": 1077, "validation": 360, "test": 360},
            "class_counts": {},
        },
        sessions=(session(),),
        counts=counts,
        running=None,
    )
    return replace(record, **changes)


def curve(last: float, epochs: int, random: Random) -> tuple[EpochRecord, ...]:
    """A learning curve that rises to `last`."""
    values = [last * (1 - 0.75 * math.exp(-0.55 * step)) + random.gauss(0, 0.004) for step in range(1, epochs)]
    return tuple(
        EpochRecord(step, value, {"val_accuracy": value}, 0.25) for step, value in enumerate([*values, last], start=1)
    )


def report_data(trials: Sequence[TrialRecord] = (), **changes: Any) -> ReportData:
    """A report's data with rising curves for all trials and a graph for each that has a known family."""
    random = Random(0)
    curves = {t.number: curve((t.values or (0.3,))[0], t.epochs, random) for t in trials if t.epochs}
    makers = {"cnn": cnn_graph, "resnet": resnet_graph, "vit": vit_graph}
    graphs = {t.number: makers[t.family]() for t in trials if t.family in makers and t.outcome == "complete"}
    return replace(ReportData(study(trials), tuple(trials), curves, graphs, ()), **changes)


def digits(count: int = 60) -> ReportData:
    """A finished study with everything in it: three families, pruned, failed, duplicates, a second session."""
    random = Random(7)
    trials = [_digits_trial(number, random) for number in range(count)]
    trials = [trial if trial.duplicate_of is None else _replayed(trial, trials) for trial in trials]
    first = session(1, ended=None, ending=None)
    second = session(2)
    record = study(trials, sessions=(first, second))
    record = replace(record, trials_budget=spent(record.counts))
    events = (
        EventRecord(second.started, "takeover", "Process 4242 on bench is gone; its lease was taken over.", session=2),
        EventRecord(second.started, "interrupted", "Trial 31 goes on from epoch 6.", trial=31, session=2),
    )
    return report_data(trials, study=record, events=events)


def _replayed(trial: TrialRecord, trials: Sequence[TrialRecord]) -> TrialRecord:
    original = trials[trial.duplicate_of or 0]
    return replace(trial, values=original.values, metrics=original.metrics, family=original.family, cost=original.cost)


def _digits_trial(number: int, random: Random) -> TrialRecord:
    family = random.choice(["cnn", "resnet", "vit"])
    score = min(0.9917, random.gauss({"cnn": 0.95, "resnet": 0.965, "vit": 0.92}[family], 0.02))
    seconds = random.uniform(2, 9)
    changes: dict[str, Any] = {
        "family": family,
        "values": (score,),
        "params": {f"{family}/depth": random.randint(1, 4), "training/optimizer": "adam"},
        "training": {
            "optimizer": random.choice(["adam", "sgd"]),
            "learning_rate": 10 ** random.uniform(-4, -1),
            "schedule": "cosine",
            "weight_decay": 10 ** random.uniform(-6, -2),
            "batch_size": random.choice([32, 64, 128]),
        },
        "cost": Cost(random.randrange(5_000, 200_000), random.randrange(100_000, 9_000_000), 65536),
        "seconds": seconds,
        "metrics": {"val_accuracy": score, "val_loss": 1.1 - score, "latency_ms": random.uniform(0.2, 1.5)},
        "attempts": 2 if number == 31 else 1,
    }
    fate = random.random()
    if fate < 0.38 and number != 31:
        changes |= {
            "outcome": "pruned",
            "epochs": random.choice([1, 2, 4]),
            "values": (score * random.uniform(0.3, 0.8),),
        }
    elif fate < 0.48:
        changes |= _digits_failure(number, random)
    elif fate < 0.54 and number > 10:
        changes |= {"duplicate_of": 3, "epochs": 0, "seconds": 0.0, "fingerprint": hashlib.sha256(b"3").hexdigest()}
    return trial(number, **changes)


def _digits_failure(number: int, random: Random) -> dict[str, Any]:
    kind, message = random.choice(
        [
            ("rejected", f"{200_000 + 1_993 * number:,} weights, 200,000 allowed (limits.weights)"),
            ("oom", "The worker was killed: out of memory (2.1 GB)."),
            ("nan", "The loss became NaN in epoch 2."),
        ]
    )
    traceback = 'Traceback (most recent call last):\n  File "loop.py", line 80, in train\nValueError: loss is nan\n'
    return {
        "outcome": "failed",
        "kind": kind,
        "message": message,
        "traceback": traceback if kind == "nan" else None,
        "values": None,
        "epochs": 0 if kind == "rejected" else 1,
        "seconds": 0.4,
    }


# ------------------------------------------------------------------------------------------------ graphs


class Graph:
    """Builds nodes one after another; `add` returns the id of the new one."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def add(
        self, layer: str, shape: tuple[int | None, ...], *inputs: str, weights: int = 0, macs: int = 0, **settings: Any
    ) -> str:
        name = f"{layer.lower()}_{len(self.nodes)}"
        self.nodes.append(Node(name, layer, name, shape, settings, inputs, weights, macs))
        return name

    def conv(self, shape: tuple[int, int, int], x: str, kernel: int = 3, strides: int = 1) -> str:
        weights = kernel * kernel * 32 * shape[2]
        return self.add(
            "Conv2D", shape, x, weights=weights, macs=weights * shape[0] * shape[1],
            filters=shape[2], kernel_size=[kernel, kernel], strides=[strides, strides],
        )  # fmt: skip

    def norm_relu(self, shape: tuple[int, int, int], x: str) -> str:
        return self.add("ReLU", shape, self.add("BatchNormalization", shape, x, weights=4 * shape[2]))

    def head(self, x: str, width: int) -> tuple[Node, ...]:
        x = self.add("GlobalAveragePooling2D", (width,), x)
        self.add("Dense", (10,), x, weights=width * 10 + 10, macs=width * 10, units=10, activation="softmax")
        return tuple(self.nodes)


def cnn_graph() -> tuple[Node, ...]:
    g = Graph()
    x, size = g.add("InputLayer", (8, 8, 1)), 8
    for width in (32, 64):
        shape = (size, size, width)
        for _ in range(2):
            x = g.norm_relu(shape, g.conv(shape, x))
        size //= 2
        x = g.add("MaxPooling2D", (size, size, width), x, pool_size=[2, 2])
    return g.head(g.add("Dropout", (2, 2, 64), x, rate=0.25), 64)


def resnet_graph() -> tuple[Node, ...]:
    g = Graph()
    x = g.norm_relu((8, 8, 16), g.conv((8, 8, 16), g.add("InputLayer", (8, 8, 1))))
    for size, width, blocks in ((8, 16, 2), (4, 32, 3), (2, 64, 3)):
        for block in range(blocks):
            x = _residual(g, x, (size, size, width), downsample=block == 0 and size < 8)
    return g.head(x, 64)


def _residual(g: Graph, x: str, shape: tuple[int, int, int], *, downsample: bool) -> str:
    y = g.norm_relu(shape, g.conv(shape, x, strides=2 if downsample else 1))
    y = g.add("BatchNormalization", shape, g.conv(shape, y), weights=4 * shape[2])
    shortcut = g.conv(shape, x, kernel=1, strides=2) if downsample else x
    return g.add("ReLU", shape, g.add("Add", shape, y, shortcut))


def vit_graph(depth: int = 4) -> tuple[Node, ...]:
    g = Graph()
    x = g.add("InputLayer", (8, 8, 1))
    x = g.add("Conv2D", (4, 4, 48), x, filters=48, kernel_size=[2, 2], strides=[2, 2], weights=240, macs=3072)
    x = g.add("PositionEmbedding", (16, 48), g.add("Reshape", (16, 48), x), weights=768)
    for _ in range(depth):
        y = g.add("LayerNormalization", (16, 48), x, weights=96)
        y = g.add("MultiHeadAttention", (16, 48), y, y, num_heads=4, key_dim=12, weights=9408, macs=172_032)
        x = g.add("Add", (16, 48), x, y)
        y = g.add("LayerNormalization", (16, 48), x, weights=96)
        y = g.add("Dense", (16, 96), y, units=96, activation="gelu", weights=4704, macs=73_728)
        y = g.add("Dense", (16, 48), y, units=48, weights=4656, macs=73_728)
        x = g.add("Add", (16, 48), x, g.add("Dropout", (16, 48), y, rate=0.1))
    x = g.add("GlobalAveragePooling1D", (48,), g.add("LayerNormalization", (16, 48), x, weights=96))
    g.add("Dense", (10,), x, units=10, activation="softmax", weights=490, macs=480)
    return tuple(g.nodes)


def bottleneck_graph(blocks: Sequence[int] = (3, 4, 6, 3)) -> tuple[Node, ...]:
    """A ResNet-50: some 180 nodes."""
    g = Graph()
    x = g.add("ZeroPadding2D", (230, 230, 3), g.add("InputLayer", (224, 224, 3)))
    x = g.norm_relu((112, 112, 64), g.conv((112, 112, 64), x, kernel=7, strides=2))
    x, size = g.add("MaxPooling2D", (56, 56, 64), g.add("ZeroPadding2D", (114, 114, 64), x)), 56
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        for block in range(count):
            x = _bottleneck(g, x, size, width, project=block == 0)
        size //= 2
    return g.head(x, width * 4)


def _bottleneck(g: Graph, x: str, size: int, width: int, *, project: bool) -> str:
    narrow, wide = (size, size, width), (size, size, 4 * width)
    shortcut = g.add("BatchNormalization", wide, g.conv(wide, x, kernel=1)) if project else x
    y = g.norm_relu(narrow, g.conv(narrow, x, kernel=1))
    y = g.norm_relu(narrow, g.conv(narrow, y))
    y = g.add("BatchNormalization", wide, g.conv(wide, y, kernel=1))
    return g.add("ReLU", wide, g.add("Add", wide, shortcut, y))


def two_inputs_graph() -> tuple[Node, ...]:
    g = Graph()
    image, table = g.add("InputLayer", (8, 8, 1)), g.add("InputLayer", (5,))
    x = g.add("Flatten", (1152,), g.norm_relu((6, 6, 32), g.conv((6, 6, 32), image)))
    y = g.add("Dense", (16,), table, units=16, activation="relu", weights=96, macs=80)
    g.add("Dense", (10,), g.add("Concatenate", (1168,), x, y), units=10, weights=11690, macs=11680)
    return tuple(g.nodes)


def dense_net_graph(layers: int = 150) -> tuple[Node, ...]:
    """Every layer widens the output: as many shapes as layers."""
    g = Graph()
    x, width = g.add("InputLayer", (8, 8, 1)), 1
    for _ in range(layers):
        y = g.conv((8, 8, 12), x)
        width += 12
        x = g.add("Concatenate", (8, 8, width), x, y)
    return g.head(x, width)
