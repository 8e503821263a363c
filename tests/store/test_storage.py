from __future__ import annotations

from collections.abc import Iterator

import pytest
from optuna.testing.pytest_storages import StorageTestCase

from nas.store.storage import StudyStorage


class TestOnSQLite(StorageTestCase):
    @pytest.fixture
    def storage(self, url: str) -> Iterator[StudyStorage]:
        storage = StudyStorage(url)
        yield storage
        storage.remove_session()


class TestOnPostgreSQL(StorageTestCase):
    @pytest.fixture
    def storage(self, postgres_url: str) -> Iterator[StudyStorage]:
        storage = StudyStorage(postgres_url)
        yield storage
        storage.remove_session()
