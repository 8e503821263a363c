"""Tables of one's own: what their columns are taken for, and every way in which they can be wrong."""

import csv
import gzip
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nas.data import identifiers, manifest, table
from nas.data.checks import check
from nas.data.options import DataSection
from nas.data.prepared import open_split, prepare
from nas.errors import DataError


def section(source="manifest:t.csv", bad=0.01, **columns):
    return DataSection.model_validate(
        {"source": source, "columns": columns, "bad": bad, "images": {"size": [8, 8], "channels": 1}}
    )


def load(folder, text=None, name="t.csv", **options):
    if text is not None:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return manifest.load(name, folder, section(**options))


def rows(*lines):
    return "\n".join(lines) + "\n"


REVIEWS = rows("review,label", *(f"this is review number {n},{'ab'[n % 2]}" for n in range(12)))


def test_one_text_is_called_x(tmp_path):
    raw = load(tmp_path, REVIEWS)
    assert list(raw.train.x) == ["x"]
    assert raw.inputs["x"].kind == "text"
    assert raw.train.only.dtype == object
    assert raw.train.only[3] == "this is review number 3"
    assert raw.train.y[:4].tolist() == ["a", "b", "a", "b"]
    assert raw.notes == ("The columns of t.csv are taken for text: review. Is one wrong? data.columns.kinds.",)


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.csv.gz", "t.tsv.gz", "t.jsonl.gz", "t.parquet"])
def test_every_format_says_the_same(tmp_path, name):
    texts = ['plain words, "quoted"', "two\nlines", "tab\tinside", "ünïcödé 🙂", ""] * 3
    table_ = {"text": texts, "label": [0, 1, 0, 1, 1] * 3, "split": ["train"] * 9 + ["dev"] * 3 + ["TEST"] * 3}
    if name.endswith("parquet"):
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.table(table_), tmp_path / name)
    else:
        out = io.StringIO()
        lines = [dict(zip(table_, row, strict=True)) for row in zip(*table_.values(), strict=True)]
        if "jsonl" in name:
            out.write("\r\n".join(json.dumps(line) for line in lines))
        else:
            writer = csv.DictWriter(out, table_, delimiter="\t" if "tsv" in name else ",")
            writer.writeheader()
            writer.writerows(lines)
        content = b"\xef\xbb\xbf" + out.getvalue().encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    raw = load(tmp_path, name=name, inputs=["text"], kinds={"text": "text"})
    assert {split: len(examples) for split, examples in raw.splits.items()} == {"train": 9, "validation": 3, "test": 3}
    assert raw.train.only.tolist() == texts[:9]
    assert raw.test.y.tolist() == [0, 1, 1]
    assert raw.train.y.dtype == np.int64


def test_quotes_in_a_tsv_may_be_signs(tmp_path):
    raw = load(
        tmp_path, rows("text\tlabel", '"Hi" she said\ta', '5" screen\tb', '"open\ta'), name="t.tsv", inputs="text"
    )
    assert raw.train.only.tolist() == ['"Hi" she said', '5" screen', '"open']


def test_numbers_and_categories_are_one_input(tmp_path):
    lines = [f"{n / 2},{'red' if n % 3 else 'blue'},{n % 2}" for n in range(30)]
    raw = load(tmp_path, rows("size,colour,label", *lines))
    assert list(raw.train.x) == ["x"]
    assert raw.train.only.dtype == np.float32
    assert raw.train.only[:4].tolist() == [[0, 1], [0.5, 2], [1, 2], [1.5, 1]]
    known = raw.inputs["x"]
    assert (known.kind, known.categories, known.columns) == ("vector", (3,), ("size",))
    assert known.values == {"colour": ("blue", "red")}


def test_categories_are_those_of_train(tmp_path):
    lines = [f"{n},{'abcd'[n % 4]},{n // 2 % 2},train" for n in range(40)]
    lines += ["50,c,0,validation", "51,new,1,validation", "52,b,1,test", "53,,0,test"]
    (tmp_path / "t.csv").write_text(rows("size,colour,label,split", *lines).replace(",a,", ",z,"))
    kinds = {"colour": "category"}
    card, _ = prepare(section(kinds=kinds), "classification", tmp_path / "prepared", tmp_path)
    assert card.inputs["x"].categories == (5,)  # b, c, d, z, and what is none of them
    assert open_split(card, "train").only[:4, 1].tolist() == [4, 1, 2, 3]
    assert open_split(card, "validation").only[:, 1].tolist() == [2, 0]
    assert open_split(card, "test").only[:, 1].tolist() == [1, 0]
    assert (card.inputs["x"].mean[1], card.inputs["x"].std[1]) == (0, 1)
    named = json.loads((tmp_path / "prepared" / card.fingerprint[:16] / "x_columns.json").read_text())
    assert named == {"numbers": ["size"], "categories": {"colour": ["b", "c", "d", "z"]}}


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    for n in range(12):
        Image.new("L", (5, 5), 10 * n).save(tmp_path / "photos" / f"{n}.png")
    lines = [f"photos/{n}.png,some words about {n},{n},{'ab'[n % 2]}" for n in range(12)]
    (tmp_path / "t.csv").write_text(rows("photo,caption,size,label", *lines))
    return tmp_path


def test_several_inputs_have_the_names_of_their_columns(photos):
    raw = load(photos)
    assert {name: raw.inputs[name].kind for name in raw.train.x} == {
        "photo": "image", "caption": "text", "table": "vector",
    }  # fmt: skip
    assert raw.train.x["photo"].shape == (12, 8, 8, 1)
    assert raw.train.x["photo"][:, 0, 0, 0].tolist() == [10 * n for n in range(12)]
    assert isinstance(raw.train.x["photo"], np.memmap)
    assert raw.train.x["table"].tolist() == [[n] for n in range(12)]


def test_what_is_read_is_the_same_every_time(photos):
    cards = [prepare(section(inputs="photo"), "classification", photos / name, photos)[0] for name in "ab"]
    assert cards[0].fingerprint == cards[1].fingerprint


def test_rows_with_bad_files_are_left_out_of_every_column(photos):
    (photos / "photos" / "3.png").write_text("no image")
    with pytest.raises(DataError, match=r"1 of 12 rows .* more than the 1 %.*\n.*t\.csv, line 5: .*3\.png is no image"):
        load(photos)
    raw = load(photos, bad=0.1)
    assert len(raw.train) == 11
    assert raw.train.x["table"][:4].ravel().tolist() == [0, 1, 2, 4]
    assert raw.train.x["photo"][:4, 0, 0, 0].tolist() == [0, 10, 20, 40]
    assert raw.train.y[:4].tolist() == ["a", "b", "a", "a"]
    assert any("1 of 12 rows" in note for note in raw.notes)


def test_paths_that_lead_nowhere_are_images_all_the_same(tmp_path):
    with pytest.raises(DataError, match=r"t\.csv, line 2: .*a\.jpg cannot be decoded: No such file"):
        load(tmp_path, rows("photo,label", "a.jpg,0", "b.jpg,1"))
    with pytest.raises(DataError, match="line 3: photo is empty"):
        load(tmp_path, rows("photo,label", "a.jpg,0", ",1"))


def test_sounds_are_read_at_the_rate_that_is_asked_for(tmp_path):
    pytest.importorskip("nas.data.sound")
    soundfile = pytest.importorskip("soundfile")
    for n in range(4):
        soundfile.write(tmp_path / f"{n}.wav", np.full(16_000, 0.1 * n), 16_000)
    raw = load(tmp_path, rows("clip,label", *(f"{n}.wav,{n % 2}" for n in range(4))))
    assert (raw.inputs["x"].kind, raw.inputs["x"].sample_rate) == ("audio", 16_000)
    assert (raw.train.only.shape, raw.train.only.dtype) == ((4, 16_000), np.int16)


def test_labels_may_be_none_many_or_numbers(tmp_path):
    text = rows("a,b,tags,code,x", *(f'{n},{n / 2},"t{n},u",0{n},{n}' for n in range(5)))
    assert load(tmp_path, text, label="", inputs="x").train.y is None
    both = load(tmp_path, label=["a", "b"], inputs="x")
    assert both.train.y.tolist() == [[n, n / 2] for n in range(5)]
    assert both.target.names == both.label == ("a", "b")
    assert load(tmp_path, label="tags", inputs="x").train.y[2] == "t2,u"
    assert load(tmp_path, label="b", inputs="x").train.y.dtype == np.float64
    assert load(tmp_path, label="code", inputs="x").train.y[2] == "02"  # a code is no number


def test_lists_of_labels_are_joined(tmp_path):
    lines = [{"x": n, "label": ["a", "b"][: n % 3]} for n in range(3)]
    raw = load(tmp_path, rows(*map(json.dumps, lines)), name="t.jsonl")
    assert raw.train.y.tolist() == ["", "a", "a,b"]


def test_groups_and_times(tmp_path):
    lines = [f"{n},{n % 2},p{n % 3},2026-01-0{n + 1}" for n in range(5)]
    raw = load(tmp_path, rows("x,label,who,when", *lines), group="who", time="when")
    assert raw.train.x["x"].shape == (5, 1)
    assert raw.train.group.tolist() == ["p0", "p1", "p2", "p0", "p1"]
    assert (np.diff(raw.train.time) == np.timedelta64(1, "D")).all()
    zones = rows("x,label,when", "1,0,2026-01-01T12:00:00+02:00", "2,1,2026-01-01T10:00:00Z")
    times = load(tmp_path, zones, time="when").train.time
    assert times[0] == times[1] == np.datetime64("2026-01-01T10:00:00")


@pytest.mark.parametrize(
    ("text", "columns", "problem"),
    [
        ("", {}, "is empty: its first line must name the columns"),
        ("x,label\n", {}, "has no rows"),
        (rows("x,y", "1,2"), {}, r"has no column 'label', which data\.columns\.label names.* It has: x, y"),
        (rows("x,labels", "1,2"), {}, "Did you mean 'labels'"),
        (rows("x,label", "1,a"), {"inputs": "z"}, r"no column 'z', which data\.columns\.inputs"),
        (rows("x,label", "1,a"), {"group": "who"}, r"no column 'who', which data\.columns\.group"),
        (rows("x,label", "1,a"), {"split": "fold"}, r"no column 'fold', which data\.columns\.split"),
        (rows("x,label", "1,a"), {"kinds": {"label": "text"}}, "'label' is no input"),
        (rows("label", "a"), {}, "no column that could be an input"),
        (rows("x,label", "1,a", "2"), {}, r"t\.csv, line 3: too few columns, 1; the first line names 2"),
        (rows("x,label", '"1\n2",a', "1,2,3"), {}, r"line 4: too many columns, 3"),
        (rows("x,label", '"1,a', "2,b"), {}, r"line 2: unexpected end of data.*quote"),
        (rows("x,x,label", "1,2,a"), {}, "two columns are called 'x'"),
        (rows(",x,label", "0,1,a"), {}, "column 1 has no name.*index=False"),
        (
            rows("x,label", "1,a", "2,", "3,"),
            {},
            r"line 3: there is no label, .*; 2 of 3 rows have none\. .*unlabelled = \"drop",
        ),
        (rows("x,label", "1,a", "2,"), {}, r"line 3: there is no label, .*; 1 of 2 rows has none\."),
        (rows("x,label", "1,", "2,"), {"unlabelled": "drop"}, r"no row has a label, in 'label'"),
        (rows("x,label", "1,1", "2,nan"), {}, r"line 3: label is 'nan', which is no label"),
        (rows("x,label,split", "1,a,train", "2,b,tset"), {}, r"line 3: split is 'tset'; it must be train"),
        (rows("x,label,split", "1,a,test"), {}, "no row is of the train split"),
        (
            rows("x,label", *["1,a"] * 18, "N/A,b", ",b"),
            {},
            r"line 20: x is 'N/A', which is no number; 2 of 20 rows have none\. Fill",
        ),
        (
            rows("x,label", *["1,a"] * 19, "n/a,b"),
            {},
            r"line 21: x is 'n/a', which is no number; 1 of 20 rows has none\. ",
        ),
        (
            rows("x,label", *["1,a"] * 19, "NaN,b"),
            {},
            r"line 21: x is 'NaN', which is no number; 1 of 20 rows has none",
        ),
        (
            rows("x,y,z,label", *["1,2,3,a"] * 18, "nan,1,3,b", ",1,?,b"),
            {},
            r"are none\.\n  line 20: x is 'nan', .*; 2 of 20 rows have none\n  line 21: z is '\?', .*has none\n  Fill",
        ),
        (rows("x,a,b", "1,2,3", "2,,nan"), {"label": ["a", "b"], "inputs": "x"}, r"line 3: there is no a"),
        (
            rows("x,a,b", "1,2,3", "2,3,nan"),
            {"label": ["a", "b"], "inputs": "x"},
            r"line 3: b is 'nan', which is no number",
        ),
        (rows("x,label", "one,a"), {"kinds": {"x": "number"}}, "line 2: x is 'one', which is no number"),
        (rows("x,label", ",a", ",b"), {}, "column 'x' is empty"),
        (rows("x,label,who", "1,a,p", "2,b,"), {"group": "who"}, r"line 3: there is no who, the group"),
        (rows("x,label,at", "1,a,noon"), {"time": "at"}, "at is 'noon'; times must all be numbers, or dates"),
        (rows("a/b,c,label", "some words,other words,1"), {"kinds": {"a/b": "text", "c": "text"}}, "'a/b' is an input"),
        ("x,label\n1,caf\xe9\n".encode("latin1"), {}, r"line 2: it is not UTF-8 text: .* at byte 13.*iconv"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, columns, problem):
    with pytest.raises(DataError, match=problem) as error:
        load(tmp_path, text, **columns)
    assert "t.csv" in str(error.value) or "data.columns" in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.csv", "a;b;label\n1;2;x\n", r"have ';' between them, as in 'a;b;label'; .* commas .*sep=';'"),
        ("t.csv", "a;b;label\n1,5;2,5;x\n", "have ';' between them"),
        ("t.csv", "a\tb\tlabel\n1\t2\tx\n", r"have '\\t' between them.*Call it \.tsv"),
        ("t.tsv", "a,b,label\n1,2,x\n", r"have ',' between them.* a \.tsv is read with tabs .*Call it \.csv"),
        ("t.jsonl", '{"x": 1, "label": 0}\n\n{"x": 1,\n', "line 3: this is no JSON"),
        ("t.jsonl", "[1, 2]\n", "each line must be an object"),
        ("t.jsonl", '{"x": {"a": 1}, "label": 0}\n', r"x must be one value"),
        ("t.csv.gz", "no gzip", "cannot be read"),
        ("t.csv.gz", gzip.compress(b"x,label\n1,a\n")[:-9], "cannot be read"),
        ("t.parquet", "no parquet", "cannot be read"),
        ("t.xlsx", "", r"must be one of \.csv, \.tsv"),
    ],
)
def test_what_is_wrong_with_other_formats(tmp_path, name, content, problem):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    with pytest.raises(DataError, match=problem):
        load(tmp_path, content, name=name)


def test_what_a_table_cannot_hold_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text(REVIEWS)
    with pytest.raises(DataError, match="cannot be read from a table"):
        manifest.load("t.csv", tmp_path, DataSection(source="manifest:t.csv", kind="sequence"))


def test_the_kind_of_the_only_column_may_be_that_of_the_data(tmp_path):
    (tmp_path / "t.csv").write_text(rows("word,label", *(f"{'ab'[n % 2]},{n % 2}" for n in range(30))))
    assert load(tmp_path).inputs["x"].kind == "vector"
    text = manifest.load("t.csv", tmp_path, DataSection(source="manifest:t.csv", kind="text"))
    assert text.inputs["x"].kind == "text"


def test_a_missing_file_has_a_neighbour(tmp_path):
    load(tmp_path, REVIEWS)
    with pytest.raises(DataError, match=r"no file .*tt\.csv\. Did you mean 't\.csv'"):
        load(tmp_path, name="tt.csv")


def test_a_folder_is_no_table_and_its_tables_are_named(tmp_path):
    load(tmp_path, REVIEWS)
    with pytest.raises(DataError, match=r"is a folder: name a table, a file\. In it there is: t\.csv\."):
        load(tmp_path, name=".")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty is a folder: .* there is: none\."):
        load(tmp_path, name="empty")


def test_without_pyarrow_parquet_says_how_to_get_it(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r'pip install "encoder-nas\[parquet\]"'):
        load(tmp_path, "", name="t.parquet")


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from(["csv", "tsv"]), st.booleans())
def test_what_csv_writes_is_read_back(tmp_path_factory, written, suffix, crlf):
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter="," if suffix == "csv" else "\t",
        quoting=csv.QUOTE_ALL,
        lineterminator="\r\n" if crlf else "\n",
    )
    writer.writerows([("one", "two"), *written])
    path = tmp_path_factory.mktemp("table") / f"t.{suffix}"
    path.write_bytes(out.getvalue().encode())
    found = table.read_table(path)
    assert found.columns == {"one": [row[0] for row in written], "two": [row[1] for row in written]}


@given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "jsonl", "csv.gz"]))
def test_any_bytes_are_a_table_or_refused_in_words(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("bytes") / f"t.{suffix}"
    path.write_bytes(content)
    try:
        found = table.read_table(path)
    except DataError:
        return
    assert all(len(cells) == len(found) for cells in found.columns.values())


def test_columns_with_numbers_that_are_too_large_are_named(tmp_path):
    cells = (f"{n},{'1e31' if n in (3, 5) else n},{'inf' if n == 4 else n},{n % 2}" for n in range(20))
    raw = load(tmp_path, rows("height,age,income,label", *cells))
    with pytest.raises(DataError, match=r"age \(2, first in row 3\), income \(1, first in row 4\)\. Fill"):
        check(raw)


def numbered(form, count=40):
    return [form(n) for n in range(count)]


@pytest.mark.parametrize(
    "cells",
    [
        numbered(lambda n: n),
        numbered(lambda n: 1000 - 3 * n),
        numbered(lambda n: 17 * n % 40 + 5),
        numbered(lambda n: float(n)),
        numbered(lambda n: f"T-{n:05}"),
        numbered(lambda n: f"user_{n}"),
        numbered(lambda n: f"{n * 2654435761 % 2**32:08x}"),
        numbered(lambda n: f"AB{n:02}-CD"),
    ],
)
def test_identifiers_are_told_from_what_they_look_like(cells):
    assert identifiers.are_identifiers(cells)
    assert not identifiers.are_identifiers([*cells, cells[0]])
    assert not identifiers.are_identifiers(cells[:10])


@pytest.mark.parametrize(
    "cells",
    [
        numbered(lambda n: n / 7),
        numbered(lambda n: n % 5),
        numbered(lambda n: 7919 * n % 100_003),  # all different, and far apart
        numbered(lambda n: f"{n * 7919 % 977}kg"),
        numbered(lambda n: f"${n}"),
        numbered(lambda n: f"this is review number {n}"),
        numbered(lambda n: chr(97 + n % 26) * (1 + n)),
        numbered(lambda n: f"{'T' if n % 2 else 'Room'}{n}"),
        numbered(lambda n: n or None),
    ],
)
def test_inputs_are_not_taken_for_identifiers(cells):
    assert not identifiers.are_identifiers(cells)


def test_an_identifier_among_the_inputs_is_told_of_and_can_be_left_out(tmp_path):
    lines = [f"{n},T-{n:05},2026-01-{1 + n % 3:02},{n % 7 / 3},{'ab'[n > 19]}" for n in range(40)]
    raw = load(tmp_path, rows("number,ticket,when,size,label", *lines))
    told = "\n".join(raw.notes)
    assert "number has a different value in every row, and looks like an identifier (0, 1 …)" in told
    assert "ticket has a different value in every row, and looks like an identifier (T-00000, T-00001 …)" in told
    assert 'data.columns.ignore = ["ticket"]' in told
    assert "when holds dates, and is taken for category, of 3 different values" in told
    raw = load(tmp_path, ignore=["number", "ticket", "when"])
    assert raw.train.only.shape == (40, 1)
    assert raw.notes[1:] == ("Columns of t.csv that are no inputs: number, ticket, when.",)
    # what somebody has named is meant
    assert "identifier" not in "".join(load(tmp_path, inputs=["number", "ticket"]).notes)
    assert "number has" not in "".join(load(tmp_path, kinds={"number": "number"}).notes)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"ignore": "idd"}, r"no column 'idd', which data\.columns\.ignore names.* Did you mean 'id'"),
        ({"ignore": "label"}, "'label' is named in data.columns as something else, too"),
        ({"ignore": "id", "inputs": ["id", "x"]}, "'id' is named in data.columns as something else, too"),
    ],
)
def test_what_is_ignored_is_there_and_nothing_else(tmp_path, columns, problem):
    with pytest.raises(DataError, match=problem):
        load(tmp_path, rows("id,x,label", "1,2,a", "2,3,b"), **columns)


def test_rows_without_a_label_are_left_out_where_that_is_wanted(tmp_path):
    text = rows("x,name,a,b,split", "1,p,1,2,train", "2,q,,2,train", "3,r,1, ,dev", "4,s,3,4,dev")
    raw = load(tmp_path, text, label=["a", "b"], inputs="x", unlabelled="drop")
    assert (raw.train.only.tolist(), raw.validation.only.tolist()) == ([[1]], [[4]])
    assert raw.validation.origin.tolist() == ["line 5"]
    assert raw.notes[0] == "2 of 4 rows of t.csv have no label, and are left out (data.columns.unlabelled)."
    options = section(label=["a", "b"], inputs="x", unlabelled="drop")
    assert manifest.cells_by_split("t.csv", tmp_path, options, ["name"], "--keep") == {"name": ["p", "s"]}
    assert len(load(tmp_path, text, label="b", inputs="x", unlabelled="drop").train) == 2
