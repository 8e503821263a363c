"""Two operations of TensorFlow that tf2onnx 1.17 does not convert, said by those that ONNX has.

``Erfc`` is in every exact GELU; ``RFFT`` with both its parts (tf2onnx knows their length alone) is in the log-mel front
end of sounds. They are registered when this file is imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tf2onnx import utils
from tf2onnx.handler import tf_op
from tf2onnx.onnx_opset.signal import RFFTOp  # registered before ours, which take its place


@tf_op("Erfc")
class Erfc:
    """1 - erf(x): ONNX has no complement."""

    @classmethod
    def version_9(cls, ctx: Any, node: Any, **kwargs: Any) -> None:
        """Put ``Erf`` and a difference in the place of `node`."""
        dtype, shape = ctx.get_dtype(node.output[0]), ctx.get_shape(node.output[0])
        one = ctx.make_const(utils.make_name("one"), np.array(1, utils.map_onnx_to_numpy_type(dtype))).output[0]
        ctx.remove_node(node.name)
        erf = ctx.make_node("Erf", [node.input[0]], dtypes=[dtype], shapes=[shape]).output[0]
        ctx.make_node("Sub", [one, erf], outputs=node.output, name=node.name, dtypes=[dtype], shapes=[shape])


@tf_op("RFFT")
class RealFourier:
    """Left to those that take its parts; where its length is taken, to tf2onnx."""

    @classmethod
    def version_13(cls, ctx: Any, node: Any, **kwargs: Any) -> None:
        """Do nothing, where all that follows is `FourierPart`: `node` is then used by nobody and left out."""
        if {part.type for part in ctx.find_output_consumers(node.output[0])} <= {"Real", "Imag"}:
            return
        RFFTOp.version_13(ctx, node, **kwargs)


@tf_op(["Real", "Imag"])
class FourierPart:
    """The real or the imaginary part of a Fourier transform: a product with a matrix of cosines or of sines."""

    @classmethod
    def version_9(cls, ctx: Any, node: Any, **kwargs: Any) -> None:
        """Put a product in the place of `node`."""
        transform = node.inputs[0]
        utils.make_sure(transform.type == "RFFT", "parts of complex numbers are taken of RFFT alone")
        signal, length = transform.input[0], int(transform.inputs[1].get_tensor_value(as_list=False).ravel()[0])
        utils.make_sure(ctx.get_shape(signal)[-1] == length, "RFFT is converted where nothing is padded or cut off")
        angles = 2 * np.pi * np.outer(np.arange(length), np.arange(length // 2 + 1)) / length
        values = (np.cos(angles) if node.type == "Real" else -np.sin(angles)).astype(np.float32)
        matrix = ctx.make_const(utils.make_name(node.type), values).output[0]
        dtype, shape, name, output = ctx.get_dtype(signal), ctx.get_shape(node.output[0]), node.name, node.output
        ctx.remove_node(name)
        ctx.make_node("MatMul", [signal, matrix], outputs=output, name=name, dtypes=[dtype], shapes=[shape])
