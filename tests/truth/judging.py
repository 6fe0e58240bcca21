"""Whether what slawatch says of a history is true. Sums of intervals, and nothing that slawatch itself counts with.

A *wrong* is a sentence. A history without one is told truly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from domain.small_cases import agreement
from slawatch.domain.compliance import Compliance, judge
from slawatch.domain.composite import parse_expression
from slawatch.domain.contract import Options, UnknownPolicy
from slawatch.domain.exclusions import Exclusions
from slawatch.domain.facts import State
from slawatch.domain.interval import SECOND, Duration, Instant
from slawatch.domain.timeline import HIGH, LOW, POINT, Timeline, service_timeline, state_in
from truth.history import Sort, Told
from truth.site import Watched
from truth.world import DEGRADED, DOWN, LABELS, UP, Truth

UNKNOWN = State.UNKNOWN
WEIGHTS = (Fraction(1), Fraction(1, 2), Fraction(0))


class Piece(NamedTuple):
    """A span in which neither the truth nor what is said of it changes."""

    start: Instant
    end: Instant
    truth: State
    low: State
    point: State
    high: State

    @property
    def known(self) -> bool:
        return self.point is not UNKNOWN

    @property
    def length(self) -> Duration:
        return self.end - self.start


def pieces(timeline: Timeline, truth: Callable[[Instant], State], cuts: Sequence[Instant]) -> list[Piece]:
    """Truth and figures side by side. ``cuts`` ascend, and hold every instant at which the truth changes."""
    told = [at for at in timeline.starts if cuts[0] < at < cuts[-1]]
    found = []
    for start, end in pairwise(sorted({*told, *cuts})):
        code = timeline.at(start)
        low, point, high = (state_in(code, version) for version in (LOW, POINT, HIGH))
        found.append(Piece(start, end, truth(start), low, point, high))
    return found


def of_endpoint(told: Told, endpoint: Watched) -> list[Piece]:
    """The pieces of one endpoint's history, cut where a probe began as well."""
    truth = endpoint.will.truth
    inner = {*truth.instants, *(each.started for each in endpoint.log)}
    cuts = [told.start, *sorted(at for at in inner if told.start < at < told.end), told.end]
    return pieces(told.timelines[endpoint.key.name], truth.at, cuts)


# --- What holds of every history ----------------------------------------------------------------------------------


def wrongs(told: Told) -> Iterator[str]:
    """Everything that is untrue in a history."""
    yield from told.troubles
    for endpoint in told.endpoints:
        name = endpoint.key.name
        mine = of_endpoint(told, endpoint)
        for sentence in (
            *endpoint.told,
            *_out_of_order(mine),
            *_sums_that_are_wrong(told, endpoint, mine),
        ):
            yield f"{name}: {sentence}"
        if told.timelines[name] != told.rebuilt[name]:
            yield f"{name}: the ledger's entries do not make the timeline that the daemon shows"
    if told.sort is not Sort.WILD:
        yield from _composites_that_are_wrong(told)


def _out_of_order(mine: Sequence[Piece]) -> Iterator[str]:
    """S5: the versions agree on what is unknown; S8: low ≤ point ≤ high where it is known."""
    for piece in mine:
        if not piece.known:
            if not piece.low is piece.high is UNKNOWN:
                yield f"{piece} is known in one version and unknown in another"
        elif not piece.low <= piece.point <= piece.high <= UP:
            yield f"{piece} is out of order"


def _sums_that_are_wrong(told: Told, endpoint: Watched, mine: Sequence[Piece]) -> Iterator[str]:
    """S8: the truth lies in low…high, at every instant, in microseconds of downtime and in every ratio."""
    hidden = hidden_from(endpoint) if told.sort is Sort.WILD else None
    too_bad = too_good = 0  # what low and high may be wrong by: time that was hidden from the probes
    for piece in mine:
        if not piece.known or piece.low <= piece.truth <= piece.high:
            continue
        if hidden is None or not hidden(piece):
            yield f"outside of its bounds for {piece.length} µs: {piece}"
        too_bad += piece.length if piece.truth < piece.low else 0
        too_good += piece.length if piece.truth > piece.high else 0
    known = [piece for piece in mine if piece.known]
    true = length_of(known, lambda piece: piece.truth is DOWN)
    least = length_of(known, lambda piece: piece.high is DOWN)
    most = length_of(known, lambda piece: piece.low is DOWN)
    if not least - too_good <= true <= most + too_bad:
        yield f"true downtime {true} µs is not within {least - too_good}…{most + too_bad}"
    if hidden is None:
        yield from _ratios_that_are_wrong(told, endpoint, mine)


def length_of(mine: Sequence[Piece], wanted: Callable[[Piece], bool]) -> Duration:
    """How long something holds."""
    return sum(piece.length for piece in mine if wanted(piece))


def _ratios_that_are_wrong(told: Told, endpoint: Watched, mine: Sequence[Piece]) -> Iterator[str]:
    """The figures of a contract hold the true availability of what was measured, and, where unknown time counts as
    down in the low and as up in the high figure, the true availability of the whole time."""
    name = endpoint.key.name
    known = [piece for piece in mine if piece.known]
    for weight in WEIGHTS:
        account = account_of(told, told.timelines[name], name, weight, UnknownPolicy.EXCLUDE)
        for state, lengths in (
            (DOWN, (account.high.down, account.classes.down, account.low.down)),
            (UNKNOWN, (account.high.unknown, account.classes.unknown, account.low.unknown)),
        ):
            mine_of = [sum(piece.length for piece in mine if piece[version] is state) for version in (5, 4, 3)]
            if list(lengths) != mine_of:
                yield f"the account has {lengths} µs {state.word} in high, point, low; the timeline has {mine_of}"
        low, high = account.availability.low, account.availability.high
        true = _ratio(known, weight)
        if true is None or low is None or high is None:
            if not true is low is high is None:
                yield f"nothing was measured, or something: {low}, {true}, {high}"
        elif not low <= true <= high:
            yield f"true availability {float(true)} is not within {float(low)}…{float(high)} (degraded: {weight})"
        yield from _whole_that_is_wrong(told, told.timelines[name], name, weight, _ratio(mine, weight))


def _whole_that_is_wrong(
    told: Told, timeline: Timeline, expression: str, weight: Fraction, true: Fraction | None
) -> Iterator[str]:
    low = account_of(told, timeline, expression, weight, UnknownPolicy.DOWN).availability.low
    high = account_of(told, timeline, expression, weight, UnknownPolicy.UP).availability.high
    assert true is not None
    assert low is not None
    assert high is not None
    if not low <= true <= high:
        yield f"{expression}: of the whole time {float(true)} is not within {float(low)}…{float(high)} ({weight})"


def _ratio(mine: Sequence[Piece], weight: Fraction) -> Fraction | None:
    whole = sum(piece.length for piece in mine)
    up = length_of(mine, lambda piece: piece.truth is UP)
    degraded = length_of(mine, lambda piece: piece.truth is DEGRADED)
    return Fraction(up + weight * degraded) / whole if whole else None


def account_of(told: Told, timeline: Timeline, expression: str, weight: Fraction, unknown: UnknownPolicy) -> Compliance:
    """The real account of a contract whose one period is the history."""
    seconds = -(-(told.end - told.start) // SECOND)
    contract = agreement(expression, end=seconds, options=Options(degraded=weight, unknown=unknown))
    period = next(contract.periods.between(told.start, told.end))
    return judge(contract, period, timeline, None, Exclusions(), told.end)


# --- Services -----------------------------------------------------------------------------------------------------

SERVICES: Mapping[int, Mapping[str, Callable[[Sequence[State]], State]]] = {
    1: {},
    2: {"a and b": min, "a or b": max},
    3: {
        "a and (b or c)": lambda states: min(states[0], max(states[1:])),
        "2 of (a, b, c)": lambda states: sorted(states)[1],
        "a or b or c": max,
    },
}
"""By the number of endpoints: services, and what they truly are."""


def _truth_of(combine: Callable[[Sequence[State]], State], truths: Sequence[Truth]) -> Callable[[Instant], State]:
    return lambda at: combine([truth.at(at) for truth in truths])


def _composites_that_are_wrong(told: Told) -> Iterator[str]:
    """S16: a service has the level that low says at least, and is down where high says so.

    Not more: with a member unknown, its level is the highest that is *certainly* reached, in high as well.
    """
    truths = [endpoint.will.truth for endpoint in told.endpoints]
    cuts = sorted({told.start, told.end, *(at for truth in truths for at in truth.instants if at < told.end)})
    for text, combine in SERVICES[len(truths)].items():
        timeline = service_timeline(parse_expression(text), told.timelines)
        mine = pieces(timeline, _truth_of(combine, truths), cuts)
        for piece in mine:
            if piece.low is not UNKNOWN and piece.low > piece.truth:
                yield f"{text}: worse than low: {piece}"
            if piece.high is DOWN is not piece.truth:
                yield f"{text}: better than high: {piece}"
        yield from _whole_that_is_wrong(told, timeline, text, Fraction(1), _ratio(mine, Fraction(1)))


# --- Targets that keep to no rule ---------------------------------------------------------------------------------


def hidden_from(endpoint: Watched) -> Callable[[Piece], bool]:
    """Whether what was true in a piece could be told by neither of the probes beside it.

    That is the whole of what S8 does not promise: time in which the target was worse or better than both neighbours
    show it. It went there and back between two probes, or it changed while one of them was under way.
    """
    seen = [(each.started, LABELS[each.verdict]) for each in endpoint.log if each.verdict in LABELS]
    starts = [start for start, _ in seen]

    def hidden(piece: Piece) -> bool:
        index = bisect_right(starts, piece.start)
        if not 0 < index < len(seen):
            return False
        before, after = seen[index - 1][1], seen[index][1]
        return not min(before, after) <= piece.truth <= max(before, after)

    return hidden
