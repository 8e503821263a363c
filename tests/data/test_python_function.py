"""A function of one's own as a data source: what it may return, and what is said when it does not."""

import numpy as np
import pytest

from nas.data import python_function
from nas.data.options import DataSection
from nas.data.prepared import prepare
from nas.errors import DataError

HEAD = "import numpy as np\nX, Y = np.arange(24.0).reshape(12, 2), np.arange(12) % 2\ndef load():\n    "


@pytest.fixture
def load(tmp_path):
    def load(body, head=HEAD, spec="own.py:load"):
        (tmp_path / "own.py").write_text(head + body + "\n")
        return python_function.load(spec, tmp_path, DataSection(source="python:own.py:load"))

    return load


def test_a_dict_of_arrays(load):
    raw = load(
        "return {'x': X, 'y': Y, 'x_val': X[:2], 'y_val': Y[:2], 'x_test': X[:3], 'y_test': Y[:3],"
        " 'group': Y, 'time': range(12), 'class_names': ['a', 'b']}"
    )
    assert {name: len(examples) for name, examples in raw.splits.items()} == {"train": 12, "validation": 2, "test": 3}
    assert raw.train.time.tolist() == list(range(12))
    assert raw.train.group.tolist() == raw.train.y.tolist()
    assert raw.target.names == ("a", "b")


def test_several_inputs_and_what_they_are(load):
    raw = load("return {'x': {'a': X, 'b': X}, 'kinds': {'a': 'audio'}, 'sample_rate': 8000}")
    assert list(raw.train.x) == ["a", "b"]
    assert raw.train.y is None
    assert (raw.inputs["a"].kind, raw.inputs["a"].sample_rate) == ("audio", 8000)
    assert raw.inputs["b"].kind is None


@pytest.mark.parametrize("name", ["km/h", "../out", "", ".hidden", "y"])
def test_an_input_whose_name_is_no_name_of_a_file_is_refused(load, tmp_path, name):
    load(f"return {{'x': {{{name!r}: np.tile(X, (20, 1)), 'b': np.tile(X, (20, 1))}}, 'y': np.tile(Y, 20)}}")
    with pytest.raises(DataError, match=f"An input .* called '{name}'"):
        prepare(DataSection(source="python:own.py:load"), "classification", tmp_path / "data", tmp_path)
    assert not list(tmp_path.rglob("*.npy"))


def test_pairs_and_raw_data(load):
    raw = load("return (X, Y), (X[:3], Y[:3])")
    assert {name: len(examples) for name, examples in raw.splits.items()} == {"train": 12, "validation": 3}
    raw = load("from nas.data.source import Examples, RawData; return RawData(Examples.of(X, Y))")
    assert len(raw.train) == 12


def test_a_neighbour_may_be_imported_and_a_module_named(load, tmp_path, monkeypatch):
    (tmp_path / "beside_own.py").write_text("import numpy as np\nX = np.ones((4, 3))\n")
    assert load("return {'x': X}", "from beside_own import X\ndef load():\n    ").train.only.shape == (4, 3)
    monkeypatch.syspath_prepend(tmp_path)
    assert load("return {'x': X}", spec="own:load").train.only.shape == (12, 2)


def test_the_code_is_no_part_of_the_fingerprint(load, tmp_path):
    cards = []
    for body in ("return {'x': X, 'y': Y}", "return {'x': X + 0, 'y': Y}  # other code", "return {'x': X + 1, 'y': Y}"):
        load(body)
        section = DataSection(source="python:own.py:load")
        cards.append(prepare(section, "classification", tmp_path / "prepared", tmp_path)[0])
    assert cards[0].fingerprint == cards[1].fingerprint != cards[2].fingerprint


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("raise ValueError('no such drive')", r"load failed: ValueError: no such drive \(own\.py, line 4\)"),
        ("return np.zeros(3).reshape(2)", r"load failed: ValueError: .*\(own\.py, line 4\)"),
        ("raise SystemExit(1)", "SystemExit: 1"),
        ("return X, Y", r"must return a dict.*Received: ndarray of shape \(12, 2\)"),
        ("return None", "Received: NoneType"),
        ("return {'y': Y}", "there is no 'x'; there is: y"),
        ("return {'x': X, 'y_test': Y}", "'y_test' is there without 'x_test'"),
        ("return {'x': X, 'y': Y, 'x_val': X}", "'x_val' is there without 'y_val'"),
        ("return {'x': X, 'lables': Y}", "'lables' means nothing"),
        ("return {'x': X, 'x_valid': X}", "Did you mean 'x_val'"),
        ("return {'x': X, 'y': None, 'y_val': Y}", "'y_val' is there without 'x_val'"),
        ("return {'x': X, 'class_names': 'ab'}", "'class_names' must be texts, .* Received: str"),
        ("return {'x': X, 'kinds': {'x': 'sound'}}", "'sound' is no kind of input.*audio"),
        ("return {'x': X, 'kinds': {'z': 'audio'}}", "'z', which is no input"),
        ("return {'x': X, 'group': [1, 2]}", r"'group' must have one value for each example of x, \(12,\)"),
        ("x = 1 +", "own.py cannot be imported: SyntaxError"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(load, body, problem):
    with pytest.raises(DataError, match=problem):
        load(body)


def test_all_problems_of_a_dict_are_told_at_once(load):
    with pytest.raises(DataError) as error:
        load("return {'y': Y, 'x_val': X, 'lables': Y}")
    for problem in ("no 'x'", "'x_val' is there without 'y_val'", "'lables' means nothing"):
        assert problem in str(error.value)


def test_what_is_none_is_not_there(load):
    raw = load("return {'x': X, 'y': Y, 'x_val': None, 'y_val': None, 'group': None, 'class_names': None}")
    assert list(raw.splits) == ["train"]
    assert raw.train.group is None
    assert raw.target.names == ()


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("own.py:laod", "no function 'laod'. Did you mean 'load'"),
        ("own.py:X", "no function 'X'"),
        ("own.py", "must be 'python:file.py:function'"),
        ("other.py:load", r"other\.py cannot be imported: FileNotFoundError"),
        ("no_such_package.data:load", "No module named 'no_such_package'"),
    ],
)
def test_what_is_not_there(load, spec, problem):
    with pytest.raises(DataError, match=problem):
        load("return {'x': X}", spec=spec)


@pytest.mark.tf
class TestDatasets:
    HEAD = (
        HEAD.replace("\nX,", "\nimport tensorflow as tf\nX,") + "D = tf.data.Dataset.from_tensor_slices((X, Y))\n    "
    )

    @pytest.mark.parametrize("form", ["D", "D.batch(5)", "D.batch(4, drop_remainder=True).prefetch(1)"])
    def test_batched_or_not_they_are_read_once(self, load, form):
        raw = load(f"return {form}, D.take(3)", self.HEAD)
        assert isinstance(raw.train.only, np.memmap)
        np.testing.assert_array_equal(raw.train.only, np.arange(24.0).reshape(12, 2))
        assert raw.train.y.tolist() == [0, 1] * 6
        assert len(raw.validation) == 3

    def test_texts_and_several_inputs(self, load):
        raw = load(
            "E = tf.data.Dataset.from_tensor_slices(({'t': ['ü', 'b'], 'v': X[:2]}, Y[:2])); return E.batch(2)",
            self.HEAD,
        )
        assert raw.train.x["t"].tolist() == ["ü", "b"]
        assert raw.train.x["v"].shape == (2, 2)

    def test_no_labels(self, load):
        raw = load("return tf.data.Dataset.from_tensor_slices(X)", self.HEAD)
        assert raw.train.y is None
        assert raw.train.only.shape == (12, 2)

    @pytest.mark.parametrize(
        ("form", "problem"),
        [
            ("D.repeat()", r"never ends: leave \.repeat\(\) away"),
            ("D.take(0)", "has no elements"),
            ("D.map(lambda x, y: (x, y, 1.0))", "weights of examples are not used. Received: tuple of 3"),
            ("tf.data.Dataset.from_generator(lambda: (np.ones(n) for n in (2, 3, 2)), "
             "output_signature=tf.TensorSpec([None]))", r"Element 1 .* another length than those before it"),
            ("tf.data.Dataset.from_generator(lambda: ((np.ones(n), 1) for n in (2, 3)), "
             "output_signature=(tf.TensorSpec([None]), tf.TensorSpec([])))", r"Element 1 .* x of shape \(3,\), those"),
            ("D.map(lambda x, y: (tf.py_function(lambda: 1 / 0, [], tf.float32), y))", "must give dense tensors"),
            ("D.map(lambda x, y: (tf.ensure_shape(tf.py_function(lambda: 1 / 0, [], tf.float32), []), y))",
             "returned cannot be read: .*division by zero"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read(self, load, form, problem):
        with pytest.raises(DataError, match=problem):
            load(f"return {form}", self.HEAD)
