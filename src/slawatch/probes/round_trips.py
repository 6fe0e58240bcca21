"""What a series of pings amounts to: how many were lost, how long the others took, and how evenly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from slawatch.domain.interval import Duration


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """``asked`` requests, and the round trips of those that were answered, in order of sending."""

    asked: int
    trips: Sequence[Duration]

    @property
    def lost(self) -> int:
        """Requests without a reply."""
        return self.asked - len(self.trips)

    @property
    def average(self) -> Duration:
        """The mean round trip, rounded down. There must be one."""
        return sum(self.trips) // len(self.trips)

    def loses_more_than(self, ratio: Fraction) -> bool:
        """Whether the share of what was lost is above ``ratio``; exact."""
        return self.lost * ratio.denominator > ratio.numerator * self.asked

    @property
    def jitter(self) -> Fraction | None:
        """The mean difference between one round trip and the next one known, in microseconds; exact.

        ``None`` where there are fewer than two.
        """
        if len(self.trips) < 2:
            return None
        differences = (abs(after - before) for before, after in zip(self.trips, self.trips[1:], strict=False))
        return Fraction(sum(differences), len(self.trips) - 1)

    def __str__(self) -> str:
        """For people: ``4 of 5 answered; rtt min/avg/max 0.041/0.052/0.070 ms, jitter 0.010 ms``."""
        text = f"{len(self.trips)} of {self.asked} answered"
        if self.trips:
            times = "/".join(map(_milliseconds, (min(self.trips), self.average, max(self.trips))))
            text += f"; rtt min/avg/max {times} ms"
        return text if self.jitter is None else f"{text}, jitter {_milliseconds(int(self.jitter))} ms"


def _milliseconds(length: Duration) -> str:
    return f"{length // 1000}.{length % 1000:03}"
