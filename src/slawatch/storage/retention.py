"""Raw observations do not last for ever; those that bracket an outage or a blip do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from sqlalchemy import Select, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from slawatch.domain.facts import Blip, Change
from slawatch.domain.interval import DISTANT_PAST, Instant
from slawatch.domain.observation import Verdict
from slawatch.storage.engine import as_storage_error
from slawatch.storage.entries import Kind
from slawatch.storage.facts import fact_of
from slawatch.storage.queries import around, entry_of_row, last_seen
from slawatch.storage.schema import ENDPOINTS, OBSERVATIONS

_ENDPOINTS_AT_ONCE = 100
_ROWS_AT_ONCE = 2_000


async def prune(engine: AsyncEngine, lock: asyncio.Lock, before: Instant) -> int:
    """Delete the observations that started before ``before`` and bracket nothing; how many those were.

    Kept are all failed ones, each one that a change of state or a blip names (the last good before it, the
    one that began it, the first good after it), and an endpoint's latest good one. Small transactions, so
    that the writer never waits long for its connection.
    """
    with as_storage_error("prune observations"):
        async with lock, engine.connect() as connection:
            ids = (await connection.scalars(select(ENDPOINTS.c.id).order_by(ENDPOINTS.c.id))).all()
        deleted = 0
        for first in range(0, len(ids), _ENDPOINTS_AT_ONCE):
            some, more = ids[first : first + _ENDPOINTS_AT_ONCE], True
            while more:
                async with lock, engine.begin() as connection:
                    number, more = await _prune_some(connection, some, before)
                deleted += number
        return deleted


async def _prune_some(connection: AsyncConnection, endpoints: Sequence[int], before: Instant) -> tuple[int, bool]:
    """Prune some endpoints' next rows: how many were deleted, and whether there may be more."""
    rows = (await connection.execute(_next_rows(endpoints, before))).all()
    if not rows:
        return 0, False
    kept = await _named(connection, {row.endpoint_id for row in rows}, {row.started for row in rows})
    doomed = [
        {"of": row.endpoint_id, "on": row.started}
        for row in rows
        if row.verdict != Verdict.DOWN.value and (row.endpoint_id, row.started) not in kept
    ]
    if doomed:
        await connection.execute(_DELETE, doomed)
    done = {row.endpoint_id: row.started + 1 for row in rows}
    await connection.execute(_DONE, [{"of": endpoint, "until": until} for endpoint, until in done.items()])
    return len(doomed), len(rows) == _ROWS_AT_ONCE


_DELETE = delete(OBSERVATIONS).where(
    OBSERVATIONS.c.endpoint_id == bindparam("of"), OBSERVATIONS.c.started == bindparam("on")
)
_DONE = update(ENDPOINTS).where(ENDPOINTS.c.id == bindparam("of")).values(pruned_until=bindparam("until"))


def _next_rows(endpoints: Sequence[int], before: Instant) -> Select[tuple[int, Instant, str]]:
    columns = OBSERVATIONS.c.endpoint_id, OBSERVATIONS.c.started, OBSERVATIONS.c.verdict
    return (
        select(*columns)
        .select_from(ENDPOINTS.join(OBSERVATIONS, OBSERVATIONS.c.endpoint_id == ENDPOINTS.c.id))
        .where(ENDPOINTS.c.id.in_(endpoints))
        .where(OBSERVATIONS.c.started >= func.coalesce(ENDPOINTS.c.pruned_until, DISTANT_PAST))
        .where(OBSERVATIONS.c.started < before)
        .order_by(OBSERVATIONS.c.endpoint_id, OBSERVATIONS.c.started)
        .limit(_ROWS_AT_ONCE)
    )


async def _named(
    connection: AsyncConnection, endpoints: set[int], starts: set[Instant]
) -> set[tuple[int, Instant | None]]:
    """What facts around the observations name, and each endpoint's latest good one: (endpoint, start)."""
    named = {(row.id, row.last_good) for row in await connection.execute(last_seen(endpoints))}
    for kind in (Kind.STATE, Kind.BLIP):
        for row in await connection.execute(around(kind, endpoints, min(starts), max(starts) + 1)):
            fact = fact_of(entry_of_row(row))
            if isinstance(fact, Change | Blip):
                named.update((row.endpoint_id, instant) for instant in _instants(fact))
    return named


def _instants(fact: Change | Blip) -> Iterable[Instant | None]:
    confirmed = fact.confirmed_at if isinstance(fact, Change) else None
    return fact.at, fact.earliest, fact.latest, confirmed
