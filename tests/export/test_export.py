"""An export from a real study: whole, compared, and published at the end; or nothing, with a reason."""

import errno
import json
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from nas.data.prepared import open_split
from nas.errors import BadInput, Conflict, FamilyError, NASError, NotFound, UnknownName
from nas.export import formats
from nas.export.card import _search
from nas.export.export import export
from nas.export.formats import FORMATS, Format, Written, chosen_formats
from nas.export.publishing import published
from nas.search.chosen import choose
from nas.training.restored import restore
from tests.families import Tiny
from tests.real import FAMILIES, finish, nas

pytestmark = [
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras's own, writing HDF5
]


@pytest.fixture
def other_code(chosen, tmp_path):
    """``other_code(text)``: the same model, whose family is now this Python file."""

    def changed(text):
        (tmp_path / "families.py").write_text(text)
        return replace(chosen, order=replace(chosen.order, base=str(tmp_path)))

    return changed


def test_the_card_of_a_table_names_its_columns_in_order_and_what_is_told(chosen, tmp_path):
    card = chosen.order.data
    shutil.copytree(card.folder, tmp_path / "data")
    told = {"numbers": ["weight", "size"], "categories": {"colour": ["red"], "shape": ["round"]}}
    (tmp_path / "data" / "x_columns.json").write_text(json.dumps(told))
    data = replace(card, source="manifest:a.csv", folder=str(tmp_path / "data"))
    label = chosen.data.columns.model_copy(update={"label": ("kind",)})
    section = chosen.data.model_copy(update={"columns": label})
    export(replace(chosen, order=replace(chosen.order, data=data), data=section), ("keras",), tmp_path / "out")
    text = (tmp_path / "out" / "model_card.md").read_text()
    assert "its columns, in this order: weight, size, colour, shape" in text
    assert "The model tells what train has in `kind`." in text


def test_a_model_is_published_with_all_that_a_server_needs(chosen, tmp_path):
    exported = export(chosen, ("keras", "savedmodel"), tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "model.keras",
        "saved_model",
        "preprocessing.json",
        "model_card.md",
    }
    assert [file.compared.agrees for file in exported.files] == [True, True]
    told = json.loads((tmp_path / "out" / "preprocessing.json").read_text())
    assert told["inputs"]["x"]["shape"] == [None, 4]
    assert told["class_names"] == ["0", "1", "2"]
    card = (tmp_path / "out" / "model_card.md").read_text()
    for said in (
        "npz:toy.npz",
        "`val_accuracy`",
        "95 % interval",
        "majority class",
        chosen.fingerprint,
        "seed",
        "Limits",
    ):
        assert said in card, said

    assert str(chosen.trial.ended.date()) in card
    x = open_split(chosen.order.data, "validation").only
    served = tf.saved_model.load(str(tmp_path / "out" / "saved_model")).signatures["serving_default"]
    logits = served(x=tf.constant(x))["output"].numpy()
    right = (logits.argmax(axis=1) == open_split(chosen.order.data, "validation").labels).mean()
    assert right == pytest.approx(chosen.trial.metrics["val_accuracy"])  # raw inputs: the means are inside
    again = keras.saving.load_model(tmp_path / "out" / "model.keras")
    np.testing.assert_allclose(again({"x": x})["output"], logits, atol=1e-5)


def test_a_card_tells_how_the_study_stands_whatever_was_trained_after_it(chosen):
    stopped = replace(chosen.study, counts={**chosen.study.counts, "running": 1}, trials_budget=100, running=None)
    told = "\n".join(_search(replace(chosen, study=stopped)))
    assert "1 interrupted" in told
    assert "running" not in told
    assert "It was stopped before its budget was used up." in told
    assert "stopped" not in "\n".join(_search(chosen))


def test_the_encoder_by_itself_and_a_fixed_number_of_examples(chosen, tmp_path):
    (file,) = export(chosen, ("savedmodel",), tmp_path / "out", what="encoder", batch=2).files
    assert file.batch == 2
    told = json.loads((tmp_path / "out" / "preprocessing.json").read_text())
    assert list(told["outputs"]) == ["features"]


def test_what_is_there_is_not_lost(chosen, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for force in (False, True):
        with pytest.raises(Conflict, match="is no export"):
            export(chosen, ("keras",), tmp_path / "mine", force=force)
    export(chosen, ("keras",), tmp_path / "out")
    with pytest.raises(Conflict, match="--force"):
        export(chosen, ("keras",), tmp_path / "out")
    export(chosen, ("savedmodel",), tmp_path / "out", force=True)
    assert not (tmp_path / "out" / "model.keras").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


def test_a_difference_is_told_in_numbers_and_nothing_is_published(chosen, tmp_path, monkeypatch):
    def wrong(model, folder, batch):
        written: Written = FORMATS["savedmodel"].write(model, folder, batch)
        return replace(written, run=lambda x: {name: 1.5 + array for name, array in written.run(x).items()})

    monkeypatch.setitem(formats.FORMATS, "wrong", Format("wrong", "saved_model", wrong, "nothing"))
    with pytest.raises(NASError, match=r"wrong: saved_model does not give .* differ by up to 1\.5, and 0\.0"):
        export(chosen, ("keras", "wrong"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_number_is_a_difference(chosen, tmp_path, monkeypatch):
    def wrong(model, folder, batch):
        written: Written = FORMATS["savedmodel"].write(model, folder, batch)
        return replace(written, run=lambda x: {name: np.nan * array for name, array in written.run(x).items()})

    monkeypatch.setitem(formats.FORMATS, "wrong", Format("wrong", "saved_model", wrong, "nothing"))
    with pytest.raises(NASError, match="differ by up to inf"):
        export(chosen, ("wrong",), tmp_path / "out")


def test_a_full_disk_ends_it_with_a_sentence(trained, tmp_path):
    def little_room():  # a file may not grow beyond that: as on a full disk, a write fails half-way
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    words = [sys.executable, "-m", "nas", "export", "toy", "--format", "savedmodel", "-o", str(tmp_path / "out")]
    ended = subprocess.run(
        [*words, "--storage", str(trained / "nas.db")],
        cwd=Path(__file__).parents[2],
        preexec_fn=little_room,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 1
    assert "no space left to write" in " ".join(ended.stderr.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space left to write"),
        (RuntimeError("[Errno 28] No space left on device"), "no space left to write"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written: Permission denied"),
    ],
)
def test_whatever_fails_leaves_nothing_half_written(error, said, tmp_path):
    def fail():
        with published(tmp_path / "out") as folder:
            (folder / "half").write_text("half")
            raise error

    with pytest.raises(NASError, match=said):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_torn_or_gone_are_told(trained, chosen, tmp_path):
    torn = tmp_path / "torn.npz"
    torn.write_bytes(chosen.weights.path.read_bytes()[:-300])
    changed = replace(chosen, weights=replace(chosen.weights, path=torn))
    with pytest.raises(NASError, match=r"torn\.npz cannot be read.*damaged"):
        export(changed, ("keras",), tmp_path / "out")
    others = [trial for trial in range(3) if trial != chosen.trial.number]
    other = choose("toy", storage=str(trained / "nas.db"), trial=others[0])
    changed = replace(chosen, weights=other.weights)
    if other.fingerprint != chosen.fingerprint:
        with pytest.raises(NASError, match="of another architecture"):
            export(changed, ("keras",), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_architecture_that_no_longer_builds_is_a_clear_end(other_code, tmp_path):
    code = FAMILIES.read_text()
    with pytest.raises(NASError, match="cannot be built any more: ValueError: not today"):
        export(
            other_code(code.replace("inputs = keras", "raise ValueError('not today')\n        keras")),
            ("keras",),
            tmp_path / "a",
        )
    with pytest.raises(FamilyError, match=r"cannot be built any more: .*asks for 'Tiny/breadth'"):
        export(other_code(code.replace('"units"', '"breadth"')), ("keras",), tmp_path / "b")
    with pytest.raises(Conflict, match="its params now make the architecture"):
        export(other_code(code.replace('activation="relu"', 'activation="gelu"')), ("keras",), tmp_path / "c")
    assert not list(tmp_path.glob("?/"))


def test_formats_that_are_not_there_are_told(monkeypatch):
    assert [each.name for each in chosen_formats(("all",))] == ["keras", "savedmodel", "onnx", "litert"]
    with pytest.raises(UnknownName, match="Did you mean 'onnx'"):
        chosen_formats(("onxx",))
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "tf2onnx" else object())
    with pytest.raises(BadInput, match=r'onnx needs tf2onnx: pip install "encoder-nas\[export\]"'):
        chosen_formats(("all",))


def test_which_model_is_meant(trained, chosen):
    storage = str(trained / "nas.db")
    assert choose("toy", storage=storage, trial=chosen.trial.number).weights == chosen.weights
    digits = chosen.fingerprint[:8]
    assert choose("toy", storage=storage, architecture=digits.upper()).fingerprint == chosen.fingerprint
    assert "one training of 2 epochs" in chosen.weights.words
    assert chosen.why == f"Trial {chosen.trial.number}: first in the ranking. Weights of {chosen.weights.words}."
    for given, error, said in [
        ({"trial": 99}, NotFound, "no trial 99. They are numbered 0 to 2"),
        ({"architecture": "abc"}, BadInput, "first 6 hexadecimal digits"),
        ({"architecture": "nothex"}, BadInput, "first 6 hexadecimal digits"),
        ({"architecture": "0" * 12}, NotFound, "begins with 000000000000"),
        ({"architecture": digits, "trial": 0}, BadInput, "give one of them"),
    ]:
        with pytest.raises(error, match=said):
            choose("toy", storage=storage, **given)
    with pytest.raises(NotFound, match="No study"):
        choose("toi", storage=storage)


def test_weights_that_are_not_kept_are_told_with_those_that_are(trained, chosen, tmp_path):
    from nas.search.chosen import _with_weights
    from nas.search.files import StudyFiles

    files = StudyFiles(tmp_path, chosen.study.id)
    with pytest.raises(NotFound, match="Kept: none"):
        _with_weights(chosen.study, [chosen.trial], [chosen.trial], [], files)


def test_layers_are_given_by_name(chosen):
    restored = restore(chosen.order, chosen.weights.path, chosen.fingerprint)
    hidden = restored.layer("hidden0")
    x = np.zeros((2, 4), np.float32)
    assert hidden(x)["features"].shape == (2, hidden.output["features"].shape[1])
    np.testing.assert_array_equal(
        restored.encoder()(x)["features"], restored.layer(restored.candidate.body.layers[-1].name)(x)["features"]
    )
    with pytest.raises(BadInput, match="Did you mean 'hidden0'"):
        restored.layer("hiden0")
    with pytest.raises(BadInput, match="--side is for pairs"):
        restored.encoder("item")
    assert isinstance(Tiny((4,)).name, str | None)


def test_the_command_prints_a_table_and_a_document(trained, tmp_path):
    code, out, err = finish(
        nas(trained, "export", "toy", "--format", "keras", "--json", "-q", "-o", str(tmp_path / "out"))
    )
    assert code == 0, err
    document = json.loads(out)
    assert document["what"] == "model"
    assert document["files"][0]["compared"]["difference"] <= document["files"][0]["compared"]["allowed"]
    assert err == ""


def test_an_export_that_is_told_to_end_leaves_nothing(trained, tmp_path):
    process = nas(trained, "export", "toy", "--format", "all", "-o", str(tmp_path / "out"))
    assert process.stderr is not None
    while "keras: written" not in (line := process.stderr.readline()):
        assert line, "it ended before it had written anything"
    process.send_signal(signal.SIGTERM)
    code, out, err = finish(process)
    assert (code, out) == (128 + signal.SIGTERM, "")
    assert "Stopped: nothing was written." in err
    assert list(tmp_path.iterdir()) == []
