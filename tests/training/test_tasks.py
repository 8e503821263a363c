"""What every task keeps to, on data with a rule that a small encoder finds in seconds."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas import catalogue
from nas.conversation import Ask, Built, Continue, Epoch, Evaluate, Finished, Prepared, Train, Value, decode, encode
from nas.data.options import DataSection
from nas.data.prepared import open_split, prepare
from nas.data_card import DataCard
from nas.ranking import is_better


@dataclass
class Defaults:
    """A coordinator that says yes to everything, and decides as it is told or else for the default."""

    decided: dict[str, Any] = field(default_factory=dict)
    said: list[Any] = field(default_factory=list)

    def send(self, message: Any) -> None:
        self.said.append(message)

    def receive(self) -> Any:
        match self.said[-1]:
            case Ask(name, _, default):
                return Value(self.decided.get(name, default))
            case Built():
                return Train()
            case Epoch():
                return Continue()
        raise AssertionError(self.said[-1])


def points(rng, features=6, examples=400):
    return rng.normal(size=(examples, features)).astype("float32")


def classification(rng):
    x = points(rng)
    return {"x": x, "y": np.digitize(x[:, 0], [-0.5, 0.8])}


def multilabel(rng):
    x = points(rng)
    marks = [["low" if a < 0 else "high", *(["rare"] if b > 1 else [])] for a, b in x[:, :2]]
    return {"x": x, "y": np.array([", ".join(labels) for labels in marks])}


def regression(rng):
    x = points(rng)
    return {"x": x, "y": np.stack([1000 + 50 * x[:, 0], x[:, 1] - x[:, 2]], axis=1)}


def tagging(rng):
    x = rng.normal(size=(200, 12, 3)).astype("float32")
    y = np.where(x[:, :, 0] + np.roll(x[:, :, 1], 1, axis=1) > 0.4, "up", "down")
    y[:100, 9:] = ""
    return {"x": x, "y": y}


def transcription(rng):
    """Each symbol sounds for two frames; one of silence is between two of them."""
    words = ["".join(rng.choice(list("abc"), rng.integers(1, 5))) for _ in range(300)]
    x = 0.3 * rng.normal(size=(300, 16, 4)).astype("float32")
    for row, word in enumerate(words):
        for place, letter in enumerate(word):
            x[row, 3 * place : 3 * place + 2, "abc".index(letter)] += 2
    return {"x": x, "y": np.array(words)}


def metric_learning(rng):
    y = np.repeat(np.arange(25), 16)
    told = rng.normal(size=(25, 4))[y] + 0.4 * rng.normal(size=(400, 4))
    return {"x": np.concatenate([told, points(rng, 8)], axis=1).astype("float32"), "y": y}


EXAMPLES = {
    "classification": (classification, "Dense", {}),
    "multilabel": (multilabel, "Dense", {}),
    "multilabel, weighted": (multilabel, "Dense", {"training/task_label_weights": "balanced"}),
    "regression": (regression, "Dense", {}),
    "regression, Huber": (regression, "Dense", {"training/task_loss": "huber"}),
    "tagging": (tagging, "Conv", {}),
    "transcription": (transcription, "Conv", {}),
    "metric_learning": (metric_learning, "Dense", {}),
    "metric_learning, triplets": (metric_learning, "Dense", {"training/task_loss": "triplet"}),
}
TASKS = [name for name in EXAMPLES if "," not in name]
KINDS = {"tagging": "sequence", "transcription": "sequence"}


def prepared(name: str, folder: Path) -> DataCard:
    make, _, _ = EXAMPLES[name]
    task = name.partition(",")[0]
    np.savez(folder / "data.npz", **make(np.random.default_rng(0)))
    section = DataSection(source="npz:data.npz", kind=KINDS.get(task))
    return prepare(section, task, folder / "prepared", folder)[0]


@pytest.mark.parametrize("name", catalogue.tasks)
def test_a_task_is_searched_by_one_of_its_metrics(name):
    task = catalogue.tasks[name]
    metric, direction = task.objective
    assert metric in task.metrics
    assert direction in ("maximize", "minimize")
    assert all(metric.startswith("val_") for metric in task.metrics)


@pytest.mark.parametrize("name", TASKS)
def test_what_is_stored_fits_the_card_and_the_card_travels(name, tmp_path):
    card = prepared(name, tmp_path)
    for split, rows in card.examples.items():
        stored = open_split(card, split).labels
        assert stored.shape == (rows, *card.target.shape)
        assert stored.dtype.kind in "uif"
        if card.class_counts:
            assert len(card.class_counts[split]) == card.classes
    assert decode(encode(Prepared(card))) == Prepared(card)


@pytest.mark.parametrize("name", TASKS)
def test_the_baseline_tells_the_objective_and_nothing_unknown(name, tmp_path):
    task, baseline = catalogue.tasks[name], prepared(name, tmp_path).baseline
    assert task.objective[0] in baseline.metrics
    assert set(baseline.metrics) <= set(task.metrics)
    assert np.isfinite(list(baseline.metrics.values())).all()


@pytest.mark.tf
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_small_encoder_learns_the_rule_and_beats_the_baseline(name, tmp_path):
    from nas.training.evaluation import evaluate

    _, family, decided = EXAMPLES[name]
    task = name.partition(",")[0]
    card = prepared(name, tmp_path)
    channel = Defaults({"training/adamw_learning_rate": 0.01, "training/batch_size": 32, **decided})
    order = Evaluate(
        0, f"tests.training.encoders:{family}", card, task, 0, 12, 12, str(tmp_path / "checkpoint"), str(tmp_path)
    )
    finished = evaluate(order, channel)
    assert isinstance(finished, Finished)
    aim = catalogue.tasks[task]
    assert set(aim.metrics) <= set(finished.metrics)
    for metric, bar in card.baseline.metrics.items():
        direction = "minimize" if metric.endswith(("loss", "rmse", "mae", "cer", "eer")) else "maximize"
        assert is_better(finished.metrics[metric], bar, direction), (metric, finished.metrics, card.baseline)
    (built,) = (message for message in channel.said if isinstance(message, Built))
    assert built.architecture.cost.macs is not None
    assert not built.architecture.opaque
    asked = {message.name for message in channel.said if isinstance(message, Ask)}
    assert set(decided) <= asked


@pytest.mark.tf
def test_weights_of_classes_are_asked_for_where_one_is_rare_and_help_to_recognise_it(tmp_path):
    from nas.training.evaluation import evaluate

    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [1800, 200])
    np.savez(tmp_path / "data.npz", x=(rng.normal(size=(2000, 4)) + 1.5 * y[:, None] * [1, 0, 0, 0]).astype("f4"), y=y)
    card = prepare(DataSection(source="npz:data.npz"), "classification", tmp_path, tmp_path)[0]
    recognised = {}
    for weights in ("none", "balanced"):
        channel = Defaults({"training/adamw_learning_rate": 0.01, "training/class_weights": weights})
        place = str(tmp_path / weights), str(tmp_path)
        evaluate(Evaluate(0, "tests.training.encoders:Dense", card, "classification", 0, 8, 8, *place), channel)
        built = next(message for message in channel.said if isinstance(message, Built))
        assert built.training["class_weights"] == weights
        recognised[weights] = channel.said[-1].metrics["val_balanced_accuracy"]
    assert recognised["balanced"] > recognised["none"] + 0.05


@pytest.mark.tf
def test_classes_weigh_the_same_and_those_that_train_lacks_nothing():
    from nas.data_card import Target
    from nas.training.choices import _is_imbalanced
    from nas.training.feed import balanced

    def card(*counts: int) -> DataCard:
        names = tuple(map(str, range(len(counts))))
        return DataCard("test", "0", ".", {}, Target(names=names), {"train": sum(counts)}, {"train": counts})

    counts = np.array([60, 0, 30, 10])
    weights = balanced(card(60, 0, 30, 10)).numpy()
    assert (weights * counts)[[0, 2, 3]] == pytest.approx([100 / 3] * 3)
    assert weights[1] == 0
    assert weights @ counts / counts.sum() == pytest.approx(1)
    assert _is_imbalanced(card(60, 40))
    assert not _is_imbalanced(card(50, 40))
    assert not _is_imbalanced(card(50, 0, 40))


TOGETHER = {
    "classification": ((5, 3), "logits"),
    "multilabel": ((5, 4), "marks"),
    "regression": ((5, 2), "numbers"),
    "tagging": ((5, 7, 3), "logits"),
    "rating": ((5, 1), "numbers"),
}


@pytest.mark.parametrize("name", catalogue.tasks)
def test_what_several_models_say_together_has_the_form_of_what_one_says(name):
    shape, kind = TOGETHER.get(name, ((5, 3), "none"))
    rng = np.random.default_rng(0)
    one, other = (rng.normal(scale=4.0, size=shape).astype("float32") for _ in range(2))
    together = catalogue.tasks[name].together
    if kind == "none":
        assert together([one, other]) is None
        return

    def meaning(outputs):
        if kind == "logits":
            return np.exp(outputs) / np.exp(outputs).sum(axis=-1, keepdims=True)
        return 1 / (1 + np.exp(-outputs)) if kind == "marks" else outputs

    for given in ([one], [one, one], [one, other], [one, other, other]):
        found = together(given)
        assert (found.shape, found.dtype) == (shape, np.float32)
        expected = np.mean([meaning(each.astype("float64")) for each in given], axis=0)
        np.testing.assert_allclose(meaning(found.astype("float64")), expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(together([one, other]), together([other, one]))
    for certain in (500.0, -500.0):  # a model may be as sure as it likes
        assert np.isfinite(together([np.full(shape, certain, np.float32), one])).all()
