"""Views with readable times, for psql, sqlite3 and Grafana."""

from __future__ import annotations

from alembic import op

from slawatch.storage.migrations.views_0004 import JSON_ON_POSTGRESQL, NAMES, POSTGRESQL, SQLITE, creating

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the views, in the place of any of the same names."""
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        connection.exec_driver_sql(JSON_ON_POSTGRESQL)
    for name in reversed(NAMES):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
    for statement in creating(SQLITE if on_sqlite else POSTGRESQL):
        connection.exec_driver_sql(statement)
