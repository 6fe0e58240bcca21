"""How fast a budget burns, and from which speed on that is alarming (S33).

A burn rate of 1 uses a period's whole budget in exactly the period. Windows are measured in service time, back from
now. A rate is the downtime in the window over what the standard allows in a window of that length, so time
before the window's first measurement, and unknown time, burn nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from slawatch.domain.facts import State
from slawatch.domain.grammar import spell_duration
from slawatch.domain.interval import DAY, HOUR, MINUTE, Duration, Instant, Interval, IntervalSet
from slawatch.domain.timeline import POINT, Timeline, state_in, totals


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """Alarming when the rate over the ``long`` window and over the ``short`` one both exceed ``threshold``.

    The long window keeps a blip from alarming, the short one ends the alarm soon after the outage.
    """

    long: Duration
    short: Duration
    threshold: Fraction


REFERENCE_PERIOD: Duration = 30 * DAY
REFERENCE_WINDOWS = (
    BurnWindow(HOUR, 5 * MINUTE, Fraction("14.4")),  # 2 % of the budget of 30 days in an hour
    BurnWindow(6 * HOUR, 30 * MINUTE, Fraction(6)),  # 5 % in six hours
    BurnWindow(DAY, 2 * HOUR, Fraction(3)),  # 10 % in a day
    BurnWindow(3 * DAY, 6 * HOUR, Fraction(1)),  # 10 % in three days
)
"""Google, The Site Reliability Workbook (2018), chapter 5 "Alerting on SLOs": multiwindow, multi-burn-rate alerts for
a period of 30 days; the window of one day is the one that the generator sloth adds for the same period."""


def scaled_windows(length: Duration) -> tuple[BurnWindow, ...]:
    """The reference windows for a period with ``length`` of service time.

    A threshold stands for a share of the budget and therefore scales with the length: 14 days have 6.72, 2.8 and
    1.4. One below 1 is dropped: at such a rate the budget outlasts the period.
    """
    scaled = (replace(window, threshold=window.threshold * length / REFERENCE_PERIOD) for window in REFERENCE_WINDOWS)
    return tuple(window for window in scaled if window.threshold >= 1)


def highest_burn(target: Fraction) -> Fraction | None:
    """The rate while everything is down: 1 / (1 - target). None at 100 %, where nothing may burn at all."""
    return None if target == 1 else 1 / (1 - target)


def can_fire(window: BurnWindow, target: Fraction) -> bool:
    """Whether a rate can exceed the threshold at all."""
    highest = highest_burn(target)
    return highest is not None and window.threshold < highest


@lru_cache(maxsize=4096)
def burn_windows(target: Fraction, length: Duration) -> tuple[BurnWindow, ...]:
    """The scaled windows that can fire at this target."""
    return tuple(window for window in scaled_windows(length) if can_fire(window, target))


def check_burn_thresholds(target: Fraction, windows: Iterable[BurnWindow]) -> None:
    """Refuse thresholds that this target can never exceed, such as 14.4 at 90 %: ``ValueError`` names the first."""
    for window in windows:
        if not can_fire(window, target):
            highest = highest_burn(target)
            limit = "no burn threshold, for there is no budget" if highest is None else f"less than {decimal(highest)}"
            raise ValueError(
                f"a burn threshold of {decimal(window.threshold)} over {spell_duration(window.long)} can never be "
                f"exceeded at this standard: expected {limit}"
            )


def burn_rate(used: Fraction, window: Duration, target: Fraction) -> Fraction | None:
    """The rate at which ``used`` microseconds of downtime in a window burn; None at 100 %."""
    if target == 1:
        return None
    left = target.denominator - target.numerator
    return Fraction(used.numerator * target.denominator, used.denominator * window * left)


def latest_window(service: IntervalSet, at: Instant, window: Duration) -> IntervalSet:
    """The latest ``window`` of service time before ``at``; all that there is where there is less."""
    kept: list[Interval] = []
    for interval in reversed(service.intervals[: bisect_left(service.intervals, (at,))]):
        end = min(interval.end, at)
        if interval.start < end and window > 0:
            kept.append(Interval(max(interval.start, end - window), end))
            window -= kept[-1].length
    return IntervalSet(tuple(reversed(kept)))


def used_in(timeline: Timeline, service: IntervalSet, at: Instant, window: Duration, weight: Fraction) -> Fraction:
    """Downtime, and degraded time by its weight, in the latest window of service time, by the point version."""
    down = degraded = 0
    for code, length in totals(timeline, latest_window(service, at, window)).items():
        state = state_in(code, POINT)
        if state is State.DOWN:
            down += length
        elif state is State.DEGRADED:
            degraded += length
    return Fraction(down) + (1 - weight) * degraded if degraded else Fraction(down)


def decimal(number: Fraction, digits: int = 2) -> str:
    """A number for people, truncated: ``6.72``, ``10``."""
    whole, rest = divmod(int(number * 10**digits), 10**digits)
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")
