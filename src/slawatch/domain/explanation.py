"""A contract in plain words, made from the same values that judge it, so that words and figures cannot part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from slawatch.domain.allowance import Allowance, allowances
from slawatch.domain.contract import (
    UNLIMITED,
    ChargeBasis,
    Contract,
    Figure,
    GranularityKind,
    Measurement,
    Options,
    UnknownPolicy,
)
from slawatch.domain.counting import Counting
from slawatch.domain.exclusions import Announcement
from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import DAY, DISTANT_PAST, HOUR, MINUTE, Duration, Instant
from slawatch.domain.local_time import local_of
from slawatch.domain.penalty import describe, percent_text
from slawatch.domain.period import PartialPolicy
from slawatch.domain.service_hours import WEEKDAYS, Calendar, HolidayRegion, TimeRange
from slawatch.domain.slots import Limit, SlotRule
from slawatch.domain.tickets import TicketTerms


@dataclass(frozen=True, slots=True)
class Clause:
    """One part of the agreement: ``title`` is a stable word, ``text`` whole sentences."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that a contract says, and what that allows."""

    contract: Contract
    clauses: tuple[Clause, ...]
    allowances: tuple[Allowance, ...]


def explain(contract: Contract, announcements: Sequence[Announcement], now: Instant) -> Explanation:
    """The contract in words and numbers, as of ``now``."""
    clauses = (
        Clause("definition", _definition(contract)),
        Clause("measurement", " ".join(_measurement(contract))),
        Clause("standard", " ".join(_standard(contract))),
        Clause("verdict", " ".join(_verdict(contract))),
        Clause("penalty", " ".join(_penalty(contract))),
        Clause("exclusions", " ".join(_exclusions(contract))),
    )
    return Explanation(contract, clauses, allowances(contract, announcements, now))


def _definition(contract: Contract) -> str:
    said = f"{contract.definition.strip()} " if contract.definition.strip() else ""
    if contract.counting is not None:
        return f"{said}The service {contract.service} is what {str(contract.expression).replace(' and ', ', ')} tells."
    return f"{said}The service {contract.service} is up when this holds: {contract.expression}."


def _measurement(contract: Contract) -> Iterator[str]:
    options = contract.options
    match contract.measurement:
        case Measurement.AVAILABILITY:
            yield "Availability: the share of service time in which the service is up."
            yield "An outage lasts from the first failed probe to the first good one after it (point figure)."
            yield from _outage_rules(options)
            if options.degraded != 1:
                yield f"Degraded time counts as up by {percent_text(options.degraded)} of it."
            else:
                yield "Degraded time counts as up."
            if contract.parents:
                yield f"Time in which what it lies behind is down as well is {_unreachable(options)}."
            yield _UNKNOWN_TIME[options.unknown]
        case _:
            assert contract.counting is not None
            yield from _counted(contract.measurement, contract.counting)
            yield _UNKNOWN_EVENTS[options.unknown]


_UNKNOWN_TIME = {
    UnknownPolicy.EXCLUDE: "Time that nobody could measure counts neither way and lowers the coverage.",
    UnknownPolicy.DOWN: "Time that nobody could measure counts as downtime.",
    UnknownPolicy.UP: "Time that nobody could measure counts as up.",
}
_UNKNOWN_EVENTS = {
    UnknownPolicy.EXCLUDE: "An event whose outcome nobody knows is missed in the low figure, met in the high one and "
    "left out of the point figure.",
    UnknownPolicy.DOWN: "An event whose outcome nobody knows counts as missed.",
    UnknownPolicy.UP: "An event whose outcome nobody knows counts as met.",
}


def _unreachable(options: Options) -> str:
    return "downtime" if options.unreachable_is_down else "unknown"


def _outage_rules(options: Options) -> Iterator[str]:
    if options.merge_gaps_shorter_than:
        yield f"Outages less than {spell_duration(options.merge_gaps_shorter_than)} apart are one."
    if options.ignore_outages_shorter_than:
        yield f"Outages shorter than {spell_duration(options.ignore_outages_shorter_than)} do not count."
    match options.granularity.kind:
        case GranularityKind.MINUTE_ANY:
            yield "Every UTC minute that an outage touches counts as a whole."
        case GranularityKind.MINUTE_ALL:
            yield "Only UTC minutes that an outage fills count."
        case GranularityKind.STARTED_BLOCK:
            yield f"Every started {spell_duration(options.granularity.block)} of an outage counts as a whole."
        case GranularityKind.EXACT:
            yield "Outages count to the microsecond."


def _counted(measurement: Measurement, counting: Counting) -> Iterator[str]:
    if counting.delivered_within is not None:
        limit = spell_duration(counting.delivered_within)
        yield f"Mails: the share of those sent that are received within {limit}. A mail belongs to the period in"
        yield "which it is sent."
    elif counting.tickets is not None:
        yield from _tickets(measurement, counting.tickets)
    else:
        yield "Batch runs: the share of expected runs that succeed in time. A late success stays late."
        yield from (_job(name, rule) for name, rule in counting.jobs.items())
        yield "A run belongs to the period of its deadline."


def _tickets(measurement: Measurement, terms: TicketTerms) -> Iterator[str]:
    if measurement is Measurement.RESPONSE_IN_TIME:
        limit = spell_duration(terms.response or 0)
        yield f"Tickets: the share that a person answers within {limit} of service time."
        yield "Auto-replies and internal notes are no answer."
        if terms.restoring_answers:
            yield "Restoring the service is one."
    else:
        limit, states = spell_duration(terms.restore or 0), ", ".join(sorted(terms.restored)) or "none"
        yield f"Tickets: the share in which the service is back within {limit} of service time (states: {states})."
        yield "A reopened ticket's clock goes on."
    if terms.pausing:
        yield f"The clock stands in the states {', '.join(sorted(terms.pausing))}."
    yield "A ticket belongs to the period in which it is due; one that is open past its due time is a miss already."


def _job(name: str, rule: SlotRule) -> str:
    parts = [f"{name} is expected by the schedule {rule.schedule.expression} ({rule.schedule.zone})"]
    parts.append(f"and must have succeeded {_limit(rule.deadline)}")
    if rule.latest_start is not None:
        parts.append(f"and have started {_limit(rule.latest_start)}")
    if rule.maximum_run_time is not None:
        parts.append(f"and run for at most {spell_duration(rule.maximum_run_time)}")
    return f"{' '.join(parts)}."


def _limit(limit: Limit) -> str:
    return f"within {spell_duration(limit)}" if isinstance(limit, int) else f"by {limit.isoformat('minutes')}"


def _standard(contract: Contract) -> Iterator[str]:
    target = percent_text(contract.target)
    yield f"At least {target} in each period; exactly {target} is met."
    yield f"Periods: {contract.period_text or contract.period} ({contract.zone.key})."
    yield f"Service hours: {hours_words(contract.hours) if contract.hours else 'around the clock'}."
    if contract.valid.start == UNLIMITED.start and contract.valid.end == UNLIMITED.end:
        return
    if contract.valid.start != UNLIMITED.start:
        seen = " (no beginning was stated: the ledger first saw it then)" if contract.began_unstated else ""
        yield f"It runs from {_local(contract, contract.valid.start)} on{seen}."
    if contract.valid.end != UNLIMITED.end:
        yield f"It ends at {_local(contract, contract.valid.end)}."
    if contract.began_unstated:
        yield "The first period, which this cuts short, is shown and not judged."
        if contract.valid.end != UNLIMITED.end:
            yield _PARTIAL_LAST[contract.options.partial]
    else:
        yield _PARTIAL[contract.options.partial]


_PARTIAL = {
    PartialPolicy.JUDGE: "A first or last period that this cuts short is judged like any other.",
    PartialPolicy.MERGE: "A first or last period that this cuts short is judged with its neighbour, as one.",
    PartialPolicy.INFORM_ONLY: "A first or last period that this cuts short is shown and not judged.",
}


_PARTIAL_LAST = {policy: words.replace("first or last period", "last period") for policy, words in _PARTIAL.items()}


def _verdict(contract: Contract) -> Iterator[str]:
    floor = percent_text(contract.options.coverage_floor)
    yield "Three figures say how sure the measurement is: met when even the low one reaches the standard,"
    yield "breached when even the high one does not, disputable between them"
    yield f"and wherever less than {floor} is known."


def _penalty(contract: Contract) -> Iterator[str]:
    yield describe(contract.penalty)
    for charge in contract.charges:
        since = "" if charge.since == DISTANT_PAST else f" from {_local(contract, charge.since)} on"
        per = "month" if charge.basis is ChargeBasis.MONTH else "period"
        yield f"Charges{since}: {charge.amount} per {per}."
    if any(charge.basis is ChargeBasis.MONTH for charge in contract.charges):
        yield "A period bears the share of the months that it holds, by elapsed time."
    if contract.penalty.is_none:
        return
    if contract.options.settle_on is not Figure.POINT:
        yield f"The {contract.options.settle_on} figure decides the credit."
    floor = percent_text(contract.options.coverage_floor)
    yield f"Below a coverage of {floor} no credit is settled before a person has looked."
    if contract.credit_cap is not None:
        yield f"All credits of the client in a period are never more than {contract.credit_cap}."
    if contract.same_incident_highest:
        yield "Of several contracts that the same outage hits, only the highest credit counts."


def _exclusions(contract: Contract) -> Iterator[str]:
    options = contract.options
    if contract.counting is not None:
        yield "Events that are scheduled, due or sent in announced maintenance or excluded time are left out."
    else:
        yield "Announced maintenance leaves both sides of the fraction: it is neither up nor down."
    notice = f"at least {spell_duration(options.maintenance_notice)} " if options.maintenance_notice else ""
    yield f"It counts if it was on record {notice}before it began, and ends at its planned end: an overrun is downtime."
    if options.maintenance_limit is not None:
        yield f"At most {spell_duration(options.maintenance_limit)} of it count in a period, in order of time."
    yield "Later entries, force majeure, the client's own faults and third parties need a reason and an approver."
    yield "The figure without any exclusion stands beside each figure."


def _local(contract: Contract, instant: Instant) -> str:
    return local_of(instant, contract.zone).isoformat(" ", "minutes").removesuffix(" 00:00")


def hours_words(calendar: Calendar) -> str:
    """Service hours in words: ``office: mon-fri 08:00-18:00, sat 09:00-13:00, not on public holidays of DE-HH``."""
    days: list[str] = []
    for ranges, group in groupby(range(7), key=lambda day: calendar.weekly[day]):
        numbers = list(group)
        if ranges:
            first, last = WEEKDAYS[numbers[0]], WEEKDAYS[numbers[-1]]
            days.append(f"{first if first == last else f'{first}-{last}'} {' '.join(map(_range, ranges))}")
    parts = [f"{calendar.name}: {', '.join(days) or 'no day'}"]
    if isinstance(calendar.holidays, HolidayRegion):
        region, part = calendar.holidays.country, calendar.holidays.subdivision
        parts.append(f"not on public holidays of {region}{f'-{part}' if part else ''}")
    dates = sorted(calendar.closed | (calendar.holidays if isinstance(calendar.holidays, frozenset) else frozenset()))
    if dates:
        parts.append(f"not on {', '.join(map(str, dates))}")
    for day, ranges in calendar.open:
        parts.append(f"on {day} {' '.join(map(_range, ranges)) or 'closed'}")
    return ", ".join(parts) + ("" if calendar.zone == "UTC" else f" ({calendar.zone})")


def _range(hours: TimeRange) -> str:
    end = hours.end if hours.end <= DAY else hours.end - DAY
    return f"{_clock(hours.start)}-{_clock(end)}"


def _clock(time: Duration) -> str:
    return f"{time // HOUR:02}:{time % HOUR // MINUTE:02}"
