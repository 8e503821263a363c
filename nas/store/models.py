"""The schema. Every other module of the store reads and writes through these tables.

    study ─┬─ study_attr
           ├─ session ───────────┐
           ├─ event              │
           ├─ evaluation, look   │
           ├─ embedding          │
           └─ trial ─┬─ attempt ─┘
              │      ├─ trial_param, trial_value, trial_attr
              │      └─ epoch
              └─▶ architecture ── latency      shared by all studies of a database

A change here needs a migration beside it (``migrations/versions``); a test holds the two equal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from nas.store.columns import Attribute, Json, Number, Prose, Time

STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
"""Optuna's trial states, by name."""


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class Base(DeclarativeBase):
    """The tables share one `MetaData`; constraints have names, so that a migration can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Study(Base):
    """A study file and what it makes."""

    __tablename__ = "study"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created: Mapped[datetime] = mapped_column(Time)
    file: Mapped[str | None] = mapped_column(Prose)
    base: Mapped[str] = mapped_column(Prose, default="")
    objectives: Mapped[list[str]] = mapped_column(Json)
    directions: Mapped[list[str]] = mapped_column(Json)  # "minimize" or "maximize", one per objective
    trials_budget: Mapped[int | None]
    hours_budget: Mapped[float | None]
    data: Mapped[dict[str, Any] | None] = mapped_column(Json)
    race_budget: Mapped[int | None]  # trainings, of those in trials_budget

    __table_args__ = ({"sqlite_autoincrement": True},)  # the id of a deleted study is not given again


class StudyAttr(Base):
    """An Optuna attribute of a study."""

    __tablename__ = "study_attr"

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(6), primary_key=True)  # "user" or "system"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(Attribute)


class Session(Base):
    """One launch or resume. The newest one of a study that has not ended is its lease."""

    __tablename__ = "session"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    command: Mapped[str] = mapped_column(Prose)
    host: Mapped[str] = mapped_column(Prose)
    boot_id: Mapped[str]
    pid: Mapped[int]
    process_started: Mapped[float]
    seed: Mapped[int]
    versions: Mapped[dict[str, str]] = mapped_column(Json)
    space_fingerprints: Mapped[dict[str, str]] = mapped_column(Json)
    data_fingerprint: Mapped[str]
    commit: Mapped[str | None]
    machine: Mapped[str | None] = mapped_column(Prose)
    started: Mapped[datetime] = mapped_column(Time)
    renewed: Mapped[datetime] = mapped_column(Time)
    ended: Mapped[datetime | None] = mapped_column(Time)
    ending: Mapped[str | None] = mapped_column(Prose)

    __table_args__ = ({"sqlite_autoincrement": True},)  # "newest" goes by id


class Architecture(Base):
    """What was built, once per fingerprint, whatever studies and params led to it."""

    __tablename__ = "architecture"

    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    graph: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    weights: Mapped[int | None] = mapped_column(BigInteger)
    macs: Mapped[int | None] = mapped_column(BigInteger)
    memory: Mapped[int | None] = mapped_column(BigInteger)
    unknown: Mapped[str | None] = mapped_column(Prose)


class Latency(Base):
    """What an architecture took on one machine, milliseconds. `alone`: with nothing else of ours running there."""

    __tablename__ = "latency"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(ForeignKey("architecture.fingerprint"), index=True)
    at: Mapped[datetime] = mapped_column(Time)
    host: Mapped[str] = mapped_column(Prose)
    batch: Mapped[int]
    threads: Mapped[int]
    runs: Mapped[int]
    median_ms: Mapped[float]
    p95_ms: Mapped[float]
    alone: Mapped[bool]


class Trial(Base):
    """One trial in Optuna's sense, and what came of it in ours."""

    __tablename__ = "trial"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    outcome: Mapped[str | None] = mapped_column(String(8))
    kind: Mapped[str | None]
    message: Mapped[str | None] = mapped_column(Prose)
    traceback: Mapped[str | None] = mapped_column(Prose)
    family: Mapped[str | None]
    training: Mapped[dict[str, Any] | None] = mapped_column(Json)  # NULL: nobody can know
    fingerprint: Mapped[str | None] = mapped_column(ForeignKey("architecture.fingerprint"), index=True)
    duplicate_of: Mapped[int | None]  # a number, not an id
    started: Mapped[datetime | None] = mapped_column(Time)
    ended: Mapped[datetime | None] = mapped_column(Time)
    metrics: Mapped[dict[str, float]] = mapped_column(Json, default=dict)

    __table_args__ = (
        UniqueConstraint("study_id", "number"),
        CheckConstraint(_one_of("state", STATES), name="state"),
        CheckConstraint(_one_of("outcome", ("complete", "pruned", "failed")), name="outcome"),
        {"sqlite_autoincrement": True},
    )


class TrialParam(Base):
    """One choice of a trial: `value` is Optuna's internal representation (an index where it is categorical)."""

    __tablename__ = "trial_param"

    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]  # in the order they were asked for
    value: Mapped[float] = mapped_column(Number, nullable=True)
    distribution: Mapped[dict[str, Any]] = mapped_column(Json)


class TrialValue(Base):
    """What a trial scored on one objective."""

    __tablename__ = "trial_value"

    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete="CASCADE"), primary_key=True)
    objective: Mapped[int] = mapped_column(primary_key=True)  # 0 for the first
    value: Mapped[float] = mapped_column(Number, nullable=True)


class TrialAttr(Base):
    """An Optuna attribute of a trial."""

    __tablename__ = "trial_attr"

    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete="CASCADE"), primary_key=True)
    scope: Mapped[str] = mapped_column(String(6), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(Attribute)


class Epoch(Base):
    """One epoch of a trial, and Optuna's intermediate value of that step."""

    __tablename__ = "epoch"

    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete="CASCADE"), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[float] = mapped_column(Number, nullable=True)
    metrics: Mapped[dict[str, float]] = mapped_column(Json, default=dict)
    seconds: Mapped[float | None]


class Attempt(Base):
    """One try at a trial. A trial whose worker or coordinator died is gone on with in another one."""

    __tablename__ = "attempt"

    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 1
    session_id: Mapped[int] = mapped_column(ForeignKey("session.id", ondelete="CASCADE"), index=True)
    worker: Mapped[int]  # its pid
    started: Mapped[datetime] = mapped_column(Time)
    ended: Mapped[datetime | None] = mapped_column(Time)
    outcome: Mapped[str | None] = mapped_column(String(11))
    message: Mapped[str | None] = mapped_column(Prose)


class Evaluation(Base):
    """A training outside the search: what a trial built, trained once more with a seed of its own."""

    __tablename__ = "evaluation"

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 0
    purpose: Mapped[str] = mapped_column(String(8))
    trial: Mapped[int]  # a number
    seed: Mapped[int]  # a race's: from 0, the same for every architecture
    plan: Mapped[dict[str, Any]] = mapped_column(Json)  # what is different from how the trial was trained
    epochs: Mapped[int]  # at most
    outcome: Mapped[str | None] = mapped_column(String(8))
    kind: Mapped[str | None]
    message: Mapped[str | None] = mapped_column(Prose)
    traceback: Mapped[str | None] = mapped_column(Prose)
    score: Mapped[float] = mapped_column(Number, nullable=True)
    curve: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    attempts: Mapped[int]
    session_id: Mapped[int | None] = mapped_column(ForeignKey("session.id", ondelete="SET NULL"))
    started: Mapped[datetime] = mapped_column(Time)
    ended: Mapped[datetime | None] = mapped_column(Time)

    __table_args__ = (
        CheckConstraint(_one_of("purpose", ("race", "finetune")), name="purpose"),
        CheckConstraint(_one_of("outcome", ("complete", "failed")), name="outcome"),
    )


class Look(Base):
    """One measurement on the test split: of an evaluation of a trial's architecture, or of several together."""

    __tablename__ = "look"

    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # from 0
    trial: Mapped[int | None]  # NULL: an ensemble
    evaluation: Mapped[int | None]
    at: Mapped[datetime] = mapped_column(Time)
    examples: Mapped[int]
    metrics: Mapped[dict[str, Any]] = mapped_column(Json)  # by name: value, low, high
    members: Mapped[list[Any] | None] = mapped_column(Json)  # of an ensemble: trial, evaluation, how often it counts


class Embedding(Base):
    """How well the vectors that a trained model gives part the classes, and where some of the examples lie."""

    __tablename__ = "embedding"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    trial: Mapped[int]  # a number
    evaluation: Mapped[int | None]  # NULL: the weights are those of the search
    at: Mapped[datetime] = mapped_column(Time)
    split: Mapped[str] = mapped_column(Prose)
    layer: Mapped[str | None] = mapped_column(Prose)  # NULL: the encoder's features
    normalised: Mapped[bool]
    width: Mapped[int]
    measures: Mapped[dict[str, Any]] = mapped_column(Json)
    projection: Mapped[dict[str, Any]] = mapped_column(Json)


class Event(Base):
    """Something worth remembering that happened while a study ran."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    session_id: Mapped[int | None] = mapped_column(ForeignKey("session.id", ondelete="SET NULL"))
    trial: Mapped[int | None]  # a number
    at: Mapped[datetime] = mapped_column(Time)
    kind: Mapped[str]
    message: Mapped[str] = mapped_column(Prose)

    __table_args__ = (Index("ix_event_study_id_at", "study_id", "at"),)


class SchemaVersion(Base):
    """The revision of this schema, in the table Alembic would make. ``alembic_version`` is Optuna's, or another's."""

    __tablename__ = "nas_schema_version"

    version_num: Mapped[str] = mapped_column(String(32))

    __table_args__ = (PrimaryKeyConstraint("version_num", name="nas_schema_version_pkc"),)
