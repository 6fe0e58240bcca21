"""Observations of an hour in a few numbers: what is left of them when they have been kept for long enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from slawatch.domain.interval import HOUR, Duration, Instant
from slawatch.domain.observation import Verdict
from slawatch.domain.sketch import Sketch


@dataclass(frozen=True, slots=True)
class Summary:
    """How many observations had which verdict, and how long the good ones took. Instants UTC, lengths microseconds.

    ``first`` and ``last`` are the starts of the first and the last one; between them nothing is claimed. How long a
    failed or a void probe took says nothing of the endpoint, and is in none of the figures.
    """

    first: Instant
    last: Instant
    up: int = 0
    degraded: int = 0
    down: int = 0
    void: int = 0
    total: Duration = 0
    """All good ones together took so long."""
    shortest: Duration | None = None
    longest: Duration | None = None
    took: Sketch = field(default_factory=Sketch)

    @classmethod
    def of(cls, seen: Iterable[tuple[Instant, Verdict, Duration]]) -> Summary | None:
        """The summary of observations: start, verdict, duration; None of none."""
        rows = sorted(seen, key=lambda row: row[0])
        if not rows:
            return None
        counts = dict.fromkeys(Verdict, 0)
        for _, verdict, _ in rows:
            counts[verdict] += 1
        good = [max(0, length) for _, verdict, length in rows if verdict in (Verdict.UP, Verdict.DEGRADED)]
        return cls(
            first=rows[0][0],
            last=rows[-1][0],
            up=counts[Verdict.UP],
            degraded=counts[Verdict.DEGRADED],
            down=counts[Verdict.DOWN],
            void=counts[Verdict.VOID],
            total=sum(good),
            shortest=min(good, default=None),
            longest=max(good, default=None),
            took=Sketch.of(good),
        )

    def __add__(self, other: Summary) -> Summary:
        """Both together; what is in both counts twice, so that must not be."""
        return Summary(
            first=min(self.first, other.first),
            last=max(self.last, other.last),
            up=self.up + other.up,
            degraded=self.degraded + other.degraded,
            down=self.down + other.down,
            void=self.void + other.void,
            total=self.total + other.total,
            shortest=min((x for x in (self.shortest, other.shortest) if x is not None), default=None),
            longest=max((x for x in (self.longest, other.longest) if x is not None), default=None),
            took=self.took + other.took,
        )

    @property
    def count(self) -> int:
        """All of them."""
        return self.up + self.degraded + self.down + self.void

    @property
    def mean(self) -> Duration | None:
        """How long a good one took on average, rounded down; None without any."""
        good = self.up + self.degraded
        return self.total // good if good else None


def hour_of(instant: Instant) -> Instant:
    """The beginning of the UTC hour that holds an instant."""
    return instant - instant % HOUR
