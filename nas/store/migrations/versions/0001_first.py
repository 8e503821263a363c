"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table. Alembic itself makes the one with the revision in it."""
    op.create_table(
        "architecture",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("graph", sa.Text(), nullable=False),
        sa.Column("weights", sa.BigInteger(), nullable=True),
        sa.Column("macs", sa.BigInteger(), nullable=True),
        sa.Column("memory", sa.BigInteger(), nullable=True),
        sa.Column("unknown", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_architecture"),
    )
    op.create_table(
        "study",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("objectives", sa.Text(), nullable=False),
        sa.Column("directions", sa.Text(), nullable=False),
        sa.Column("trials_budget", sa.Integer(), nullable=True),
        sa.Column("hours_budget", sa.Double(), nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_study"),
        sa.UniqueConstraint("name", name="uq_study_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("boot_id", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started", sa.Double(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.Column("space_fingerprints", sa.Text(), nullable=False),
        sa.Column("data_fingerprint", sa.String(), nullable=False),
        sa.Column("commit", sa.String(), nullable=True),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renewed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_session_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_session_study_id", "session", ["study_id"], unique=False)
    op.create_table(
        "study_attr",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=6), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_study_attr_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "scope", "key", name="pk_study_attr"),
    )
    op.create_table(
        "trial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("family", sa.String(), nullable=True),
        sa.Column("training", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("duplicate_of", sa.Integer(), nullable=True),
        sa.Column("started", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.CheckConstraint("outcome IN ('complete', 'pruned', 'failed')", name=op.f("ck_trial_outcome")),
        sa.CheckConstraint(
            "state IN ('RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING')", name=op.f("ck_trial_state")
        ),
        sa.ForeignKeyConstraint(["fingerprint"], ["architecture.fingerprint"], name="fk_trial_fingerprint"),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_trial_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_trial"),
        sa.UniqueConstraint("study_id", "number", name="uq_trial_study_id_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_trial_fingerprint", "trial", ["fingerprint"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Integer(), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=11), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name="fk_attempt_session_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_attempt_trial_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("trial_id", "number", name="pk_attempt"),
    )
    op.create_index("ix_attempt_session_id", "attempt", ["session_id"], unique=False)
    op.create_table(
        "epoch",
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_epoch_trial_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("trial_id", "step", name="pk_epoch"),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("trial", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name="fk_event_session_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_event_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_study_id_at", "event", ["study_id", "at"], unique=False)
    op.create_table(
        "trial_attr",
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=6), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_trial_attr_trial_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("trial_id", "scope", "key", name="pk_trial_attr"),
    )
    op.create_table(
        "trial_param",
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("distribution", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_trial_param_trial_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("trial_id", "name", name="pk_trial_param"),
    )
    op.create_table(
        "trial_value",
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("objective", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["trial_id"], ["trial.id"], name="fk_trial_value_trial_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("trial_id", "objective", name="pk_trial_value"),
    )
