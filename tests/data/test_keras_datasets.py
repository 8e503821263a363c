"""What ``keras.datasets`` has, and what to do where it cannot be had."""

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from nas.data import keras_datasets
from nas.data.keras_datasets import PUBLISHED
from nas.data.options import DataSection
from nas.errors import DataError


def load(rest, base):
    return keras_datasets.load(rest, base, DataSection(source="keras:x"))


def test_a_slip_is_met_with_the_nearest_name():
    with pytest.raises(DataError, match="Did you mean 'fashion_mnist'"):
        load("fashion-mnist", Path())


@pytest.fixture
def keras_that(monkeypatch, tmp_path):
    """Stand in for Keras, whose cache folder is decided when it is imported, once a process."""

    def install(load_data):
        keras = ModuleType("keras")
        keras.datasets = SimpleNamespace(**{name: SimpleNamespace(load_data=load_data) for name in PUBLISHED})
        monkeypatch.setitem(sys.modules, "keras", keras)
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    return install


@pytest.mark.parametrize("name", PUBLISHED)
def test_without_cache_and_network_it_says_what_to_put_where(keras_that, tmp_path, name):
    def load_data():
        raise Exception("URL fetch failure on https://example.org: None -- Name or service not known")

    keras_that(load_data)
    with pytest.raises(DataError, match="cannot be downloaded: URL fetch failure") as error:
        load(name, Path())
    assert str(tmp_path / "datasets") in str(error.value)
    assert all(file in str(error.value) for file in PUBLISHED[name].files)


def test_a_torn_file_is_to_be_replaced(keras_that, tmp_path):
    def load_data():
        raise EOFError

    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mnist.npz").write_bytes(b"")
    keras_that(load_data)
    with pytest.raises(DataError, match=r"cannot be read: EOFError\. Delete mnist\.npz"):
        load("mnist", Path())


def test_images_get_a_channel_axis_and_labels_lose_theirs(keras_that):
    grey, colour = np.zeros((4, 28, 28), np.uint8), np.zeros((4, 32, 32, 3), np.uint8)
    keras_that(lambda: ((grey, np.arange(4)), (grey[:2], np.arange(2))))
    assert load("mnist", Path()).train.only.shape == (4, 28, 28, 1)
    keras_that(lambda: ((colour, np.arange(4)[:, None]), (colour[:2], np.arange(2)[:, None])))
    raw = load("cifar10", Path())
    assert raw.train.only.shape == (4, 32, 32, 3)
    assert raw.train.y.shape == (4,)
    assert len(raw.test) == 2


@pytest.mark.tf
def test_fashion_mnist_as_published():
    folder = Path(os.environ.get("NAS_TEST_DATA", ""), "keras")
    if not (folder / "datasets" / "fashion-mnist").is_dir():
        pytest.skip("NAS_TEST_DATA names no folder with keras/datasets/fashion-mnist in it")
    # The cache is decided when Keras is imported: a process of its own.
    import subprocess

    code = (
        "from pathlib import Path; from nas.data.keras_datasets import load; "
        "from nas.data.options import DataSection; "
        "r = load('fashion_mnist', Path(), DataSection(source='keras:x'));"
        "print(r.train.only.shape, r.test.only.shape, r.train.only.dtype, r.train.y[:3].tolist())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"KERAS_HOME": str(folder)}, capture_output=True, text=True
    )
    assert run.stdout.strip() == "(60000, 28, 28, 1) (10000, 28, 28, 1) uint8 [9, 0, 0]", run.stderr
