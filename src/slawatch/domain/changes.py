"""The changes of one endpoint, packed: ten bytes for one that is exact, about forty for one with bracket and words.

A history of a million rows fits into memory so, and its timeline is made from the columns without a row being
unpacked. Reading gives every change back as it was.
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
    NO_NEIGHBOUR,
    Code,
    Timeline,
    cause_of,
    endpoint_timeline,
    pack,
    timeline_of,
    with_blips,
)

_STATES = tuple(State)
_CODES = {(state, cause): pack(state, state, state, cause) for state in State for cause in (None, *Cause)}
_UNSTATED, _STATED = _CODES[State.UNKNOWN, None], _CODES[State.UNKNOWN, Cause.STATED]
_NONE = -(2**63)
_NO_WORDS = ("", "", "")
"""Reason, detail and source of a change that says nothing of them."""


class _Details:
    """The columns of what is not exact: brackets, confirmation, words (each set of them kept once)."""

    __slots__ = ("_known", "confirmed", "earliest", "latest", "listed", "words")

    def __init__(self, instants: Iterable[Instant]) -> None:
        """Of changes that have been exact so far."""
        self.earliest = array("q", instants)
        self.latest = array("q", self.earliest)
        self.confirmed = array("q", [_NONE]) * len(self.earliest)
        self.words = array("I", [0]) * len(self.earliest)
        self.listed = [_NO_WORDS]
        self._known = {_NO_WORDS: 0}

    def add(
        self, earliest: Instant, latest: Instant, confirmed: Instant | None, words: tuple[str, str, str] = _NO_WORDS
    ) -> None:
        self.earliest.append(earliest)
        self.latest.append(latest)
        self.confirmed.append(_NONE if confirmed is None else confirmed)
        number = self._known.get(words)
        if number is None:
            number = self._known[words] = len(self.listed)
            self.listed.append(words)
        self.words.append(number)

    def taken(self, order: slice | Sequence[int]) -> _Details:
        """The details of some changes, in an order."""
        taken = _Details(())
        taken.listed, taken._known = self.listed, self._known
        for column in ("earliest", "latest", "confirmed", "words"):
            setattr(taken, column, _taken(getattr(self, column), order))
        return taken


def _taken(column: array[int], order: slice | Sequence[int]) -> array[int]:
    return column[order] if isinstance(order, slice) else array(column.typecode, map(column.__getitem__, order))


class Changes(Sequence[Change]):
    """In the order in which they were added, until :meth:`sort`."""

    __slots__ = ("_codes", "_details", "_instants")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self._instants = array("q")
        self._codes = array("H")
        self._details: _Details | None = None
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
        at, code, details = self._instants[index], self._codes[index], self._details
        state, cause = _STATES[code & 3], cause_of(code)
        if details is None:
            return Change(at, state, at, at, cause)
        confirmed = details.confirmed[index]
        bracket = details.earliest[index], details.latest[index]
        words = details.listed[details.words[index]]
        return Change(at, state, *bracket, cause, None if confirmed == _NONE else confirmed, *words)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Changes | list | tuple) else NotImplemented

    def __repr__(self) -> str:
        return f"Changes({list(self)!r})"

    def add(self, at: Instant, state: State, cause: Cause | None = None) -> None:
        """Add an exact change that says nothing more."""
        self._instants.append(at)
        self._codes.append(_CODES[state, cause])
        if self._details is not None:
            self._details.add(at, at, None)

    def append(self, change: Change) -> None:
        """Add any change."""
        at, state, earliest, latest, cause, confirmed, *words = change
        if self._details is None and not (earliest == at == latest and confirmed is None and not any(words)):
            self._details = _Details(self._instants)
        self._instants.append(at)
        self._codes.append(_CODES[state, cause])
        if self._details is not None:
            self._details.add(earliest, latest, confirmed, (change.reason, change.detail, change.source))

    def sort(self) -> None:
        """Put them in order of instant; of those at one instant the later added stays later (S17)."""
        instants = self._instants
        if any(map(gt, instants, islice(instants, 1, None))):
            self._take(sorted(range(len(self)), key=instants.__getitem__))

    def until(self, end: Instant) -> Changes:
        """Those up to ``end``, where it becomes unknown. They must be sorted.

        A change after the end that may lie before it leaves the time since then uncertain.
        """
        count = bisect_right(self._instants, end)
        kept = Changes()
        kept._instants, kept._codes, kept._details = self._instants, self._codes, self._details
        kept._take(slice(count))
        if count and kept[-1].state is not State.UNKNOWN:
            following = self[count] if count < len(self) else None
            earliest = end if following is None else max(kept[-1].at, min(following.earliest, end))
            kept.append(Change(end, State.UNKNOWN, earliest, end, Cause.NO_FURTHER_DATA))
        return kept

    def timeline(self, blips: Iterable[Blip] = ()) -> Timeline:
        """What :func:`endpoint_timeline` makes of them. They must be sorted."""
        instants, details = [DISTANT_PAST, *self._instants], self._details
        if any(map(ge, instants, islice(instants, 1, None))):
            return endpoint_timeline(list(self), blips)
        if details is None:
            plain = {code: _plain(code) for code in set(self._codes)}
            return with_blips(_joined(instants, [NEVER, *map(plain.__getitem__, self._codes)]), blips)
        return with_blips(self._uncertain(instants[1:], details), blips)

    def _uncertain(self, instants: list[Instant], details: _Details) -> Timeline:
        states = [code & 3 for code in self._codes]
        causes = {code: cause_of(code) for code in set(self._codes)}
        nothing, unknown, never = NO_NEIGHBOUR
        segments = zip(
            instants,
            states,
            details.latest,
            map(causes.__getitem__, self._codes),
            [*instants[1:], nothing],
            [*states[1:], unknown],
            [*details.earliest[1:], never],
            strict=True,
        )
        return timeline_of(segments)

    def _take(self, order: slice | Sequence[int]) -> None:
        self._instants, self._codes = _taken(self._instants, order), _taken(self._codes, order)
        self._details = self._details and self._details.taken(order)


def _plain(code: Code) -> Code:
    """The code of time in which an exact change holds: a cause belongs to unknown time, and that always has one."""
    if code & 3 != State.UNKNOWN:
        return code & 63
    return _STATED if code == _UNSTATED else code


def _joined(starts: list[Instant], codes: list[Code]) -> Timeline:
    """The timeline of pieces that come in order, those with the same code joined."""
    if any(map(eq, codes, islice(codes, 1, None))):
        kept = [index for index in range(len(codes)) if not index or codes[index] != codes[index - 1]]
        starts, codes = [starts[index] for index in kept], [codes[index] for index in kept]
    return Timeline(starts, codes)
