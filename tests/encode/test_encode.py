"""Embeddings from a real study: the same in any batches and formats, whole or not there, measured."""

import errno
import json

import numpy as np
import pyarrow.parquet
import pytest
from click.testing import CliRunner

from nas.cli.app import cli
from nas.data.prepared import open_split
from nas.encode.encode import Wanted, encode
from nas.encode.writing import check_target, opened, written
from nas.errors import BadInput, Conflict, DataError, NASError
from nas.store import queries
from nas.store.engine import reading_from, storage_url
from nas.training.feed import standardiser
from nas.training.restored import restore
from tests.real import finish, nas

pytestmark = pytest.mark.tf


@pytest.fixture
def expected(chosen):
    """What the encoder makes of validation."""
    card = chosen.order.data
    restored = restore(chosen.order, chosen.weights.path, chosen.fingerprint)
    return np.asarray(restored.encoder()(standardiser(card)(open_split(card, "validation").only))["features"])


def test_batches_and_formats_make_no_difference(chosen, expected, tmp_path):
    for name, batch in (("a.npy", 7), ("b.npy", 256), ("c.parquet", 7)):
        encoded = encode(chosen, Wanted(batch=batch), tmp_path / name)
        assert encoded.shape == expected.shape
    for name in ("a.npy", "b.npy"):
        np.testing.assert_allclose(np.load(tmp_path / name), expected, atol=1e-5)
    labels = open_split(chosen.order.data, "validation").labels
    assert np.load(tmp_path / "a.labels.npy").tolist() == [str(label) for label in labels]
    table = pyarrow.parquet.read_table(tmp_path / "c.parquet")
    np.testing.assert_allclose(np.array(table["embedding"].to_pylist()), expected, atol=1e-5)
    assert table["label"].to_pylist() == [str(label) for label in labels]
    assert table["row"].to_pylist() == list(range(len(labels)))
    assert set(table["split"].to_pylist()) == {"validation"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.labels.npy",
        "a.npy",
        "b.labels.npy",
        "b.npy",
        "c.parquet",
    ]


def test_other_data_go_through_the_means_of_the_study(chosen, expected, tmp_path):
    np.savez(tmp_path / "new.npz", x=np.array(open_split(chosen.order.data, "validation").only))
    wanted = Wanted(source="npz:new.npz", base=tmp_path, normalise=True)
    assert encode(chosen, wanted, tmp_path / "a.npy").files == (tmp_path / "a.npy",)  # there are no labels
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), expected / np.maximum(lengths, 1e-12), atol=1e-5)
    with pytest.raises(DataError, match="There is no file"):
        encode(chosen, Wanted(source="npz:old.npz", base=tmp_path), tmp_path / "b.npy")
    assert not (tmp_path / "b.npy").exists()


def test_a_layer_by_name_and_what_there_is_not(chosen, tmp_path):
    encoded = encode(chosen, Wanted(layer="head", split="test"), tmp_path / "a.npy")
    assert encoded.shape == (chosen.order.data.examples["test"], 3)
    for wanted, said in (
        (Wanted(layer="haed"), "Did you mean 'head'"),
        (Wanted(split="tset"), "Did you mean 'test'"),
        (Wanted(side="item"), "--side is for pairs"),
    ):
        with pytest.raises(BadInput, match=said):
            encode(chosen, wanted, tmp_path / "b.npy")
    with pytest.raises(BadInput, match=r"ends in \.npy or \.parquet"):
        encode(chosen, Wanted(), tmp_path / "b.csv")
    with pytest.raises(Conflict, match="--force"):
        encode(chosen, Wanted(), tmp_path / "a.npy")
    encode(chosen, Wanted(), tmp_path / "a.npy", force=True)


def test_what_they_are_worth(chosen, tmp_path):
    encoded = encode(chosen, Wanted(), tmp_path / "a.npy", measuring=True)
    measured = encoded.measured
    assert measured.train == chosen.order.data.examples["train"]
    assert measured.probe.low <= measured.probe.value <= measured.probe.high
    assert measured.probe.value > 0.6  # three clusters that overlap; chance is a third
    told = json.loads((tmp_path / "a.measures.json").read_text())
    assert len(told["projection"]["x"]) == measured.validation


def test_what_is_kept_of_a_table_lies_beside_the_embeddings(tmp_path):
    kept = {"id": ["a", "b", "c"], "at": [1, "two", None], "hash": [2**64 - 1, 0, 1]}
    check_target(tmp_path / "a.parquet", tuple(kept), force=False)
    with (
        written(tmp_path / "a.parquet") as files,
        opened(tmp_path / "a.parquet", files, (2,), 3, None, [None] * 3, kept) as writer,
    ):
        writer.add(np.zeros((3, 2), np.float32))
    found = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pydict()
    assert list(found) == ["row", "split", "id", "at", "hash", "embedding"]
    assert found["id"] == ["a", "b", "c"]
    assert found["at"] == ["1", "two", None]
    assert found["hash"] == [str(2**64 - 1), "0", "1"]
    assert found["split"] == [None] * 3
    with pytest.raises(BadInput, match=r"-o b\.parquet"):
        check_target(tmp_path / "b.npy", ("id",), force=False)
    with pytest.raises(BadInput, match="'label' cannot be kept"):
        check_target(tmp_path / "b.parquet", ("label",), force=False)


def test_labels_never_lie_beside_the_embeddings_of_others(tmp_path):
    target, labels = tmp_path / "a.npy", tmp_path / "a.labels.npy"
    labels.write_bytes(b"somebody's")
    with pytest.raises(Conflict, match=r"a\.labels\.npy is there already"):
        check_target(target, force=False)

    target.write_bytes(b"old")
    with written(target) as files:
        files.new(target).write_bytes(b"new, without labels")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]

    labels.write_bytes(b"of the new one")

    def end_between():
        with written(target) as files:
            files.new(labels).write_bytes(b"newer")
            files.new(target)  # is not there when it is to get its name

    with pytest.raises(NASError, match="cannot be written"):
        end_between()
    assert not target.exists()  # rather none than one beside another one's labels


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--no-labels"], "--no-labels is of the data of --source"),
        (["--keep", "id"], "--keep takes columns of --source"),
        (["--source", "npz:a.npz", "--split", "test"], "give one of them"),
    ],
)
def test_what_would_be_ignored_is_refused(words, said):
    result = CliRunner().invoke(cli, ["encode", "toy", "-o", "a.parquet", *words])
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("name", ["a.npy", "a.parquet"])
def test_a_full_disk_leaves_nothing(name, tmp_path):
    def fail():
        with written(tmp_path / name) as files:
            files.new(tmp_path / name).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(NASError, match="no space left to write"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_the_command_measures_without_writing(trained):
    code, out, err = finish(nas(trained, "encode", "toy", "--measure", "--json", "-q"))
    assert code == 0, err
    document = json.loads(out)
    assert 0 < document["measured"]["knn"]["value"] <= 1
    assert document["files"] == []
    assert finish(nas(trained, "encode", "toy"))[0] == 2
    with reading_from(storage_url(str(trained / "nas.db"))) as connection:
        (kept,) = queries.embeddings(connection, queries.study(connection, "toy").id)
    code, out, err = finish(nas(trained, "encode", "toy", "--measure"))
    assert code == 0, err
    assert f"Measured with the weights of {document['weights']}." in err
    assert f"trial {document['trial']}," in document["weights"]
    assert kept.trial == document["trial"]
    assert kept.evaluation is None
    assert kept.knn.value == document["measured"]["knn"]["value"]
    assert kept.projection.names == ("0", "1", "2")
    assert len(kept.projection.x) == len(document["measured"]["projection"]["x"])
    code, out, err = finish(nas(trained, "report", "toy", "--format", "json", "-o", "-"))
    assert code == 0, err
    assert [one["trial"] for one in json.loads(out)["embeddings"]] == [kept.trial]
