"""What a contract allows in its current and next periods, and the shortest outage that breaches it (S18, S19, S22)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from slawatch.domain.account import account
from slawatch.domain.contract import Contract, GranularityKind, Options
from slawatch.domain.counts import allowed_misses
from slawatch.domain.credits import CreditFacts, CreditResult, charges_of_period, credit
from slawatch.domain.exclusions import Announcement
from slawatch.domain.grammar import Money, spell_duration
from slawatch.domain.interval import DAY, MINUTE, SECOND, Duration, Instant, Interval
from slawatch.domain.period import Period
from slawatch.domain.slots import SlotRule
from slawatch.domain.timeline import UNOBSERVED

_HORIZON = 400 * DAY
"""How far ahead periods of another length are looked for: a year with both changes of the clocks."""
_MOST_PERIODS = 60
_MOST_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Breach:
    """The shortest single outage after which the standard is missed, and what it then costs.

    ``length`` is exact, in microseconds, for an outage in service time that begins where that serves it best;
    ``text`` says it in words.
    """

    length: Duration
    text: str
    credit: CreditResult | None


@dataclass(frozen=True, slots=True)
class Allowance:
    """One period: its service time less what is announced to be excluded, and what may be lost of it.

    Of a counted measurement ``events`` are those that are expected (None where nobody can know) and ``misses``
    what may be missed of them; it has no ``breach``.
    """

    period: Period
    service_time: Duration
    allowed: Duration
    charges: Money | None
    excluded: Duration = 0
    breach: Breach | None = None
    events: int | None = None
    misses: int | None = None


def allowances(contract: Contract, announcements: Sequence[Announcement], now: Instant) -> tuple[Allowance, ...]:
    """The period that holds ``now`` (else the next one, else the last), the next, and within a year those in which
    something else is allowed than in the ones before."""
    found: list[Allowance] = []
    for period in islice(_periods(contract, now), _MOST_PERIODS):
        item = _allowance(contract, period, announcements)
        seen = {(other.service_time, other.events) for other in found}
        if len(found) < 2 or (item.service_time, item.events) not in seen:
            found.append(item)
        if len(found) == _MOST_SHOWN:
            break
    return tuple(found)


def _periods(contract: Contract, now: Instant) -> Iterator[Period]:
    start = max(now, contract.valid.start)
    periods = contract.periods.between(start, start + _HORIZON)
    first = next(periods, None)
    if first is None:
        before = contract.periods.containing(min(now, contract.valid.end) - 1)
        later = contract.period.first
        if before is None and later is not None and later.start > start:
            yield from contract.periods.between(later.start, later.end + _HORIZON)
        elif before is not None:
            yield before
        return
    yield first
    yield from periods


def _allowance(contract: Contract, period: Period, announcements: Sequence[Announcement]) -> Allowance:
    charges = charges_of_period(contract, period.interval)
    money = None if charges is None else charges.rounded()
    if contract.counting is not None:
        events = _expected(contract.counting.jobs.values(), period.interval)
        misses = None if events is None else allowed_misses(contract.target, events)
        return Allowance(period, 0, 0, money, events=events, misses=misses)
    compliance = account(contract, period, UNOBSERVED, announcements, period.start).compliance
    service, allowed = compliance.service_time, compliance.budget.allowed
    bare = account(contract, period, UNOBSERVED, (), period.start).compliance.service_time
    breach = _breach(contract, period, service, allowed)
    return Allowance(period, service, allowed, money, bare - service, breach)


def _expected(jobs: Iterable[SlotRule], period: Interval) -> int | None:
    rules = list(jobs)
    if not rules:
        return None
    return sum(len(rule.due_within(*period)) for rule in rules)


def shortest_breach(options: Options, allowed: Duration) -> Duration:
    """The length of the shortest single outage that counts for more than ``allowed``."""
    kind, block = options.granularity.kind, options.granularity.block
    if kind is GranularityKind.STARTED_BLOCK:
        length = allowed // block * block + 1
    elif kind is GranularityKind.MINUTE_ANY:
        # It touches one minute more than it must at either end: the last microsecond of one, the first of another.
        touched = allowed // MINUTE + 1
        length = touched if touched <= 2 else (touched - 2) * MINUTE + 2
    elif kind is GranularityKind.MINUTE_ALL:
        length = (allowed // MINUTE + 1) * MINUTE
    else:
        length = allowed + 1
    return max(length, options.ignore_outages_shorter_than)


def counted_length(options: Options, length: Duration) -> Duration:
    """For how much an outage of :func:`shortest_breach` counts."""
    kind, block = options.granularity.kind, options.granularity.block
    if kind is GranularityKind.STARTED_BLOCK:
        return -(-length // block) * block
    if kind is GranularityKind.MINUTE_ANY:
        return length * MINUTE if length <= 2 else ((length - 2) // MINUTE + 2) * MINUTE
    return length // MINUTE * MINUTE if kind is GranularityKind.MINUTE_ALL else length


def _breach(contract: Contract, period: Period, service: Duration, allowed: Duration) -> Breach | None:
    """None where even an outage of the whole period does not miss the standard, or where nothing is promised."""
    length = shortest_breach(contract.options, allowed)
    if not service or length > service:
        return None
    counted = min(service, counted_length(contract.options, length))
    cost = None
    if not contract.penalty.is_none:
        facts = CreditFacts(
            ratio=Fraction(service - counted, service),
            service_time=service,
            used=Fraction(counted),
            allowed=allowed,
            outages=((period.start, counted),),
        )
        cost = credit(contract.penalty, contract.target, charges_of_period(contract, period.interval), facts)
    return Breach(length, _words(contract.options, length), cost)


def _words(options: Options, length: Duration) -> str:
    over = length % SECOND
    if over == 0:
        aligned = options.granularity.kind is GranularityKind.MINUTE_ALL
        return f"of {spell_duration(length)}" + (" that begins on the minute" if aligned else "")
    if options.granularity.kind is GranularityKind.MINUTE_ANY and length > 1:
        return (
            f"longer than {spell_duration(length - 2)} that begins at the end of a minute"
            if length > 2
            else ("of an instant at the end of a minute")
        )
    return f"longer than {spell_duration(length - 1)}" if length > 1 else "of any length"
