"""Facts → what an endpoint or a service was at every instant, in three versions (S8).

A :class:`Timeline` is a step function from instant to *code*, a small integer that packs the state in the low, the
point and the high version and the cause of unknown time. Between two neighbouring observations that
disagree, the low version takes the worse and the high version the better of the two; where one
neighbour is missing (before or after unknown time) the low version is DOWN and the high version UP. Packing
keeps the three versions aligned and lets a year of changes be added up by one dictionary.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import eq

from slawatch.domain.composite import Expression, Member, names_in, state_of
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import DISTANT_PAST, Duration, Instant, Interval, IntervalSet
from slawatch.domain.observation import Cause

Code = int
LOW, POINT, HIGH = 0, 2, 4
"""How far the state of each version is shifted inside a code."""
VERSIONS = (LOW, POINT, HIGH)

_STATES = tuple(State)
_CAUSES = tuple(Cause)
_CAUSE_SHIFT = 6
_D, _U, _X = int(State.DOWN), int(State.UP), int(State.UNKNOWN)


def pack_all(states: Sequence[int], cause: Cause | None) -> Code:
    """One code from the states in low, point and high; the cause is kept where one of them is UNKNOWN."""
    low, point, high = states
    return pack(low, point, high, cause if _X in states else None)


def pack(low: int, point: int, high: int, cause: Cause | None = None) -> Code:
    """One code from three states; a cause belongs to codes with unknown time in them."""
    number = 0 if cause is None else _CAUSES.index(cause) + 1
    return low | point << POINT | high << HIGH | number << _CAUSE_SHIFT


def state_in(code: Code, version: int) -> State:
    """The state that a code has in a version."""
    return _STATES[code >> version & 3]


def cause_of(code: Code) -> Cause | None:
    """Why the time is unknown, where it is."""
    number = code >> _CAUSE_SHIFT
    return _CAUSES[number - 1] if number else None


_PLAIN = tuple(pack(state, state, state) for state in State)
NEVER = pack(_X, _X, _X, Cause.NEVER_OBSERVED)


@dataclass(frozen=True, slots=True)
class Timeline:
    """``codes[i]`` holds from ``starts[i]`` to ``starts[i + 1]``, the last one for ever.

    ``starts`` ascends strictly from DISTANT_PAST and neighbouring codes differ.
    """

    starts: Sequence[Instant]
    codes: Sequence[Code]

    def at(self, instant: Instant) -> Code:
        """The code at an instant. O(log n)."""
        return self.codes[bisect_right(self.starts, instant) - 1]

    def pieces(self, start: Instant, end: Instant) -> Iterator[tuple[Instant, Instant, Code]]:
        """The constant pieces of ``[start, end)`` in order, clipped to it."""
        if start >= end:
            return
        starts, codes = self.starts, self.codes
        index = bisect_right(starts, start) - 1
        at = start
        for following in range(index + 1, len(starts)):
            if starts[following] >= end:
                break
            yield at, starts[following], codes[following - 1]
            at, index = starts[following], following
        yield at, end, codes[index]

    def where(self, version: int, state: State, start: Instant, end: Instant) -> IntervalSet:
        """The instants of ``[start, end)`` at which one version is in a state."""
        wanted, since, kept = int(state), None, []
        for at, _, code in self.pieces(start, end):
            if code >> version & 3 == wanted:
                since = at if since is None else since
            elif since is not None:
                kept.append(Interval(since, at))
                since = None
        if since is not None:
            kept.append(Interval(since, end))
        return IntervalSet(tuple(kept))


UNOBSERVED = Timeline((DISTANT_PAST,), (NEVER,))
"""The timeline of something that has no facts."""


class _Builder:
    """Collects pieces in order and joins neighbours with the same code."""

    __slots__ = ("codes", "starts")

    def __init__(self) -> None:
        self.starts: list[Instant] = []
        self.codes: list[Code] = []

    def add(self, start: Instant, code: Code) -> None:
        if self.starts and self.starts[-1] == start:
            self.starts.pop()
            self.codes.pop()
        if self.codes and self.codes[-1] == code:
            return
        self.starts.append(start)
        self.codes.append(code)

    def build(self) -> Timeline:
        return Timeline(self.starts, self.codes)


def endpoint_timeline(changes: Sequence[Change], blips: Iterable[Blip] = ()) -> Timeline:
    """The timeline of one endpoint.

    ``changes`` come ordered by instant and, at one instant, by ledger sequence: the later one wins (S17).
    Time before the first change is UNKNOWN, never observed.
    """
    rows, bounds = _at_each_instant(changes)
    beside = [(bound.at, bound.state, bound.earliest) for bound in islice(bounds, 1, None)]
    segments = (
        (row.at, row.state, row.latest, row.cause, *following)
        for row, following in zip(rows, [*beside, NO_NEIGHBOUR], strict=True)
    )
    return with_blips(timeline_of(segments if rows else ()), blips)


Segment = tuple[Instant, int, Instant, Cause | None, Instant | None, int, Instant]
"""A change (``at``, state, ``latest``, cause) and the one that bounds its time (``at``, state, ``earliest``)."""
NO_NEIGHBOUR: tuple[Instant | None, int, Instant] = (None, _X, 0)
"""What bounds the last change: nothing."""


def timeline_of(segments: Iterable[Segment]) -> Timeline:
    """The timeline of one endpoint's changes, each at an instant of its own, in order."""
    builder = _Builder()
    builder.add(DISTANT_PAST, NEVER)
    before: int = _X
    for segment in segments:
        at, state, latest, cause, end, beside, earliest = segment
        if state == _X:
            builder.add(at, pack(_X, _X, _X, cause or Cause.STATED))
        elif latest > at:
            _add_bracketed(builder, segment, before)
        elif end is None or earliest >= end:
            builder.add(at, _PLAIN[state])
        else:
            if earliest > at:
                builder.add(at, _PLAIN[state])
            builder.add(max(at, earliest), _BEFORE[state][beside])
        before = state
    return builder.build()


def closed(timeline: Timeline, edge: Change) -> Timeline:
    """The timeline with its open end closed by ``edge``, a change to UNKNOWN after all that it holds.

    The same as building it anew with ``edge`` as the last change, without walking what is settled.
    """
    starts, codes = list(timeline.starts), list(timeline.codes)
    known = timeline.at(edge.earliest)
    bracket = _pieces_of_edge(known, edge)
    while starts and starts[-1] >= bracket[0][0]:
        starts.pop()
        codes.pop()
    for start, code in bracket:
        if not codes or codes[-1] != code:
            starts.append(start)
            codes.append(code)
    return Timeline(starts, codes)


def _pieces_of_edge(known: Code, edge: Change) -> list[tuple[Instant, Code]]:
    unknown = (edge.at, pack(_X, _X, _X, edge.cause))
    if edge.earliest >= edge.at or known >> POINT & 3 == _X:
        return [unknown]
    return [(edge.earliest, pack(_D, known >> POINT & 3, _U)), unknown]


def _at_each_instant(changes: Sequence[Change]) -> tuple[Sequence[Change], Sequence[Change]]:
    """For each instant the change that holds from there, and the one that bounds what came before.

    They differ where what became known is unknown again at once, as at the end of a history: it is still the
    neighbour of the time before.
    """
    instants = [change.at for change in changes]
    if not any(map(eq, instants, islice(instants, 1, None))):
        return changes, changes
    rows: list[Change] = []
    bounds: list[Change] = []
    for change in changes:
        if rows and rows[-1].at == change.at:
            rows[-1] = change
            if change.state != _X or bounds[-1].state == _X:
                bounds[-1] = change
        else:
            rows.append(change)
            bounds.append(change)
    return rows, bounds


def _add_bracketed(builder: _Builder, segment: Segment, before: int) -> None:
    """One known segment with uncertain time at both ends: after its own change, before the next one."""
    start, state, latest, _, end, beside, earliest = segment
    left = latest if end is None else min(latest, end)
    right = end if end is None else max(start, min(earliest, end))
    cuts = sorted({start, left} | ({right} if right is not None and right != end else set()))
    for at in cuts:
        if at == end:
            continue
        low = high = state
        if at < left:
            low, high = _between(low, high, before)
        if right is not None and at >= right:
            low, high = _between(low, high, beside)
        builder.add(at, pack(low, state, high))


def _between(low: int, high: int, neighbour: int) -> tuple[int, int]:
    if neighbour == _X:
        return _D, _U
    return min(low, neighbour), max(high, neighbour)


def _uncertain(state: int, neighbour: int) -> Code:
    low, high = _between(state, state, neighbour)
    return pack(low, state, high)


_BEFORE = tuple(tuple(_uncertain(state, neighbour) for neighbour in State) for state in State)
"""The codes of time that may already belong to the neighbour, by state and neighbour."""


def with_blips(timeline: Timeline, blips: Iterable[Blip]) -> Timeline:
    """Unconfirmed failures lower the low version, successes inside an outage raise the high one (S8, S12)."""
    listed = list(blips)
    if not listed:
        return timeline
    failed = IntervalSet.of((blip.earliest, blip.latest) for blip in listed if blip.state is State.DOWN)
    good = IntervalSet.of((blip.earliest, blip.latest) for blip in listed if blip.state is not State.DOWN)
    timeline = _repainted(timeline, failed, lambda code: code & ~3 if code & 3 != _X else code)
    return _repainted(timeline, good, lambda code: code | _U << HIGH if code >> HIGH & 3 == _D else code)


def painted(timeline: Timeline, where: IntervalSet, state: State, cause: Cause | None = None) -> Timeline:
    """The timeline with all three versions set to ``state`` inside ``where`` (a correction, S27)."""
    code = pack(state, state, state, (cause or Cause.STATED) if state is State.UNKNOWN else None)
    return _repainted(timeline, where, lambda _: code)


def _repainted(timeline: Timeline, where: IntervalSet, paint: Callable[[Code], Code]) -> Timeline:
    if not where:
        return timeline
    marks = IntervalSet.of(where)
    edges = [(start, _FROM) for start, _ in marks] + [(end, _TO) for _, end in marks]
    events = sorted([*zip(timeline.starts, timeline.codes, strict=True), *edges], key=lambda event: event[0])
    builder = _Builder()
    inside, code = False, NEVER
    for at, event in events:
        if event == _FROM:
            inside = True
        elif event == _TO:
            inside = False
        else:
            code = event
        builder.add(at, paint(code) if inside else code)
    return builder.build()


_FROM, _TO = -1, -2


def aligned(timelines: Sequence[Timeline], combine: Callable[[tuple[Code, ...]], Code]) -> Timeline:
    """The pointwise combination of several timelines. ``combine`` is asked once for each distinct tuple."""
    events = sorted(
        (start, index, code)
        for index, timeline in enumerate(timelines)
        for start, code in zip(timeline.starts, timeline.codes, strict=True)
    )
    current = [NEVER] * len(timelines)
    known: dict[tuple[Code, ...], Code] = {}
    builder = _Builder()
    for at, index, code in events:
        current[index] = code
        together = tuple(current)
        answer = known.get(together)
        if answer is None:
            answer = known[together] = combine(together)
        builder.add(at, answer)
    return builder.build()


def service_timeline(expression: Expression, endpoints: Mapping[str, Timeline]) -> Timeline:
    """The timeline of a service: its expression on the time-aligned states of its members (S16)."""
    if isinstance(expression, Member):
        return endpoints.get(expression.name, UNOBSERVED)
    names = names_in(expression)

    def combine(codes: tuple[Code, ...]) -> Code:
        states = [
            state_of(expression, {name: state_in(code, version) for name, code in zip(names, codes, strict=True)})
            for version in VERSIONS
        ]
        cause = next((found for code in codes if (found := cause_of(code))), None)
        return pack_all(states, cause)

    return aligned([endpoints.get(name, UNOBSERVED) for name in names], combine)


def unreachable_as_unknown(endpoints: Mapping[str, Timeline], parents: Mapping[str, str]) -> dict[str, Timeline]:
    """Time in which a child and its parent are both down becomes UNKNOWN, cause ``unreachable`` (S14).

    The low version grants that only where the parent was certainly down, the high one where it may have been.
    """

    def combine(codes: tuple[Code, ...]) -> Code:
        child, parent = codes
        judged_by = ((LOW, HIGH), (POINT, POINT), (HIGH, LOW))
        states = [
            _X if child >> mine & 3 == _D and parent >> theirs & 3 == _D else child >> mine & 3
            for mine, theirs in judged_by
        ]
        cause = cause_of(child) or Cause.UNREACHABLE
        return pack_all(states, cause)

    changed = {
        child: aligned([endpoints[child], endpoints[parent]], combine)
        for child, parent in parents.items()
        if child in endpoints and parent in endpoints
    }
    return {**endpoints, **changed}


def totals(timeline: Timeline, where: IntervalSet) -> dict[Code, Duration]:
    """How long each code holds inside a set of instants. One walk over both, O(pieces + intervals)."""
    sums: dict[Code, Duration] = {}
    starts, codes = timeline.starts, timeline.codes
    count = len(starts)
    for start, end in where:
        index = bisect_right(starts, start) - 1
        at = start
        while True:
            index += 1
            until = starts[index] if index < count and starts[index] < end else end
            code = codes[index - 1]
            sums[code] = sums.get(code, 0) + until - at
            if until == end:
                break
            at = until
    return sums


def outages(timeline: Timeline, version: int, start: Instant, end: Instant) -> list[Interval]:
    """The maximal down intervals of one version inside ``[start, end)``."""
    return list(timeline.where(version, State.DOWN, start, end))
