"""Two operations of TensorFlow that tf2onnx 1.17 does not convert, said by those that ONNX has.

``Erfc`` is in every exact GELU; ``RFFT`` with both its parts (tf2onnx knows their length alone) is in the log-mel front
end of sounds. They are registered when this file is imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tf2onnx import utils
from tf2onnx.handler import tf_op


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
    """The real and the imaginary part of a Fourier transform, each a product with a matrix of cosines or sines."""

    @classmethod
    def version_1(cls, ctx: Any, node: Any, **kwargs: Any) -> None:
        """Put two products in the place of `node` and of the nodes that part its result."""
        length = int(node.inputs[1].get_tensor_value(as_list=False).ravel()[0])
        shape = ctx.get_shape(node.input[0])
        utils.make_sure(
            shape is not None and shape[-1] == length, "RFFT is converted where nothing is padded or cut off"
        )
        angles = 2 * np.pi * np.outer(np.arange(length), np.arange(length // 2 + 1)) / length
        matrices = {"Real": np.cos(angles), "Imag": -np.sin(angles)}
        parts = ctx.find_output_consumers(node.output[0])
        utils.make_sure({part.type for part in parts} <= set(matrices), "RFFT is converted where its parts are taken")
        signal = node.input[0]
        for part in parts:
            matrix = ctx.make_const(utils.make_name(part.type), matrices[part.type].astype(np.float32)).output[0]
            dtype, shape = ctx.get_dtype(signal), ctx.get_shape(part.output[0])
            output, name = part.output, part.name
            ctx.remove_node(name)
            ctx.make_node("MatMul", [signal, matrix], outputs=output, name=name, dtypes=[dtype], shapes=[shape])
        ctx.remove_node(node.name)
