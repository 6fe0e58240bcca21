"""The endpoint's page as pure values: "what happened, exactly?", one local day at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from slawatch.domain.composite import names_in
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import DAY, Duration, Instant, Interval
from slawatch.domain.local_time import first_instant, local_of
from slawatch.domain.strip import strip as pieces_of
from slawatch.domain.timeline import endpoint_timeline
from slawatch.evaluation.board import ContractStatus, EndpointStatus, Snapshot
from slawatch.web.cards import vouched_text
from slawatch.web.strips import Strip, strip
from slawatch.web.views import Row, down_now, row
from slawatch.web.words import Moment, contract_href, count_text, day_text, moment, span_text, spoken


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: a change of state, or a blip that none came of."""

    at: Moment
    state: str
    """The class of time that it looks like."""
    what: str
    lasting: str
    uncertain: str
    """How far the instant may lie off; empty when it is exact."""
    why: str


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the latest probe."""

    name: str
    length: str


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """Everything that the page prints."""

    at: Moment
    zone: str
    row: Row
    path: str
    witnesses: str
    behind: str
    every: str
    phases: tuple[Phase, ...]
    certificate: Moment | None
    counts: str
    day: str
    strip: Strip
    plain_day: bool
    """It has 24 hours, so that an even scale is right."""
    events: tuple[Event, ...]
    earlier: str
    later: str
    """Dates of the neighbouring days, empty for a day that has not begun."""
    contracts: tuple[tuple[str, str], ...]
    """Names and addresses of the contracts that it counts in."""


def day_of(text: str, now: Instant, zone: ZoneInfo) -> date:
    """The local day that ``YYYY-MM-DD`` names; today for an empty text. ``ValueError`` for anything else."""
    today = local_of(now, zone).date()
    if not text:
        return today
    chosen = date.fromisoformat(text)
    if chosen.year < 1971 or chosen > today:
        raise ValueError("this day has not begun")
    return chosen


def span_of(day: date, zone: ZoneInfo) -> Interval:
    """A local day as an interval."""
    return Interval(first_instant(day, zone), first_instant(day + timedelta(days=1), zone))


def endpoint_page(
    status: EndpointStatus,
    snapshot: Snapshot,
    zone: ZoneInfo,
    day: date,
    facts: tuple[Sequence[Change], Sequence[Blip]],
) -> EndpointPage:
    """The page of one endpoint for one local day. ``facts`` hold the day, and the change before it."""
    now, span = snapshot.at, span_of(day, zone)
    changes, blips = facts
    last = status.last
    passed = Interval(span.start, max(span.start, min(now, span.end)))
    name = day_text(local_of(span.start, zone))
    return EndpointPage(
        at=moment(now, now, zone),
        zone=zone.key,
        row=row(status, snapshot, zone, down_now(snapshot)),
        path=status.path,
        witnesses=_witnesses(status, snapshot),
        behind=status.behind or "",
        every=span_text(status.every),
        phases=() if last is None else tuple(Phase(spoken(name), span_text(length)) for name, length in last.phases),
        certificate=_certificate(status, now, zone),
        counts=", ".join(f"{count:,} {name}" for name, count in status.counts.items() if count),
        day=name,
        strip=strip(pieces_of(endpoint_timeline(changes), passed), span, now, zone, f"{status.key}, {name}"),
        plain_day=span.length == DAY,
        events=tuple(_events(changes, blips, span, now, zone)),
        earlier=(day - timedelta(days=1)).isoformat(),
        later=(day + timedelta(days=1)).isoformat() if span.end <= now else "",
        contracts=tuple(
            (item.contract.name, contract_href(item.contract.client, item.contract.name))
            for item in _contracts_of(status, snapshot)
        ),
    )


def _witnesses(status: EndpointStatus, snapshot: Snapshot) -> str:
    """Who answers for the way there: ``2 of 2 witnesses answer``."""
    watched = next((path for path in snapshot.paths if path.name == status.path), None)
    if watched is None or watched.blind is None:
        return vouched_text(status.vouched)
    return f"{watched.answering} of {watched.witnesses} answer"


def _certificate(status: EndpointStatus, now: Instant, zone: ZoneInfo) -> Moment | None:
    expiry = None if status.last is None else status.last.certificate_expiry
    return None if expiry is None else moment(expiry, now, zone, seconds=False)


def _contracts_of(status: EndpointStatus, snapshot: Snapshot) -> list[ContractStatus]:
    return [
        item
        for item in snapshot.contracts
        if item.contract.client == status.client and status.name in names_in(item.contract.expression)
    ]


def _events(
    changes: Sequence[Change], blips: Sequence[Blip], span: Interval, now: Instant, zone: ZoneInfo
) -> list[Event]:
    """What happened within the day, the latest first."""
    found: list[tuple[Instant, Event]] = []
    for index, change in enumerate(changes):
        if change.at in span:
            following = changes[index + 1].at if index + 1 < len(changes) else None
            found.append((change.at, _change(change, following, now, zone)))
    found += [(blip.at, _blip(blip, now, zone)) for blip in blips if blip.at in span]
    return [event for _, event in sorted(found, key=lambda pair: pair[0], reverse=True)]


def _change(change: Change, following: Instant | None, now: Instant, zone: ZoneInfo) -> Event:
    lasting = f"for {span_text(following - change.at)}" if following is not None else "and still is"
    why = [spoken(change.cause.value)] if change.cause is not None else []
    why += [text for text in (spoken(change.reason), change.detail) if text]
    if change.confirmed_at is not None and change.confirmed_at > change.at:
        why.append(f"confirmed {moment(change.confirmed_at, now, zone).text}")
    if change.source:
        why.append(imported_text(change.source))
    return Event(
        at=moment(change.at, now, zone),
        state=change.state.word,
        what=change.state.word,
        lasting=lasting,
        uncertain=_uncertain(change.at - change.earliest, change.latest - change.at),
        why=", ".join(why),
    )


def _blip(blip: Blip, now: Instant, zone: ZoneInfo) -> Event:
    failed = blip.state is State.DOWN
    what = "failed, not confirmed" if failed else "answered within an outage"
    return Event(
        at=moment(blip.at, now, zone),
        state="blip",
        what=f"{count_text(blip.seen, 'probe', 'probes')} {what}",
        lasting=f"within {span_text(blip.latest - blip.earliest)}",
        uncertain="",
        why=", ".join(text for text in (spoken(blip.reason), blip.detail, imported_text(blip.source)) if text),
    )


def imported_text(source: str) -> str:
    """Whose word it is, where another monitor saw it."""
    return f"imported from {source}, not measured by slawatch" if source else ""


def _uncertain(before: Duration, after: Duration) -> str:
    """``up to 10 s earlier``: where the change may really lie between two probes."""
    parts = []
    if before > 0:
        parts.append(f"up to {span_text(before, round_up=True)} earlier")
    if after > 0:
        parts.append(f"up to {span_text(after, round_up=True)} later")
    return " or ".join(parts)
