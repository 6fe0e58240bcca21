"""Simulated truth: targets that flip at known instants, probed by the real scheduler on virtual time (S5, S8, S11-S13).

Real are the dispatcher, the runner, the call that probes, the rules of the alibi, the recorder with its state
machines, entries and their reading, timelines and accounts. Played are targets, stalls, and what a crash loses.

**What is shown.** In every history of an :class:`~truth.world.Adversary`, who knows when the probes come and keeps to
nothing but "between two neighbouring observations the target is nothing that is worse or better than both", the
truth lies in low…high: at every single instant that is known, in microseconds of downtime, and in every ratio; and
with unknown time at its worst and at its best the figures hold the truth of the whole time as well. Targets that keep
to no rule leave the bounds only for as long as what they were could be told by neither of the two probes beside
it: they went there and back between two probes, or changed while one was under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from slawatch.domain import state_machine, timeline
from slawatch.domain.facts import Change
from slawatch.domain.observation import Cause
from slawatch.domain.state_machine import Cadence, EndpointState
from slawatch.evaluation import recorder
from slawatch.probes import probe
from slawatch.scheduling import runner
from truth.history import Sort, Told, live
from truth.judging import Piece, length_of, of_endpoint, wrongs
from truth.site import Watched
from truth.strip import readable
from truth.words import in_words
from truth.world import DOWN, LABELS

HISTORIES = 334
"""Of each sort: 1,002 in all."""
AT_ONCE = 42
DEEP = 20_000


def parts(first: int, last: int, size: int) -> list[Any]:
    return [pytest.param(n, min(n + size, last), id=f"{n}-{min(n + size, last)}") for n in range(first, last, size)]


def check(sort: Sort, first: int, last: int) -> None:
    for seed in range(first, last):
        told = live(seed, sort)
        found = list(wrongs(told))
        assert not found, readable(told, found)


@pytest.mark.parametrize("sort", [Sort.CALM, Sort.ROUGH, Sort.WILD])
@pytest.mark.parametrize(("first", "last"), parts(0, HISTORIES, AT_ONCE))
def test_s8_the_truth_lies_within_what_is_told(sort: Sort, first: int, last: int) -> None:
    """S8: for confirm and recover from 1 to 3, under jitter, stalls, voids, restarts and pauses."""
    check(sort, first, last)


def test_s11_the_prober_finds_out_by_itself_what_was_wrong() -> None:
    """The same with the daemon's own canary, in 60 histories: it wakes every 50 ms, which is slow to play."""
    check(Sort.EXAMINED, 0, 60)


@pytest.mark.deep
@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize(("first", "last"), parts(HISTORIES, DEEP, 1_000))
def test_s8_the_truth_lies_within_what_is_told_many_times(sort: Sort, first: int, last: int) -> None:
    check(sort, first, last)


# --- Not by claiming nothing --------------------------------------------------------------------------------------


def observed(endpoint: Watched) -> list[tuple[int, Any]]:
    return [(each.started, LABELS[each.verdict]) for each in endpoint.log]


def unbroken(told: Told, endpoint: Watched) -> bool:
    starts = [*(at for at, _ in observed(endpoint)), told.end]
    return all(later - earlier <= endpoint.cadence.speaks_for for earlier, later in pairwise(starts))


def test_s8_figures_are_exactly_what_the_rule_says_where_the_prober_is_well() -> None:
    """Low, point and high of a calm history follow from its observations by the sentences of S8, to the microsecond;
    what was truly down for long is confirmed, and nothing is unknown once something is known."""
    exact = 0
    for seed in range(HISTORIES // 3):
        told = live(seed, Sort.CALM)
        for endpoint in told.endpoints:
            void = [each.reason for each in endpoint.log if each.verdict not in LABELS]
            # A stall that ends just beyond a deadline can make the dispatcher cut the probe off before it says so.
            assert len(void) <= 1
            assert set(void) <= {"overrun"}
            if void or not unbroken(told, endpoint):
                continue
            pace = endpoint.cadence
            mine = of_endpoint(told, endpoint)
            for gap in in_words(observed(endpoint), pace.confirm, pace.recover, told.end):
                for piece in mine:
                    if gap.start <= piece.start < gap.end:
                        assert piece[3:6] == gap[2:5], readable(told, [f"{gap} is told as {piece}"])
                        exact += 1
    assert exact > 10_000


def test_histories_hold_what_they_are_for() -> None:
    """The sample is not lucky: outages, blips, all nine rules of confirmation, unknown time of every cause that can be
    played, voids of every reason, lateness; and bounds that are worth something."""
    sums = {"down": 0, "low": 0, "high": 0, "known": 0, "whole": 0}
    rules, causes, reasons, happened = set(), set(), set(), set()
    for seed in range(60):
        told = live(seed, Sort.ROUGH)
        happened |= {what.partition(" ")[0] for _, what in told.happened}
        for endpoint in told.endpoints:
            rules.add((endpoint.cadence.confirm, endpoint.cadence.recover))
            reasons |= {each.reason for each in endpoint.log}
            mine = of_endpoint(told, endpoint)
            for name, held in measures().items():
                sums[name] += length_of(mine, held)
            causes |= {timeline.cause_of(code) for code in told.timelines[endpoint.key.name].codes}
    assert rules == {(confirm, recover) for confirm in (1, 2, 3) for recover in (1, 2, 3)}
    wanted = {Cause.NEVER_OBSERVED, Cause.MONITOR_STOPPED, Cause.PROBER_FAULT, Cause.RESOLVER_LOST, Cause.PATH_LOST}
    assert causes >= wanted | {Cause.STALE, Cause.PAUSED, None}
    assert reasons >= {"timeout", "refused", "slow", "answered", "resolver_lost", "prober_fault"}
    assert reasons >= {"overrun", "probe_error", "loop_late", "descriptors_short", "path_lost"}
    assert happened >= {"stop", "crash", "start", "descriptors", "a"}
    assert sums["high"] > sums["down"] * 4 // 10
    assert sums["low"] < sums["known"] * 7 // 10
    assert sums["known"] > sums["whole"] * 6 // 10


def measures() -> dict[str, Callable[[Piece], bool]]:
    return {
        "down": lambda piece: piece.known and piece.truth is DOWN,
        "low": lambda piece: piece.low is DOWN,
        "high": lambda piece: piece.high is DOWN,
        "known": lambda piece: piece.known,
        "whole": lambda piece: True,
    }


# --- And it is noticed when the code is wrong ---------------------------------------------------------------------


def no_bracket(patch: pytest.MonkeyPatch) -> None:
    """A change's bracket opens at the change itself instead of at the neighbour before."""
    enter = state_machine._enter
    patch.setattr(state_machine, "_enter", lambda state, item, confirmed, edge: enter(state, item, confirmed, None))


def wrong_neighbour(patch: pytest.MonkeyPatch) -> None:
    """The neighbour of a change is the latest *good* observation, also where an outage ends."""
    patch.setattr(EndpointState, "last_agreeing", lambda state: state.last_good)


def hasty(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """One observation fewer confirms."""

    def change(patch: pytest.MonkeyPatch) -> None:
        contradicting = state_machine._contradicting

        def sooner(state: EndpointState, item: Any, needed: int) -> Any:
            mine = (state.state is DOWN) is (name == "recover")
            return contradicting(state, item, max(1, needed - 1) if mine else needed)

        patch.setattr(state_machine, "_contradicting", sooner)

    change.__doc__ = f"`{name}` is off by one."
    return change


def dated_at_the_end(patch: pytest.MonkeyPatch) -> None:
    """A probe is dated when it ends."""
    original = probe._observation

    def late(kind: Any, answer: Any, trace: Any, started: int, duration: int) -> Any:
        return original(kind, answer, trace, started + duration, duration)

    patch.setattr(probe, "_observation", late)


def no_alibi(patch: pytest.MonkeyPatch) -> None:
    """A failure counts although the prober was unfit."""
    patch.setattr(runner, "voided", lambda observation, fault: observation)


def void_is_nothing(patch: pytest.MonkeyPatch) -> None:
    """A void probe leaves time known."""
    patch.setattr(state_machine, "blind", lambda state, *_: (state, []))


def restart_is_nothing(patch: pytest.MonkeyPatch) -> None:
    """Time without the daemon goes on as it was."""
    patch.setattr(recorder, "blind", lambda state, *_: (state, []))


def marks_alone(patch: pytest.MonkeyPatch) -> None:
    """What was recorded after the last mark of life is no sign of life: a run goes on over a crash."""
    patch.setattr(recorder.Past, "latest", lambda past: None if not past.changes else past.changes[0].at)


def long_memory(patch: pytest.MonkeyPatch) -> None:
    """An observation speaks for four times as long as it may."""
    patch.setattr(Cadence, "speaks_for", property(lambda pace: 4 * (2 * pace.every + pace.timeout)))


def no_blips(patch: pytest.MonkeyPatch) -> None:
    """Failures that were not confirmed leave no trace in the low figure."""
    patch.setattr(timeline, "with_blips", lambda line, blips: line)


def open_end(patch: pytest.MonkeyPatch) -> None:
    """Known time that ends in unknown time is certain to its last microsecond."""
    original = EndpointState.unknown_from

    def certain(state: EndpointState, at: int, cause: Cause) -> Change:
        change = original(state, at, cause)
        return change._replace(earliest=change.at)

    patch.setattr(EndpointState, "unknown_from", certain)


def causes_of_nothing(patch: pytest.MonkeyPatch) -> None:
    """A late void probe writes over how the time before it ended."""
    original = state_machine.blind

    def always(state: EndpointState, at: int, cause: Cause, *words: str) -> Any:
        change = state.unknown_from(at, cause)
        if not state.known and state.since is not None and at < state.since:
            return state, [change]
        return original(state, at, cause, *words)

    patch.setattr(state_machine, "blind", always)


MISTAKES = [
    no_bracket,
    wrong_neighbour,
    hasty("confirm"),
    hasty("recover"),
    dated_at_the_end,
    no_alibi,
    void_is_nothing,
    restart_is_nothing,
    marks_alone,
    long_memory,
    no_blips,
    open_end,
    causes_of_nothing,
]


def noticed() -> Iterator[Told]:
    for seed in range(HISTORIES):
        told = live(seed, Sort.ROUGH)
        if next(wrongs(told), None) is not None:
            yield told


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__doc__)
def test_a_mistake_in_the_code_is_noticed(mistake: Callable[[pytest.MonkeyPatch], None]) -> None:
    """Each is made in the real code, and some history among those above is then told untruly; what is printed names
    the seed, and living through it again shows the same."""
    with pytest.MonkeyPatch.context() as patch:
        mistake(patch)
        told = next(noticed(), None)
        assert told is not None
        found = list(wrongs(told))
        again = list(wrongs(live(told.seed, told.sort)))
    assert found == again
    text = readable(told, found)
    assert f"live({told.seed}, {told.sort})" in text
    assert "truth" in text
    assert not list(wrongs(live(told.seed, told.sort)))
