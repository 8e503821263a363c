from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

import nas
from nas.cli.app import cli
from nas.errors import StorageError
from nas.store import queries, upgrade
from nas.store.engine import open_for_writing, open_read_only, sqlite_path, storage_url
from nas.store.models import Base

from .small import begin, hold, run_trial

ASSET = Path(__file__).parent.parent / "assets" / "schema_0001.db"
"""What the first release left: a study of three trials, one of them cut short."""


def tables(path: Path) -> dict[str, list[str]]:
    """Every table and index of a database, with its clauses in an order that does not depend on who wrote them."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    # A column that was added later stands on the line of the one before it.
    lines = {name: re.sub(r", (?=\w+ [A-Z]+,?\s*$)", "\n", sql, flags=re.M).splitlines() for name, sql in rows}
    return {name: sorted(line.strip(" ,\t") for line in found) for name, found in lines.items()}


def test_migrations_and_models_make_the_same_tables(tmp_path: Path) -> None:
    migrated, created = tmp_path / "migrated.db", tmp_path / "created.db"
    engine = create_engine(f"sqlite:///{migrated}")
    with engine.begin() as connection:
        upgrade._upgrade(connection)
    engine.dispose()
    open_for_writing(storage_url(str(created))).dispose()
    assert tables(migrated) == tables(created)
    assert set(Base.metadata.tables) <= set(tables(created))


def test_every_migration_is_known() -> None:
    files = sorted((upgrade.MIGRATIONS / "versions").glob("*.py"))
    assert tuple(path.name.partition("_")[0] for path in files) == upgrade.REVISIONS


def test_our_tables_are_none_of_optunas() -> None:
    from optuna.storages._rdb.models import BaseModel

    assert not set(Base.metadata.tables) & {*BaseModel.metadata.tables, "alembic_version"}


def test_a_database_of_the_first_schema_is_read_and_gone_on_with(tmp_path: Path) -> None:
    shutil.copy(ASSET, tmp_path / "nas.db")
    url = storage_url(str(tmp_path / "nas.db"))
    open_for_writing(url).dispose()  # upgrades it, once there is something to upgrade to
    engine = open_read_only(url)
    study = queries.study(engine, "digits")
    detail = queries.trial(engine, study.id, 0)
    engine.dispose()
    assert study.counts["complete"] == 2
    assert detail.trial.values == (0.75,)
    assert [epoch.step for epoch in detail.epochs] == [1, 2, 3]
    assert [node.layer for node in detail.graph] == ["InputLayer", "Dense"]
    ledger = hold(url)
    assert [trial.number for trial in ledger.unfinished()] == [2]
    run_trial(ledger, [0.5])
    assert ledger.counts()["complete"] == 3
    ledger.close("done")


@pytest.fixture
def second_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A future in which there is one more migration."""
    future = tmp_path / "migrations %20"
    shutil.copytree(upgrade.MIGRATIONS, future, ignore=shutil.ignore_patterns("__pycache__"))
    (future / "versions" / "0006_mood.py").write_text(
        dedent("""
        import sqlalchemy as sa
        from alembic import op
        revision, down_revision = "0006", "0005"
        def upgrade():
            with op.batch_alter_table("study") as study:
                study.add_column(sa.Column("mood", sa.Text()))
        """)
    )
    monkeypatch.setattr(upgrade, "MIGRATIONS", future)
    monkeypatch.setattr(upgrade, "REVISIONS", ("0001", "0002", "0003", "0004", "0005", "0006"))


@pytest.mark.usefixtures("second_revision")
def test_an_older_schema_is_upgraded_after_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "nas.db"
    shutil.copy(ASSET, path)
    url = storage_url(str(path))
    with pytest.raises(StorageError, match=r"older schema.*nas resume"):
        open_read_only(url)
    assert not list(tmp_path.glob("*.before-*"))

    open_for_writing(url).dispose()

    engine = open_read_only(url)
    assert len(queries.trials(engine, 1)) == 3
    with engine.connect() as connection:
        assert connection.execute(text("SELECT mood FROM study")).all() == [(None,)]
    engine.dispose()
    backup = tmp_path / "nas.db.before-0006"
    assert tables(backup) == tables(ASSET)
    assert backup.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("second_revision")
def test_load_study_upgrades_an_older_schema_after_a_backup(tmp_path: Path) -> None:
    path = tmp_path / "nas.db"
    shutil.copy(ASSET, path)
    assert len(nas.load_study("digits", str(path)).trials) == 3
    open_read_only(storage_url(str(path))).dispose()
    assert tables(tmp_path / "nas.db.before-0006") == tables(ASSET)


@pytest.mark.usefixtures("second_revision")
def test_the_command_that_is_said_to_upgrade_does(tmp_path: Path) -> None:
    path = tmp_path / "nas.db"
    shutil.copy(ASSET, path)
    looked = CliRunner().invoke(cli, ["status", "--storage", str(path)])
    assert looked.exit_code == 5
    assert f"`nas resume NAME --storage {path}` upgrades it" in looked.stderr
    resumed = CliRunner().invoke(cli, ["resume", "digits", "--storage", str(path)])
    assert resumed.exit_code == 2, resumed.output  # the asset's study file is but a name: it cannot be gone on with
    assert CliRunner().invoke(cli, ["status", "--storage", str(path)]).exit_code == 0
    assert tables(tmp_path / "nas.db.before-0006") == tables(ASSET)


@pytest.mark.usefixtures("second_revision")
def test_no_backup_is_promised_where_none_is_made(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as past:
        past.setattr(upgrade, "REVISIONS", ("0001", "0002", "0003", "0004", "0005"))
        open_for_writing(postgres_url).dispose()
    with pytest.raises(StorageError, match="administrator") as caught:
        open_read_only(postgres_url)
    assert "beside it" not in str(caught.value)
    open_for_writing(postgres_url, create=False).dispose()
    open_read_only(postgres_url).dispose()


def test_what_goes_on_with_a_study_adds_no_tables_to_another_programs_database(any_url: str) -> None:
    path = sqlite_path(any_url)
    if path is not None:
        path.touch()
    with pytest.raises(StorageError, match="no studies of this package"):
        open_for_writing(any_url, create=False)
    with pytest.raises(StorageError, match="no studies of this package"):
        open_read_only(any_url)


@pytest.mark.usefixtures("second_revision")
def test_an_upgrade_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "nas.db"
    shutil.copy(ASSET, path)
    script = upgrade.MIGRATIONS / "versions" / "0006_mood.py"
    script.write_text(script.read_text() + "    raise RuntimeError('cut short')\n")
    with pytest.raises(RuntimeError, match="cut short"):
        open_for_writing(storage_url(str(path)))
    assert tables(path) == tables(ASSET)


@pytest.mark.parametrize("opener", [open_read_only, open_for_writing])
def test_a_newer_schema_is_refused(any_url: str, opener: object) -> None:
    engine = open_for_writing(any_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE nas_schema_version SET version_num = '9999'"))
    engine.dispose()
    assert callable(opener)
    with pytest.raises(StorageError, match=r"made by a newer nas.*9999"):
        opener(any_url)


def test_four_processes_create_one_database(any_url: str, tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from tests.store.small import begin
url, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
(folder / f"{name}.ready").touch()
while len(list(folder.glob("*.ready"))) < 4:
    time.sleep(0.001)
begin(url, name)
"""
    racers = [subprocess.Popen([sys.executable, "-c", script, any_url, str(tmp_path), f"study-{i}"]) for i in range(4)]
    assert [racer.wait() for racer in racers] == [0, 0, 0, 0]
    engine = open_read_only(any_url)
    assert sorted(study.name for study in queries.studies(engine)) == [f"study-{i}" for i in range(4)]
    engine.dispose()


def test_a_new_database_needs_no_alembic(url: str) -> None:
    script = "import sys; from tests.store.small import begin; begin(sys.argv[1]); print('alembic' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_a_file_that_was_left_empty_is_filled(url: str) -> None:
    path = sqlite_path(url)
    assert path is not None
    path.touch()
    begin(url)
    open_read_only(url).dispose()
