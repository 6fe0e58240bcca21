"""Raw observations do not last for ever; those that bracket an outage or a blip do."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from slawatch.domain.facts import Blip, Change
from slawatch.domain.interval import DISTANT_PAST, Instant
from slawatch.domain.observation import Verdict
from slawatch.storage.engine import as_storage_error
from slawatch.storage.entries import Kind
from slawatch.storage.facts import fact_of
from slawatch.storage.queries import around, entry_of_row, last_seen
from slawatch.storage.schema import ENDPOINTS, OBSERVATIONS

_ROWS_AT_ONCE = 1_000


async def prune(engine: AsyncEngine, lock: asyncio.Lock, before: Instant) -> int:
    """Delete the observations that started before ``before`` and bracket nothing; how many those were.

    Kept are all failed ones, each one that a change of state or a blip names (the last good before it, the
    one that began it, the first good after it), and an endpoint's latest good one. Small transactions, so
    that the writer never waits long for its connection.
    """
    with as_storage_error("prune observations"):
        async with lock, engine.connect() as connection:
            endpoints = (await connection.scalars(select(ENDPOINTS.c.id).order_by(ENDPOINTS.c.id))).all()
        deleted = 0
        for endpoint in endpoints:
            more = True
            while more:
                async with lock, engine.begin() as connection:
                    number, more = await _prune_some(connection, endpoint, before)
                deleted += number
        return deleted


async def _prune_some(connection: AsyncConnection, endpoint: int, before: Instant) -> tuple[int, bool]:
    """Prune an endpoint's next rows: how many were deleted, and whether there may be more."""
    mine, started = OBSERVATIONS.c.endpoint_id == endpoint, OBSERVATIONS.c.started
    this = ENDPOINTS.c.id == endpoint
    done = await connection.scalar(select(ENDPOINTS.c.pruned_until).where(this))
    query = select(started, OBSERVATIONS.c.verdict).where(
        mine, started >= (DISTANT_PAST if done is None else done), started < before
    )
    rows = (await connection.execute(query.order_by(started).limit(_ROWS_AT_ONCE))).all()
    if not rows:
        return 0, False
    kept = await _named(connection, endpoint, rows[0].started, rows[-1].started + 1)
    doomed = [row.started for row in rows if row.verdict != Verdict.DOWN.value and row.started not in kept]
    if doomed:
        await connection.execute(delete(OBSERVATIONS).where(mine, started.in_(doomed)))
    await connection.execute(update(ENDPOINTS).where(this).values(pruned_until=rows[-1].started + 1))
    return len(doomed), len(rows) == _ROWS_AT_ONCE


async def _named(connection: AsyncConnection, endpoint: int, start: Instant, end: Instant) -> Collection[Instant]:
    """The instants in a window that facts of an endpoint name, and its latest good observation."""
    seen = (await connection.execute(last_seen([endpoint]))).one()
    named = {seen.last_good}
    for kind in (Kind.STATE, Kind.BLIP):
        for row in await connection.execute(around(kind, [endpoint], start, end)):
            fact = fact_of(entry_of_row(row))
            if isinstance(fact, Change | Blip):
                named.update(_instants(fact))
    return named


def _instants(fact: Change | Blip) -> Iterable[Instant | None]:
    confirmed = fact.confirmed_at if isinstance(fact, Change) else None
    return fact.at, fact.earliest, fact.latest, confirmed
