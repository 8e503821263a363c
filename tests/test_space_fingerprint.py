"""The fingerprint of a family's code: what counts, what does not, and that nothing is run."""

import subprocess
import sys

import pytest

from nas.errors import FamilyError, UnknownName
from nas.space_fingerprint import family_fingerprint

NET = '''
"""A family."""
from neighbour import WIDTH
raise RuntimeError("this file must not be run")

class Net:
    def build(self, hp):
        """Build."""
        return hp.Int("units", 1, WIDTH)  # units
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "neighbour.py").write_text("import far\nWIDTH = 8\n")
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "__init__.py").write_text("from .away import DEPTH\n")
    (tmp_path / "far" / "away.py").write_text("DEPTH = 2\n")
    (tmp_path / "stranger.py").write_text("X = 1\n")
    return tmp_path


def change(folder, name, old, new):
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("net.py", "  # units", ""),
        ("net.py", '"""Build."""', '"""Build one of them."""'),
        ("net.py", '"units", 1, WIDTH', "'units',\n        1, WIDTH"),
        ("stranger.py", "X = 1", "X = 2"),
    ],
)
def test_what_does_not_count(folder, name, old, new):
    before = family_fingerprint("net.py:Net", folder)
    change(folder, name, old, new)
    assert family_fingerprint("net.py:Net", folder) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("net.py", '"units", 1', '"units", 2'),
        ("neighbour.py", "WIDTH = 8", "WIDTH = 16"),
        ("far/__init__.py", "from .away import DEPTH", "from .away import DEPTH as D"),
        ("far/away.py", "DEPTH = 2", "DEPTH = None"),
    ],
)
def test_what_counts(folder, name, old, new):
    before = family_fingerprint("net.py:Net", folder)
    change(folder, name, old, new)
    assert family_fingerprint("net.py:Net", folder) != before


def test_where_the_folder_lies_does_not_count(folder):
    before = family_fingerprint("net.py:Net", folder)
    moved = folder.rename(folder.with_name("moved"))
    assert family_fingerprint("net.py:Net", moved) == before == family_fingerprint("moved/net.py:Net", moved.parent)


def test_registered_families_share_a_module_and_are_told_apart(tmp_path):
    names = ["cnn", "resnet", "vit", "mlp"]
    assert len({family_fingerprint(name, tmp_path) for name in names}) == len(names)
    assert family_fingerprint("cnn", tmp_path) == family_fingerprint("search_spaces.image.cnn:CNN", tmp_path)


def test_nothing_is_imported():
    code = (
        "import sys; from pathlib import Path; from nas.space_fingerprint import family_fingerprint;"
        "print(family_fingerprint('cnn', Path()), family_fingerprint('keras_tuner.applications:HyperResNet', Path()));"
        "assert not {'keras', 'keras_tuner', 'tensorflow', 'search_spaces'} & set(sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert [len(word) for word in output] == [64, 64]


def test_what_cannot_be_read_is_refused(folder):
    for spec, message in [
        ("nett.py:Net", "there is no file"),
        ("no_such_package.nets:Net", "not installed"),
        ("search_spaces.nothing:Net", "does not exist"),
    ]:
        with pytest.raises(FamilyError, match=message):
            family_fingerprint(spec, folder)
    (folder / "net.py").write_text("x = 1 +\n")
    with pytest.raises(FamilyError, match="not valid Python"):
        family_fingerprint("net.py:Net", folder)
    with pytest.raises(UnknownName):
        family_fingerprint("resnett", folder)
