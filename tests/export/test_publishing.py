"""A folder is there as a whole or not at all, and so is the one whose place it takes. No TensorFlow."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.errors import Conflict, NASError
from nas.export.publishing import MARKS, published


@pytest.fixture
def earlier(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    for name in (*MARKS, "model.keras"):
        (folder / name).write_text("earlier")
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def write_to(target: Path) -> None:
    with published(target, force=True) as folder:
        (folder / MARKS[0]).write_text("new")


def test_an_earlier_export_is_replaced_as_a_whole_and_nothing_else_is_touched(earlier, tmp_path):
    (tmp_path / ".out.old").mkdir()
    (tmp_path / ".out.old" / "mine").write_text("mine")
    write_to(earlier)
    assert contents(earlier) == {MARKS[0]: "new"}
    assert contents(tmp_path / ".out.old") == {"mine": "mine"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out.old", "out"]


def test_an_earlier_export_gets_its_place_back_where_the_new_one_cannot_have_it(earlier, tmp_path):
    def write_elsewhere() -> None:
        with published(earlier, force=True) as folder:
            folder.rename(tmp_path / "elsewhere")  # so that there is nothing to give that place

    before = contents(earlier)
    with pytest.raises(NASError, match="cannot be written: No such file"):
        write_elsewhere()
    assert contents(earlier) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "out"]


def test_what_is_no_export_is_left_alone_even_with_force(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(Conflict, match="is no export: it is left alone"):
        write_to(tmp_path / "out")
    assert contents(tmp_path / "out") == {"mine": "mine"}
