"""The forecast of a contract's running period, from what its own history holds (S33).

Model and assumptions are those of :mod:`slawatch.domain.forecast`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from decimal import ROUND_CEILING
from fractions import Fraction

from slawatch.domain.account import account, exclusions_for, hours_within
from slawatch.domain.contract import Contract
from slawatch.domain.exclusions import Announcement
from slawatch.domain.facts import State
from slawatch.domain.forecast import FEWEST_OUTAGES, FEWEST_PERIODS, Forecast, History, forecast
from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import Duration, Instant, Interval, IntervalSet
from slawatch.domain.penalty import percent_text
from slawatch.domain.timeline import POINT, Timeline, outages, state_in, totals


def outlook(
    contract: Contract, timeline: Timeline, announcements: Sequence[Announcement], now: Instant
) -> Forecast | None:
    """The probability that the period that holds ``now`` ends in breach; None where the past is too short, where no
    period runs, or where the standard counts events."""
    period = contract.periods.containing(now)
    if period is None or contract.counting is not None:
        return None
    past, running = _past(contract, timeline, announcements, now)
    compliance = account(contract, period, timeline, announcements, now).compliance
    return forecast(
        past,
        service_time=compliance.service_time,
        ahead=compliance.service_time - compliance.classes.total,
        left=compliance.budget.left,
        running_for=running,
    )


def _past(
    contract: Contract, timeline: Timeline, announcements: Sequence[Announcement], now: Instant
) -> tuple[History, Duration | None]:
    """The known service time before ``now`` with what each outage in it cost, and what the one that runs has cost."""
    begins = next((start for start, code in zip(timeline.starts, timeline.codes, strict=True) if _known(code)), now)
    span = Interval(max(begins, contract.valid.start), now)
    hours = hours_within(contract, span)
    service = IntervalSet.span(*span) if hours is None else hours
    service = service.difference(exclusions_for(contract, announcements, span).all)
    known = sum(length for code, length in totals(timeline, service).items() if _known(code))
    runs = state_in(timeline.codes[bisect_right(timeline.starts, now - 1) - 1], POINT) is State.DOWN
    counted = [service.clip(*outage).length for outage in outages(timeline, POINT, *span)]
    running = counted.pop() if runs and counted else None
    return History(known, tuple(counted)), running


def _known(code: int) -> bool:
    return state_in(code, POINT) is not State.UNKNOWN


def in_words(found: Forecast | None) -> str:
    """The forecast as a sentence with what it rests on, or why there is none."""
    if found is None:
        return (
            f"Too little is known for a forecast: it needs {FEWEST_OUTAGES} outages and the known service time of "
            f"{FEWEST_PERIODS} periods."
        )
    low = percent_text(Fraction(int(found.at_least * 1000), 1000))
    high = percent_text(Fraction(int((found.at_most * 1000).to_integral_value(ROUND_CEILING)), 1000))
    between = f"about {low}" if low == high else f"between {low} and {high}"
    return (
        f"This period ends in breach with a probability of {between}, if outages go on to come and to last as they "
        f"did: {found.outages} outages in {spell_duration(found.known)} of known service time. They are taken to be "
        "independent of one another and of the hour, and none to be longer than the longest so far."
    )
