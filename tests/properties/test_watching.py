"""What a prober may claim of a truth that it only samples (S5, S8, S11-S13).

The true state changes at most once between two neighbouring events; probes come late, are void, and the daemon
is killed and started again.
"""

from __future__ import annotations

import json

from hypothesis import given

from domain.small_cases import s
from domain.strategies import Watched, watched
from slawatch.domain.facts import State
from slawatch.domain.history import blip_row, read_rows, state_row
from slawatch.domain.interval import SECOND
from slawatch.domain.timeline import HIGH, LOW, POINT, closed, endpoint_timeline, state_in


@given(seen=watched())
def test_s8_the_truth_lies_between_low_and_high(seen: Watched) -> None:
    """S8: at every instant that is known, the truth is no worse than low and no better than high; S5: all three
    versions agree on what is unknown, and before the first observation and after the end everything is."""
    timeline = seen.timeline
    cuts = {(at - s(0)) // SECOND for at in timeline.starts[1:]} | {at for at, _ in seen.truth}
    for second in sorted(cut for cut in cuts if 0 <= cut < seen.now):
        low, point, high = (state_in(timeline.at(s(second)), version) for version in (LOW, POINT, HIGH))
        if point is State.UNKNOWN:
            assert low is high is State.UNKNOWN
            continue
        truth = seen.true_state(second)
        assert truth is not None
        assert low <= point <= high
        assert low <= truth <= high, second
    assert state_in(timeline.at(s(-1)), POINT) is State.UNKNOWN
    assert state_in(timeline.at(s(seen.now)), POINT) is State.UNKNOWN


@given(seen=watched())
def test_s8_downtime_lies_between_low_and_high(seen: Watched) -> None:
    """S8: true downtime, over the time that is known, is at least that of high and at most that of low."""
    timeline = seen.timeline
    down = {LOW: 0, POINT: 0, HIGH: 0}
    true = 0
    for start, end, code in timeline.pieces(s(0), s(seen.now)):
        for version in down:
            down[version] += end - start if state_in(code, version) is State.DOWN else 0
        if state_in(code, POINT) is not State.UNKNOWN:
            seconds = range((start - s(0)) // SECOND, (end - s(0)) // SECOND)
            true += SECOND * sum(seen.true_state(second) is State.DOWN for second in seconds)
    assert down[HIGH] <= true <= down[LOW]
    assert down[HIGH] <= down[POINT] <= down[LOW]


@given(seen=watched())
def test_a_closed_timeline_equals_the_one_built_anew(seen: Watched) -> None:
    """The reader's quick way of closing the open end is the plain one."""
    edge = seen.state.closing_edge(s(seen.now))
    if edge is not None:
        settled = endpoint_timeline(seen.changes, seen.blips)
        assert closed(settled, edge) == endpoint_timeline([*seen.changes, edge], seen.blips)


@given(seen=watched())
def test_s27_exported_rows_read_back_as_the_same_timeline(seen: Watched) -> None:
    """S27: what is written as JSON comes back as the same facts, cut where the export was cut."""
    edge = seen.state.closing_edge(s(seen.now))
    facts = seen.changes if edge is None else [*seen.changes, edge]
    rows = [*(state_row("acme", "a", fact) for fact in facts), *(blip_row("acme", "a", blip) for blip in seen.blips)]
    history = read_rows(json.loads(json.dumps(rows)))
    history.seal(s(seen.now))
    assert history.timeline("a") == seen.timeline


@given(seen=watched())
def test_facts_are_sound(seen: Watched) -> None:
    """A change lies inside its own edges, edges are not in the future, and a blip holds what it spans."""
    for change in seen.changes:
        assert change.earliest <= change.at <= change.latest <= s(seen.now)
    for blip in seen.blips:
        assert blip.earliest <= blip.at <= blip.latest
        assert blip.seen >= 1
