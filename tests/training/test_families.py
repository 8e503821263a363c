"""Names of families and what they load; whatever is wrong is said in one sentence."""

from dataclasses import replace

import keras_tuner
import pytest

from nas.data_card import DataCard, Input, Target
from nas.errors import FamilyError, UnknownName
from nas.training.families import load_family, make_family

pytestmark = pytest.mark.tf

CARD = DataCard("test:x", "0" * 64, "/", {"x": Input("image", (8, 8, 1))}, Target(names=tuple("0123456789")), {})

HEAD = "import keras, keras_tuner\nfrom keras import layers\n"
NET = HEAD + (
    "class Net(keras_tuner.HyperModel):\n"
    "    def __init__(self, input_shape, num_classes=None):\n"
    "        super().__init__()\n"
    "        self.input_shape, self.num_classes = input_shape, num_classes\n"
    "    def build(self, hp):\n"
    "        inputs = keras.Input(self.input_shape)\n"
    "        return keras.Model(inputs, layers.Dense(hp.Int('units', 2, 4))(layers.Flatten()(inputs)))\n"
)


@pytest.fixture
def write(tmp_path):
    def write(text, name="net.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_a_registered_name(tmp_path):
    family = make_family("cnn", tmp_path, CARD)
    assert type(family).__name__ == "CNN"
    assert family.input_shape == (8, 8, 1)


def test_a_class_in_a_file(write, tmp_path):
    write(NET)
    family = make_family("net.py:Net", tmp_path, CARD)
    assert (family.input_shape, family.num_classes) == ((8, 8, 1), 10)
    assert family.build(keras_tuner.HyperParameters()).output_shape == (None, 2)


def test_a_file_is_read_anew_and_sees_its_own_neighbours(write, tmp_path):
    import sys

    before = list(sys.path)
    for folder, value in (("a", 1), ("b", 2)):
        write(f"VALUE = {value}\n", f"{folder}/neighbour_of_net.py")
        write("from neighbour_of_net import VALUE\n" + NET, f"{folder}/net.py")
    families = [load_family("net.py:Net", tmp_path / folder) for folder in ("a", "b")]
    values = [family.__init__.__globals__["VALUE"] for family in families]
    assert values == [1, 2]
    assert sys.path == before
    assert "neighbour_of_net" not in sys.modules


def test_a_class_anywhere(tmp_path):
    family = make_family("keras_tuner.applications:HyperResNet", tmp_path, CARD)
    assert (family.input_shape, family.classes) == ((8, 8, 1), 10)


def test_a_subclass_that_passes_the_rest_on(write, tmp_path):
    write(
        "import keras_tuner\n"
        "class Headless(keras_tuner.applications.HyperResNet):\n"
        "    def __init__(self, **kwargs):\n"
        "        super().__init__(include_top=False, **kwargs)\n"
    )
    family = make_family("net.py:Headless", tmp_path, CARD)
    assert (family.input_shape, family.include_top) == ((8, 8, 1), False)


def test_an_instance_and_a_function_are_families_too(write, tmp_path):
    write(
        NET + "net = Net((3,))\n"
        "def build(hp, input_shape):\n"
        "    return Net(input_shape).build(hp)\n"
        "def plain(hp):\n"
        "    return net.build(hp)\n"
    )
    hp = keras_tuner.HyperParameters()
    assert make_family("net.py:net", tmp_path, CARD).build(hp).input_shape == (None, 3)
    assert make_family("net.py:build", tmp_path, CARD).build(hp).input_shape == (None, 8, 8, 1)
    assert make_family("net.py:plain", tmp_path, CARD).build(hp).input_shape == (None, 3)


def test_encoders_that_can_are_made_once_more_to_give_places(write, tmp_path):
    write(
        NET + "class Picky(Net):\n"
        "    def __init__(self, input_shape, features):\n"
        "        if features != 'vector':\n"
        "            raise ValueError('only vectors')\n"
        "        super().__init__(input_shape)\n"
    )
    inputs = {"a": Input("image", (8, 8, 1)), "b": Input("vector", (4,)), "c": Input("text", (5,), vocabulary=9)}
    encoders = {"a": ("cnn", "mlp", "net.py:Picky"), "b": ("mlp",), "c": ("bag",)}
    fusion = make_family("fusion", tmp_path, replace(CARD, inputs=inputs), encoders=encoders)
    made = {name: list(families) for name, families in fusion.encoders.items()}
    able = {name: list(families) for name, families in fusion.places.items()}
    assert made == {"a": ["cnn", "mlp", "Picky"], "b": ["mlp"], "c": ["bag"]}
    assert able == {"a": ["cnn"], "b": [], "c": ["bag"]}
    assert (fusion.encoders["a"]["cnn"].features, fusion.places["a"]["cnn"].features) == ("vector", "map")
    assert fusion.places["c"]["bag"].features == "sequence"


@pytest.mark.parametrize(
    ("text", "spec", "message"),
    [
        ("import nothing_of_this_name\n", "net.py:Net", r"ModuleNotFoundError: .*nothing_of_this_name.*net.py, line 1"),
        ("x = 1 +\n", "net.py:Net", "SyntaxError"),
        ("raise SystemExit(3)\n", "net.py:Net", "SystemExit: 3"),
        (NET, "net.py:Nett", "has no 'Nett'. Did you mean 'Net'"),
        (NET + "x = 3\n", "net.py:x", "must be a subclass of keras_tuner.HyperModel.*Received: 3"),
        (HEAD + "class Net: pass\n", "net.py:Net", "must be a subclass"),
        (NET.replace("num_classes=None", "words, num_classes=None"), "net.py:Net", "needs words, but only input_shape"),
        (NET.replace("super().__init__()", "raise ValueError('too small')"), "net.py:Net", "ValueError: too small"),
        (HEAD + "def build(hp, words): pass\n", "net.py:build", "needs words"),
        ("", "no_such_file.py:Net", "No such file"),
        ("", "no_such_package.spaces:Net", "No module named 'no_such_package'"),
        ("", "keras_tuner.applications:HyperResnet", "Did you mean 'HyperResNet'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(write, tmp_path, text, spec, message):
    write(text)
    with pytest.raises(FamilyError, match=message):
        make_family(spec, tmp_path, CARD)


def test_an_unknown_name(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'resnet'"):
        load_family("resnett", tmp_path)
