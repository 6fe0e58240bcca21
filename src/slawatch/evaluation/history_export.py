"""The raw availability history as rows: all that ``evaluate`` needs to reach the board's own figures.

An export is cut at one instant, by default the board's latest judgement, and holds what was known then: facts that
this run recorded later are left out, and every endpoint that was known is closed by the change to UNKNOWN that
says how far its last observation reached.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from slawatch.domain.announcements import parse_announcement
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.history import blip_row, exclusion_rows, state_row
from slawatch.domain.interval import DISTANT_PAST, Instant, Interval, format_instant
from slawatch.domain.observation import Cause
from slawatch.domain.renames import with_renamed
from slawatch.evaluation.board import Snapshot
from slawatch.storage.entries import EndpointKey, Kind, Recorded
from slawatch.storage.facts import fact_of
from slawatch.storage.ledger import Ledger

Row = dict[str, Any]

RENAMED = "renamed"
"""The event by which the ledger knows that an endpoint has another name from now on."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Until when, and what was known. ``edges`` close the endpoints that were known at ``at``.

    ``boot`` and ``sequence`` leave out what that run recorded after its ``sequence``-th entry.
    """

    at: Instant
    edges: Mapping[str, Change] = field(default_factory=dict)
    boot: str = ""
    sequence: int = 0

    @classmethod
    def of(cls, snapshot: Snapshot, boot: str) -> Cut:
        """What a judgement knew."""
        return cls(snapshot.at, snapshot.edges, boot, snapshot.sequence)

    def knew(self, recorded: Recorded) -> bool:
        """Whether an entry had been recorded."""
        return recorded.boot != self.boot or recorded.sequence <= self.sequence


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are wanted; None means all. ``start`` and ``end`` are UTC microseconds."""

    clients: Collection[str] | None = None
    endpoints: Collection[EndpointKey] | None = None
    start: Instant | None = None
    end: Instant | None = None

    def wants(self, key: EndpointKey) -> bool:
        if self.endpoints is not None and key not in self.endpoints:
            return False
        return self.clients is None or key.client in self.clients


async def history_rows(ledger: Ledger, selection: Selection, cut: Cut) -> AsyncIterator[Row]:
    """The rows: what was agreed and announced, then facts in order of instant, then the end.

    With a start, every endpoint begins with the change that holds there. With an end before the cut, the last
    state of each endpoint ends there, with the bracket of the change that followed.
    """
    end = cut.at if selection.end is None else min(selection.end, cut.at)
    window = Interval(DISTANT_PAST if selection.start is None else selection.start, end)
    async for row in _agreed(ledger, selection, cut, window):
        yield row
    held: dict[EndpointKey, Change] = {}
    followed: dict[EndpointKey, Change] = {}
    kinds = (Kind.STATE.value, Kind.BLIP.value)
    async for recorded in ledger.entries(kinds=kinds, endpoints=selection.endpoints, clients=selection.clients):
        key = recorded.entry.endpoint
        if key is None or not cut.knew(recorded):
            continue
        fact = fact_of(recorded)
        if isinstance(fact, Blip):
            if fact.earliest < window.end and fact.latest > window.start:
                yield blip_row(*key, fact)
        elif isinstance(fact, Change):
            if fact.at >= window.end:
                followed.setdefault(key, fact)
                continue
            previous, held[key] = held.get(key), fact
            if fact.at > window.start:
                if previous is not None and previous.at <= window.start:
                    yield state_row(*key, previous)
                yield state_row(*key, fact)
    for row in _ends(held, followed, cut, window):
        yield row
    yield {"type": "until", "at": format_instant(end)}


def _ends(
    held: Mapping[EndpointKey, Change], followed: Mapping[EndpointKey, Change], cut: Cut, window: Interval
) -> Iterator[Row]:
    for key in sorted(held):
        last = held[key]
        if last.at <= window.start:
            yield state_row(*key, last)
        if last.state is State.UNKNOWN:
            continue
        edge = cut.edges.get(str(key))
        after = followed.get(key)
        if after is not None and after.earliest < window.end:
            edge = Change(window.end, State.UNKNOWN, max(last.at, after.earliest), window.end, Cause.NO_FURTHER_DATA)
        elif after is not None or edge is None or edge.earliest >= window.end:
            edge = Change(window.end, State.UNKNOWN, window.end, window.end, Cause.NO_FURTHER_DATA)
        elif edge.at > window.end:
            edge = edge._replace(at=window.end, latest=window.end)
        yield state_row(*key, edge)


async def _agreed(ledger: Ledger, selection: Selection, cut: Cut, window: Interval) -> AsyncIterator[Row]:
    kinds = (Kind.CONTRACT.value, Kind.EXCLUSION.value, Kind.CORRECTION.value, Kind.EVENT.value)
    recorded_entries = [item async for item in ledger.entries(kinds=kinds, clients=selection.clients) if cut.knew(item)]
    withdrawals = [item for item in recorded_entries if "withdraws" in item.entry.body]
    for recorded in recorded_entries:
        entry, body = recorded.entry, recorded.entry.body
        if "withdraws" in body or entry.kind == Kind.EVENT:
            continue
        client = str(entry.client)
        if entry.kind == Kind.CONTRACT:
            row: Row = {"type": "contract", "client": client, "contract": entry.contract}
            terms = _under_present_names(recorded, recorded_entries)
            yield row | {"at": format_instant(entry.at), "sha256": body["sha256"], "terms": terms}
        elif entry.kind == Kind.EXCLUSION:
            announced = parse_announcement(body["document"], body["zone"], announced_at=recorded.recorded_at)
            announced = replace(announced, withdrawn_at=_withdrawn(announced.identity, recorded, withdrawals))
            for row in exclusion_rows(client, announced, _around(window)):
                yield row
        elif selection.wants(EndpointKey(client, str(body["endpoint"]))):
            span = {key: format_instant(int(body[key])) for key in ("start", "end")}
            yield {"type": "correction", "client": client, **body, **span}


def _under_present_names(version: Recorded, recorded: Sequence[Recorded]) -> Mapping[str, Any]:
    """A version's terms under the names that its endpoints have now, like every other row."""
    terms: Mapping[str, Any] = version.entry.body["terms"]
    for item in sorted(recorded, key=lambda item: item.id):
        body = item.entry.body
        if item.id > version.id and body.get("event") == RENAMED and item.entry.client == version.entry.client:
            terms = with_renamed(terms, body["formerly"], body["endpoint"])
    return terms


def _withdrawn(identity: str, announced: Recorded, withdrawals: Sequence[Recorded]) -> Instant | None:
    """When the announcement was taken back: the first withdrawal after it, since it may be announced anew."""
    later = (item for item in withdrawals if item.id > announced.id and item.entry.body["withdraws"] == identity)
    return next((item.recorded_at for item in sorted(later, key=lambda item: item.id)), None)


def _around(window: Interval) -> Interval:
    """Occurrences of recurring work are listed from the window's start on, at most ten years back, and two years
    ahead, so that the running period's service time can be told."""
    year = 366 * 86_400_000_000
    return Interval(max(window.start, window.end - 10 * year), window.end + 2 * year)
