from __future__ import annotations

import gc
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from optuna.testing.pytest_storages import StorageTestCase
from optuna.trial import TrialState
from sqlalchemy import func, select

import nas
from nas.architecture import Latency
from nas.errors import NotFound, StorageError, StudyRunning
from nas.store import latencies
from nas.store.engine import open_read_only
from nas.store.files import files_root, study_folder
from nas.store.models import Architecture, Epoch
from nas.store.storage import StudyStorage, load_study

from .small import begin, hold, run_trial


class TestOnSQLite(StorageTestCase):
    @pytest.fixture
    def storage(self, url: str) -> Iterator[StudyStorage]:
        storage = StudyStorage(url)
        yield storage
        storage.close()


class TestOnPostgreSQL(StorageTestCase):
    @pytest.fixture
    def storage(self, postgres_url: str) -> Iterator[StudyStorage]:
        storage = StudyStorage(postgres_url)
        yield storage
        storage.close()


def fill(study: optuna.Study) -> None:
    """Trials of every state, with everything Optuna can put on one."""
    study.set_user_attr("note", {"nan": float("nan")})
    study.enqueue_trial({"x": 0.5}, user_attrs={"why": "a guess"})
    for number in range(4):
        trial = study.ask()
        trial.suggest_float("x", 1e-3, 1, log=True)
        trial.suggest_categorical("kind", ["a", None, 1.5])
        for step in range(3):
            trial.report([0.1, float("nan"), float("-inf")][step], step)
        trial.set_user_attr("list", [1, None, "ü"])
        match number:
            case 0:
                study.tell(trial, float("inf"))
            case 1:
                study.tell(trial, state=TrialState.PRUNED)
            case 2:
                study.tell(trial, state=TrialState.FAIL)
            case _:
                study.tell(trial, 0.25)
    study.enqueue_trial({"x": 0.1})


def told(study: optuna.Study) -> list[str]:
    """What every trial holds, but for ids: as text, in which NaN is NaN."""
    return [
        repr([getattr(trial, name) for name in ("number", "state", "values", "params", "distributions")])
        + repr([trial.intermediate_values, sorted(trial.user_attrs.items())])
        + repr([trial.datetime_start, trial.datetime_complete])
        for trial in study.get_trials(deepcopy=False)
    ]


def test_a_study_goes_to_a_stock_optuna_database_and_comes_back(any_url: str, tmp_path: Path) -> None:
    stock = f"sqlite:///{tmp_path}/stock.db"
    ours = StudyStorage(any_url)
    study = optuna.create_study(storage=ours, study_name="s", direction="maximize")
    fill(study)
    optuna.copy_study(from_study_name="s", from_storage=ours, to_storage=stock)
    there = optuna.load_study(study_name="s", storage=stock)
    assert there.direction == study.direction
    assert repr(there.user_attrs) == repr(study.user_attrs)
    assert told(there) == told(study)
    optuna.copy_study(from_study_name="s", from_storage=stock, to_storage=ours, to_study_name="back")
    assert told(load_study("back", any_url)) == told(study)
    there._storage._backend.engine.dispose()  # type: ignore[attr-defined]
    gc.collect()


def test_a_sampler_learns_from_a_stored_study(url: str) -> None:
    study = optuna.create_study(
        storage=StudyStorage(url), sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=3)
    )
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=6)
    assert study.best_value == min(trial.value or 0.0 for trial in study.trials)


def test_many_threads_share_a_storage(any_url: str) -> None:
    study = optuna.create_study(storage=StudyStorage(any_url))
    for x in range(12):
        study.enqueue_trial({"x": x / 12})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=16, n_jobs=4)
    assert [trial.number for trial in study.trials] == list(range(16))
    assert [trial.params["x"] for trial in study.trials[:12]] == [x / 12 for x in range(12)]  # each of them once


def test_another_process_writes_and_this_one_sees_it(any_url: str) -> None:
    study = optuna.create_study(storage=StudyStorage(any_url), study_name="s")
    trial = study.ask()
    assert study.trials[0].state == TrialState.RUNNING
    other = load_study("s", any_url)
    other.tell(trial.number, 0.5)
    other.tell(other.ask(), 0.25)
    assert [trial.value for trial in study.trials] == [0.5, 0.25]
    optuna.delete_study(study_name="s", storage=other._storage)
    with pytest.raises(KeyError):
        study.get_trials()


def test_loading_a_study_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no database"):
        nas.load_study("digits", str(tmp_path / "deep" / "nas.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_is_not_there_brings_the_nearest(url: str) -> None:
    begin(url)
    with pytest.raises(NotFound, match="Did you mean 'digits'"):
        nas.load_study("digist", url)
    assert nas.load_study("digits", url).direction.name == "MAXIMIZE"


def test_a_deleted_study_takes_its_architectures_along_and_what_they_took(any_url: str) -> None:
    prints = {}
    for name in ("a", "b"):
        begin(any_url, name)
        ledger = hold(any_url, name)
        for _ in range(2 if name == "a" else 1):
            run_trial(ledger, [0.5])
        prints[name] = [ledger.trial_record(trial._trial_id).fingerprint for trial in ledger.study.trials]
        ledger.close("done")
    measured = [Latency(batch=1, threads=1, runs=30, median_ms=1.0, p95_ms=2.0)]
    latencies.keep(any_url, {fingerprint: measured for found in prints.values() for fingerprint in found})
    storage = StudyStorage(any_url)
    engine = open_read_only(any_url)
    with engine.connect() as connection:
        count = select(func.count()).select_from(Architecture)
        assert connection.scalar(count) == 2
        connection.rollback()
        optuna.delete_study(study_name="a", storage=storage)
        assert connection.scalar(count) == 1  # study b's
        assert latencies.latencies(connection, prints["a"] + prints["b"]).keys() == {*prints["b"]}
        assert connection.scalar(select(func.count()).select_from(Epoch)) == 1
    engine.dispose()


def test_a_deleted_study_takes_its_files_along_and_no_others(url: str) -> None:
    for name in ("a", "b"):
        begin(url, name)
    folders = [study_folder(files_root(url), number) for number in (1, 2)]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "trial-0.npz").write_bytes(b"weights")
    ledger = hold(url, "b")
    with pytest.raises(StudyRunning):
        optuna.delete_study(study_name="b", storage=StudyStorage(url))
    optuna.delete_study(study_name="a", storage=StudyStorage(url))
    assert [folder.exists() for folder in folders] == [False, True]
    ledger.close("done")


def test_what_was_rolled_back_is_not_remembered(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = StudyStorage(url)
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    other = StudyStorage(url)

    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("nas.store.storage.upsert", full)
        with pytest.raises(StorageError):
            trial.suggest_categorical("width", [8, 16])
    other.set_trial_param(trial._trial_id, "width", 0, optuna.distributions.CategoricalDistribution([32, 64]))
    storage.set_trial_param(trial._trial_id, "width", 1, optuna.distributions.CategoricalDistribution([32, 64]))
    assert storage.get_trial(trial._trial_id).params == {"width": 64}


@pytest.mark.parametrize("name", ["../../x", "<script>", "", "ü\N{PILE OF POO}", "a'b\"c;--", "x" * 600, "100%"])
def test_any_name_is_kept_as_it_is(any_url: str, name: str) -> None:
    study = optuna.create_study(storage=StudyStorage(any_url), study_name=name)
    trial = study.ask()
    trial.suggest_float(name, 0, 1)
    trial.set_user_attr(name, name)
    loaded = load_study(name, any_url)
    assert (loaded.trials[0].params.keys(), loaded.trials[0].user_attrs) == ({name}, {name: name})


def test_a_pickle_holds_no_password_and_finds_its_way_back(postgres_server: str) -> None:
    address = postgres_server.removeprefix("postgresql://nas@")
    storage = StudyStorage(f"postgresql://nas:s3cret@{address}/postgres?application_name=me&password=s3cret")
    pickled = pickle.dumps(storage)
    assert b"s3cret" not in pickled
    assert "s3cret" not in repr(storage)
    copy = pickle.loads(pickled)  # noqa: S301  (our own bytes)
    assert copy._url == f"postgresql+psycopg://nas@{address}/postgres?application_name=me"
    assert copy.get_all_studies() == storage.get_all_studies()
    copy.close()
    storage.close()


def test_optuna_dashboard_shows_a_study(url: str) -> None:
    dashboard = pytest.importorskip("optuna_dashboard")
    begin(url)
    ledger = hold(url)
    run_trial(ledger, [0.5, 0.75])
    ledger.close("done")
    app = dashboard.wsgi(StudyStorage(url))
    status: list[str] = []
    environ: dict[str, object] = {}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = "/api/studies"
    body = b"".join(app(environ, lambda line, *rest: status.append(line)))
    assert status == ["200 OK"]
    assert json.loads(body)["study_summaries"][0]["study_name"] == "digits"
