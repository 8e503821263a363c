"""Is this machine fit for a study? Small checks; each says what it found and, where something is wrong, what to do.

TensorFlow and Keras are never imported here; `tensorflow_starts` asks a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal, TypeAlias

from nas.errors import BadInput, NASError, NotFound, plural
from nas.machine import cores as all_cores
from nas.machine import free_memory

Verdict: TypeAlias = Literal["ok", "warn", "fail"]

GIB = 2**30
WORKER_BYTES = int(1.5 * GIB)
"""Memory one worker may need: TensorFlow itself takes 0.6 GiB of it."""
NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "smb2", "smb3",
    "smbfs", "vboxsf", "webdav",
}  # fmt: skip
"""File systems whose locks SQLite cannot rely on."""
EXTRAS = {"dashboard": "optuna-dashboard", "postgres": "psycopg"}


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found. `remedy` is the next thing to do, or what would be possible."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str | None = None


def examine(storage: str | None = None, *, deep: bool = False) -> list[Check]:
    """Run every check; `storage` names the database as for any command. With `deep`, TensorFlow is started too."""
    checks = [python(), libraries(), sqlite(), *database(storage), machine(), keras_settings(), gpu(), *extras()]
    return [*checks, tensorflow_starts()] if deep else checks


def python(found: tuple[int, int] = sys.version_info[:2]) -> Check:
    """Check the version of the interpreter."""
    detail = f"{found[0]}.{found[1]} ({sys.executable})"
    if (3, 11) <= found < (3, 14):
        return Check("python", "ok", detail)
    return Check("python", "fail", detail, "Use Python 3.11, 3.12 or 3.13.")


def libraries() -> Check:
    """Check that the libraries this package needs are there, in versions it takes."""
    from packaging.requirements import Requirement

    try:
        needed = [Requirement(text) for text in requires("encoder-nas") or []]
    except PackageNotFoundError:
        return Check("libraries", "warn", "nas runs from a source tree that is not installed.", "pip install -e .")
    problems, met = [], 0
    for requirement in needed:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            problems.append(f"{requirement.name} is missing")
            continue
        if requirement.specifier.contains(found, prereleases=True):
            met += 1
        else:
            problems.append(f"{requirement.name} {found}, needed {requirement.specifier}")
    if problems:
        return Check("libraries", "fail", "; ".join(problems), "pip install --upgrade encoder-nas")
    return Check("libraries", "ok", f"{met} as required, tensorflow {version('tensorflow')}, keras {version('keras')}")


def sqlite() -> Check:
    """Tell the version of SQLite. Any will do: the write-ahead log, broken before 3.51.3, is not used."""
    return Check("sqlite", "ok", f"{sqlite3.sqlite_version}, used without a write-ahead log")


def database(storage: str | None) -> Iterator[Check]:
    """Check the database, where it lies, and whether a study in it was left behind."""
    from nas.store import queries
    from nas.store.engine import display_url, reading_from, sqlite_path, storage_url

    try:
        url = storage_url(storage)
    except BadInput as error:
        yield Check("database", "fail", str(error))
        return
    path = sqlite_path(url)
    is_folder = path is not None and path.is_dir()
    is_empty = path is not None and path.is_file() and path.stat().st_size == 0
    try:
        with reading_from(url) as connection:
            studies = queries.studies(connection)
    except NASError as error:
        if is_empty or (isinstance(error, NotFound) and not is_folder):
            yield Check("database", "ok", f"none yet at {display_url(url)}", "`nas launch STUDY.toml` begins one.")
        else:
            yield Check("database", "fail", str(error))
    else:
        yield Check("database", "ok", f"{display_url(url)}: {plural(len(studies), 'study', 'studies')}")
        left = [s.name for s in studies if s.running is None and s.sessions and s.sessions[-1].ended is None]
        if left:
            yield Check("killed", "warn", f"cut off: {', '.join(left)}", f"`nas resume {left[0]}` goes on with it.")
    if path is not None:
        yield file_system(path)
    yield from places(path)


def places(database: Path | None) -> Iterator[Check]:
    """Check that studies and reports can be written, and that there is room."""
    folders = {"studies": database.parent if database is not None else Path("studies"), "reports": Path("reports")}
    for name, folder in folders.items():
        there = _nearest(folder)
        if os.access(there, os.W_OK | os.X_OK):
            yield Check(name, "ok", f"{there} can be written")
        else:
            yield Check(
                name, "fail", f"{there} cannot be written", "Change its permissions, or work in another folder."
            )
    free = shutil.disk_usage(_nearest(folders["studies"])).free
    verdict: Verdict = "ok" if free > 2 * GIB else "warn" if free > GIB / 4 else "fail"
    yield Check(
        "disk", verdict, f"{free / GIB:.1f} GiB free", "Checkpoints need room: free some." if verdict != "ok" else None
    )


def _nearest(path: Path) -> Path:
    """Return `path`, or the nearest folder above it that exists."""
    path = path.absolute()
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), Path("/"))


def file_system(path: Path, mounts: list[tuple[str, str]] | None = None) -> Check:
    """Check that the SQLite file at `path` is not on a network's file system. `mounts` are (folder, type)."""
    import psutil

    if mounts is None:
        mounts = [(mount.mountpoint, mount.fstype) for mount in psutil.disk_partitions(all=True)]
    real = path.resolve()
    above = [(folder, kind) for folder, kind in mounts if real.is_relative_to(folder)]
    _, kind = max(above, key=lambda mount: len(mount[0]), default=("", "unknown"))
    if kind.lower() in NETWORK:
        return Check(
            "file system", "warn", f"{kind}, a network's: SQLite cannot rely on its locks",
            "Keep the database on a local disk, or use PostgreSQL.",
        )  # fmt: skip
    return Check("file system", "ok", kind)


def machine(cores: int | None = None, free: int | None = None) -> Check:
    """Check cores and free memory (bytes): what this process may use, container limits included."""
    cores = cores or all_cores()
    free = free or free_memory()
    workers = max(0, min(cores, free // WORKER_BYTES))
    detail = f"{plural(cores, 'core')}, {free / GIB:.1f} GiB of memory"
    if workers == 0:
        return Check("machine", "warn", detail, "Less memory than one worker may need (1.5 GiB): close something.")
    return Check("machine", "ok", f"{detail}: up to {plural(workers, 'worker')}")


def keras_settings() -> Check:
    """Check that Keras will run on TensorFlow with channels last, and that its folder can be used."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        config = json.loads((home / "keras.json").read_text())
    except FileNotFoundError:
        config = {}
    except (OSError, ValueError) as error:
        return Check("keras", "fail", f"{home / 'keras.json'} cannot be read: {error}", "Mend it, or delete it.")
    backend = os.environ.get("KERAS_BACKEND") or (config.get("backend") if isinstance(config, dict) else None)
    if backend not in (None, "tensorflow"):
        return Check("keras", "fail", f"its backend is set to {backend}", "Unset KERAS_BACKEND, or edit keras.json.")
    if isinstance(config, dict) and config.get("image_data_format") == "channels_first":
        return Check("keras", "fail", "images are set to channels_first", f"Edit {home / 'keras.json'}.")
    if not os.access(_nearest(home), os.W_OK):
        return Check("keras", "warn", f"{home} cannot be written", "Set KERAS_HOME: data sets are kept there.")
    return Check("keras", "ok", f"on tensorflow, data sets in {home}")


def gpu() -> Check:
    """Tell whether there is an NVIDIA GPU, by its driver alone. None is needed."""
    if shutil.which("nvidia-smi") is None:
        return Check("gpu", "ok", "none that a driver tells of: studies run on the CPU")
    try:
        asked = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return Check("gpu", "warn", "nvidia-smi is there and does not answer", "Check the driver.")
    return Check("gpu", "ok", "; ".join(asked.stdout.split("\n")).strip("; ") or "a driver, but no GPU")


def extras() -> Iterator[Check]:
    """Tell which optional parts are installed."""
    for extra, library in EXTRAS.items():
        try:
            yield Check(extra, "ok", f"{library} {version(library)}")
        except PackageNotFoundError:
            yield Check(extra, "ok", "not installed (optional)", f'pip install "encoder-nas[{extra}]"')


def tensorflow_starts(seconds: float = 180.0) -> Check:
    """Import TensorFlow and Keras in another process and count the devices."""
    code = "import tensorflow as t, keras; print(keras.__version__, [d.name for d in t.config.list_physical_devices()])"
    try:
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return Check("tensorflow", "fail", f"not imported after {seconds:.0f} s")
    if ran.returncode != 0:
        last = (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]
        return Check("tensorflow", "fail", last[:300], "Reinstall it: pip install --force-reinstall tensorflow")
    return Check("tensorflow", "ok", f"starts, with keras {ran.stdout.strip()}")
