"""On what machine a session ran."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column; of sessions before nobody knows."""
    op.add_column("session", sa.Column("machine", sa.Text(), nullable=True))
