from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nas.store.columns import from_json, to_json

KEYS = st.text() | st.sampled_from(["$float", "$$float", "$"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["NaN", "$float", "inf"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=8,
)


def same(a: Any, b: Any) -> bool:
    match a, b:
        case float(), float():
            return a == b or (math.isnan(a) and math.isnan(b))
        case list(), list():
            return len(a) == len(b) and all(map(same, a, b))
        case dict(), dict():
            return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
        case _:
            return type(a) is type(b) and bool(a == b)


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


@given(VALUES)
def test_any_value_comes_back_and_its_text_is_valid_json(value: Any) -> None:
    text = to_json(value)
    json.loads(text, parse_constant=no_constant)
    text.encode("ascii")
    assert "\0" not in text
    assert same(from_json(text), value)


def test_not_a_number_is_not_the_string_of_that_name() -> None:
    assert from_json(to_json(["nan", float("inf")])) == ["nan", math.inf]
