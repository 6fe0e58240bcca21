"""The rows of a history file: what ``slawatch history`` writes and ``slawatch evaluate`` reads.

A row is a mapping with a ``type`` (``state`` when left out). Endpoints are unknown before their first row and
keep a state until their next one, at most until the history's end; after that they are unknown. Rows may
come in any order; of two states of one endpoint at one instant the later row wins (S17).

Types: ``state``, ``blip``, ``cause``, ``exclusion``, ``correction``, ``contract``, ``ticket``, ``run``, ``mail``,
``until``. Every mistake is a ``ValueError`` that says which key and what is expected.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from sys import intern
from typing import Any

from slawatch.domain.changes import Changes
from slawatch.domain.counted_events import Source
from slawatch.domain.event_rows import SourceLog
from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import (
    DISTANT_FUTURE,
    DISTANT_PAST,
    Instant,
    Interval,
    IntervalSet,
    format_instant,
    parse_instant,
)
from slawatch.domain.observation import Cause
from slawatch.domain.timeline import POINT, Timeline, painted

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Correction:
    """A later entry that sets an endpoint's state over a span; it counts with a reason and an approver (S27)."""

    endpoint: str
    span: Interval
    state: State
    reason: str
    approved_by: str
    entered_by: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class ContractVersion:
    """A version of a contract's terms, in the ledger from ``at`` on."""

    contract: str
    at: Instant
    terms: Mapping[str, Any]


@dataclass(slots=True)
class History:
    """Everything that judging a client's contracts needs. Lists are in the order of the rows until sealed."""

    changes: dict[str, Changes] = field(default_factory=dict)
    blips: dict[str, list[Blip]] = field(default_factory=dict)
    causes: dict[str, list[tuple[Instant, Cause]]] = field(default_factory=dict)
    announcements: list[Announcement] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    versions: list[ContractVersion] = field(default_factory=list)
    events: dict[str, SourceLog] = field(default_factory=dict)
    """Rows of type ticket, run and mail, by endpoint."""
    first: Instant | None = None
    last: Instant | None = None
    until: Instant | None = None

    @property
    def end(self) -> Instant | None:
        """Where the history ends: the ``until`` row, else the last row; None for an empty history."""
        return self.last if self.until is None else self.until

    def seal(self, until: Instant | None = None) -> None:
        """Sort, and let everything be unknown from the end on. ``until`` overrides the history's own end."""
        end = self.until = self.end if until is None else until
        for endpoint, rows in self.changes.items():
            rows.sort()
            explained = _explained(rows, self.causes.get(endpoint, ()))
            self.changes[endpoint] = explained if end is None else explained.until(end)
        for log in self.events.values():
            if end is not None:
                log.cut(end)

    def timeline(self, endpoint: str) -> Timeline:
        """The endpoint's timeline with its corrections applied in the order of their entry."""
        timeline = self.changes.get(endpoint, Changes()).timeline(self.blips.get(endpoint, ()))
        for correction in self.corrections:
            if correction.endpoint == endpoint and correction.reason and correction.approved_by:
                timeline = painted(timeline, IntervalSet.span(*correction.span), correction.state)
        return timeline

    def source(self, endpoint: str) -> Source:
        """What an endpoint brought as events, and when it could not be heard. The history must be sealed."""
        log, changes = self.events.get(endpoint, SourceLog()), self.changes.get(endpoint, Changes())
        heard = [at for at in (log.first, changes[0].at if changes else None) if at is not None]
        if not heard or self.until is None:
            return Source(log)
        blind = [Interval(DISTANT_PAST, min(heard)), Interval(self.until, DISTANT_FUTURE)]
        if changes:
            blind += self.timeline(endpoint).where(POINT, State.UNKNOWN, changes[0].at, self.until)
        return Source(log, IntervalSet.of(blind))

    def terms_at(self, contract: str, instant: Instant) -> Mapping[str, Any] | None:
        """The terms in force at an instant: the latest version by then, else the first one (S29)."""
        versions = sorted((version for version in self.versions if version.contract == contract), key=lambda v: v.at)
        if not versions:
            return None
        index = bisect_right([version.at for version in versions], instant)
        return versions[max(0, index - 1)].terms

    def first_seen(self, contract: str) -> Instant | None:
        """When the ledger first had the contract; None where no row says so."""
        return min((version.at for version in self.versions if version.contract == contract), default=None)


def _explained(changes: Changes, causes: Sequence[tuple[Instant, Cause]]) -> Changes:
    """A ``cause`` row explains the unknown time that runs at its instant; over known time it says nothing."""
    if not causes:
        return changes
    rows = list(changes)
    for at, cause in sorted(causes, key=itemgetter(0)):
        index = bisect_right(rows, at, key=itemgetter(0)) - 1
        if index < 0 or rows[index].state is not State.UNKNOWN:
            continue
        if rows[index].at == at:
            rows[index] = rows[index]._replace(cause=cause)
        else:
            rows.insert(index + 1, Change(at, State.UNKNOWN, at, at, cause))
    return Changes(rows)


def read_rows(rows: Iterable[Row], history: History | None = None) -> History:
    """Add rows to a history (a new one by default). Call :meth:`History.seal` after the last."""
    history = history or History()
    for row in rows:
        add_row(history, row)
    return history


def add_row(history: History, row: Row) -> None:
    """Add one row."""
    kind = row.get("type", "state")
    if kind == "state":
        _add_state(history, row)
        return
    add = _ADD.get(kind) if isinstance(kind, str) else None
    if add is None:
        raise ValueError(f"type: {kind!r} is unknown: expected one of {', '.join(['state', *_ADD])}")
    add(history, row)


def _touch(history: History, at: Instant) -> Instant:
    if history.last is None or at > history.last:
        history.last = at
    if history.first is None or at < history.first:
        history.first = at
    return at


_WORDS = {state.word: state for state in State}
_DETAILS = frozenset({"edges", "confirmed_at", "reason", "detail", "source"})
"""Keys of a state row that most rows of a long history do without."""


def _add_state(history: History, row: Row) -> None:
    endpoint, at, word = _text(row, "endpoint"), _touch(history, _instant(row, "at")), row.get("state")
    state = _WORDS.get(word) if isinstance(word, str) else None
    if state is None:
        raise ValueError(f"state: {word!r} is no state: expected up, degraded, down or unknown")
    cause = _cause(row) if state is State.UNKNOWN else None
    changes = history.changes.get(endpoint)
    if changes is None:
        changes = history.changes[endpoint] = Changes()
    if row.keys().isdisjoint(_DETAILS):
        changes.add(at, state, cause)
        return
    low, high = _edges(row, at)
    confirmed = _instant(row, "confirmed_at") if "confirmed_at" in row else None
    words = (intern(text) for text in _words(row))
    changes.append(Change(at, state, low, high, cause, confirmed, *words))


def _add_blip(history: History, row: Row) -> None:
    endpoint, at = _text(row, "endpoint"), _touch(history, _instant(row, "at"))
    state = State.of(str(row.get("state", "down")))
    if state is State.UNKNOWN:
        raise ValueError("state: a blip is up, degraded or down: expected one of them")
    low, high = _edges(row, at)
    history.blips.setdefault(endpoint, []).append(Blip(at, state, low, high, _count(row), *_words(row)))


def _words(row: Row) -> tuple[str, str, str]:
    return str(row.get("reason", "")), str(row.get("detail", "")), str(row.get("source", ""))


def _add_cause(history: History, row: Row) -> None:
    cause = _cause(row)
    if cause is None:
        raise ValueError("cause: missing: expected why the time is unknown, as monitor_stopped")
    history.causes.setdefault(_text(row, "endpoint"), []).append((_instant(row, "at"), cause))


def _add_exclusion(history: History, row: Row) -> None:
    start, end = _instant(row, "start"), _instant(row, "end")
    if end <= start:
        raise ValueError("end: is not after start: expected a later instant")
    kind = str(row.get("kind", "maintenance"))
    if kind not in set(ExclusionKind):
        raise ValueError(f"kind: {kind!r} is unknown: expected one of {', '.join(ExclusionKind)}")
    history.announcements.append(
        Announcement(
            identity=str(row.get("id", f"{kind} {format_instant(start)}")),
            kind=ExclusionKind(kind),
            spans=(Interval(start, end),),
            services=frozenset(_names(row, "services")),
            contracts=frozenset(_names(row, "contracts")),
            reason=str(row.get("reason", "")),
            approved_by=str(row.get("approved_by", "")),
            announced_at=_instant(row, "announced_at") if row.get("announced_at") else None,
        )
    )


def _add_correction(history: History, row: Row) -> None:
    start, end = _instant(row, "start"), _instant(row, "end")
    if end <= start:
        raise ValueError("end: is not after start: expected a later instant")
    history.corrections.append(
        Correction(
            endpoint=_text(row, "endpoint"),
            span=Interval(start, end),
            state=State.of(str(row.get("state"))),
            reason=str(row.get("reason", "")),
            approved_by=str(row.get("approved_by", "")),
            entered_by=str(row.get("by", "")),
            evidence=str(row.get("evidence", "")),
        )
    )


def _add_contract(history: History, row: Row) -> None:
    terms = row.get("terms")
    if not isinstance(terms, Mapping):
        raise ValueError("terms: missing: expected the mapping of terms that the ledger stored")
    history.versions.append(ContractVersion(_text(row, "contract"), _instant(row, "at"), terms))


def _add_event(history: History, row: Row) -> None:
    endpoint, at = _text(row, "endpoint"), _touch(history, _instant(row, "at"))
    history.events.setdefault(endpoint, SourceLog()).add(row, at)


def _add_until(history: History, row: Row) -> None:
    history.until = _instant(row, "at")


_ADD = {
    "blip": _add_blip,
    "cause": _add_cause,
    "exclusion": _add_exclusion,
    "correction": _add_correction,
    "contract": _add_contract,
    "ticket": _add_event,
    "run": _add_event,
    "mail": _add_event,
    "until": _add_until,
}


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key}: missing: expected a name")
    return value


def _instant(row: Row, key: str) -> Instant:
    value = row.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key}: missing: expected an instant like 2026-01-05T10:00:00Z")
    try:
        return parse_instant(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _edges(row: Row, at: Instant) -> tuple[Instant, Instant]:
    edges = row.get("edges")
    if edges is None:
        return at, at
    if not isinstance(edges, Mapping):
        raise ValueError('edges: expected {"low": INSTANT, "high": INSTANT}')
    low = _instant(edges, "low")
    high = at if edges.get("high") == row.get("at") else _instant(edges, "high")  # as the daemon writes them
    if low > high:
        raise ValueError("edges: low is after high: expected the earliest instant first")
    if not low <= at <= high:
        raise ValueError("edges: do not hold the row's own instant: expected low <= at <= high")
    return low, high


def _count(row: Row) -> int:
    count = row.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"count: {count!r} is no number of observations: expected a whole number from 1")
    return count


def _cause(row: Row) -> Cause | None:
    word = row.get("cause")
    if word is None:
        return None
    if word not in set(Cause):
        raise ValueError(f"cause: {word!r} is unknown: expected one of {', '.join(Cause)}")
    return Cause(word)


def _names(row: Row, key: str) -> list[str]:
    value = row.get(key, [])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{key}: expected a list of names")
    return value


def state_row(client: str, endpoint: str, change: Change) -> dict[str, Any]:
    """The row of one change, readable by :func:`add_row`."""
    row: dict[str, Any] = {"type": "state", "client": client, "endpoint": endpoint, "at": format_instant(change.at)}
    row["state"] = change.state.word
    if (change.earliest, change.latest) != (change.at, change.at):
        row["edges"] = {"low": format_instant(change.earliest), "high": format_instant(change.latest)}
    if change.cause is not None:
        row["cause"] = change.cause.value
    if change.confirmed_at is not None and change.confirmed_at != change.at:
        row["confirmed_at"] = format_instant(change.confirmed_at)
    return row | _spoken(change)


def blip_row(client: str, endpoint: str, blip: Blip) -> dict[str, Any]:
    """The row of one blip, readable by :func:`add_row`."""
    row: dict[str, Any] = {"type": "blip", "client": client, "endpoint": endpoint, "at": format_instant(blip.at)}
    row |= {"state": blip.state.word, "count": blip.seen}
    row["edges"] = {"low": format_instant(blip.earliest), "high": format_instant(blip.latest)}
    return row | _spoken(blip)


def _spoken(fact: Change | Blip) -> dict[str, str]:
    words = (("reason", fact.reason), ("detail", fact.detail), ("source", fact.source))
    return {key: value for key, value in words if value}


def exclusion_rows(client: str, entry: Announcement, within: Interval) -> Iterator[dict[str, Any]]:
    """The rows of one announcement, one for each of its occurrences that share an instant with ``within``."""
    for span in entry.within(within):
        row: dict[str, Any] = {"type": "exclusion", "client": client, "id": entry.identity, "kind": entry.kind.value}
        row |= {"start": format_instant(span.start), "end": format_instant(span.end)}
        row |= {
            key: sorted(names) for key, names in (("services", entry.services), ("contracts", entry.contracts)) if names
        }
        row |= {key: value for key, value in (("reason", entry.reason), ("approved_by", entry.approved_by)) if value}
        if entry.announced_at is not None:
            row["announced_at"] = format_instant(entry.announced_at)
        yield row
