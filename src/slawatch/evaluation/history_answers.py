"""Answers about the history, as rows: outages, transitions, blips, events, observations, availability, latency.

All of them know what one judgement knew (:class:`Cut`), and follow from the same timelines and accounts as the board.
Rows are dictionaries ready for JSON: instants RFC 3339 in UTC, lengths whole microseconds, ratios exact decimals.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from slawatch.domain.account import contract_timeline, exclusions_for, hours_within
from slawatch.domain.account_json import ratio_or_null, time_object
from slawatch.domain.compliance import bounds_of, classes_of, judge
from slawatch.domain.contract import Contract, UnknownPolicy
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.history import History, add_row, blip_row, state_row
from slawatch.domain.interval import DAY, DISTANT_PAST, HOUR, WEEK, Instant, Interval, IntervalSet, format_instant
from slawatch.domain.local_time import first_instant, local_of
from slawatch.domain.observation import Cause, Observation
from slawatch.domain.outages import EndpointOutage, endpoint_outages
from slawatch.domain.period import Period
from slawatch.domain.timeline import POINT, VERSIONS, Timeline, totals
from slawatch.evaluation.asking import ClientFace, Question, Show, cursor
from slawatch.evaluation.costing import Costs
from slawatch.evaluation.history_export import Cut, Row, Selection, history_rows
from slawatch.evaluation.offline import Offline
from slawatch.storage.entries import EndpointKey, Kind, Recorded
from slawatch.storage.facts import fact_of
from slawatch.storage.ledger import Ledger

Faces = Mapping[str, ClientFace]
Place = Sequence[int | str]
Placed = tuple[Row, Place]

_ROWS_BETWEEN_PAUSES = 500
"""Rows that are taken up before the probes get their turn."""


async def answer(ledger: Ledger, asked: Question, cut: Cut, faces: Faces) -> AsyncIterator[Row]:
    """The rows of the answer. A page that is full ends with a row of type ``next`` that holds the cursor."""
    if asked.show is Show.ALL:
        async for row in history_rows(ledger, asked.selection, cut):
            yield row
        return
    number, last = 0, asked.after
    async for row, place in _Answers(ledger, asked, cut, faces).rows():
        if number == asked.limit:
            yield {"type": "next", "cursor": cursor(asked, last)}
            return
        yield row
        number, last = number + 1, place


class _Answers:
    """One question to one ledger."""

    def __init__(self, ledger: Ledger, asked: Question, cut: Cut, faces: Faces) -> None:
        self._ledger, self._asked, self._cut, self._faces = ledger, asked, cut, faces
        self._down: dict[EndpointKey, IntervalSet] = {}
        selection = asked.selection
        self._start = DISTANT_PAST if selection.start is None else selection.start
        self._end = cut.at if selection.end is None else min(selection.end, cut.at)

    def rows(self) -> AsyncIterator[Placed]:
        """The rows in their order, each with its place in it, from behind the asked place on."""
        match self._asked.show:
            case Show.OUTAGES:
                return self._outages()
            case Show.OBSERVATIONS:
                return self._observations()
            case Show.LATENCY:
                return self._latency()
            case Show.DAYS | Show.WEEKS | Show.MONTHS:
                return self._availability()
            case _:
                return self._entries()

    # --- Entries as they stand ----------------------------------------------------------------------------------

    async def _entries(self) -> AsyncIterator[Placed]:
        asked, selection = self._asked, self._asked.selection
        kind = {Show.TRANSITIONS: Kind.STATE, Show.BLIPS: Kind.BLIP}.get(asked.show, Kind.EVENT)
        of_site = kind is Kind.EVENT
        after = None if not asked.after else (int(asked.after[0]), int(asked.after[1]))
        async for recorded in self._ledger.entries(
            kinds=[kind.value],
            endpoints=None if of_site else selection.endpoints,
            clients=None if of_site else selection.clients,
            start=self._start,
            end=self._end,
            after=after,
            newest_first=asked.descending,
        ):
            if self._cut.knew(recorded) and self._wants(recorded):
                yield _entry_row(recorded), (recorded.at, recorded.id)

    def _wants(self, recorded: Recorded) -> bool:
        entry, asked = recorded.entry, self._asked
        clients = asked.selection.clients
        if entry.kind == Kind.EVENT and None not in (clients, entry.client) and entry.client not in (clients or ()):
            return False
        if asked.states and State.of(str(entry.state)) not in asked.states:
            return False
        return all(entry.body.get(key) == word for key, word in asked.words.items())

    # --- Outages ------------------------------------------------------------------------------------------------

    async def _outages(self) -> AsyncIterator[Placed]:
        found = [item for key in await self._keys() for item in await self._outages_of(key)]
        by_length = self._asked.sort.endswith("length")

        def place(item: tuple[EndpointKey, str, EndpointOutage]) -> tuple[int, int, str, str]:
            (client, name), _, outage = item
            return outage.point if by_length else outage.began.at, outage.began.at, client, name

        found.sort(key=place, reverse=self._asked.descending)
        after = tuple(self._asked.after)
        costs: dict[str, Costs] = {}
        for item in found:
            if after and not (place(item) < after if self._asked.descending else place(item) > after):
                continue
            yield await self._outage_row(item, costs), place(item)

    async def _outages_of(self, key: EndpointKey) -> list[tuple[EndpointKey, str, EndpointOutage]]:
        changes, blips, identities = await self._facts_of(key)
        listed = await asyncio.to_thread(lambda: list(endpoint_outages(changes, blips, self._cut.at)))
        return [(key, identities[each.began.at], each) for each in listed if self._wants_outage(each)]

    async def _facts_of(self, key: EndpointKey) -> tuple[list[Change], list[Blip], dict[Instant, str]]:
        """All that was known of an endpoint: its changes up to the end of knowledge, blips, identities of changes."""
        changes: list[Change] = []
        blips: list[Blip] = []
        identities: dict[Instant, str] = {}
        async for recorded in self._ledger.entries(
            kinds=[Kind.STATE.value, Kind.BLIP.value], endpoints=[key], end=self._cut.at
        ):
            fact = fact_of(recorded) if self._cut.knew(recorded) else None
            if isinstance(fact, Blip):
                blips.append(fact)
            elif isinstance(fact, Change):
                changes.append(fact)
                identities[fact.at] = identity(recorded)
        if changes and changes[-1].state is not State.UNKNOWN:
            at = self._cut.at
            open_end = Change(at, State.UNKNOWN, at, at, Cause.NO_FURTHER_DATA)
            changes.append(self._cut.edges.get(str(key), open_end))
        return changes, blips, identities

    def _wants_outage(self, outage: EndpointOutage) -> bool:
        asked, began = self._asked, outage.began
        if not (began.at < self._end and (outage.span.end > self._start or outage.ended is None)):
            return False
        if asked.ongoing is not None and asked.ongoing is not (outage.ended is None):
            return False
        if asked.longer_than is not None and outage.point <= asked.longer_than:
            return False
        cause = None if outage.cause is None else outage.cause.value
        words = {"reason": began.reason, "cause": cause}
        return all(words[key] == word for key, word in asked.words.items())

    async def _outage_row(self, item: tuple[EndpointKey, str, EndpointOutage], costs: dict[str, Costs]) -> Row:
        key, name, outage = item
        last = await self._ledger.last_failure(key, outage.began.at, outage.ended or self._cut.at)
        row = outage_row(key, name, outage)
        if last is not None:
            row |= {"last_reason": last.reason, "last_detail": last.detail}
        face = self._faces.get(key.client)
        parent = None if face is None else face.behind.get(key.name)
        if parent is not None:
            behind = await self._downtime_of(EndpointKey(key.client, parent))
            row["behind"] = {"endpoint": parent, "unreachable_us": outage.down.intersection(behind).length}
        if self._asked.cost and face is not None:
            if key.client not in costs:
                history = await self._history(Selection([key.client]))
                costs[key.client] = Costs(face.contracts, history, self._cut.at)
            row["cost"] = await asyncio.to_thread(costs[key.client].of, key.name, outage.span)
        return row

    async def _downtime_of(self, key: EndpointKey) -> IntervalSet:
        """When an endpoint was down, by the point version; a parent is asked for by each of its children's outages."""
        if key not in self._down:
            changes, blips, _ = await self._facts_of(key)
            listed = endpoint_outages(changes, blips, self._cut.at)
            self._down[key] = IntervalSet.of(span for each in listed for span in each.down)
        return self._down[key]

    # --- Availability -------------------------------------------------------------------------------------------

    async def _availability(self) -> AsyncIterator[Placed]:
        if self._asked.contracts:
            rows = self._by_contract()
        else:
            rows = self._by_endpoint()
        async for row in rows:
            place = row["client"], row.get("contract") or row["endpoint"], row["start"]
            if not self._asked.after or place > tuple(map(str, self._asked.after)):
                yield row, place

    async def _by_endpoint(self) -> AsyncIterator[Row]:
        for key in await self._keys():
            history = await self._history(Selection([key.client], [key]))
            timeline, first = history.timeline(key.name), history.first
            for span in self._spans(key.client, first):
                yield {"type": "availability", "client": key.client, "endpoint": key.name} | _figures(timeline, span)

    async def _by_contract(self) -> AsyncIterator[Row]:
        for contract in sorted(self._asked.contracts, key=lambda each: each.name):
            history = await self._history(Selection([contract.client]))
            offline = Offline([contract], (), history)
            for span in self._spans(contract.client, history.first):
                for row in await asyncio.to_thread(_judged, offline, contract, span, self._cut.at):
                    yield row

    def _spans(self, client: str, first: Instant | None) -> Iterator[Interval]:
        """The local days, weeks or months of a client that have begun, from the first of which something is known."""
        if first is None:
            return
        zone = self._faces[client].zone if client in self._faces else ZoneInfo("UTC")
        begins = _beginning(local_of(max(self._start, first), zone).date(), self._asked.show)
        while (start := first_instant(begins, zone)) < self._end:
            begins = _following(begins, self._asked.show)
            yield Interval(start, min(first_instant(begins, zone), self._cut.at))

    # --- Observations -------------------------------------------------------------------------------------------

    async def _observations(self) -> AsyncIterator[Placed]:
        asked = self._asked
        start = self._end - DAY if asked.selection.start is None else self._start
        wanted = {state.word for state in asked.states}
        for key in await self._keys():
            at = start
            while at < self._end:
                until = min(at + 6 * HOUR, self._end)
                for seen in await self._ledger.observations(key, at, until):
                    place = key.client, key.name, seen.started
                    if asked.after and place <= self._after_endpoint():
                        continue
                    by_reason = asked.words.get("reason") in (None, seen.reason)
                    if by_reason and (not wanted or seen.verdict.value in wanted):
                        yield observation_row(key, seen), place
                at = until

    async def _latency(self) -> AsyncIterator[Placed]:
        start = self._end - WEEK if self._asked.selection.start is None else self._start
        for key in await self._keys():
            for hour, summary in (await self._ledger.summaries(key, start - start % HOUR, self._end)).items():
                place = key.client, key.name, hour
                if self._asked.after and place <= self._after_endpoint():
                    continue
                row = {"type": "latency", "client": key.client, "endpoint": key.name}
                row |= {"start": format_instant(hour), "end": format_instant(hour + HOUR)}
                counts = {name: getattr(summary, name) for name in ("up", "degraded", "down", "void")}
                took = {f"p{part}_us": summary.took.quantile(part) for part in (50, 90, 95, 99)}
                bounds = {"min_us": summary.shortest, "mean_us": summary.mean, "max_us": summary.longest}
                yield row | {"probes": counts} | bounds | took, place

    def _after_endpoint(self) -> tuple[str, str, int]:
        client, name, instant = self._asked.after
        return str(client), str(name), int(instant)

    # --- What they share ----------------------------------------------------------------------------------------

    async def _keys(self) -> list[EndpointKey]:
        return [key for key in await self._ledger.known_endpoints() if self._asked.selection.wants(key)]

    async def _history(self, selection: Selection) -> History:
        history, number = History(), 0
        async for row in history_rows(self._ledger, selection, self._cut):
            add_row(history, row)
            number += 1
            if not number % _ROWS_BETWEEN_PAUSES:
                await asyncio.sleep(0)
        history.seal(self._cut.at)
        return history


def identity(recorded: Recorded) -> str:
    """The name of a fact for ever: through restarts, renames, and from one database to another."""
    return f"{recorded.site}:{recorded.boot}:{recorded.sequence}"


def outage_row(key: EndpointKey, name: str, outage: EndpointOutage) -> Row:
    """The row of an outage, without what others know of it."""
    began = outage.began
    row: Row = {"type": "outage", "id": name, "client": key.client, "endpoint": key.name}
    row |= {"start": format_instant(began.at), "confirmed_at": _instant(began.confirmed_at)}
    row |= {"end": _instant(outage.ended), "ongoing": outage.ended is None}
    row["length_us"] = {"low": outage.low, "point": outage.point, "high": outage.high}
    row["unknown_us"] = outage.unknown
    row["cause"] = None if outage.cause is None else outage.cause.value
    row |= {"reason": began.reason, "detail": began.detail, "last_reason": began.reason, "last_detail": began.detail}
    return row | ({"source": began.source} if began.source else {})


def observation_row(key: EndpointKey, seen: Observation) -> Row:
    """The row of one observation."""
    return {
        "type": "observation",
        "client": key.client,
        "endpoint": key.name,
        "at": format_instant(seen.started),
        "verdict": seen.verdict.value,
        "reason": seen.reason,
        "detail": seen.detail,
        "duration_us": seen.duration,
        "phases_us": dict(seen.phases),
        "address": seen.address or None,
        "cause": None if seen.cause is None else seen.cause.value,
        "certificate_expiry": _instant(seen.certificate_expiry),
    }


def _entry_row(recorded: Recorded) -> Row:
    entry = recorded.entry
    if entry.kind == Kind.EVENT:
        spans = {key: format_instant(entry.body[key]) for key in ("start", "end") if type(entry.body.get(key)) is int}
        named = {"client": entry.client, "contract": entry.contract}
        whose = {key: name for key, name in named.items() if name is not None}
        row = {"type": "event", "id": identity(recorded), "at": format_instant(entry.at), "site": recorded.site}
        return row | whose | dict(entry.body) | spans
    fact, key = fact_of(recorded), entry.endpoint
    assert key is not None
    row = state_row(*key, fact) if isinstance(fact, Change) else blip_row(*key, fact) if isinstance(fact, Blip) else {}
    return row | {"id": identity(recorded)}


def _figures(timeline: Timeline, span: Interval) -> Row:
    by_version = [classes_of(totals(timeline, IntervalSet.span(*span)), version) for version in VERSIONS]
    point, bounds = by_version[1], bounds_of(by_version, Fraction(1), UnknownPolicy.EXCLUDE)
    return {
        "start": format_instant(span.start),
        "end": format_instant(span.end),
        "availability": {name: ratio_or_null(getattr(bounds, name)) for name in ("low", "point", "high")},
        "coverage": ratio_or_null(Fraction(point.known, point.total)) if point.total else None,
        "time_us": {name: getattr(point, name) for name in ("up", "degraded", "down", "unknown")},
        "outages": len(timeline.where(POINT, State.DOWN, *span).intervals),
    }


def _judged(offline: Offline, contract: Contract, span: Interval, now: Instant) -> list[Row]:
    """A contract's figures over a day, cut where one of its periods ends."""
    rows: list[Row] = []
    for governing, period in offline.book(contract).between(*span):
        piece = Interval(max(span.start, period.start), min(span.end, period.end))
        exclusions = exclusions_for(governing, offline.announcements, period.interval)
        part = Period(*piece, partial=True, nominal=period.nominal, proration=Fraction(1), judged=False)
        timeline = contract_timeline(governing, offline.members(governing))
        found = judge(governing, part, timeline, hours_within(governing, piece), exclusions, now)
        row: Row = {
            "type": "availability",
            "client": contract.client,
            "contract": contract.name,
            "start": format_instant(piece.start),
            "end": format_instant(piece.end),
            "availability": {
                name: ratio_or_null(getattr(found.availability, name)) for name in ("low", "point", "high")
            },
            "coverage": ratio_or_null(found.coverage),
            "time_us": time_object(found),
            "outages": found.outage_figures.count,
        }
        rows.append(row)
    return rows


def _beginning(day: date, show: Show) -> date:
    if show is Show.WEEKS:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if show is Show.MONTHS else day


def _following(day: date, show: Show) -> date:
    if show is Show.MONTHS:
        return (day + timedelta(days=31)).replace(day=1)
    return day + timedelta(days=7 if show is Show.WEEKS else 1)


def _instant(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
