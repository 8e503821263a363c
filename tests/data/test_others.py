"""Examples of another source become what the model knows: its tokens, its numbers, its sizes; or are refused."""

import json

import numpy as np
import pytest
import soundfile
from PIL import Image

from nas.data.again import found_again
from nas.data.options import DataSection
from nas.data.others import read_others
from nas.data.prepared import open_split, prepare
from nas.errors import BadInput, DataError


def stored(others, size=100):
    batches = list(others.batches(size))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def table(path, rows):
    path.write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")


def prepared(folder, source, task="classification", **options):
    data = DataSection(source=source, **options)
    return prepare(data, task, folder / "prepared", folder)[0], data


def test_a_table_keeps_the_categories_of_the_study_in_any_order_of_columns(tmp_path):
    colours = ["red", "green", "blue"]
    rows = [("size", "colour", "label")] + [(i, colours[i % 3], "ab"[i % 2]) for i in range(60)]
    table(tmp_path / "a.csv", rows)
    card, data = prepared(tmp_path, "manifest:a.csv")
    told = json.loads((tmp_path / "prepared" / card.fingerprint[:16] / "x_columns.json").read_text())
    names = told["categories"]["colour"]
    table(tmp_path / "b.csv", [("colour", "more", "size")] + [("violet", 1, 5), ("blue", 2, 7)] * 10)
    others = read_others(card, data, "manifest:b.csv", tmp_path, labels=False)
    found = stored(others)["x"]
    assert found[:2].tolist() == [[5, 0], [7, 1 + names.index("blue")]]
    assert len(others) == 20
    assert others.labels is None
    table(tmp_path / "c.csv", [("colour", "label")] + [("blue", 1)] * 3)
    with pytest.raises(DataError, match="size"):
        read_others(card, data, "manifest:c.csv", tmp_path)


def test_texts_become_the_tokens_of_the_study(tmp_path):
    rows = [("text", "label")] + [(f"{'good' if i % 2 else 'bad'} film {'very' * (i % 3)}", i % 2) for i in range(60)]
    table(tmp_path / "a.csv", rows)
    card, data = prepared(tmp_path, "manifest:a.csv", columns={"kinds": {"text": "text"}}, text={"length": 5})
    table(tmp_path / "b.csv", [("text", "label"), ("good bad unseen", "x"), ("film", "y")])
    table(tmp_path / "b.csv", [("text", "label"), ("good bad unseen", "x"), ("film", "y")])
    data = data.model_copy(update={"columns": data.columns.model_copy(update={"kinds": {}})})
    others = read_others(card, data, "manifest:b.csv", tmp_path)  # it knows that it is text
    tokens = stored(others, 1)["x"]
    assert tokens.shape == (2, 5)
    assert tokens[0, 2] == card.inputs["x"].unknown
    assert set(tokens[0, :2]).isdisjoint({0, 1})
    assert tokens[1, 1:].tolist() == [0] * 4
    assert others.labels.tolist() == ["x", "y"]


def test_columns_that_the_study_did_not_have_are_told_and_left_out(tmp_path):
    rows = [("note", "who", "quality")] + [(f"film {i} {'good' if i % 2 else 'bad'}", i % 5, i % 2) for i in range(60)]
    table(tmp_path / "a.csv", rows)
    means = {"label": "quality", "inputs": "note", "kinds": {"note": "text"}, "group": "who"}
    card, data = prepared(tmp_path, "manifest:a.csv", columns=means)
    bare = data.model_copy(update={"columns": data.columns.model_copy(update={"inputs": (), "kinds": {}})})
    table(tmp_path / "b.csv", [("id", "split", "note"), (1, "test", "bad"), (2, "train", "good"), (3, "train", "film")])
    for known in (data, bare):  # the card knows which column its only input was
        others = read_others(card, known, "manifest:b.csv", tmp_path, labels=False, keep=["id"])
        assert "Columns of b.csv that are no inputs: id." in others.notes
        assert others.kept == {"id": ["2", "3", "1"]}  # in the order of the examples
        assert others.split_names == ["train", "train", "test"]
    tokens = stored(others)["x"]
    assert len(set(map(tuple, tokens.tolist()))) == 3
    with pytest.raises(DataError, match=r"'quality', which data\.columns\.label names.*--no-labels"):
        read_others(card, data, "manifest:b.csv", tmp_path)
    with pytest.raises(DataError, match=r"no column 'idd', which --keep names\. Did you mean 'id'"):
        read_others(card, data, "manifest:b.csv", tmp_path, labels=False, keep=["idd"])
    table(tmp_path / "c.csv", [("id", "words"), ("x1", "good film"), ("x2", "bad film"), ("x3", "a film")])
    with pytest.raises(DataError, match=r"the model takes one input; there is id, words.*--keep"):
        read_others(card, bare, "manifest:c.csv", tmp_path, labels=False)  # either might be the text
    assert len(read_others(card, data, "manifest:c.csv", tmp_path, labels=False, keep=["id"])) == 3
    np.savez(tmp_path / "b.npz", x=np.array(["good", "bad"]))
    with pytest.raises(BadInput, match="needs --source manifest:"):
        read_others(card, data, "npz:b.npz", tmp_path, keep=["id"])
    assert read_others(card, data, "npz:b.npz", tmp_path).split_names == [None, None]  # nobody trained on them


def test_images_and_sounds_get_the_size_and_rate_of_the_study(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", x=rng.integers(0, 256, (40, 6, 8, 1), dtype=np.uint8), y=np.arange(40) % 2)
    card, data = prepared(tmp_path, "npz:a.npz")
    for name in "kl":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        Image.new("RGB", (30, 20), "white").save(tmp_path / "pictures" / name / "1.png")
    others = read_others(card, data, "images:pictures", tmp_path)
    assert stored(others)["x"].shape == (2, 6, 8, 1)
    assert others.labels.tolist() == ["k", "l"]
    (tmp_path / "pictures" / "k" / "2.png").write_bytes(b"nonsense")
    with pytest.raises(
        DataError, match=r"2\.png"
    ):  # nothing is left out: rows would be others' than those of the files
        read_others(card, data, "images:pictures", tmp_path)

    table(tmp_path / "list.csv", [("id", "photo"), *((f"S{i}", "pictures/k/1.png") for i in range(3))])
    others = read_others(card, data, "manifest:list.csv", tmp_path, labels=False)  # it is plain which of them it is
    assert stored(others)["x"].shape == (3, 6, 8, 1)

    np.savez(tmp_path / "s.npz", x=rng.integers(-9, 9, (40, 800), dtype=np.int16), y=np.arange(40) % 2)
    card, data = prepared(tmp_path, "npz:s.npz", kind="audio", audio={"sample_rate": 4000})
    soundfile.write(tmp_path / "a.wav", np.full(16000, 0.5, np.float32), 8000)
    table(tmp_path / "sounds.csv", [("sound",), ("a.wav",)])
    (found,) = stored(read_others(card, data, "manifest:sounds.csv", tmp_path, labels=False))["x"]
    assert found.shape == (800,)
    assert found[400] / card.inputs["x"].std[0] == pytest.approx(0.5, abs=0.01)
    np.savez(tmp_path / "f.npz", x=np.full((3, 800), 0.25, np.float32))
    found = stored(read_others(card, data, "npz:f.npz", tmp_path))["x"]
    assert found[0, 0] / card.inputs["x"].std[0] == pytest.approx(0.25)


def test_users_and_items_are_known_by_name(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(f"u{user}", f"i{item}") for user in range(12) for item in rng.permutation(8)[:6]]
    table(tmp_path / "a.csv", [("user", "item"), *rows])
    card, data = prepared(tmp_path, "interactions:a.csv", "retrieval", interactions={"history": 3})
    fewer = [row for row in rows if row[0] != "u0"]
    table(tmp_path / "b.csv", [("user", "item"), *fewer])
    others = read_others(card, data, "interactions:b.csv", tmp_path)
    users = stored(others)["user"].ravel()
    names = json.loads((tmp_path / "prepared" / card.fingerprint[:16] / "user_names.json").read_text())
    assert {names[user] for user in users} == {f"u{number}" for number in range(1, 12)}


def test_what_the_model_does_not_take_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(160.0).reshape(40, 4), y=np.arange(40) % 2)
    card, data = prepared(tmp_path, "npz:a.npz")
    np.savez(tmp_path / "b.npz", x=np.zeros((3, 5)))
    with pytest.raises(DataError, match=r"b\.npz: an example of x has shape \(5,\), and the model takes \(4,\)"):
        read_others(card, data, "npz:b.npz", tmp_path)
    with pytest.raises(DataError, match=r"There is no file"):
        read_others(card, data, "npz:c.npz", tmp_path)


def test_prepared_data_are_found_again_or_made_again_or_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(160.0).reshape(40, 4), y=np.arange(40) % 2)
    card, data = prepared(tmp_path, "npz:a.npz")
    (tmp_path / "prepared").rename(tmp_path / "elsewhere")
    found = found_again(card, data, "classification", tmp_path / "elsewhere", tmp_path)
    assert found.folder == str(tmp_path / "elsewhere" / card.fingerprint[:16])
    again = found_again(card, data, "classification", tmp_path / "new", tmp_path)
    assert len(open_split(again, "train")) == card.examples["train"]
    np.savez(tmp_path / "a.npz", x=1 + np.arange(160.0).reshape(40, 4), y=np.arange(40) % 2)
    with pytest.raises(DataError, match="they are others than those that the study"):
        found_again(card, data, "classification", tmp_path / "newer", tmp_path)


def test_what_was_ignored_is_not_needed_of_other_data(tmp_path):
    rows = [("id", "text", "label")] + [(f"T-{i}", f"{'good' if i % 2 else 'bad'} film", i % 2) for i in range(60)]
    table(tmp_path / "a.csv", rows)
    columns = {"kinds": {"text": "text"}, "ignore": "id"}
    card, data = prepared(tmp_path, "manifest:a.csv", columns=columns, text={"length": 3})
    table(tmp_path / "b.csv", [("id", "text"), ("T-1", "good film"), ("T-2", "bad")])
    table(tmp_path / "c.csv", [("text",), ("good film",), ("bad",)])
    found = [
        stored(read_others(card, data, f"manifest:{name}.csv", tmp_path, labels=False))["x"].tolist() for name in "bc"
    ]
    assert found[0] == found[1]


def test_of_other_data_no_row_is_left_out_for_its_label(tmp_path):
    rows = [("size", "label")] + [(i / 3, i % 2) for i in range(60)] + [(5, "")]
    table(tmp_path / "a.csv", rows)
    card, data = prepared(tmp_path, "manifest:a.csv", columns={"unlabelled": "drop"})
    assert sum(card.examples.values()) == 60
    with pytest.raises(DataError, match=r"line 62: there is no label, .*1 of 61 rows has none\. .*Then --no-labels\.$"):
        read_others(card, data, "manifest:a.csv", tmp_path)
    assert len(read_others(card, data, "manifest:a.csv", tmp_path, labels=False)) == 61
