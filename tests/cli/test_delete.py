"""``delete``: what it says, and that what it suggests works."""

import json
import shlex
import shutil

import pytest


@pytest.fixture
def copied(database, tmp_path):
    """A database that may lose a study: the other tests share theirs."""
    return shutil.copy(database, tmp_path / "copied.db")


def test_what_is_suggested_after_a_deletion_works(nas, copied):
    result = nas("delete", "digits", storage=copied)
    assert (result.exit_code, result.stdout) == (0, "Study digits is deleted.\n")
    command = next(line for line in result.stderr.splitlines() if "nas show" in line).partition(": nas ")[2]
    shown = nas(*shlex.split(command))
    assert (shown.exit_code, "digits" in shown.stdout) == (0, True)
    assert nas("show", "digits", storage=copied).exit_code == 3


def test_as_json(nas, copied):
    told = json.loads(nas("delete", "digits", "--json", storage=copied).stdout)
    assert told["study"] == "digits"
    assert told["kept"].endswith(".deleted-digits")
