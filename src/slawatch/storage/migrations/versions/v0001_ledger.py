"""The first ledger: boots, endpoints, entries, observations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables, their indexes and the triggers that keep entries as they were written (S27)."""
    _boots_and_endpoints()
    _entries()
    _observations()
    if op.get_context().dialect.name == "sqlite":
        _append_only_on_sqlite()
    else:
        _append_only_on_postgresql()


def _boots_and_endpoints() -> None:
    op.create_table(
        "boots",
        sa.Column("id", _ROW_ID, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("alive_until", sa.BigInteger),
        sa.Column("stopped_at", sa.BigInteger),
        sa.Column("software", sa.Text, nullable=False),
        sa.Column("tzdata", sa.Text, nullable=False),
        sa.UniqueConstraint("site", "boot", name="boots_natural_key"),
    )
    op.create_table(
        "endpoints",
        sa.Column("id", _ROW_ID, primary_key=True),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("pruned_until", sa.BigInteger),
        sa.UniqueConstraint("client", "name", name="endpoints_natural_key"),
    )


def _entries() -> None:
    op.create_table(
        "entries",
        sa.Column("id", _ROW_ID, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("endpoint_id", sa.BigInteger, sa.ForeignKey("endpoints.id", name="entries_endpoint")),
        sa.Column("client", sa.Text),
        sa.Column("contract", sa.Text),
        sa.Column("state", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("site", "boot", "sequence", name="entries_natural_key"),
        sa.ForeignKeyConstraint(["site", "boot"], ["boots.site", "boots.boot"], name="entries_boot"),
    )
    op.create_index("entries_by_endpoint", "entries", ["endpoint_id", "kind", "at"])
    op.create_index("entries_by_endpoint_order", "entries", ["endpoint_id", "kind", "id"])
    op.create_index("entries_by_kind", "entries", ["kind", "at"])
    op.create_index("entries_by_time", "entries", ["at", "id"])
    of_a_contract = sa.text("contract IS NOT NULL")
    op.create_index(
        "entries_by_contract",
        "entries",
        ["client", "contract", "kind", "at"],
        sqlite_where=of_a_contract,
        postgresql_where=of_a_contract,
    )


def _observations() -> None:
    op.create_table(
        "observations",
        sa.Column(
            "endpoint_id",
            sa.BigInteger,
            sa.ForeignKey("endpoints.id", name="observations_endpoint"),
            nullable=False,
        ),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("certificate_expiry", sa.BigInteger),
        sa.Column("phases", sa.Text),
        sa.PrimaryKeyConstraint("endpoint_id", "started", name="observations_key"),
        sa.CheckConstraint("duration >= 0", name="observations_duration"),
        sqlite_with_rowid=False,
    )
    failed = sa.text("verdict = 'down'")
    op.create_index(
        "observations_failed",
        "observations",
        ["verdict", "endpoint_id", "started"],
        sqlite_where=failed,
        postgresql_where=failed,
    )


def _append_only_on_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER entries_refuse_{change.lower()} BEFORE {change} ON entries "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )


def _append_only_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION entries_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER entries_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION entries_refuse_change()"
    )
