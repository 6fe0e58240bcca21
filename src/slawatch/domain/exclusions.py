"""Time that leaves both sides of the fraction: maintenance and the other typed exclusions (S25–S28).

An *announcement* is what somebody entered; whether it counts is decided here. Its notice runs from the
instant at which the ledger first had it, never from what anybody typed. What was announced too late, or
exceeds the allowance, counts only as a correction: with a reason and an approver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from slawatch.domain.interval import Duration, Instant, Interval, IntervalSet
from slawatch.domain.recurrence import Recurrence


class ExclusionKind(StrEnum):
    """Why time does not count, in the order in which an overlap is booked (S26)."""

    MAINTENANCE = "maintenance"
    FORCE_MAJEURE = "force_majeure"
    CLIENT_FAULT = "client_fault"
    THIRD_PARTY = "third_party"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One entry: planned spans of time for some services or contracts of a client.

    ``spans`` are its occurrences, and ``recurrence`` makes further ones; each ends at its planned end (an overrun
    is downtime). ``announced_at`` is
    when the ledger first had it; None where no ledger says so. ``services`` and ``contracts`` are names; an
    entry that names neither is for all of the client.
    """

    identity: str
    kind: ExclusionKind
    spans: tuple[Interval, ...] = ()
    recurrence: Recurrence | None = None
    services: frozenset[str] = frozenset()
    contracts: frozenset[str] = frozenset()
    reason: str = ""
    approved_by: str = ""
    announced_at: Instant | None = None
    withdrawn_at: Instant | None = None
    """From then on it announces nothing more: an occurrence that starts later does not take place."""

    def within(self, span: Interval) -> list[Interval]:
        """The occurrences that share an instant with ``span``, whole, in order."""
        found = [occurrence for occurrence in self.spans if occurrence.intersect(span).length]
        if self.recurrence is not None:
            found += self.recurrence.occurrences(*span)
        if self.withdrawn_at is not None:
            found = [occurrence for occurrence in found if occurrence.start < self.withdrawn_at]
        return sorted(found)

    def concerns(self, contract: str, service: str, members: Iterable[str] = ()) -> bool:
        """Whether it is meant for a contract, by the contract's name or by a service that it is over."""
        if not self.services and not self.contracts:
            return True
        return contract in self.contracts or service in self.services or not self.services.isdisjoint(members)


class Ruling(StrEnum):
    """Why a span counts or does not."""

    COUNTS = "counts"
    APPROVED = "counts as an approved correction"
    TOO_LATE = "announced too late"
    NO_RECORD = "no record of when it was announced"
    OVER_LIMIT = "beyond the allowance of the period"
    NOT_APPROVED = "has no reason or no approver"


class RuledSpan(NamedTuple):
    """A span of an announcement within one period, with the decision and its reason."""

    announcement: Announcement
    span: Interval
    ruling: Ruling

    @property
    def counts(self) -> bool:
        return self.ruling in (Ruling.COUNTS, Ruling.APPROVED)


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What a contract excludes in one period: disjoint sets by kind, and how every span was ruled."""

    by_kind: tuple[tuple[ExclusionKind, IntervalSet], ...] = ()
    rulings: tuple[RuledSpan, ...] = ()

    @property
    def all(self) -> IntervalSet:
        """The union of all kinds."""
        return IntervalSet.of(interval for _, intervals in self.by_kind for interval in intervals)


def effective_exclusions(
    announcements: Sequence[Announcement], period: Interval, notice: Duration, limit: Duration | None
) -> Exclusions:
    """Rule on every announcement for one period and book overlaps to one kind each (S26).

    ``announcements`` come in ledger order. The allowance is used up in order of time by maintenance that
    needs no approval; overlapping maintenance uses it once.
    """
    rulings = list(_rule(announcements, period, notice, limit))
    rulings.sort(key=lambda ruled: ruled.span)
    by_kind: list[tuple[ExclusionKind, IntervalSet]] = []
    booked = IntervalSet()
    for kind in ExclusionKind:
        spans = IntervalSet.of(ruled.span for ruled in rulings if ruled.counts and ruled.announcement.kind is kind)
        fresh = spans.difference(booked)
        if fresh:
            by_kind.append((kind, fresh))
            booked = booked.union(fresh)
    return Exclusions(tuple(by_kind), tuple(rulings))


def _rule(
    announcements: Sequence[Announcement], period: Interval, notice: Duration, limit: Duration | None
) -> Iterator[RuledSpan]:
    allowed: list[tuple[Interval, Announcement]] = []
    for entry in announcements:
        for whole in entry.within(period):
            span = whole.intersect(period)
            ruling = _ruling(entry, whole.start, notice)
            if ruling is Ruling.COUNTS and entry.kind is ExclusionKind.MAINTENANCE and limit is not None:
                allowed.append((span, entry))
            else:
                yield RuledSpan(entry, span, ruling)
    yield from _within_allowance(allowed, limit or 0)


def _ruling(entry: Announcement, start: Instant, notice: Duration) -> Ruling:
    approved = bool(entry.reason and entry.approved_by)
    if entry.kind is not ExclusionKind.MAINTENANCE:
        return Ruling.APPROVED if approved else Ruling.NOT_APPROVED
    if entry.announced_at is None:
        in_time, otherwise = not notice, Ruling.NO_RECORD
    else:
        in_time, otherwise = entry.announced_at + notice <= start, Ruling.TOO_LATE
    if in_time:
        return Ruling.COUNTS
    return Ruling.APPROVED if approved else otherwise


def _within_allowance(allowed: list[tuple[Interval, Announcement]], limit: Duration) -> Iterator[RuledSpan]:
    allowed.sort(key=lambda item: item[0])
    used, reached = 0, None
    for span, entry in allowed:
        fresh_from = span.start if reached is None else max(span.start, reached)
        left = limit - used
        cut = min(span.end, max(span.start, fresh_from + left))
        if span.start < cut:
            yield RuledSpan(entry, Interval(span.start, cut), Ruling.COUNTS)
        if cut < span.end:
            beyond = Ruling.APPROVED if entry.reason and entry.approved_by else Ruling.OVER_LIMIT
            yield RuledSpan(entry, Interval(cut, span.end), beyond)
        used += max(0, cut - fresh_from)
        reached = cut if reached is None else max(reached, cut)
