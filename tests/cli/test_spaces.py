"""`nas spaces`: the families by what they take and give, and all about one of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nas import catalogue
from tests.cli.conftest import Nas

OWN = """
import keras
from keras_tuner import HyperModel
from keras_tuner.errors import FailedTrialError


class Own(HyperModel):
    def __init__(self, input_shape, name=None):
        super().__init__(name)
        self.input_shape = input_shape

    def build(self, hp):
        width = hp.Choice("width", [2, 4], default=2)
        if width == 4:
            raise FailedTrialError("too wide")
        hp.Int("depth", 1, 3)
        inputs = keras.Input(self.input_shape)
        return keras.Model(inputs, keras.layers.Dense(width)(inputs))
"""


def test_families_are_listed_by_what_they_take_and_give(nas: Nas) -> None:
    told = nas("spaces").stdout.splitlines()
    headings = [line for line in told if "▶" in line and not line.startswith(" ")]
    assert len(set(headings)) == len(headings)
    images = told[told.index("images, (height, width, channels) ▶ vector or map") + 1 :]
    images = images[: images.index("")]
    assert {line.split()[0] for line in images if not line.startswith("   ")} >= {"cnn", "resnet", "vit"}
    assert "  pair " in "\n".join(told[told.index("pairs of several inputs ▶ pair") :])
    assert "arXiv" not in "".join(told)
    assert "arXiv:1512.03385" in nas("spaces", "-v").stdout


def test_one_family_is_told_in_full_without_building_it(nas: Nas) -> None:
    told = " ".join(nas("spaces", "resnet").stdout.split())
    assert "takes images, (height, width, channels) gives vector or map class search_spaces.image.resnet:ResNet" in told
    assert "For 28×28×1: 31,200 architectures, from 376 weights" in told
    space = json.loads(nas("spaces", "ranker", "--json").stdout)["space"]
    assert (space["kinds"], space["gives"]) == (["ids", "vector"], ["vector"])
    assert space["text"].startswith("Rankers: ")


def test_columns_of_a_description_stay_columns(nas: Nas) -> None:
    assert any(line.startswith("gated        a gate") for line in nas("spaces", "fusion").stdout.splitlines())


def test_a_family_that_is_not_there_brings_the_nearest(nas: Nas) -> None:
    result = nas("spaces", "resnt")
    assert result.exit_code == 2
    assert "Did you mean 'resnet'?" in result.stderr
    assert nas("spaces", "--choices").exit_code == 2
    result = nas("spaces", "pretrained_text", "--choices")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "depends on what a study file names" in result.stderr


@pytest.mark.tf
def test_choices_come_with_their_values_and_defaults() -> None:
    from nas.cli.about import _ask
    from nas.cli.spaces import describe

    for name in ("mlp", "pair", "ranker"):
        _, asked = _ask(describe(name))
        by_name = {one.ask.name: one for one in asked}
        assert len(by_name) == len(asked)
        assert all(one.ask.default in one.ask.distribution.choices for one in asked if one.ask.distribution.choices)
    _, asked = _ask(describe("mlp"))
    assert [one.ask.name for one in asked][:2] == ["width", "depth"]
    assert (asked[0].ask.distribution.choices, asked[0].ask.default) == ((16, 32, 64, 128, 256), 128)
    assert {one.ask.name for one in asked if not one.always} == {"residual", "frequency_scale"}


@pytest.mark.tf
def test_what_cannot_be_built_does_not_make_a_choice_one_that_is_asked_only_sometimes(tmp_path: Path) -> None:
    from nas.search.fit import EXAMPLES
    from nas.training.asked import asked_by

    (tmp_path / "own.py").write_text(OWN)
    asked = asked_by(f"{tmp_path / 'own.py'}:Own", EXAMPLES["vector"], "vector")
    assert [(one.ask.name, one.always) for one in asked] == [("width", True), ("depth", True)]


@pytest.mark.tf
def test_choices_are_a_table_and_a_document(nas: Nas) -> None:
    told = nas("spaces", "cnn", "--choices").stdout
    assert "Choices for image 28×28×1" in told
    assert ["width", "8,", "12,", "16,", "24,", "32", "16"] in [line.split() for line in told.splitlines()]
    document = json.loads(nas("spaces", "cnn", "--choices", "--json").stdout)
    assert document["inputs"]["x"]["shape"] == [28, 28, 1]
    assert document["choices"][0]["ask"]["name"] == "stages"


def test_every_shipped_family_says_what_it_takes() -> None:
    from nas.cli.spaces import all_spaces

    assert {space.name for space in all_spaces() if space.takes and space.gives} == set(catalogue.families)
