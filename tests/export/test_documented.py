"""What docs/export.md says of serving, done as it stands there: to a model of scikit-learn's digits."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pyarrow.parquet
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_digits

from nas.data.options import TextSection
from nas.data.pictures import ImageReader
from nas.data.text import encode, train_tokenizer
from tests.real import finish, nas

DOCUMENT = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT, flags=re.M | re.S)
SNIPPETS = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
    if line.startswith(("mkdir", "printf"))
]
WINE = """
name = "wine"
data.source = "manifest:wine.csv"
space.families = ["mlp"]
search = { strategy = "random", trials = 1, epochs = 1, workers = 1 }
"""
STUDY = """
name = "digits"
data.source = "sklearn:digits"
space.families = ["cnn"]
search = { strategy = "random", trials = 1, epochs = 1, workers = 1 }
"""
pytestmark = [
    pytest.mark.tf,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the exports that the document names."""
    made = tmp_path_factory.mktemp("documented")
    (made / "digits.toml").write_text(STUDY)
    (made / "wine.toml").write_text(WINE)
    colours = ["red", "white", "rosé"]
    rows = [f"{i % 7},{colours[i % 3]},{i % 11 / 3:.2f},{'ab'[i % 2]}" for i in range(80)]
    (made / "wine.csv").write_text("\n".join(["alcohol,colour,ash,label", *rows]), encoding="utf-8")
    (made / "new.csv").write_text("id,ash,colour,alcohol\nA7,1.5,orange,3\nA8,0.5,white,6\n", encoding="utf-8")
    for words in (
        ["launch", "digits.toml"],
        ["export", "digits", "--format", "all", "-o", "exports/digits-45"],
        ["launch", "wine.toml"],
        ["export", "wine", "--what", "encoder", "--format", "onnx"],
        ["encode", "wine", "--source", "manifest:new.csv", "--no-labels", "--keep", "id", "-o", "new.parquet"],
    ):
        code, _, err = finish(nas(made, *words))
        assert code == 0, err
    texts = ["where is my card", "my card is lost"]
    tokenizer = train_tokenizer(texts, TextSection())
    encode(tokenizer, np.array(texts), 64)  # sets it to cut off and fill up
    (made / "exports" / "banking77-3").mkdir()
    tokenizer.save(str(made / "exports" / "banking77-3" / "x_tokenizer.json"))
    return made


def run(snippet: str, folder: Path, then: str) -> list:
    """Run a snippet in a process of its own, and return what `then` comes to after it."""
    code = f"{snippet}\nimport json as _json\nprint(_json.dumps({then}))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def on_sevens(snippet: str) -> str:
    """Return the snippet with an input on which classes differ."""
    sevens = "np.full((1, 8, 8, 1), 7.0, np.float32)"
    return snippet.replace("np.zeros((1, 8, 8, 1), np.float32)", sevens).replace(
        "tf.zeros((1, 8, 8, 1))", "tf.fill((1, 8, 8, 1), 7.0)"
    )


def test_the_snippets_run_as_they_stand_and_agree(folder):
    served = [snippet for snippet in SNIPPETS if "logits" in snippet and "names =" not in snippet]
    logits = [run(on_sevens(snippet), folder, "logits.tolist()") for snippet in served]
    assert [np.shape(each) for each in logits] == [(1, 10)] * 4
    for other in logits[1:]:
        np.testing.assert_allclose(other, logits[0], atol=1e-4)
    (named,) = [snippet for snippet in SNIPPETS if "names =" in snippet]
    assert set(run(named, folder, "names")) <= set("0123456789")
    (tokenized,) = [snippet for snippet in SNIPPETS if "tokenizer" in snippet]
    assert run(tokenized, folder, "[len(row) for row in tokens]") == [64]


def test_what_is_done_to_data_before_is_what_encode_does(folder):
    (of_table,) = [snippet for snippet in SNIPPETS if "columns_file" in snippet]
    wanted = pyarrow.parquet.read_table(folder / "new.parquet").to_pydict()
    np.testing.assert_allclose(run(of_table, folder, "vectors.tolist()"), wanted["embedding"], atol=1e-5)
    assert wanted["id"] == ["A7", "A8"]

    values = np.random.default_rng(0).integers(0, 256, (90, 70, 4), dtype=np.uint8)
    Image.fromarray(values).save(folder / "scan.png")
    (of_picture,) = [snippet for snippet in SNIPPETS if "PIL" in snippet]
    found = run(of_picture, folder, "pixels.tolist()")
    np.testing.assert_array_equal(found, [ImageReader((64, 64), 3)(folder / "scan.png")])


def test_the_folders_of_servers_have_their_form(folder):
    assert len(COMMANDS) == 3
    for command in COMMANDS:
        subprocess.run(command, cwd=folder, shell=True, check=True)
    digits = load_digits().images[:2, ..., None].tolist()
    (request,) = [snippet for snippet in SNIPPETS if "request.json" in snippet]
    told = run(request, folder, "json.loads(Path('request.json').read_text())")
    assert np.shape(told["inputs"]["x"]) == np.shape(digits)

    served = tf.saved_model.load(str(folder / "served" / "digits" / "1")).signatures["serving_default"]
    assert list(served.structured_input_signature[1]) == list(told["inputs"])
    assert served(x=tf.constant(digits, tf.float32))["output"].shape == (2, 10)

    config = (folder / "models" / "digits" / "config.pbtxt").read_text()
    assert dict(re.findall(r'^(\w+): "?([\w]+)"?$', config, flags=re.M)) == {
        "name": "digits",
        "backend": "onnxruntime",
        "max_batch_size": "64",
    }
    graph = onnx.load(folder / "models" / "digits" / "1" / "model.onnx").graph
    for tensor in (*graph.input, *graph.output):  # Triton batches only where every first axis may be of any size
        assert tensor.type.tensor_type.shape.dim[0].dim_param
