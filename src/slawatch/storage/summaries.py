"""Hourly summaries as rows and back, and what an endpoint's probes took in any window, from rows and summaries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from slawatch.domain.interval import Duration, Instant
from slawatch.domain.observation import Verdict
from slawatch.domain.sketch import Sketch
from slawatch.domain.summary import Summary, hour_of
from slawatch.storage.schema import OBSERVATION_HOURS, OBSERVATIONS

Hours = Mapping[tuple[int, Instant], Summary]
"""By endpoint's id and the hour's beginning."""


def summary_of(row: Row[Any]) -> Summary:
    """The summary that a row holds."""
    counts = (row.up, row.degraded, row.down, row.void)
    return Summary(row.first, row.last, *counts, row.total, row.shortest, row.longest, Sketch.parse(row.took))


def by_hour(rows: Iterable[Row[Any]]) -> dict[tuple[int, Instant], Summary]:
    """Summaries of observations, each in its hour."""
    hours: defaultdict[tuple[int, Instant], list[tuple[Instant, Verdict, Duration]]] = defaultdict(list)
    for row in rows:
        hours[row.endpoint_id, hour_of(row.started)].append((row.started, Verdict(row.verdict), row.duration))
    return {key: made for key, seen in hours.items() if (made := Summary.of(seen)) is not None}


async def add_hours(connection: AsyncConnection, hours: Hours) -> None:
    """Add summaries to those that are there, within the caller's transaction."""
    if not hours:
        return
    mine = tuple_(OBSERVATION_HOURS.c.endpoint_id, OBSERVATION_HOURS.c.hour).in_(list(hours))
    there = {
        (row.endpoint_id, row.hour): summary_of(row)
        for row in await connection.execute(select(OBSERVATION_HOURS).where(mine))
    }
    if there:
        await connection.execute(delete(OBSERVATION_HOURS).where(mine))
    fresh = {key: there[key] + more if key in there else more for key, more in hours.items()}
    await connection.execute(insert(OBSERVATION_HOURS), [_row(*key, summary) for key, summary in fresh.items()])


def _row(endpoint: int, hour: Instant, summary: Summary) -> dict[str, Any]:
    names = ("first", "last", "up", "degraded", "down", "void", "total", "shortest", "longest")
    values = {name: getattr(summary, name) for name in names}
    return {"endpoint_id": endpoint, "hour": hour, "took": summary.took.text(), **values}


def hours_between(endpoint: int, start: Instant, end: Instant) -> Select[Any]:
    """The summaries of the hours that begin in ``[start, end)``."""
    hour = OBSERVATION_HOURS.c.hour
    mine = OBSERVATION_HOURS.c.endpoint_id == endpoint
    return select(OBSERVATION_HOURS).where(mine, hour >= start, hour < end).order_by(hour)


def seen_between(endpoint: int, start: Instant, end: Instant) -> Select[Any]:
    """What :func:`by_hour` needs of the observations that started in ``[start, end)``."""
    columns = OBSERVATIONS.c.endpoint_id, OBSERVATIONS.c.started, OBSERVATIONS.c.verdict, OBSERVATIONS.c.duration
    started = OBSERVATIONS.c.started
    return select(*columns).where(OBSERVATIONS.c.endpoint_id == endpoint, started >= start, started < end)
