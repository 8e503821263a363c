"""Real studies, real workers, small data: what the tests that load TensorFlow run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

FAMILIES = Path(__file__).with_name("families.py")

FILE = """
name = "{name}"
[data]
source = "npz:toy.npz"
[space]
families = {families}
[search]
strategy = "{strategy}"
pruner = "{pruner}"
trials = {trials}
epochs = {epochs}
workers = {workers}
seed = {seed}
{rest}
"""


def write_study(
    folder: Path,
    *classes: str,
    name="toy",
    strategy="random",
    pruner="none",
    trials=4,
    epochs=3,
    workers=2,
    seed=0,
    rest="",
) -> Path:
    """Write a study file and its data into `folder`: 300 points of three classes in four dimensions."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    np.savez(folder / "toy.npz", x=(rng.normal(size=(300, 4)) + 1.5 * y[:, None]).astype("float32"), y=y)
    (folder / "families.py").write_text(FAMILIES.read_text())
    families = [f"families.py:{cls}" for cls in classes]
    path = folder / "toy.toml"
    path.write_text(FILE.format(**{**locals(), "families": families}))
    return path


def nas(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start a `nas` command in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", "nas", *words],
        cwd=folder,
        env={**os.environ, "NAS_STORAGE": str(folder / "nas.db"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 240) -> tuple[int, str, str]:
    """Wait for a command; return its exit code, stdout and stderr."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()  # its workers go with it
        raise
    return process.returncode, out, err
