"""Labels as people have them, in every form a task takes; what is no label is refused with a remedy. No TensorFlow."""

from dataclasses import replace

import numpy as np
import pytest

from nas import catalogue
from nas.data.source import Examples, RawData, RawInput
from nas.data_card import Target
from nas.errors import DataError
from nas.training.tasks.classification import CLASSIFICATION
from nas.training.tasks.metric_learning import METRIC_LEARNING
from nas.training.tasks.multilabel import MULTILABEL
from nas.training.tasks.regression import REGRESSION
from nas.training.tasks.tagging import TAGGING
from nas.training.tasks.transcription import TRANSCRIPTION

NAN = float("nan")


def data(y, names=(), **splits) -> RawData:
    def examples(labels):
        labels = None if labels is None else np.asarray(labels)
        return Examples.of(np.zeros((len(labels) if labels is not None else 4, 3, 2)), labels)

    given = {name: examples(labels) for name, labels in splits.items()}
    return RawData(examples(y), **given, inputs={"x": RawInput("sequence")}, target=Target(names=names))


def objects(*values) -> np.ndarray:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


# ---------------------------------------------------------------- several labels


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (["b,a", "a", "", " b ", "a,", "b"], ("a", "b")),
        ([b"b,a", b"a", b"", b"b", b"a", b"b"], ("a", "b")),
        (objects(["b", "a"], ("a",), [], {"b"}, ["a"], np.array(["b"])), ("a", "b")),
        (objects([10, 9], [9], [], [10], [9], [10]), ("9", "10")),
        ([["a", "b"], ["a", ""], ["", ""], ["b", ""], ["", "a"], ["b", "b"]], ("a", "b")),
        ([[1, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]], ("0", "2")),
        (np.array([[1, 1], [1, 0], [0, 0], [0, 1], [1, 0], [0, 1]], dtype=bool), ("0", "1")),
    ],
)
def test_several_labels_become_marks(y, names):
    checked = MULTILABEL.check(data(y))
    assert checked.target == Target((2,), names)
    assert checked.train.y.dtype == np.uint8
    assert checked.train.y.tolist() == [[1, 1], [1, 0], [0, 0], [0, 1], [1, 0], [0, 1]]
    assert checked.notes == ()


def test_names_of_columns_are_kept_and_all_splits_share_them():
    assert MULTILABEL.check(data(np.eye(2)[[0, 1, 1, 0]], ("cat", "dog"))).target.names == ("cat", "dog")
    checked = MULTILABEL.check(data(["a,c", "b", "c", "a", "b", "c"], validation=["c", ""]))
    assert checked.validation.y.tolist() == [[0, 0, 1], [0, 0, 0]]


def test_one_label_an_example_is_said_to_be_classification():
    (note,) = MULTILABEL.check(data(["a", "b", "", "a"])).notes
    assert "'classification'" in note


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize("y", [[1, 2, 3, 5], [1.0, 2.0, 3.0, 5.0], [[1], [2], [3], [5]], objects(1, 2.0, 3, 5)])
def test_numbers_become_columns(y):
    checked = REGRESSION.check(data(y, ("a", "b")))
    assert checked.train.y.dtype == np.float32
    assert checked.train.y.tolist() == [[1], [2], [3], [5]]
    assert checked.target == Target((1,), ())


def test_mean_and_deviation_are_those_of_train():
    checked = REGRESSION.check(data([[1, 0], [3, 0.5], [1, 0], [3, 0.5]], ("height", "width"), validation=[[9, 9]]))
    target = REGRESSION.target(checked.target, checked.splits)
    assert target == Target((2,), ("height", "width"), (2.0, 0.25), (1.0, 0.25))
    baseline = REGRESSION.baseline(target, checked.splits)
    assert baseline.metrics["val_mae"] == pytest.approx((7 + 8.75) / 2)
    assert baseline.metrics["val_r2"] == 0.0  # one example has no variance


# ---------------------------------------------------------------- tags


@pytest.mark.parametrize(
    "y",
    [
        [[3, 5, -1], [5, 5, 3]],
        [["in", "out", ""], ["out", "out", "in"]],
        np.array([["in", "out", ""], ["out", "out", "in"]], dtype=object),
        [[3.0, 5.0, -1.0], [5.0, 5.0, 3.0]],
    ],
)
def test_tags_become_integers_and_none_stays_none(y):
    checked = TAGGING.check(data(y))
    assert checked.train.y.tolist() == [[0, 1, -1], [1, 1, 0]]
    assert checked.target.shape == (3,)
    assert checked.target.names in (("3", "5"), ("in", "out"))
    assert TAGGING.counts(checked.target, checked.splits) == {"train": (2, 3)}


def test_the_majority_tag_of_train_is_said_of_validation():
    checked = TAGGING.check(data([[0, 1, 1]], validation=[[0, 0, 1], [-1, -1, 0]]))
    metrics = TAGGING.baseline(checked.target, checked.splits).metrics
    assert metrics["val_accuracy"] == 0.25
    assert metrics["val_macro_f1"] == pytest.approx(0.4 / 2)
    assert metrics["val_loss"] == pytest.approx(-(3 * np.log(1 / 3) + np.log(2 / 3)) / 4)


# ---------------------------------------------------------------- transcripts


def test_characters_become_symbols_after_the_blank():
    checked = TRANSCRIPTION.check(data(["ab", "bba", "a"], validation=["bb"]))
    assert checked.target == Target((4,), ("", "a", "b"))  # four frames: "b", a blank, "b", "a"
    assert checked.train.y.tolist() == [[1, 2, 0, 0], [2, 2, 1, 0], [1, 0, 0, 0]]
    assert checked.validation.y.tolist() == [[2, 2, 0, 0]]
    assert TRANSCRIPTION.counts(checked.target, checked.splits)["train"] == (0, 3, 3)


def test_integers_are_symbols_up_to_their_filling():
    checked = TRANSCRIPTION.check(data([[7, 0, -1], [7, 7, 7]]))
    assert checked.target == Target((5,), ("", "0", "7"))
    assert checked.train.y.tolist() == [[2, 1, 0, 0, 0], [2, 2, 2, 0, 0]]


def test_the_most_frequent_transcript_beats_saying_nothing_where_it_is_usual():
    checked = TRANSCRIPTION.check(data(["yes", "yes", "no"], validation=["yes", "yes", "no"]))
    baseline = TRANSCRIPTION.baseline(checked.target, checked.splits)
    assert baseline.name == "always 'yes'"
    assert baseline.metrics == {"val_cer": pytest.approx(3 / 8), "val_beam_cer": pytest.approx(3 / 8)}
    checked = TRANSCRIPTION.check(data(["abcabc", "abcabc", "d"], validation=["d", "d"]))
    assert TRANSCRIPTION.baseline(checked.target, checked.splits).name == "nothing"


# ---------------------------------------------------------------- identities


def test_identities_may_be_new_in_validation():
    checked = METRIC_LEARNING.check(data(["bob", "ann", "bob", "ann"], validation=["eve", "eve", "dan"]))
    assert checked.target.names == ("ann", "bob", "dan", "eve")
    assert checked.train.y.tolist() == [1, 0, 1, 0]
    assert METRIC_LEARNING.counts(checked.target, checked.splits)["validation"] == (0, 0, 1, 2)
    assert METRIC_LEARNING.target(checked.target, checked.splits) == checked.target


def test_validation_must_have_pairs():
    checked = METRIC_LEARNING.check(data([0, 0, 1, 1], validation=[2, 2]))
    with pytest.raises(DataError, match="it has 1 with at most 2"):
        METRIC_LEARNING.target(checked.target, checked.splits)


# ---------------------------------------------------------------- what is refused

BAD = {
    "multilabel": [
        ([0, 1, 2, 1], {}, r"texts with ',' between them.*Received: shape \(4,\)"),
        ([[0, 1], [2, 1]], {}, r"row 1 \(from 0\) has 2"),
        ([[0.5, 1], [0, 1]], {}, r"row 0 \(from 0\) has 0.5"),
        (objects(["a"], None, ["b"]), {}, r"row 1 \(from 0\) are missing"),
        (objects(["a"], NAN, ["b"]), {}, r"row 1 \(from 0\) are missing"),
        (["", "", ""], {}, "No example of train has any label"),
        (["a", "b", "a", "b"], {"validation": ["a,c", "c"]}, r"train has no example of: c \(2 in validation\)"),
        (["one", "two", "three"], {}, "3 different labels for 3 examples"),
        ([[1, 0], [0, 1]], {"test": [[1], [0]]}, "a column for each label.*'test': 1"),
    ],
    "regression": [
        ([1.0, NAN, 2.0, NAN], {}, r"2 of 4 labels are NaN, .* first in row 1 \(from 0\)"),
        ([1.0, 2.0, np.inf], {}, r"1 of 3 labels are .* first in row 2"),
        (["1", "two"], {}, "must be numbers. Received: dtype <U3"),
        (objects(1, "two"), {}, "must be numbers, and 1 of 2 in y are not, e.g. 'two'"),
        ([3, 3, 3], {"validation": [4]}, "is 3 in every example of train"),
        (np.zeros((2, 3, 4)), {}, r"Received: shape \(2, 3, 4\)"),
        ([1, 2], {"test": [[1, 2]]}, "differ in how many numbers an example has"),
        ([1j, 2j], {}, "must be numbers"),
    ],
    "tagging": [
        ([0, 1, 1], {}, r"must be \(examples, steps\)"),
        ([[0, 1], [1, 0]], {}, "has 3 steps, and y has 2 labels"),
        ([[0, 0, -1], [0, 0, 0]], {}, "There is only one tag, 0"),
        ([[-1, -1, -1]], {}, "No step of the train split has a label"),
        ([[0, 1, -2]], {}, r"row 0 \(from 0\) has -2"),
        ([[0, 1, 0.5]], {}, "not all whole numbers"),
        ([[0, 1, 1]], {"validation": [[0, 1, 2]]}, r"Tags that train has no example of: 2 \(1 in validation\)"),
        ([[0, 1, 1]], {"validation": [["a", "b", "a"]]}, "of one kind.*text in validation"),
        (np.array([[0, "a", 1]], dtype=object), {}, "all integers or all text. Received: int, str"),
        ([[0, 1, 1]], {"test": [[0, 1]]}, "differ in how many steps"),
    ],
    "transcription": [
        ([1, 2, 3], {}, "y must be a text an example"),
        ([[0.5, 1.0]], {}, "y must be a text an example"),
        (["a", "", "b"], {}, r"row 1 \(from 0\) is ''"),
        (objects("a", None), {}, r"row 1 \(from 0\) is None"),
        ([[1, -1, 2]], {}, r"row 0 \(from 0\) is \[1, -1, 2\]"),
        ([[1, 2], [-1, -1]], {}, r"row 1 \(from 0\) is \[-1, -1\]"),
        (["ab"], {"validation": ["abc"]}, r"Symbols that train has no example of: c \(1 in validation\)"),
        (["ab"], {"validation": [[1, 2]]}, "of one kind"),
    ],
    "metric_learning": [
        ([1, 1, 1], {}, "only one identity, 1"),
        ([1, 2, 3], {}, "Each of the 3 identities of train has one example"),
        ([1.0, NAN, 1.0], {}, "missing"),
        ([1, 1, 2], {"validation": ["a"]}, "of one kind"),
    ],
}


@pytest.mark.parametrize(
    ("task", "y", "splits", "message"), [(task, *case) for task, cases in BAD.items() for case in cases]
)
def test_what_is_no_label_is_refused_with_what_came(task, y, splits, message):
    with pytest.raises(DataError, match=message):
        catalogue.tasks[task].check(data(y, **splits))


@pytest.mark.parametrize("task", BAD)
def test_a_split_without_labels_is_refused(task):
    with pytest.raises(DataError, match="there are no labels"):
        catalogue.tasks[task].check(data(["a", "b", "a", "b"], test=None))


# ---------------------------------------------------------------- what labels are called


@pytest.mark.parametrize(
    ("task", "y", "message"),
    [
        (CLASSIFICATION, ["a"] * 4, "only one class, a: nothing to tell apart. Is {} the right column{}?"),
        (CLASSIFICATION, list("abcd"), "{} has 4 different labels for 4 examples: they look like identifiers"),
        (CLASSIFICATION, [0.5, 1, 1, 1], "labels must be classes, and {} has 0.5 in row 0"),
        (METRIC_LEARNING, list("abcd"), "nothing that belongs together. Is {} the right column{}?"),
        (MULTILABEL, ["", "", ""], "nothing to learn. Is {} the right column{}?"),
        (REGRESSION, [2.0, 2.0], "nothing to tell. Is {} the right column{}?"),
        (
            REGRESSION,
            objects(1.5, "n/a", 2.5, "none"),
            "labels must be numbers, and 2 of 4 in {} are not, e.g. 'n/a'. Is {} the right column{}?",
        ),
    ],
)
def test_labels_of_a_table_are_called_as_its_column_is(task, y, message):
    for label, name, key in (((), "y", ""), (("topic",), "'topic'", " (data.columns.label)")):
        with pytest.raises(DataError) as error:
            task.check(replace(data(y), label=label))
        assert message.replace("column{}", f"column{key}").replace("{}", name) in str(error.value)


def test_of_several_columns_the_one_that_tells_nothing_is_named():
    with pytest.raises(DataError, match=r"'b' is 3 in every .* Are 'a' and 'b' the right columns \(data\.columns"):
        REGRESSION.check(replace(data([[1.0, 3.0], [2.0, 3.0]]), label=("a", "b")))
