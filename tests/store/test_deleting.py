"""A study leaves its database and is whole in another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.errors import Conflict, NotFound, StorageError, StudyRunning
from nas.store import queries
from nas.store.deleting import delete_study
from nas.store.engine import reading_from, storage_url
from nas.store.files import files_root, study_folder
from tests.store.small import begin, hold, run_trial


def names(url: str) -> list[str]:
    with reading_from(url) as connection:
        return [study.name for study in queries.studies(connection)]


def made(url: str, *wanted: str) -> None:
    for number, name in enumerate(wanted, start=1):
        begin(url, name)
        ledger = hold(url, name)
        run_trial(ledger, [0.5, 0.75])
        ledger.close("done")
        folder = study_folder(files_root(url), number)
        folder.mkdir(parents=True)
        (folder / "trial-0.npz").write_text(name)


def test_it_is_gone_here_and_whole_there_with_its_weights(tmp_path: Path) -> None:
    url = storage_url(str(tmp_path / "nas.db"))
    made(url, "digits", "other")
    copy = delete_study(url, "digits")
    assert copy == tmp_path / "nas.db.deleted-digits"
    assert names(url) == ["other"]
    assert not study_folder(files_root(url), 1).exists()
    assert (study_folder(files_root(url), 2) / "trial-0.npz").read_text() == "other"
    there = storage_url(str(copy))
    assert names(there) == ["digits"]
    assert (study_folder(files_root(there), 1) / "trial-0.npz").read_text() == "digits"
    with reading_from(there) as connection:
        (trial,) = queries.trials(connection, 1)
        assert [epoch.value for epoch in queries.curves(connection, 1)[0]] == [0.5, 0.75]
    assert trial.values == (0.75,)


def test_a_second_one_of_that_name_is_kept_beside_the_first(tmp_path: Path) -> None:
    url = storage_url(str(tmp_path / "nas.db"))
    made(url, "digits")
    delete_study(url, "digits")
    begin(url, "digits")
    assert delete_study(url, "digits") == tmp_path / "nas.db.deleted-digits-2"
    assert names(url) == []


def test_a_study_that_runs_or_is_not_there_is_refused_and_nothing_is_copied(tmp_path: Path) -> None:
    url = storage_url(str(tmp_path / "nas.db"))
    begin(url)
    with pytest.raises(NotFound, match="No study is named 'digit'"):
        delete_study(url, "digit")
    ledger = hold(url)
    with pytest.raises(StudyRunning):
        delete_study(url, "digits")
    ledger.close("done")
    assert [path.name for path in tmp_path.iterdir() if "deleted" in path.name] == []


def test_weights_stay_where_they_are_if_the_database_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = storage_url(str(tmp_path / "nas.db"))
    made(url, "digits")

    def refuse(*_: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr("nas.store.deleting.StudyStorage.delete_study", refuse)
    with pytest.raises(StorageError, match="full"):
        delete_study(url, "digits")
    assert (study_folder(files_root(url), 1) / "trial-0.npz").exists()


def test_of_a_server_no_copy_is_made_and_that_has_to_be_meant(postgres_url: str) -> None:
    begin(postgres_url)
    with pytest.raises(Conflict, match="--for-good"):
        delete_study(postgres_url, "digits")
    assert delete_study(postgres_url, "digits", for_good=True) is None
    assert names(postgres_url) == []
