"""How long each code held in any window of a long history: O(log n) a question, nine or ten bytes a piece.

The timeline is kept in two packed arrays that only grow at their end, and every so many pieces a *mark* holds how long
each code had held up to there. A question is two look-ups: the nearest mark before each end of the window, and the
few pieces from there on.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable

from slawatch.domain.compliance import Classes, classes_of
from slawatch.domain.interval import DISTANT_PAST, Duration, Instant
from slawatch.domain.timeline import NEVER, POINT, Code, Timeline

_STEP = 256
"""Pieces between two marks: fewer make a question quicker, more make the marks smaller."""


class CumulativeTimeline:
    """A timeline that grows at its end. What was added never changes, so a reader in another thread may go on with
    the first ``len(line)`` pieces that it saw."""

    __slots__ = ("_codes", "_marks", "_starts")

    def __init__(self, pieces: Iterable[tuple[Instant, Code]] = ()) -> None:
        self._starts = array("q", (DISTANT_PAST,))
        self._codes = array("H", (NEVER,))
        self._marks: list[dict[Code, Duration]] = [{}]
        for start, code in pieces:
            self.append(start, code)

    def __len__(self) -> int:
        return len(self._starts)

    def append(self, start: Instant, code: Code) -> None:
        """From ``start``, after every start so far, ``code`` holds; one that holds already is left out."""
        if code == self._codes[-1]:
            return
        if start <= self._starts[-1]:
            raise ValueError(f"{start} is not after {self._starts[-1]}: pieces come in order")
        if len(self._starts) % _STEP == 0:
            self._marks.append(self._until(start, len(self._starts)))
        self._starts.append(start)
        self._codes.append(code)

    def timeline(self, start: Instant = DISTANT_PAST, count: int | None = None) -> Timeline:
        """The pieces from the one that holds ``start`` on, among the first ``count``: right from ``start`` on."""
        end = len(self._starts) if count is None else count
        first = bisect_right(self._starts, start, 0, end) - 1
        return Timeline(self._starts[first:end].tolist(), self._codes[first:end].tolist())

    def totals(self, start: Instant, end: Instant) -> dict[Code, Duration]:
        """How long each code holds inside ``[start, end)``, as :func:`slawatch.domain.timeline.totals` counts it."""
        if end <= start:
            return {}
        before, until = self._until(start, len(self._starts)), self._until(end, len(self._starts))
        return {code: held for code, total in until.items() if (held := total - before.get(code, 0))}

    def classes(self, start: Instant, end: Instant, version: int = POINT) -> Classes:
        """The classes of time inside ``[start, end)`` in one version."""
        return classes_of(self.totals(start, end), version)

    def _until(self, instant: Instant, count: int) -> dict[Code, Duration]:
        """How long each code held before an instant, since the first start."""
        starts, codes = self._starts, self._codes
        last = bisect_right(starts, instant, 0, count) - 1
        first = min(last // _STEP, len(self._marks) - 1) * _STEP
        sums = dict(self._marks[first // _STEP])
        for index in range(first, last):
            code = codes[index]
            sums[code] = sums.get(code, 0) + starts[index + 1] - starts[index]
        code = codes[last]
        sums[code] = sums.get(code, 0) + instant - starts[last]
        return sums
