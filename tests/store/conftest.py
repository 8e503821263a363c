"""Databases to test on: a file, and a PostgreSQL server of our own where Debian's binaries are."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas.store.engine import storage_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    return storage_url(str(tmp_path / "nas.db"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a throw-away server, as ``postgresql://user@host:port``."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL's binaries are not in /usr/lib/postgresql: apt-get install postgresql")
    bin = found[-1].parent
    # Not below pytest's own folders: those are closed to the user the server runs as.
    home = Path(tempfile.mkdtemp(prefix="nas-postgres-"))
    home.chmod(0o755)
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(home, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = home / "data"
    run = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": home}
    subprocess.run([*as_user, bin / "initdb", "-D", data, "-U", "nas", "-A", "trust", "-E", "UTF8", "--no-sync"], **run)
    options = f"-h 127.0.0.1 -p {port} -k {home} -c fsync=off -c synchronous_commit=off"
    control = [*as_user, bin / "pg_ctl", "-D", data, "-l", home / "log", "-w"]
    subprocess.run([*control, "-o", options, "start"], **run)
    try:
        yield f"postgresql://nas@127.0.0.1:{port}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **run)
        shutil.rmtree(home)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A database with nothing in it."""
    import psycopg

    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return storage_url(f"{postgres_server}/postgres")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest) -> str:
    """Either database, new."""
    found: str = request.getfixturevalue("url" if request.param == "sqlite" else "postgres_url")
    return found
