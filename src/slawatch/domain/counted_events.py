"""What a history says of jobs, tickets and mails → the events that a counted measurement counts (S30–S32).

Each event belongs to one period: a run to that of its slot's deadline, a ticket to that of its due time, a mail to
that of its sending. A source is heard from its first row until the history's end, except while its own state is
unknown; what a source that was not heard may have said is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from slawatch.domain.composite import names_in
from slawatch.domain.contract import Contract
from slawatch.domain.counting import Counting
from slawatch.domain.counts import CountedEvent, Fate
from slawatch.domain.event_rows import SourceLog
from slawatch.domain.interval import DISTANT_FUTURE, DISTANT_PAST, Duration, Instant, Interval, IntervalSet
from slawatch.domain.mails import MailOutcome, judge_mail
from slawatch.domain.service_hours import ALWAYS
from slawatch.domain.slots import Outcome, SlotRule, judge_slots, runs_of
from slawatch.domain.tickets import ClockResult, TicketHistory, TicketOutcome, TicketTerms, judge_ticket

_RUNS = {
    Outcome.ON_TIME: Fate.MET,
    Outcome.LATE: Fate.MISSED,
    Outcome.FAILED: Fate.MISSED,
    Outcome.MISSED: Fate.MISSED,
    Outcome.UNKNOWN: Fate.UNKNOWN,
    Outcome.OPEN: Fate.AHEAD,
}
_TICKETS = {
    TicketOutcome.MET: Fate.MET,
    TicketOutcome.MISSED: Fate.MISSED,
    TicketOutcome.UNKNOWN: Fate.UNKNOWN,
    TicketOutcome.OPEN: Fate.AHEAD,
}
_MAILS = {
    MailOutcome.IN_TIME: Fate.MET,
    MailOutcome.LATE: Fate.MISSED,
    MailOutcome.LOST: Fate.MISSED,
    MailOutcome.UNKNOWN: Fate.UNKNOWN,
    MailOutcome.OPEN: Fate.AHEAD,
}


NEVER_HEARD = IntervalSet.span(DISTANT_PAST, DISTANT_FUTURE)


@dataclass(frozen=True, slots=True)
class Source:
    """One endpoint that brings events: its rows, and when it could not be heard, which begins with the distant past."""

    log: SourceLog = field(default_factory=SourceLog)
    unavailable: IntervalSet = NEVER_HEARD

    def read_until(self, now: Instant) -> Instant:
        """Up to where it was read by ``now``: what was not read in between has been caught up since (S31)."""
        blind = self.unavailable.clip(DISTANT_PAST, now).intervals
        return blind[-1].start if blind and blind[-1].end == now else now

    @property
    def first_heard(self) -> Instant:
        """From where on it was read at all."""
        return self.unavailable.intervals[0].end


class CountedEvents:
    """The events of one contract as of one instant."""

    def __init__(self, contract: Contract, sources: Mapping[str, Source], now: Instant) -> None:
        assert contract.counting is not None
        self._contract, self._now = contract, now
        self._counting: Counting = contract.counting
        self._sources = {name: sources.get(name, Source()) for name in names_in(contract.expression)}
        self._runs = {name: runs_of(source.log.runs) for name, source in self._sources.items()}
        self._settled = [] if self.plannable else list(self._listed())

    @property
    def plannable(self) -> bool:
        """Whether the events to come are known: a schedule says them."""
        return bool(self._counting.jobs)

    def within(self, period: Interval) -> list[CountedEvent]:
        """The events that belong to a period."""
        if self.plannable:
            return [event for name, rule in self._counting.jobs.items() for event in self._slots(name, rule, period)]
        return [event for event in self._settled if event.at in period]

    def coverage(self, service: IntervalSet, events: list[CountedEvent]) -> Fraction | None:
        """The share that is known: of the expected runs, or of the service time in which tickets and mails were read.

        ``service`` is the part of the period's service time that has passed. None where there is nothing to know.
        """
        if self.plannable:
            past = [event for event in events if event.fate is not Fate.AHEAD]
            return Fraction(sum(event.fate is not Fate.UNKNOWN for event in past), len(past)) if past else None
        if not service:
            return None
        return min(Fraction(self._read(source, service), service.length) for source in self._sources.values())

    def _read(self, source: Source, service: IntervalSet) -> Duration:
        if self._counting.tickets is not None:
            return service.clip(source.first_heard, source.read_until(self._now)).length
        return service.difference(source.unavailable).length

    def _listed(self) -> Iterator[CountedEvent]:
        for name, source in self._sources.items():
            if self._counting.tickets is not None:
                yield from self._tickets(name, source, self._counting.tickets)
            elif self._counting.delivered_within is not None:
                yield from self._mails(name, source, self._counting.delivered_within)

    def _slots(self, name: str, rule: SlotRule, period: Interval) -> Iterator[CountedEvent]:
        for result in judge_slots(
            rule.due_within(*period), self._runs[name], self._sources[name].unavailable, self._now
        ):
            slot = result.slot
            fate = _RUNS[result.outcome]
            yield CountedEvent(slot.deadline, fate, result.reason, name, "", slot.scheduled)

    def _tickets(self, name: str, source: Source, terms: TicketTerms) -> Iterator[CountedEvent]:
        hours, read_until = self._contract.hours or ALWAYS, source.read_until(self._now)
        for ticket, record in source.log.tickets.items():
            events = tuple(event for event in record.events if event.at <= self._now)
            if not events:
                continue
            judged = judge_ticket(TicketHistory(ticket, events, read_until, record.desk), terms, hours, self._now)
            result = judged.response or judged.restore
            if result is None or result.outcome is TicketOutcome.EXCLUDED:
                continue
            at = _belongs_at(result, min(event.at for event in events))
            ours, desk = (result.spent, result.desk) if result.differs else (None, None)
            yield CountedEvent(at, _TICKETS[result.outcome], result.reason, name, ticket, at, ours, desk)

    def _mails(self, name: str, source: Source, limit: Duration) -> Iterator[CountedEvent]:
        for mail, events in source.log.mails.items():
            if any(event.at <= self._now for event in events):
                result = judge_mail(events, limit, source.unavailable, self._now)
                yield CountedEvent(result.at, _MAILS[result.outcome], result.reason, name, mail, result.at)


def _belongs_at(result: ClockResult, first: Instant) -> Instant:
    """The due time. A clock that was never due belongs where it stopped, a ticket without a creation where it is
    first heard of; one that stands or runs past the end of the calendar belongs to no period yet."""
    if result.due is not None:
        return result.due
    if result.outcome is TicketOutcome.UNKNOWN:
        return first
    return DISTANT_FUTURE if result.stopped is None else result.stopped
