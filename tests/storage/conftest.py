"""An empty database of each kind, and the ledger in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from slawatch.domain.interval import MILLISECOND
from slawatch.storage.ledger import Ledger
from slawatch.storage.writer import Tuning
from support.clock import FakeClock
from support.servers import Postgres

IMPATIENT = Tuning(busy_timeout=0, first_retry=MILLISECOND, longest_retry=MILLISECOND, claim_within=0)
"""Locks are not waited for and failures are tried again at once, so that no test waits."""

OpenLedger = Callable[..., Awaitable[Ledger]]


@pytest.fixture(scope="session")
def _one_database(_postgres: Postgres) -> Iterator[str]:
    with _postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
def _one_newer_database(_newer_postgres: Postgres) -> Iterator[str]:
    with _newer_postgres.database() as url:
        yield url


async def _emptied(url: str) -> str:
    """The database, emptied: a tenth of the time that a new one takes."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    finally:
        await connection.close()
    return url


DATABASES = (
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.server("postgres")),
    pytest.param("newer postgresql", marks=pytest.mark.server("newer_postgres")),
)
"""What every test of storage runs on: SQLite, the suite's PostgreSQL, and a newer major version of it."""


@pytest.fixture(params=DATABASES)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once on SQLite and once on each PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    name = "_one_database" if request.param == "postgresql" else "_one_newer_database"
    return await _emptied(request.getfixturevalue(name))


@pytest.fixture
def clock() -> FakeClock:
    """The clock that dates what the ledger records."""
    return FakeClock()


@pytest.fixture
async def open_ledger(database_url: str, clock: FakeClock) -> AsyncIterator[OpenLedger]:
    """Opens the same database as often as asked, for site ``hq``; whatever is still open is let go of."""
    opened: list[Ledger] = []

    async def open_one(site: str = "hq", tuning: Tuning = IMPATIENT, **options: bool | str) -> Ledger:
        ledger = await Ledger.open(database_url, site=site, clock=clock, tuning=tuning, **options)  # type: ignore[arg-type]
        opened.append(ledger)
        return ledger

    yield open_one
    for ledger in opened:
        await ledger.release()


@pytest.fixture
async def ledger(open_ledger: OpenLedger) -> Ledger:
    """A ledger in an empty database."""
    return await open_ledger()
