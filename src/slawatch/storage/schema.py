"""The tables of the ledger; ``docs/reference/ledger.md`` explains each column.

Every instant and duration is a whole number of microseconds, instants in UTC since 1970; no column is a float.
The migrations under ``migrations/`` build exactly these tables, which a test holds on both databases.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

REVISIONS = ("0001", "0002", "0003", "0004")
"""Every revision that this version can read from or upgrade, oldest first; the last is the one it works on."""

METADATA = MetaData()

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column of type INTEGER, which holds 64 bits there."""

BOOTS = Table(
    "boots",
    METADATA,
    Column("id", _ROW_ID, primary_key=True),
    Column("site", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("alive_until", BigInteger),
    Column("stopped_at", BigInteger),
    Column("software", Text, nullable=False),
    Column("tzdata", Text, nullable=False),
    UniqueConstraint("site", "boot", name="boots_natural_key"),
)

ENDPOINTS = Table(
    "endpoints",
    METADATA,
    Column("id", _ROW_ID, primary_key=True),
    Column("client", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("pruned_until", BigInteger),
    UniqueConstraint("client", "name", name="endpoints_natural_key"),
)

ENTRIES = Table(
    "entries",
    METADATA,
    Column("id", _ROW_ID, primary_key=True),
    Column("site", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("endpoint_id", BigInteger, ForeignKey("endpoints.id", name="entries_endpoint")),
    Column("client", Text),
    Column("contract", Text),
    Column("state", Text),
    Column("at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("site", "boot", "sequence", name="entries_natural_key"),
    ForeignKeyConstraint(["site", "boot"], ["boots.site", "boots.boot"], name="entries_boot"),
)

Index("entries_by_endpoint", ENTRIES.c.endpoint_id, ENTRIES.c.kind, ENTRIES.c.at)
Index("entries_by_endpoint_order", ENTRIES.c.endpoint_id, ENTRIES.c.kind, ENTRIES.c.id)
Index("entries_by_kind", ENTRIES.c.kind, ENTRIES.c.at)
Index("entries_by_time", ENTRIES.c.at, ENTRIES.c.id)
Index(
    "entries_by_contract",
    ENTRIES.c.client,
    ENTRIES.c.contract,
    ENTRIES.c.kind,
    ENTRIES.c.at,
    sqlite_where=text("contract IS NOT NULL"),
    postgresql_where=text("contract IS NOT NULL"),
)

TRANSITIONS = Table(
    "transitions",
    METADATA,
    Column("endpoint_id", BigInteger, ForeignKey("endpoints.id", name="transitions_endpoint"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("degraded", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("unknown", BigInteger, nullable=False),
    PrimaryKeyConstraint("endpoint_id", "at", name="transitions_key"),
    sqlite_with_rowid=False,
)

OBSERVATIONS = Table(
    "observations",
    METADATA,
    Column("endpoint_id", BigInteger, ForeignKey("endpoints.id", name="observations_endpoint"), nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("duration", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("cause", Text),
    Column("certificate_expiry", BigInteger),
    Column("phases", Text),
    Column("address", Text),
    PrimaryKeyConstraint("endpoint_id", "started", name="observations_key"),
    CheckConstraint("duration >= 0", name="observations_duration"),
    sqlite_with_rowid=False,
)

Index(
    "observations_failed",
    OBSERVATIONS.c.verdict,  # first, or SQLite prefers the primary key and reads all that came after
    OBSERVATIONS.c.endpoint_id,
    OBSERVATIONS.c.started,
    sqlite_where=text("verdict = 'down'"),
    postgresql_where=text("verdict = 'down'"),
)

OBSERVATION_HOURS = Table(
    "observation_hours",
    METADATA,
    Column("endpoint_id", BigInteger, ForeignKey("endpoints.id", name="hours_endpoint"), nullable=False),
    Column("hour", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("degraded", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("void", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("shortest", BigInteger),
    Column("longest", BigInteger),
    Column("took", Text, nullable=False),
    PrimaryKeyConstraint("endpoint_id", "hour", name="hours_key"),
    sqlite_with_rowid=False,
)
