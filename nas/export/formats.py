"""The formats a model is written in, and how each file is run: by what serves it, not by what wrote it.

A format writes into a folder that is there, and gives back a function that runs the file just written on inputs by
name. What it needs beyond TensorFlow is an extra, and asked for before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from nas.data.source import Array
from nas.errors import BadInput, NASError, UnknownName

Run: TypeAlias = Callable[[Mapping[str, Array]], dict[str, Array]]
"""``{input: (batch, …)} -> {output: (batch, …)}``, by the runtime that serves a format."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file or folder that was written. `batch` is the only number of examples it takes at once, ``None`` for any."""

    path: Path
    run: Run
    batch: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a model. `write` ``(model, folder, batch) -> Written``; `packages` are modules it needs.

    `run_with` names what its files are run with, here and where they are served.
    """

    name: str
    file: str
    write: Callable[[keras.Model, Path, int | None], Written]
    run_with: str
    packages: tuple[str, ...] = ()


def chosen_formats(names: tuple[str, ...]) -> list[Format]:
    """Return the formats called `names`, each once; ``"all"`` is all of them.

    Raises:
        UnknownName: There is no such format.
        BadInput: What it needs is not installed.
    """
    wanted = dict.fromkeys(FORMATS if "all" in names else names)
    for name in wanted:
        if name not in FORMATS:
            raise UnknownName("format", name, FORMATS, also="'all' is all of them.")
    found = [FORMATS[name] for name in wanted]
    missing = {each.name: [package for package in each.packages if find_spec(package) is None] for each in found}
    if lacking := {name: packages for name, packages in missing.items() if packages}:
        what = "; ".join(f"{name} needs {' and '.join(packages)}" for name, packages in lacking.items())
        raise BadInput(f'{what}: pip install "encoder-nas[export]", or name other formats.')
    return found


def _keras(model: keras.Model, folder: Path, batch: int | None) -> Written:
    path = folder / "model.keras"
    model.save(path)
    again = keras.saving.load_model(path, compile=False, safe_mode=True)  # our own file, just written

    def run(x: Mapping[str, Array]) -> dict[str, Array]:
        outputs: dict[str, Any] = again({name: tf.constant(array) for name, array in x.items()}, training=False)
        return {name: np.asarray(output) for name, output in outputs.items()}

    return Written(path, run)


def _saved_model(model: keras.Model, folder: Path, batch: int | None) -> Written:
    path = folder / "saved_model"
    model.export(path, format="tf_saved_model", verbose=False, input_signature=_signature(model, batch))
    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]

    def run(x: Mapping[str, Array], keep: Any = loaded) -> dict[str, Array]:  # variables live as long as what is kept
        return {name: output.numpy() for name, output in serve(**{k: tf.constant(v) for k, v in x.items()}).items()}

    return Written(path, run, batch)


def _onnx(model: keras.Model, folder: Path, batch: int | None) -> Written:
    import onnx
    import onnxruntime

    import nas.export.onnx_operations  # noqa: F401  # registers them

    path = folder / "model.onnx"
    model.export(path, format="onnx", verbose=False, input_signature=_signature(model, batch))
    made = onnx.load(path)
    _name_axes(made, "batch" if batch is None else batch)
    onnx.checker.check_model(made)
    onnx.save(made, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(x: Mapping[str, Array]) -> dict[str, Array]:
        return dict(zip(names, session.run(names, dict(x)), strict=True))

    return Written(path, run, batch, note=f"opset {made.opset_import[0].version}")


def _name_axes(made: Any, batch: str | int) -> None:
    """Call the first axis of whatever goes in or out the batch: the converter numbers axes without a length."""
    for tensor in (*made.graph.input, *made.graph.output):
        axis = tensor.type.tensor_type.shape.dim[0]
        if isinstance(batch, str):
            axis.dim_param = batch
        else:
            axis.dim_value = batch


def _litert(model: keras.Model, folder: Path, batch: int | None) -> Written:
    """Write with LiteRT's own operations alone.

    Recurrent layers over a batch of any size need TensorFlow's ("Flex"), and no interpreter that is published today
    runs these (measured with ai-edge-litert 2.3 and TensorFlow 2.21); for a batch of a fixed size they do not.
    """
    path = folder / "model.tflite"
    note = ""
    try:
        content = _converted(model, batch)
    except _NeedsFlex:
        if batch is not None:
            raise
        batch, note = 1, "takes one example at a time: for any number it would need TensorFlow's operations (Flex)"
        content = _converted(model, batch)
    path.write_bytes(content)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    signature = interpreter.get_signature_runner()

    def run(x: Mapping[str, Array], keep: Any = interpreter) -> dict[str, Array]:
        return {name: np.array(output) for name, output in signature(**x).items()}

    return Written(path, run, batch, note)


class _NeedsFlex(NASError):
    """A model cannot be said with LiteRT's own operations."""


def _converted(model: keras.Model, batch: int | None) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", verbose=False, input_signature=_signature(model, batch))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.experimental_enable_resource_variables = True
        try:
            content: bytes = converter.convert()
        except Exception as error:
            text = str(error)
            if "Flex" not in text and "TF Select" not in text and "SELECT_TF_OPS" not in text:
                raise
            lines = [line.strip() for line in text.splitlines() if "Flex" in line or "tf." in line]
            raise _NeedsFlex(f"It needs TensorFlow's operations (Flex): {' '.join(lines)[:300]}") from None
    return content


def _signature(model: keras.Model, batch: int | None) -> list[Any]:
    """Return what `model` takes, for `batch` examples, by name."""
    return [
        {
            name: keras.layers.InputSpec(dtype=tensor.dtype, shape=(batch, *tensor.shape[1:]), name=name)
            for name, tensor in model.input.items()
        }
    ]


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("keras", "model.keras", _keras, "Keras"),
        Format("savedmodel", "saved_model", _saved_model, "TensorFlow"),
        Format("onnx", "model.onnx", _onnx, "ONNX Runtime", ("onnx", "onnxruntime", "tf2onnx")),
        Format("litert", "model.tflite", _litert, "ai-edge-litert", ("ai_edge_litert",)),
    )
}
"""By name."""
