"""Outages of one endpoint: one from the first failed probe to the first good one, over unknown time (S8, S12)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import SECOND
from slawatch.domain.observation import Cause
from slawatch.domain.outages import EndpointOutage, endpoint_outages
from slawatch.domain.timeline import HIGH, LOW, POINT, endpoint_timeline

END = 1_000


def change(at: int, state: str, low: int | None = None, high: int | None = None) -> Change:
    """A change at a second, which can lie between two others."""
    bracket = (at if low is None else low) * SECOND, (at if high is None else high) * SECOND
    known = State.of(state)
    cause = Cause.MONITOR_STOPPED if known is State.UNKNOWN else None
    confirmed = (at + 10) * SECOND if known is State.DOWN else None
    return Change(at * SECOND, known, *bracket, cause, confirmed, "timeout" if known is State.DOWN else "")


def blip(at: int, state: str, low: int, high: int) -> Blip:
    return Blip(at * SECOND, State.of(state), low * SECOND, high * SECOND)


def found(changes: list[Change], blips: list[Blip]) -> list[EndpointOutage]:
    edge = [] if changes[-1].state is State.UNKNOWN else [change(END, "unknown")]
    return list(endpoint_outages([*changes, *edge], blips, END * SECOND))


CASES = {
    # last good 90, first failed 100, last failed 150, first good 160: surely 150 - 100, at most 160 - 90
    "plain": (
        [change(0, "up"), change(100, "down", 90), change(160, "up", 150)],
        [],
        [(100, 160, 50, 60, 70, 0)],
    ),
    # a lone success at 120 between failures at 110 and 130 takes 20 s from what is sure, and nothing from the point
    "a success inside": (
        [change(0, "up"), change(100, "down", 90), change(160, "up", 150)],
        [blip(120, "up", 110, 130)],
        [(100, 160, 30, 60, 70, 0)],
    ),
    # unwatched from 130 to 180 (last failure 125): one outage, 30 + 20 s down, 25 + 10 surely (180 to 190), 50 unknown
    "over unknown time": (
        [
            change(0, "up"),
            change(100, "down"),
            change(130, "unknown", 125),
            change(180, "down"),
            change(200, "up", 190),
        ],
        [],
        [(100, 200, 35, 50, 50, 50)],
    ),
    # it came back while nobody watched: two outages, or none after it
    "good behind unknown time": (
        [change(0, "up"), change(100, "down"), change(130, "unknown"), change(180, "up"), change(300, "down")],
        [],
        [(100, 180, 30, 30, 30, 50), (300, None, 700, 700, 700, 0)],
    ),
    # degraded ends an outage as up does
    "degraded ends it": (
        [change(0, "up"), change(100, "down"), change(150, "degraded"), change(170, "down"), change(180, "up")],
        [],
        [(100, 150, 50, 50, 50, 0), (170, 180, 10, 10, 10, 0)],
    ),
    # nothing before it was seen: it is known from its first failure on
    "the first thing that is known": ([change(100, "down"), change(150, "up", 140)], [], [(100, 150, 40, 50, 50, 0)]),
    # of two changes at one instant the later row holds (S17)
    "two at one instant": ([change(0, "up"), change(100, "down"), change(100, "up")], [], []),
    "never down": ([change(0, "up"), change(50, "unknown")], [blip(20, "down", 10, 30)], []),
}


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name: str) -> None:
    """Start, end, low, point, high and unknown length in seconds."""
    changes, blips, expected = CASES[name]
    seconds = [
        (
            outage.began.at // SECOND,
            None if outage.ended is None else outage.ended // SECOND,
            *(length // SECOND for length in (outage.low, outage.point, outage.high, outage.unknown)),
        )
        for outage in found(changes, blips)
    ]
    assert seconds == expected


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """Changes whose brackets lie between those beside them, as those of a state machine do."""
    instants = sorted(draw(st.sets(st.integers(1, END - 1), min_size=1, max_size=12)))
    changes: list[Change] = []
    seen = 0
    for before, at, after in zip([0, *instants], instants, [*instants[1:], END], strict=False):
        state = draw(st.sampled_from(["up", "degraded", "down", "unknown"]))
        low = draw(st.integers(max(before, seen), at))
        high = seen = at if state == "unknown" else draw(st.integers(at, after - 1))
        changes.append(change(at, state, low, high))
    return changes


@given(histories())
def test_outages_hold_all_the_downtime_and_no_more(changes: list[Change]) -> None:
    """S4: by the point version nothing is left out or counted twice; S8: low, point and high are in order."""
    edge = [] if changes[-1].state is State.UNKNOWN else [change(END, "unknown")]
    timeline = endpoint_timeline([*changes, *edge])
    outages = found(changes, [])
    whole = timeline.where(POINT, State.DOWN, 0, END * SECOND)
    assert sum(outage.point for outage in outages) == whole.length
    assert all(outage.low <= outage.point <= outage.high for outage in outages)
    surely, possibly = (timeline.where(version, State.DOWN, 0, END * SECOND).length for version in (HIGH, LOW))
    assert sum(outage.low for outage in outages) == surely
    assert sum(outage.high for outage in outages) <= possibly
    assert all(one.ended is not None and one.ended <= other.began.at for one, other in pairwise(outages))
    assert all(outage.down.length == outage.point for outage in outages)
