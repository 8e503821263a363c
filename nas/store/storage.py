"""Optuna's storage interface over our schema."""

from __future__ import annotations

import optuna
from optuna.storages import BaseStorage


class StudyStorage(BaseStorage):
    """Any number of studies in one database, write-through, for Optuna's own API."""

    def __init__(self, url: str | None = None) -> None:
        raise NotImplementedError


def load_study(name: str, storage: str | None = None) -> optuna.Study:
    """Return the study `name` as a plain `optuna.Study`."""
    raise NotImplementedError
