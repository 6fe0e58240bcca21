"""What observations leave behind: an hourly summary. And each observation has the address that was asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the table; nothing that is there is changed."""
    op.add_column("observations", sa.Column("address", sa.Text))
    op.create_table(
        "observation_hours",
        sa.Column("endpoint_id", sa.BigInteger, sa.ForeignKey("endpoints.id", name="hours_endpoint"), nullable=False),
        sa.Column("hour", sa.BigInteger, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("up", "degraded", "down", "void", "total")),
        sa.Column("shortest", sa.BigInteger),
        sa.Column("longest", sa.BigInteger),
        sa.Column("took", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", "hour", name="hours_key"),
        sqlite_with_rowid=False,
    )
