"""Runs migrations on the connection that `nas.store.upgrade` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from nas.store.models import Base, SchemaVersion

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=SchemaVersion.__tablename__,
    render_as_batch=True,  # SQLite changes a table by making a new one
)
context.run_migrations()
