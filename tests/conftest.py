"""Shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Time is no property of the code under test: machines are shared. The same examples every time, more on request.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "project"))

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real study "toy", trained once, with its database ``nas.db``: points of four dimensions."""
    from tests.real import finish, nas, write_study

    folder = tmp_path_factory.mktemp("trained")
    code, _, err = finish(nas(folder, "launch", str(write_study(folder, "Tiny", trials=3, epochs=2, workers=1))))
    assert code == 0, err
    return folder


@pytest.fixture
def chosen(trained: Path):
    """Its best model."""
    from nas.search.chosen import choose

    return choose("toy", storage=str(trained / "nas.db"))
