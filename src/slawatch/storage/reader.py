"""What the ledger answers. Readers use connections of their own, and neither wait for the writer nor stop it.

An answer holds what was durable when it was asked; ``Ledger.flushed`` waits until that is everything so far.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from slawatch.domain.compliance import Classes
from slawatch.domain.facts import Blip, Change, Suspicion
from slawatch.domain.interval import HOUR, Instant
from slawatch.domain.observation import Observation
from slawatch.domain.summary import Summary
from slawatch.storage.endpoints import ids_of
from slawatch.storage.engine import as_storage_error, check_schema, describe
from slawatch.storage.entries import IMPORTED, EndpointKey, Kind, Recorded
from slawatch.storage.facts import ContractVersion, contract_version_of, fact_in
from slawatch.storage.imports import Imported, first_known, is_there
from slawatch.storage.observations import observation_of
from slawatch.storage.queries import (
    SELECT_ENTRIES,
    around,
    beyond,
    in_order,
    last_seen,
    latest_failed,
    matching,
    of_each,
    recorded_of_row,
    since_known,
    unresolved,
)
from slawatch.storage.schema import BOOTS, ENDPOINTS, ENTRIES, OBSERVATIONS
from slawatch.storage.summaries import by_hour, hours_between, seen_between, summary_of
from slawatch.storage.transitions import around_window, classes_between

_ENDPOINTS_AT_ONCE = 500
_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class EndpointHistory:
    """What the ledger knows of an endpoint in a window, in order; see :meth:`Reader.endpoint_history`."""

    changes: tuple[Change, ...] = ()
    blips: tuple[Blip, ...] = ()


@dataclass(frozen=True, slots=True)
class ResumeMaterial:
    """What ``state_machine.resume`` needs of an endpoint; instants in UTC microseconds."""

    changes: tuple[Change, ...] = ()
    """From the latest known state on, oldest first; all of them when none was ever known."""
    suspicion: Suspicion | None = None
    """The latest one, unless a blip or a change to a known state was recorded after it."""
    last_good: Instant | None = None
    last_failed: Instant | None = None


@dataclass(frozen=True, slots=True)
class Boot:
    """One run of the daemon at a site. Everything up to ``alive_until`` was recorded."""

    site: str
    boot: str
    started_at: Instant
    alive_until: Instant
    stopped_at: Instant | None
    software: str
    tzdata: str


class Reader:
    """Reads one ledger. Open it through :meth:`slawatch.storage.ledger.Ledger.open`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.reading = engine

    async def describe(self) -> str:
        """The database in one line for the log: product, version and place."""
        return await describe(self.reading)

    async def check_schema(self) -> None:
        """``StorageError`` unless the database has the schema that this version reads."""
        await check_schema(self.reading)

    async def entries(
        self,
        *,
        kinds: Collection[str] | None = None,
        endpoints: Collection[EndpointKey] | None = None,
        clients: Collection[str] | None = None,
        start: Instant | None = None,
        end: Instant | None = None,
        after: tuple[Instant, int] | None = None,
        newest_first: bool = False,
    ) -> AsyncIterator[Recorded]:
        """Entries with ``start <= at < end`` in order of (at, id), as the ledger stood at the first one.

        They are fetched in parts, so a history of any size takes little memory and holds no transaction open.
        ``after`` is the (at, id) of an entry: what the order has behind it.
        """
        found = SELECT_ENTRIES if endpoints is None else of_each((await self._ids(list(endpoints))).values())
        several = endpoints is not None and len(endpoints) > 1
        wanted = matching(kinds, clients, start, end, several=several)
        with as_storage_error("read the ledger"):
            async with self.reading.connect() as connection:
                newest = await connection.scalar(select(func.max(ENTRIES.c.id)))
        if newest is None:
            return
        query = in_order(found.where(ENTRIES.c.id <= newest, *wanted), newest_first=newest_first)
        while True:
            page = query if after is None else query.where(beyond(*after, newest_first=newest_first, several=several))
            rows = await self._all(page.limit(_ROWS_AT_ONCE))
            for row in rows:
                yield recorded_of_row(row)
            if len(rows) < _ROWS_AT_ONCE:
                return
            after = rows[-1].at, rows[-1].id

    async def endpoint_history(self, endpoint: EndpointKey, start: Instant, end: Instant) -> EndpointHistory:
        """The changes in ``[start, end)``, the latest one before, and the next one if its bracket reaches
        back before ``end``; and the blips whose brackets overlap. Of two facts at one instant the later
        entry stands last, and before ``start`` alone (S17).
        """
        return (await self.endpoint_histories([endpoint], start, end))[endpoint]

    async def endpoint_histories(
        self, endpoints: Iterable[EndpointKey], start: Instant, end: Instant
    ) -> dict[EndpointKey, EndpointHistory]:
        """:meth:`endpoint_history` of many endpoints in few queries; empty for an endpoint that is not known."""
        histories = dict.fromkeys(endpoints, EndpointHistory())
        for some in _parts(list(histories)):
            ids = await self._ids(some)
            changes = await self._facts(around(Kind.STATE, ids.values(), start, end))
            blips = await self._facts(around(Kind.BLIP, ids.values(), start, end))
            for key, number in ids.items():
                histories[key] = EndpointHistory(
                    tuple(_changes_within(changes[number], start, end)),
                    tuple(blip for blip in blips[number] if blip.earliest < end and blip.latest > start),
                )
        return histories

    async def resume_material(self, endpoint: EndpointKey) -> ResumeMaterial:
        """What an earlier run left of an endpoint."""
        return (await self.resume_materials([endpoint]))[endpoint]

    async def resume_materials(self, endpoints: Iterable[EndpointKey]) -> dict[EndpointKey, ResumeMaterial]:
        """:meth:`resume_material` of many endpoints in few queries; empty for one that is not known."""
        materials = dict.fromkeys(endpoints, ResumeMaterial())
        for some in _parts(list(materials)):
            ids = await self._ids(some)
            changes = await self._facts(since_known(ids.values()))
            suspicions = await self._facts(unresolved(ids.values()))
            seen = {row.id: row for row in await self._all(last_seen(ids.values()))}
            for key, number in ids.items():
                suspicion = next(iter(suspicions[number]), None)
                materials[key] = ResumeMaterial(
                    tuple(changes[number]), suspicion, seen[number].last_good, seen[number].last_failed
                )
        return materials

    async def contract_versions(self, client: str, contract: str) -> tuple[ContractVersion, ...]:
        """Every version of a contract's terms, in order."""
        mine = (ENTRIES.c.client == client) & (ENTRIES.c.contract == contract)
        query = SELECT_ENTRIES.where(mine, ENTRIES.c.contract.is_not(None), ENTRIES.c.kind == Kind.CONTRACT.value)
        rows = await self._all(query.order_by(ENTRIES.c.at, ENTRIES.c.id))
        return tuple(contract_version_of(recorded_of_row(row)) for row in rows)

    async def observations(self, endpoint: EndpointKey, start: Instant, end: Instant) -> tuple[Observation, ...]:
        """The observations that started in ``[start, end)``, in order; as far back as they are kept."""
        ids = await self._ids([endpoint])
        if endpoint not in ids:
            return ()
        started = OBSERVATIONS.c.started
        query = select(OBSERVATIONS).where(OBSERVATIONS.c.endpoint_id == ids[endpoint], started >= start, started < end)
        return tuple(observation_of(row) for row in await self._all(query.order_by(started)))

    async def last_failure(self, endpoint: EndpointKey, start: Instant, end: Instant) -> Observation | None:
        """The latest failed observation that started in ``[start, end)``; None where none is kept."""
        ids = await self._ids([endpoint])
        rows = await self._all(latest_failed(ids[endpoint], start, end)) if endpoint in ids else ()
        return observation_of(rows[0]) if rows else None

    async def known_endpoints(self) -> Sequence[EndpointKey]:
        """Every endpoint of which the ledger holds something, by client and name."""
        rows = await self._all(select(ENDPOINTS.c.client, ENDPOINTS.c.name))
        return sorted(EndpointKey(row.client, row.name) for row in rows)

    async def summaries(self, endpoint: EndpointKey, start: Instant, end: Instant) -> Mapping[Instant, Summary]:
        """An endpoint's observations by UTC hour, in the hours that begin in ``[start, end)``: those that are still
        kept and those of which only the summary is. Hours in which nothing was observed are left out.
        """
        ids = await self._ids([endpoint])
        if endpoint not in ids:
            return {}
        number, window = ids[endpoint], (-(-start // HOUR) * HOUR, -(-end // HOUR) * HOUR)
        found = {row.hour: summary_of(row) for row in await self._all(hours_between(number, *window))}
        rows = await self._all(seen_between(number, *window))
        for (_, hour), more in (await asyncio.to_thread(by_hour, rows)).items():
            found[hour] = found[hour] + more if hour in found else more
        return dict(sorted(found.items()))

    async def time_in_states(self, endpoint: EndpointKey, start: Instant, end: Instant) -> Classes:
        """How long an endpoint was in each state inside ``[start, end)``, by the point version, blips and corrections
        apart. Two look-ups, however long the window. The last state lasts until ``end``, so ask for the past alone.
        """
        return classes_between(await self._all(around_window(endpoint, start, end)), start, end)

    async def first_known(self, endpoints: Collection[EndpointKey]) -> Mapping[EndpointKey, Instant]:
        """From when on the ledger knows something of each endpoint; left out where it knows nothing."""
        with as_storage_error("read the ledger"):
            async with self.reading.connect() as connection:
                return await first_known(connection, endpoints)

    async def knows_import(self, found: Imported) -> bool:
        """Whether this very import has been stored."""
        with as_storage_error("read the ledger"):
            async with self.reading.connect() as connection:
                return await is_there(connection, found)

    async def imported_at(self) -> Instant | None:
        """When something was imported last; None where nothing was."""
        rows = await self._all(select(func.max(BOOTS.c.started_at)).where(BOOTS.c.site == IMPORTED))
        found: Instant | None = rows[0][0]
        return found

    async def latest_sign_of_life(self) -> Instant | None:
        """Until when any run of any site is known to have recorded; None in a ledger without one."""
        found: Instant | None = (await self._all(select(func.max(BOOTS.c.alive_until))))[0][0]
        return found

    async def latest_boot(self, site: str, before: str | None = None) -> Boot | None:
        """The latest run of a site, or the latest before the run named ``before``; None if there was none.

        A run that did not live to its first liveness mark is passed over: it proved nothing.
        """
        query = select(BOOTS).where(BOOTS.c.site == site, BOOTS.c.alive_until.is_not(None))
        if before is not None:
            this = select(BOOTS.c.id).where(BOOTS.c.site == site, BOOTS.c.boot == before).scalar_subquery()
            query = query.where(BOOTS.c.id < this)
        rows = await self._all(query.order_by(BOOTS.c.id.desc()).limit(1))
        return _boot(rows[0]) if rows else None

    async def _ids(self, endpoints: Collection[EndpointKey]) -> dict[EndpointKey, int]:
        with as_storage_error("read the ledger"):
            async with self.reading.connect() as connection:
                return await ids_of(connection, endpoints)

    async def _all(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with as_storage_error("read the ledger"):
            async with self.reading.connect() as connection:
                rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
        return rows

    async def _facts(self, query: Select[Any]) -> defaultdict[int, list[Any]]:
        """The facts that a query finds, by endpoint id, in its order."""
        facts: defaultdict[int, list[Any]] = defaultdict(list)
        rows: Sequence[Sequence[Any]] = await self._all(query)
        for number, kind, at, body in rows:
            facts[number].append(fact_in(kind, at, orjson.loads(body)))
        return facts


def _changes_within(changes: Iterable[Change], start: Instant, end: Instant) -> Iterable[Change]:
    before: Change | None = None
    for change in changes:
        if change.at < start:
            before = change
            continue
        if before is not None:
            yield before
            before = None
        if change.at < end or change.earliest < end:
            yield change
    if before is not None:
        yield before


def _boot(row: Row[Any]) -> Boot:
    return Boot(row.site, row.boot, row.started_at, row.alive_until, row.stopped_at, row.software, row.tzdata)


def _parts(keys: list[EndpointKey]) -> Iterable[list[EndpointKey]]:
    return (keys[start : start + _ENDPOINTS_AT_ONCE] for start in range(0, len(keys), _ENDPOINTS_AT_ONCE))
