"""Raw observations do not last for ever. Those that bracket an outage or a blip do; of the others an hourly summary.

Pruning goes in small steps, each one transaction in which rows go and their hours' summaries grow, so that a row is
counted once, whatever happens in between. A step that takes longer than it should makes the next one smaller; between
two steps the writer's connection is free for as long as the step took.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from slawatch.domain.facts import Blip, Change
from slawatch.domain.interval import DISTANT_PAST, MILLISECOND, SECOND, Duration, Instant
from slawatch.domain.observation import Verdict
from slawatch.runtime.clock import Clock
from slawatch.storage.engine import as_storage_error
from slawatch.storage.entries import Kind
from slawatch.storage.facts import fact_in
from slawatch.storage.queries import around, last_seen
from slawatch.storage.schema import ENDPOINTS, OBSERVATIONS
from slawatch.storage.summaries import add_hours, by_hour

STEP_MAY_TAKE: Duration = 20 * MILLISECOND
"""What a commit may have to wait for."""
_FEWEST, _MOST = 50, 4_000
"""Rows of one step."""


class Pruning:
    """Prunes one ledger through its writer's connection."""

    def __init__(self, engine: AsyncEngine, lock: asyncio.Lock, clock: Clock, rows_at_once: int = 500) -> None:
        self._engine, self._lock, self._clock = engine, lock, clock
        self._rows_at_once = rows_at_once

    async def run(self, before: Instant, *, thorough: bool = False) -> int:
        """Delete the observations that started before ``before`` and bracket nothing; how many those were.

        Kept are all failed ones, each one that a change of state or a blip names (the last good before it, the one
        that began it, the first good after it), and an endpoint's latest good one. ``thorough``: also among those
        that came late, after their time had been through. :class:`StorageError` when the database fails; what was
        done until then stays done.
        """
        with as_storage_error("prune observations"):
            async with self._lock, self._engine.connect() as connection:
                endpoints = (await connection.execute(_endpoints(before, thorough=thorough))).all()
            return sum([await self._prune(row.id, row.since, before) for row in endpoints])

    async def _prune(self, endpoint: int, since: Instant, before: Instant) -> int:
        deleted = 0
        while since < before:
            began = self._clock.monotonic()
            rows_at_once = self._rows_at_once
            async with self._lock, self._engine.begin() as connection:
                number, since = await _step(connection, endpoint, since, before, rows_at_once)
            took = self._clock.monotonic() - began
            deleted += number
            self._rows_at_once = _paced(rows_at_once, took)
            await asyncio.sleep(took / SECOND)
        return deleted


def _paced(rows: int, took: Duration) -> int:
    """How many rows the next step takes."""
    return max(_FEWEST, rows // 2) if took > STEP_MAY_TAKE else min(_MOST, rows + rows // 4 + 1)


def _endpoints(before: Instant, *, thorough: bool) -> Select[tuple[int, Instant]]:
    """The endpoints that have rows to look at, and from when on."""
    since = DISTANT_PAST if thorough else func.coalesce(ENDPOINTS.c.pruned_until, DISTANT_PAST)
    started = OBSERVATIONS.c.started
    mine = select(started).where(OBSERVATIONS.c.endpoint_id == ENDPOINTS.c.id, started >= since, started < before)
    columns = ENDPOINTS.c.id, func.coalesce(since, DISTANT_PAST).label("since")
    return select(*columns).where(mine.correlate(ENDPOINTS).exists()).order_by(ENDPOINTS.c.id)


async def _step(
    connection: AsyncConnection, endpoint: int, since: Instant, before: Instant, rows_at_once: int
) -> tuple[int, Instant]:
    """Prune an endpoint's next rows: how many were deleted, and from when on there may be more."""
    rows = (await connection.execute(_next_rows(endpoint, since, before, rows_at_once))).all()
    until = rows[-1].started + 1 if len(rows) == rows_at_once else before
    kept = await _named(connection, endpoint, rows[0].started, rows[-1].started) if rows else set()
    doomed = [row for row in rows if row.verdict != Verdict.DOWN.value and row.started not in kept]
    if doomed:
        gone = OBSERVATIONS.c.started.in_([row.started for row in doomed])
        await connection.execute(delete(OBSERVATIONS).where(OBSERVATIONS.c.endpoint_id == endpoint, gone))
        await add_hours(connection, by_hour(doomed))
    newer = func.coalesce(ENDPOINTS.c.pruned_until, DISTANT_PAST) < until
    await connection.execute(update(ENDPOINTS).where(ENDPOINTS.c.id == endpoint, newer).values(pruned_until=until))
    return len(doomed), until


def _next_rows(
    endpoint: int, since: Instant, before: Instant, limit: int
) -> Select[tuple[int, Instant, str, Duration]]:
    started = OBSERVATIONS.c.started
    columns = OBSERVATIONS.c.endpoint_id, started, OBSERVATIONS.c.verdict, OBSERVATIONS.c.duration
    mine = OBSERVATIONS.c.endpoint_id == endpoint
    return select(*columns).where(mine, started >= since, started < before).order_by(started).limit(limit)


async def _named(connection: AsyncConnection, endpoint: int, first: Instant, last: Instant) -> set[Instant | None]:
    """What facts around the observations name, and the endpoint's latest good one, by their starts."""
    named = {row.last_good for row in await connection.execute(last_seen([endpoint]))}
    for kind in (Kind.STATE, Kind.BLIP):
        for row in await connection.execute(around(kind, [endpoint], first, last + 1)):
            fact = fact_in(row.kind, row.at, orjson.loads(row.body))
            if isinstance(fact, Change | Blip):
                named.update(_instants(fact))
    return named


def _instants(fact: Change | Blip) -> Iterable[Instant | None]:
    confirmed = fact.confirmed_at if isinstance(fact, Change) else None
    return fact.at, fact.earliest, fact.latest, confirmed
