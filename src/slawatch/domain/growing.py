"""One endpoint's timeline, fact by fact: what a new fact can no longer change is kept, the rest is made anew.

The latest few facts make the *open* end of the timeline; everything before it is *settled*. So a fact costs the
same however long the history is. A fact that reaches back into what is settled (a clock that stepped, a row
that came late) is not refused: the timeline is then built anew from all facts, as :func:`endpoint_timeline` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from slawatch.domain.cumulative import CumulativeTimeline
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import DISTANT_FUTURE, DISTANT_PAST, Instant, Interval, IntervalSet
from slawatch.domain.timeline import Timeline, closed, endpoint_timeline, painted

_OPEN_FACTS = 4
"""So many of the latest facts stay open: a fact may still reach back behind some that came before it."""
_SETTLE_AT = 12


class Paint(NamedTuple):
    """An approved correction: the endpoint was in ``state`` inside ``span``, whatever was observed (S27)."""

    span: Interval
    state: State


@dataclass(frozen=True, slots=True)
class Line:
    """The timeline as it stood after some facts. It stays so while the endpoint's timeline grows on."""

    settled: CumulativeTimeline
    count: int
    """How many pieces of ``settled`` belong to it."""
    until: Instant
    """Where the settled part ends."""
    recent: Timeline
    """Right from ``until`` on, but for the corrections that are ``open``."""
    open: tuple[Paint, ...] = ()

    def since(self, start: Instant, edge: Change | None = None) -> Timeline:
        """The timeline, right from ``start`` on, closed by ``edge``. The edge reaches back to ``until`` at most."""
        recent = self.recent if edge is None else closed(self.recent, edge)
        for paint in self.open:
            recent = painted(recent, IntervalSet.span(*paint.span), paint.state)
        if start >= self.until:
            return recent
        before = self.settled.timeline(start, self.count)
        starts, codes = list(before.starts), list(before.codes)
        for at, _, code in recent.pieces(self.until, DISTANT_FUTURE):
            if codes[-1] != code:
                starts.append(at)
                codes.append(code)
        return Timeline(starts, codes)

    def whole(self, edge: Change | None = None) -> Timeline:
        """All of it."""
        return self.since(DISTANT_PAST, edge)


class GrowingTimeline:
    """The timeline of one endpoint while facts come in."""

    def __init__(
        self, changes: Sequence[Change] = (), blips: Iterable[Blip] = (), paints: Sequence[Paint] = ()
    ) -> None:
        self._paints = tuple(paints)
        self._open: tuple[Paint, ...] = self._paints
        self._changes = list(changes)
        self._blips = list(blips)
        self._settled = CumulativeTimeline()
        self._until: Instant = DISTANT_PAST
        self._settles = all(change.latest <= change.at for change in changes)
        self._line: Line | None = None
        self._settle()

    @property
    def line(self) -> Line:
        """The timeline as it stands."""
        if self._line is None:
            recent = endpoint_timeline(self._changes, self._blips)
            self._line = Line(self._settled, len(self._settled), self._until, recent, self._open)
        return self._line

    def add(self, fact: Change | Blip) -> Instant | None:
        """Take up one more fact. Answers from which instant on the timeline has changed; None when the fact
        reaches back into what is settled, and the timeline must be built anew."""
        begins = reaches_back_to(fact)
        if isinstance(fact, Change):
            last = self._changes[-1] if self._changes else None
            if last is not None and fact.at < last.at:
                return None
            if fact.latest > fact.at and self._until > DISTANT_PAST:
                return None
            for replaced in reversed(self._changes):
                if replaced.at != fact.at:
                    break
                begins = min(begins, reaches_back_to(replaced))
        if begins < self._until:
            return None
        if isinstance(fact, Change):
            self._settles = self._settles and fact.latest <= fact.at
            self._changes.append(fact)
        else:
            self._blips.append(fact)
        self._line = None
        if len(self._changes) + len(self._blips) >= _SETTLE_AT:
            self._settle()
        return begins

    def _settle(self) -> None:
        """Close all but the latest facts. A change that may lie after its own instant keeps everything open."""
        facts: list[Change | Blip] = [*self._changes, *self._blips]
        if not self._settles or len(facts) <= _OPEN_FACTS:
            return
        until = sorted(map(reaches_back_to, facts))[-_OPEN_FACTS]
        if until <= self._until:
            return
        for at, _, code in self.line.since(self._until).pieces(self._until, until):
            self._settled.append(at, code)
        held = next((n for n in range(len(self._changes) - 1, -1, -1) if self._changes[n].at <= until), 0)
        self._changes = self._changes[held:]
        self._blips = [blip for blip in self._blips if blip.latest > until]
        self._open = tuple(paint for paint in self._paints if paint.span.end > until)
        self._until, self._line = until, None


def reaches_back_to(fact: Change | Blip) -> Instant:
    """The first instant that a fact has a say in."""
    return min(fact.earliest, fact.at)
