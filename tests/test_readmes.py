"""README.md and its translations: the same commands, code, names and figures."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TRANSLATED = sorted(path.name for path in ROOT.glob("README.*.md"))


def blocks(text):
    """Return the code without its comments, which are translated; what programs print is as it is."""
    return [
        (kind, [re.sub(r"(^|\s+)#.*", "", line) for line in code.splitlines()] if kind else code.splitlines())
        for kind, code in BLOCK.findall(text)
    ]


def prose(text):
    return BLOCK.sub("", re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))


def rows(text):
    return [line for line in prose(text).splitlines() if line.startswith("|")]


def figures(text):
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", re.sub(r"\]\([^)]*\)", "]", text)))


def names(text):
    return Counter(re.findall(r"`([^`]+)`", text)) + Counter(re.findall(r"\]\(([^)]+)\)", text))


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_translation_holds_the_same_commands_names_and_figures(name):
    english, other = ((ROOT / file).read_text("utf-8") for file in ("README.md", name))
    assert f"]({name})" in english
    assert "](README.md)" in other
    assert blocks(other) == blocks(english) != []
    assert [line.count("#") for line in re.findall(r"^#+(?= )", prose(other), re.MULTILINE)] == [
        line.count("#") for line in re.findall(r"^#+(?= )", prose(english), re.MULTILINE)
    ]
    for one, two in zip(rows(english), rows(other), strict=True):
        assert figures(two) == figures(one), two
        assert names(two) == names(one), two
    links = Counter(["README.md", name])
    assert names(prose(other)) - links == names(prose(english)) - links
    assert figures(prose(other)) == figures(prose(english))


def test_there_is_one():
    assert TRANSLATED == ["README.zh.md"]
