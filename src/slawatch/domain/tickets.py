"""Response and restore clocks of a ticket, from its event history and in service hours (S31).

A clock runs from the ticket's creation while its state is not a pausing one, and only in service hours.

* The *response* clock stops at the first public reply of an agent. Auto-replies and internal notes are none.
* The *restore* clock stops when the ticket enters a restored state, and resumes when it leaves it again; the
  time between does not count.

A clock's *due* instant is where its service time is used up, found by walking along service hours; of a clock
that stopped early, where it would have been used up had it run on. It decides the outcome and the period that
the ticket belongs to. A clock that stands now has no due instant yet, unless it had been used up before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from slawatch.domain.interval import Duration, Instant
from slawatch.domain.service_hours import Calendar, advance, elapsed


class EventKind(StrEnum):
    """What happened to a ticket, in words that every help desk has."""

    CREATED = "created"
    AGENT_REPLY = "agent_reply"
    """A public reply that a person wrote to the customer."""
    CUSTOMER_REPLY = "customer_reply"
    INTERNAL_NOTE = "internal_note"
    AUTO_REPLY = "auto_reply"
    STATE = "state"
    REOPENED = "reopened"
    """A desk's own word for leaving a restored state; ``state`` may be empty."""
    MERGED = "merged"
    SPAM = "spam"


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """One event, dated by the desk. ``state`` is the state entered, with ``CREATED``, ``STATE``, ``REOPENED``."""

    at: Instant
    kind: EventKind
    state: str = ""


@dataclass(frozen=True, slots=True)
class DeskFigures:
    """Service time that the help desk itself counted, where it says; shown beside ours, never used."""

    response: Duration | None = None
    restore: Duration | None = None


@dataclass(frozen=True, slots=True)
class TicketHistory:
    """A ticket as far as it was read: every event up to ``read_until``, included. Of equal times, the order holds."""

    ticket: str
    events: tuple[TicketEvent, ...]
    read_until: Instant
    desk: DeskFigures = DeskFigures()


@dataclass(frozen=True, slots=True)
class TicketTerms:
    """What was promised, in microseconds of service time; None where nothing was.

    Clocks stand in ``pausing`` states; ``restored`` states mean that the service is back.
    ``restoring_answers`` lets entering a restored state stop the response clock too.
    """

    response: Duration | None
    restore: Duration | None
    pausing: frozenset[str] = frozenset()
    restored: frozenset[str] = frozenset()
    restoring_answers: bool = False


class TicketOutcome(StrEnum):
    """What became of a promise."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"
    """Not past due."""
    EXCLUDED = "excluded"
    """Merged into another ticket, or spam."""
    UNKNOWN = "unknown"
    """The connector has not read as far as the due instant."""


@dataclass(frozen=True, slots=True)
class ClockResult:
    """One clock. ``spent`` and ``paused`` are service time until it stopped, or until now.

    ``reason`` is a stable word: ``in_time``, ``after_due``, ``past_due``, ``running``, ``paused``,
    ``never_due`` (the calendar ends before), ``not_read``, ``no_creation``, ``merged``, ``spam``.
    """

    outcome: TicketOutcome
    reason: str
    due: Instant | None = None
    stopped: Instant | None = None
    spent: Duration = 0
    paused: Duration = 0
    desk: Duration | None = None

    @property
    def differs(self) -> bool:
        """True when the desk counted another service time than we did."""
        return self.desk is not None and self.desk != self.spent


@dataclass(frozen=True, slots=True)
class TicketJudgement:
    """Both clocks of a ticket; None for one that was not promised."""

    ticket: str
    response: ClockResult | None
    restore: ClockResult | None


def judge_ticket(history: TicketHistory, terms: TicketTerms, hours: Calendar, now: Instant) -> TicketJudgement:
    """Judge a ticket as it stood at ``now``: later events are not looked at.

    A clock is met when it stopped at its due instant or before. One that runs past it is missed already.
    """
    events = sorted((event for event in history.events if event.at <= now), key=lambda event: event.at)
    desk, read_until = history.desk, history.read_until
    refusal = _refusal(events)
    if refusal is not None:
        outcome, reason = refusal
        response = ClockResult(outcome, reason, desk=desk.response)
        restore = ClockResult(outcome, reason, desk=desk.restore)
    else:
        responding, restoring = _clocks(events, terms, hours)
        response = _result(responding, terms.response or 0, read_until, now, desk.response)
        restore = _result(restoring, terms.restore or 0, read_until, now, desk.restore)
    return TicketJudgement(
        history.ticket,
        response if terms.response is not None else None,
        restore if terms.restore is not None else None,
    )


def _refusal(events: Sequence[TicketEvent]) -> tuple[TicketOutcome, str] | None:
    """Why no clock of the ticket is judged, if so."""
    for event in events:
        if event.kind in (EventKind.MERGED, EventKind.SPAM):
            return TicketOutcome.EXCLUDED, event.kind.value
    if not any(event.kind is EventKind.CREATED for event in events):
        return TicketOutcome.UNKNOWN, "no_creation"
    return None


def _clocks(events: Sequence[TicketEvent], terms: TicketTerms, hours: Calendar) -> tuple[_Clock, _Clock]:
    """The response and the restore clock of a ticket that was created."""
    created = next(event.at for event in events if event.kind is EventKind.CREATED)
    states = _states(events, created)
    answered = _answered(events, states, created, terms)
    return (
        _Clock(hours, states, terms.pausing, answered),
        _Clock(hours, states, terms.pausing | terms.restored, _restored(states, terms)),
    )


_State = tuple[Instant, str]
"""A state and the instant at which the ticket entered it."""


def _states(events: Sequence[TicketEvent], created: Instant) -> tuple[_State, ...]:
    entering = (EventKind.CREATED, EventKind.STATE, EventKind.REOPENED)
    return tuple((event.at, event.state) for event in events if event.kind in entering and event.at >= created)


def _answered(
    events: Sequence[TicketEvent], states: Sequence[_State], created: Instant, terms: TicketTerms
) -> Instant | None:
    """When the response clock stopped."""
    stops = [event.at for event in events if event.kind is EventKind.AGENT_REPLY and event.at >= created]
    if terms.restoring_answers:
        stops += [at for at, state in states if state in terms.restored]
    return min(stops, default=None)


def _restored(states: Sequence[_State], terms: TicketTerms) -> Instant | None:
    """Since when the ticket has been in restored states without a break."""
    since = None
    for at, state in states:
        if state not in terms.restored:
            since = None
        elif since is None:
            since = at
    return since


@dataclass(frozen=True, slots=True)
class _Clock:
    """A clock that runs in service hours from the first of ``states``, except while in a ``standing`` one."""

    hours: Calendar
    states: tuple[_State, ...]
    standing: frozenset[str]
    stopped: Instant | None

    def running(self, end: Instant) -> Iterator[tuple[Instant, Instant]]:
        """The spans in which it runs, up to ``end``; a span that begins later is empty."""
        for (start, state), (after, _) in pairwise((*self.states, (end, ""))):
            if state not in self.standing:
                yield start, min(after, end)

    def stands_at(self, end: Instant) -> bool:
        """True when at ``end`` it has not stopped and is in a state in which it stands."""
        return self.stopped is None and self.states[-1][1] in self.standing

    def due(self, target: Duration, end: Instant) -> Instant | None:
        """Where ``target`` of service time is used up; from ``end`` on it is taken to run, unless it stands."""
        left = target
        for start, after in self.running(end):
            piece = elapsed(self.hours, start, after)
            if piece >= left:
                return advance(self.hours, start, left)
            left -= piece
        return None if self.stands_at(end) else advance(self.hours, end, left)


def _result(clock: _Clock, target: Duration, read_until: Instant, now: Instant, desk: Duration | None) -> ClockResult:
    end = now if clock.stopped is None else clock.stopped
    due = clock.due(target, end)
    spent = sum(elapsed(clock.hours, start, after) for start, after in clock.running(end))
    paused = elapsed(clock.hours, clock.states[0][0], end) - spent
    outcome, reason = _outcome(clock, due, read_until, now)
    return ClockResult(outcome, reason, due, clock.stopped, spent, paused, desk)


def _outcome(clock: _Clock, due: Instant | None, read_until: Instant, now: Instant) -> tuple[TicketOutcome, str]:
    if clock.stopped is not None:
        in_time = due is None or clock.stopped <= due
        return (TicketOutcome.MET, "in_time") if in_time else (TicketOutcome.MISSED, "after_due")
    if due is None:
        return TicketOutcome.OPEN, "paused" if clock.stands_at(now) else "never_due"
    if now <= due:
        return TicketOutcome.OPEN, "running"
    if read_until < due:
        return TicketOutcome.UNKNOWN, "not_read"
    return TicketOutcome.MISSED, "past_due"
