"""Whether a file is the model: every example is run, whatever number of them it takes at once. No TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nas.errors import NASError
from nas.export.comparing import compare

X = {"x": np.arange(10, dtype=np.float32)[:, None]}
EXPECTED = {"output": 2 * X["x"]}


class Written:
    """A file that doubles its input, but that of row `wrong`; it remembers how many it was given."""

    path = Path("model.any")
    note = ""

    def __init__(self, batch: int | None, wrong: int = -1) -> None:
        self.batch, self.wrong, self.given = batch, wrong, []

    def run(self, x):
        self.given.append(len(x["x"]))
        return {"output": np.where(x["x"] == self.wrong, 0.5, 0.0).astype(np.float32) + 2 * x["x"]}


@pytest.mark.parametrize(("batch", "given"), [(None, [10, 1]), (1, [1] * 10), (4, [4, 4, 4]), (10, [10]), (64, [64])])
def test_every_example_is_run_in_batches_of_the_size_the_file_takes(batch, given):
    written = Written(batch)
    assert compare(written, X, EXPECTED).agrees
    assert written.given == given
    for wrong in range(10):
        found = compare(Written(batch, wrong), X, EXPECTED)
        assert found.difference == 0.5
        assert not found.agrees


def test_another_shape_is_no_small_difference():
    with pytest.raises(NASError, match=r"model.any gives output \(10, 1\), and the model gives output \(10,\)"):
        compare(Written(None), X, {"output": EXPECTED["output"][:, 0]})
