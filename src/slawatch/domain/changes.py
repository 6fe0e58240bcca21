"""The changes of one endpoint, packed: a history of a million rows takes ten bytes a row, not two hundred.

A change that is exact and says nothing more is an instant and a code; only one with a bracket or with words is kept
whole. Reading gives every change back as it was.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import eq, ge, gt
from typing import overload

from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import DISTANT_PAST, Instant
from slawatch.domain.observation import Cause
from slawatch.domain.timeline import (
    NEVER,
    POINT,
    Code,
    Timeline,
    cause_of,
    endpoint_timeline,
    pack,
    state_in,
    with_blips,
)

_PLAIN = tuple(pack(state, state, state) for state in State)
_UNKNOWN = {cause: pack(State.UNKNOWN, State.UNKNOWN, State.UNKNOWN, cause) for cause in (None, *Cause)}


class Changes(Sequence[Change]):
    """In the order in which they were added, until :meth:`sort`."""

    __slots__ = ("_codes", "_instants", "_whole")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self._instants = array("q")
        self._codes = array("H")
        self._whole: dict[int, Change] = {}
        for change in changes:
            self.append(change)

    def __len__(self) -> int:
        return len(self._instants)

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> list[Change]: ...
    def __getitem__(self, index: int | slice) -> Change | list[Change]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        at = self._instants[index]
        whole = self._whole.get(index)
        if whole is not None:
            return whole
        code = self._codes[index]
        return Change(at, state_in(code, POINT), at, at, cause_of(code))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Changes | list | tuple) else NotImplemented

    def __repr__(self) -> str:
        return f"Changes({list(self)!r})"

    def add(self, at: Instant, state: State, cause: Cause | None = None) -> None:
        """Add an exact change; only one to UNKNOWN has a cause."""
        self._instants.append(at)
        self._codes.append(_UNKNOWN[cause] if state is State.UNKNOWN else _PLAIN[state])

    def append(self, change: Change) -> None:
        """Add any change."""
        known = change.state is not State.UNKNOWN
        exact = Change(change.at, change.state, change.at, change.at, None if known else change.cause)
        if change != exact:
            self._whole[len(self)] = change
        self.add(change.at, change.state, exact.cause)

    def sort(self) -> None:
        """Put them in order of instant; of those at one instant the later added stays later (S17)."""
        instants = self._instants
        if any(map(gt, instants, islice(instants, 1, None))):
            order = sorted(range(len(self)), key=instants.__getitem__)
            self._whole = {new: self._whole[old] for new, old in enumerate(order) if old in self._whole}
            self._instants = array("q", (instants[index] for index in order))
            self._codes = array("H", (self._codes[index] for index in order))

    def until(self, end: Instant) -> Changes:
        """Those up to ``end``, where it becomes unknown. They must be sorted.

        A change after the end that may lie before it leaves the time since then uncertain.
        """
        count = bisect_right(self._instants, end)
        kept = Changes()
        kept._instants, kept._codes = self._instants[:count], self._codes[:count]
        kept._whole = {index: whole for index, whole in self._whole.items() if index < count}
        if count and kept[-1].state is not State.UNKNOWN:
            following = self[count] if count < len(self) else None
            earliest = end if following is None else max(kept[-1].at, min(following.earliest, end))
            kept.append(Change(end, State.UNKNOWN, earliest, end, Cause.NO_FURTHER_DATA))
        return kept

    def timeline(self, blips: Iterable[Blip] = ()) -> Timeline:
        """What :func:`endpoint_timeline` makes of them. They must be sorted."""
        instants = [DISTANT_PAST, *self._instants]
        if self._whole or any(map(ge, instants, islice(instants, 1, None))):
            return endpoint_timeline(list(self), blips)
        return with_blips(_joined(instants, [NEVER, *self._codes]), blips)


def _joined(starts: list[Instant], codes: list[Code]) -> Timeline:
    """The timeline of pieces that come in order, those with the same code joined."""
    if _UNKNOWN[None] in codes:
        codes = [_UNKNOWN[Cause.STATED] if code == _UNKNOWN[None] else code for code in codes]
    if any(map(eq, codes, islice(codes, 1, None))):
        kept = [index for index in range(len(codes)) if not index or codes[index] != codes[index - 1]]
        starts, codes = [starts[index] for index in kept], [codes[index] for index in kept]
    return Timeline(starts, codes)
