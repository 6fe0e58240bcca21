"""What the dispatcher counts of itself: plain integers that metrics read."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from slawatch.domain.interval import MILLISECOND, SECOND, Duration

BOUNDS: tuple[Duration, ...] = (
    *(n * MILLISECOND for n in (1, 2, 5, 10, 25, 50, 100, 250, 500)),
    *(n * SECOND for n in (1, 2, 5, 10, 30, 60)),
)
"""Upper bounds of the histogram, inclusive, in microseconds. One more bucket holds all that is later."""


class Lateness:
    """A histogram of how long after its due time a probe began, in microseconds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total: Duration = 0

    def add(self, lateness: Duration) -> None:
        """One probe began ``lateness`` after it was due."""
        self.counts[bisect_left(BOUNDS, lateness)] += 1
        self.total += lateness

    @property
    def count(self) -> int:
        """How many probes began."""
        return sum(self.counts)

    def cumulative(self) -> list[int]:
        """As Prometheus wants them: how many were at most as late as each bound, and last how many there were."""
        running, sums = 0, []
        for count in self.counts:
            running += count
            sums.append(running)
        return sums


@dataclass(slots=True)
class Tally:
    """Counts since the start. ``missed`` are slots that passed while a probe ran, waited or the loop stood still."""

    started: int = 0
    finished: int = 0
    cancelled: int = 0
    missed: int = 0
    last_finished: int | None = None
    """Monotonic instant at which the latest probe gave its result; None before the first."""
    lateness: Lateness = field(default_factory=Lateness)
