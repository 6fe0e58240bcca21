"""The operators' page as pure values: "whom must I worry about?", worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from slawatch.domain.facts import State
from slawatch.domain.interval import DAY, MINUTE, Instant, Interval
from slawatch.domain.local_time import zone
from slawatch.domain.observation import Observation, Verdict
from slawatch.evaluation.board import ContractStatus, EndpointStatus, PathStatus, Snapshot
from slawatch.web.cards import Card, card, standing_of, worst_first
from slawatch.web.strips import Strip, strip
from slawatch.web.words import Moment, ago, count_text, endpoint_href, listed, moment, since_text, span_text, spoken

ROWS = 200
"""Endpoints that the page lists unless all are asked for; the worst come first, so that nothing bad is left out."""

_STATE_RANK = {State.DOWN: 0, State.UNKNOWN: 1, State.DEGRADED: 2, State.UP: 3}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of endpoints."""

    id: str
    href: str
    client: str
    name: str
    kind: str
    target: str
    state: str
    word: str
    since: Moment | None
    ago: str
    last: str
    """The latest answer's reason and how long it took; empty before the first."""
    detail: str
    at: Moment | None
    """When the latest probe began."""
    strip: Strip


@dataclass(frozen=True, slots=True)
class Summary:
    """The first line: in words, and how bad it is (``bad``, ``warn``, ``calm`` or ``empty``)."""

    tone: str
    contracts: str
    endpoints: str
    nothing: bool = False
    """Nothing is configured yet: the page says what to do."""
    refused: str = ""
    """Why the latest configuration was refused, empty when the newest is in force."""
    blind: tuple[str, ...] = ()
    """A sentence for each path on which failures say nothing now."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The operators' page."""

    at: Moment
    zone: str
    summary: Summary
    cards: tuple[Card, ...]
    rows: tuple[Row, ...]
    hidden: int
    """Endpoints that are not listed; none of them is worse than any that is."""


def overview(snapshot: Snapshot, limit: int | None = ROWS) -> Overview:
    """The page of one snapshot, with at most ``limit`` endpoints."""
    page_zone = common_zone(snapshot.contracts)
    contracts = sorted(snapshot.contracts, key=worst_first)
    endpoints = sorted(snapshot.endpoints, key=_worst_endpoint_first)
    shown = endpoints if limit is None else endpoints[:limit]
    down = down_now(snapshot)
    return Overview(
        at=moment(snapshot.at, snapshot.at, page_zone),
        zone=page_zone.key,
        summary=summary(snapshot, page_zone),
        cards=tuple(card(status, snapshot.at, page_zone) for status in contracts),
        rows=tuple(row(status, snapshot, page_zone, down) for status in shown),
        hidden=len(endpoints) - len(shown),
    )


def common_zone(contracts: Iterable[ContractStatus]) -> ZoneInfo:
    """The zone that most contracts are written in, the first by name among equals; UTC when there are none."""
    counts = Counter(status.contract.zone.key for status in contracts)
    name = min(counts, key=lambda key: (-counts[key], key), default="UTC")
    return zone(name)


def summary(snapshot: Snapshot, page_zone: ZoneInfo) -> Summary:
    """What matters, in one or two sentences."""
    standings = Counter(standing_of(status) for status in snapshot.contracts)
    states = Counter(status.state for status in snapshot.endpoints)
    refused = snapshot.configuration_error
    if not snapshot.generation:
        text = "The first figures appear within a second or two."
        return Summary("empty", "Nothing has been judged yet.", text, refused=refused)
    if not snapshot.contracts and not snapshot.endpoints:
        return Summary("empty", "Nothing is being watched.", "", nothing=True, refused=refused)
    tone = "calm"
    blind = tuple(_blind_sentence(path, snapshot.at, page_zone) for path in snapshot.paths if path.blind)
    if standings["at-risk"] or standings["disputable"] or states[State.DEGRADED] or states[State.UNKNOWN] or blind:
        tone = "warn"
    if standings["lost"] or standings["breaching"] or states[State.DOWN]:
        tone = "bad"
    sentences = _contracts_sentence(standings), _endpoints_sentence(states)
    return Summary(tone, *sentences, refused=refused, blind=blind)


def _blind_sentence(path: PathStatus, now: Instant, page_zone: ZoneInfo) -> str:
    lasting = "" if path.since is None else f" since {moment(path.since, now, page_zone).text} ({ago(path.since, now)})"
    nobody = f"none of its {path.witnesses} witnesses answers"
    return f"The path {path.name} has been blind{lasting}: {nobody}. Failures on it count as unknown until one does."


_PHRASES = (
    ("lost", "is lost", "are lost"),
    ("breaching", "breaches if its outage goes on", "breach if their outages go on"),
    ("at-risk", "is at risk", "are at risk"),
    ("disputable", "is disputable", "are disputable"),
    ("no-data", "has no data", "have no data"),
)


def _contracts_sentence(standings: Counter[str]) -> str:
    total = standings.total()
    if not total:
        return "There are no contracts yet."
    fine = standings["on-track"] + standings["met"]
    if fine == total:
        return "The one contract is on track." if total == 1 else f"All {total} contracts are on track."
    counted = [(standings[name], one, many) for name, one, many in _PHRASES] + [(fine, "is on track", "are on track")]
    first, *others = [(count, one if count == 1 else many) for count, one, many in counted if count]
    clauses = [f"{count_text(first[0], 'contract', 'contracts')} {first[1]}"]
    return f"{listed(clauses + [f'{count} {phrase}' for count, phrase in others])}."


def _endpoints_sentence(states: Counter[State]) -> str:
    total = states.total()
    if states[State.UP] == total:
        return "The one endpoint is up." if total == 1 else f"All {total} endpoints are up." if total else ""
    clauses = [
        f"{count} {'is' if count == 1 else 'are'} {state.word}"
        for state in (State.DOWN, State.DEGRADED, State.UNKNOWN)
        if (count := states[state])
    ]
    return f"Of {count_text(total, 'endpoint', 'endpoints')} {listed(clauses)}."


def _worst_endpoint_first(status: EndpointStatus) -> tuple[object, ...]:
    return _STATE_RANK[status.state], not status.suspect, status.client, status.name


def down_now(snapshot: Snapshot) -> frozenset[str]:
    """The endpoints that are down, by ``client/endpoint``."""
    return frozenset(status.key for status in snapshot.endpoints if status.state is State.DOWN)


def row(status: EndpointStatus, snapshot: Snapshot, page_zone: ZoneInfo, down: Collection[str]) -> Row:
    """The line of one endpoint. Its strip ends with the running minute, so that it stands still within it.

    ``down`` are all that are down now.
    """
    now = snapshot.at
    end = -(-now // MINUTE) * MINUTE
    return Row(
        id=f"endpoint/{status.key}",
        href=endpoint_href(status.client, status.name),
        client=snapshot.client_names.get(status.client, status.client),
        name=status.name,
        kind=status.probe,
        target=status.target,
        state=status.state.word,
        word=state_word(status, down),
        since=None if status.since is None else since_text(status.since, now, page_zone),
        ago="" if status.since is None else ago(status.since, now),
        last=answer_text(status.last),
        detail="" if status.last is None else status.last.detail,
        at=None if status.last is None else moment(status.last.started, now, page_zone),
        strip=strip(status.strip, Interval(end - DAY, end), now, page_zone, f"{status.key}, last 24 h"),
    )


def state_word(status: EndpointStatus, down: Collection[str]) -> str:
    """The state, with the cause of what is unknown, a word on an unconfirmed failure, and what it lies behind where
    that is down as well (S14)."""
    if status.state is State.UNKNOWN:
        return f"unknown: {spoken(status.cause.value)}" if status.cause else "unknown"
    if status.suspect and status.state is not State.DOWN:
        return f"{status.state.word}, being checked again"
    if status.state is State.DOWN and f"{status.client}/{status.behind}" in down:
        return f"down, unreachable behind {status.behind}"
    return status.state.word


def answer_text(last: Observation | None) -> str:
    """``answered in 2.3 ms``, ``timeout after 5 s``."""
    if last is None:
        return ""
    good = last.verdict in (Verdict.UP, Verdict.DEGRADED)
    return f"{spoken(last.reason)} {'in' if good else 'after'} {span_text(last.duration)}"
