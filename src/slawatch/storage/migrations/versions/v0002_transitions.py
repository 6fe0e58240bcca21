"""How long each endpoint had been in each state before each of its changes: any window by two look-ups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CLASSES = ("up", "degraded", "down", "unknown")


def upgrade() -> None:
    """Create the table and fill it from the entries that there are."""
    op.create_table(
        "transitions",
        sa.Column(
            "endpoint_id", sa.BigInteger, sa.ForeignKey("endpoints.id", name="transitions_endpoint"), nullable=False
        ),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _CLASSES),
        sa.PrimaryKeyConstraint("endpoint_id", "at", name="transitions_key"),
        sqlite_with_rowid=False,
    )
    op.execute(FILL)


_SUMS = ", ".join(
    f"CAST(COALESCE(SUM(CASE WHEN before = '{name}' THEN length END) OVER passed, 0) AS BIGINT)" for name in _CLASSES
)
FILL = f"""
INSERT INTO transitions (endpoint_id, at, state, {", ".join(_CLASSES)})
WITH listed AS (
    SELECT endpoint_id, at, state, ROW_NUMBER() OVER (PARTITION BY endpoint_id, at ORDER BY id DESC) AS newest
    FROM entries WHERE kind = 'state' AND endpoint_id IS NOT NULL AND state IS NOT NULL
), lasting AS (
    SELECT endpoint_id, at, state, LAG(state) OVER earlier AS before, at - LAG(at) OVER earlier AS length
    FROM listed WHERE newest = 1 WINDOW earlier AS (PARTITION BY endpoint_id ORDER BY at)
)
SELECT endpoint_id, at, state, {_SUMS} FROM lasting WINDOW passed AS (PARTITION BY endpoint_id ORDER BY at)
"""  # noqa: S608 - nothing in it comes from outside
