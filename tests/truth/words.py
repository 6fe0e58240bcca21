"""The three figures of S8 in its own words, for an endpoint that was observed without a gap.

Written from the sentences and not from the code, to say what is *exactly* right where the prober was well: bounds alone
would also hold for figures that claim nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from slawatch.domain.facts import State
from slawatch.domain.interval import Instant
from truth.world import DOWN, UP

UNKNOWN = State.UNKNOWN


class Gap(NamedTuple):
    """From one observation to the next, the last one to the end of the history."""

    start: Instant
    end: Instant
    low: State
    point: State
    high: State


def in_words(seen: Sequence[tuple[Instant, State]], confirm: int, recover: int, end: Instant) -> list[Gap]:
    """What is said of each gap between the observations in ``seen``."""
    levels = [level for _, level in seen]
    outages = _outages(levels, confirm, recover)
    good = [n for n, level in enumerate(levels) if level is not DOWN]
    known = min([*(first for first, _ in outages), *good], default=len(seen))
    gaps = []
    for n, (start, _) in enumerate(seen):
        until = seen[n + 1][0] if n + 1 < len(seen) else end
        figures = _figures(levels, outages, n) if n >= known else (UNKNOWN, UNKNOWN, UNKNOWN)
        gaps.append(Gap(start, until, *figures))
    return gaps


def _outages(levels: Sequence[State], confirm: int, recover: int) -> list[tuple[int, int]]:
    """Confirmed outages: from the first of ``confirm`` failures in a row to the first of ``recover`` good ones in a
    row, as numbers of observations; one that still runs ends after the last."""
    found: list[tuple[int, int]] = []
    failed: list[int] = []
    good: list[int] = []
    running: int | None = None
    for n, level in enumerate(levels):
        failed, good = ([*failed, n], []) if level is DOWN else ([], [*good, n])
        if running is None and len(failed) >= confirm:
            running = failed[0]
        elif running is not None and len(good) >= recover:
            found.append((running, good[-recover]))
            running = None
    return found if running is None else [*found, (running, len(levels))]


def _figures(levels: Sequence[State], outages: Sequence[tuple[int, int]], n: int) -> tuple[State, State, State]:
    ends = next((end for first, end in outages if first <= n < end), None)
    here = levels[n]
    following = levels[n + 1] if n + 1 < len(levels) else None
    good_before = next((level for level in reversed(levels[: n + 1]) if level is not DOWN), UP)
    good_after = next((level for level in levels[n + 1 :] if level is not DOWN), UP)
    # Low: up only between two consecutive good observations, outside a confirmed outage.
    certain = ends is None and here is not DOWN and following is not None and following is not DOWN
    low = min(here, following) if certain and following is not None else DOWN
    # Point: down from the first failed probe of a confirmed outage to the first of the good ones that end it.
    point = good_before if ends is None else DOWN
    # High: down only between consecutive failed observations of a confirmed outage.
    if ends is not None:
        if here is following is DOWN:
            return low, point, DOWN
        return low, point, levels[ends] if n + 1 == ends < len(levels) else UP
    if following is DOWN and any(first == n + 1 for first, _ in outages):
        return low, point, here
    if following is None or _fails_until_the_end(levels, n):
        return low, point, UP
    return low, point, max(good_before, good_after)


def _fails_until_the_end(levels: Sequence[State], n: int) -> bool:
    """Whether failures that nobody has confirmed or contradicted yet run on from here."""
    return all(level is DOWN for level in levels[n + 1 :])
