"""What risk needs beside the account: the running outage, the walk along service time, the burn so far."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from slawatch.domain.account import Account, exclusions_for, hours_within
from slawatch.domain.contract import Contract
from slawatch.domain.exclusions import Announcement
from slawatch.domain.facts import State
from slawatch.domain.interval import Duration, Instant, Interval, IntervalSet
from slawatch.domain.risk import Risk, RunningOutage, Situation, assess, restore_percentile
from slawatch.domain.service_hours import HoursIndex
from slawatch.domain.timeline import HIGH, POINT, Timeline, outages, state_in, totals


def risk_of(account: Account, timeline: Timeline, announcements: Sequence[Announcement], now: Instant) -> Risk:
    """The risk of a running period (S33), from its account and the service's timeline up to ``now``."""
    contract, period = account.contract, account.compliance.period
    back = Interval(now - period.nominal.length, period.end)
    service = HoursIndex(_service(contract, announcements, back))
    weight = contract.options.degraded

    def used_in(length: Duration) -> Fraction:
        passed = service.elapsed(back.start, now) - length
        start = service.advance(back.start, passed) if passed > 0 else back.start
        spent = totals(timeline, service.hours.clip(back.start if start is None else start, now))
        down = sum(time for code, time in spent.items() if state_in(code, POINT) is State.DOWN)
        degraded = sum(time for code, time in spent.items() if state_in(code, POINT) is State.DEGRADED)
        return down + (1 - weight) * degraded

    lengths = [outage.length for outage in outages(timeline, POINT, back.start, now) if outage.end < now]
    situation = Situation(
        advance=service.advance,
        running=_running(timeline, now, weight),
        used_in=used_in,
        restore_p90=restore_percentile(lengths),
    )
    return assess(contract, account.compliance, situation)


def _service(contract: Contract, announcements: Sequence[Announcement], span: Interval) -> IntervalSet:
    hours = hours_within(contract, span)
    whole = IntervalSet.span(*span) if hours is None else hours
    return whole.difference(exclusions_for(contract, announcements, span).all)


def _running(timeline: Timeline, now: Instant, weight: Fraction) -> RunningOutage | None:
    """The outage or degradation that runs at ``now``, or None."""
    index = bisect_right(timeline.starts, now - 1) - 1
    state = state_in(timeline.codes[index], POINT)
    if state not in (State.DOWN, State.DEGRADED):
        return None
    high_until: Instant | None = None
    end = now
    while index >= 0 and state_in(timeline.codes[index], POINT) is state:
        if high_until is None and state_in(timeline.codes[index], HIGH) is state:
            high_until = end
        end = timeline.starts[index]
        index -= 1
    loss = Fraction(1) if state is State.DOWN else 1 - weight
    return RunningOutage(since=end, high_until=end if high_until is None else high_until, loss=loss)
