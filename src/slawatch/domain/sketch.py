"""How long something took, many times: quantiles from a few numbers, in whole microseconds.

A sketch counts lengths in buckets whose width grows with them (after DDSketch, Masson, Rim and Lee 2019): a quantile
is within one per cent of the exact one. Two sketches are merged by adding up their counts, in any order, so that hours
make a day and sites a firm. Equal lengths give equal texts, whatever order they came in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping

from slawatch.domain.interval import DAY, Duration


def _bounds() -> tuple[Duration, ...]:
    """Where buckets begin: one microsecond wide at first, and from 50 us on a fiftieth of their beginning."""
    bounds = [0]
    while bounds[-1] < DAY:
        bounds.append(bounds[-1] + max(1, bounds[-1] // 50))
    return tuple(bounds)


BOUNDS = _bounds()
"""Written into every ledger by their places: they never change."""


class Sketch:
    """Lengths by bucket. Those above a day count as a day, those below zero as zero."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self._counts = Counter(counts or {})

    @classmethod
    def of(cls, lengths: Iterable[Duration]) -> Sketch:
        """The sketch of some lengths in microseconds."""
        return cls(Counter(bisect_right(BOUNDS, min(max(length, 0), DAY)) - 1 for length in lengths))

    @classmethod
    def parse(cls, text: str) -> Sketch:
        """The sketch that :meth:`text` wrote; ``ValueError`` where it wrote none of it."""
        pairs = [part.split(":") for part in text.split()]
        counts = {int(place): int(number) for place, number in pairs}
        if any(place not in range(len(BOUNDS)) or number < 1 for place, number in counts.items()):
            raise ValueError(f"{text!r} is no sketch")
        return cls(counts)

    def text(self) -> str:
        """The one text of these counts: ``bucket:count`` in order of buckets."""
        return " ".join(f"{place}:{number}" for place, number in sorted(self._counts.items()))

    def __add__(self, other: Sketch) -> Sketch:
        return Sketch(self._counts + other._counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]  # it is a bag, not a value to look up

    def __repr__(self) -> str:
        return f"Sketch({self.text()!r})"

    @property
    def count(self) -> int:
        """How many lengths there are."""
        return self._counts.total()

    def quantile(self, numerator: int, denominator: int = 100) -> Duration | None:
        """The length that so many of a hundred do not exceed (nearest rank); None without any length.

        It is the middle of a bucket: within one per cent of the exact one, or exact below 50 us.
        """
        if not 0 <= numerator <= denominator:
            raise ValueError(f"{numerator}/{denominator} is no quantile: expected one from 0 to 1")
        rank = max(1, -(-numerator * self.count // denominator))
        for place, number in sorted(self._counts.items()):
            rank -= number
            if rank <= 0:
                last = BOUNDS[place + 1] - 1 if place + 1 < len(BOUNDS) else BOUNDS[place]
                return (BOUNDS[place] + last) // 2
        return None
