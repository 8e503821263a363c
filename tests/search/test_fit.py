"""A family that cannot take the data, or give what the task needs, is refused before any trial."""

from dataclasses import replace

import pytest

from nas.data_card import Input
from nas.errors import BadInput
from nas.search.fit import choose_encoders, choose_families
from tests.search.scripts import CARD

VECTORS = replace(CARD, inputs={"x": Input("vector", (20,))})


def test_an_image_family_is_refused_on_vectors_and_the_others_are_named():
    with pytest.raises(BadInput, match=r"'cnn' is for images.*\(20,\).*For a vector.*: .*mlp"):
        choose_families(("mlp", "cnn"), VECTORS, "classification")


def test_what_fits_passes_and_a_family_of_ones_own_is_its_own_business():
    for named in (("cnn", "resnet", "vit", "mlp", "mine.py:Mine"), ("mine.py:Mine",)):
        assert choose_families(named, CARD, "classification") == named


def test_where_none_is_named_all_that_fit_are_searched():
    assert {"cnn", "resnet", "vit", "mlp"} <= set(choose_families((), CARD, "classification"))
    vectors = choose_families((), VECTORS, "classification")
    assert "mlp" in vectors
    assert "cnn" not in vectors


def test_each_of_several_inputs_gets_the_families_that_fit_it_or_those_named():
    both = replace(CARD, inputs={"photo": Input("image", (8, 8, 1)), "facts": Input("vector", (20,))})
    chosen = choose_encoders({"photo": ("cnn",)}, both)
    assert chosen["photo"] == ("cnn",)
    assert "mlp" in chosen["facts"]
    assert "cnn" not in chosen["facts"]
    assert choose_encoders({}, CARD) == {}
    with pytest.raises(BadInput, match="no input 'foto'"):
        choose_encoders({"foto": ("cnn",)}, both)
    with pytest.raises(BadInput, match=r"space\.encoders\.facts: 'cnn' is for images"):
        choose_encoders({"facts": ("cnn",)}, both)


def test_each_input_has_a_plain_family_for_its_default_unless_others_are_named():
    inputs = {
        "photo": Input("image", (8, 8, 1)),
        "title": Input("text", (9,), vocabulary=9),
        "sound": Input("audio", (4000,), sample_rate=8000),
        "series": Input("sequence", (24, 3)),
        "facts": Input("vector", (20,)),
    }
    chosen = choose_encoders({"title": ("text_rnn", "bag")}, replace(CARD, inputs=inputs))
    assert {name: families[0] for name, families in chosen.items()} == {
        "photo": "cnn",
        "title": "text_rnn",
        "sound": "audio_cnn",
        "series": "tcn",
        "facts": "mlp",
    }
    assert all(len(set(families)) == len(families) for families in chosen.values())
    assert {"cell", "resnet", "vit", "mlp"} < set(chosen["photo"])


def test_users_and_items_go_to_the_family_that_gives_what_the_task_needs():
    ids = {"user": Input("ids", (1,), vocabulary=9), "item": Input("ids", (1,), vocabulary=9, item=True)}
    log = replace(CARD, inputs=ids)
    assert "two_tower" in choose_families((), log, "retrieval")
    assert "ranker" not in choose_families((), log, "retrieval")
    assert "ranker" in choose_families((), log, "rating")
    assert "two_tower" not in choose_families((), log, "rating")
    with pytest.raises(BadInput, match="'two_tower' gives pair features, and the task needs vector ones"):
        choose_families(("two_tower",), log, "rating")
    assert choose_encoders({}, log) == {}, "ids have no families of their own"
