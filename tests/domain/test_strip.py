"""A period as a strip of classes: nothing is hidden (S4)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from domain.small_cases import s, span, spans, timeline_of
from slawatch.domain.facts import State
from slawatch.domain.interval import SECOND, IntervalSet
from slawatch.domain.strip import StripPiece, state_at, strip


def spelt(pieces: tuple[StripPiece, ...]) -> str:
    return ", ".join(
        f"{(piece.start - s(0)) // SECOND}-{(piece.end - s(0)) // SECOND} {piece.kind}" for piece in pieces
    )


@pytest.mark.parametrize(
    ("hours", "excluded", "expected"),
    [
        (None, None, "0-400 up, 400-500 down, 500-1000 unknown"),
        ("0-450", None, "0-400 up, 400-450 down, 450-1000 outside_hours"),
        (None, "350-450", "0-350 up, 350-450 excluded, 450-500 down, 500-1000 unknown"),
        # outside hours goes before excluded (S4)
        ("0-400", "350-450", "0-350 up, 350-400 excluded, 400-1000 outside_hours"),
    ],
)
def test_s4_a_strip_shows_each_class(hours: str | None, excluded: str | None, expected: str) -> None:
    """S4: one class for each instant, from left to right without a gap."""
    pieces = strip(
        timeline_of("up 0, down 400, unknown 500"),
        span(0, 1000),
        None if hours is None else spans(hours),
        None if excluded is None else spans(excluded),
    )
    assert spelt(pieces) == expected


def test_a_short_outage_stays_visible_in_few_cells() -> None:
    """A cell shows the worst that it touches: one second of downtime in 1000 s and four cells."""
    many = ", ".join(f"up {at}, degraded {at + 1}" for at in range(0, 900, 10))
    pieces = strip(timeline_of(f"{many}, down 905, up 906"), span(0, 1000), most=4)
    assert spelt(pieces) == "0-750 degraded, 750-1000 down"


@pytest.mark.parametrize("most", [1, 2, 7, 240])
def test_cells_tile_the_span(most: int) -> None:
    """However few cells there are, they begin and end with the span and touch one another."""
    many = ", ".join(f"up {at}, down {at + 1}" for at in range(0, 1000, 3))
    pieces = strip(timeline_of(many), span(0, 1000), most=most)
    assert len(pieces) <= most
    assert pieces[0].start == s(0)
    assert pieces[-1].end == s(1000)
    assert all(one.end == other.start for one, other in pairwise(pieces))


def test_an_empty_span_has_no_pieces() -> None:
    assert strip(timeline_of("up 0"), span(5, 5)) == ()
    assert strip(timeline_of("up 0"), span(0, 10), IntervalSet()) == (StripPiece(s(0), s(10), "outside_hours"),)


@pytest.mark.parametrize(
    ("at", "state", "since"),
    [
        (50, State.UP, 0),
        # just before 100 it was still up
        (100, State.UP, 0),
        (101, State.DOWN, 100),
        # two entries of the same state are one stretch
        (300, State.DOWN, 100),
        (1000, State.UP, 400),
    ],
)
def test_the_state_now_and_since_when(at: int, state: State, since: int) -> None:
    """By the point version; brackets do not begin a new stretch."""
    timeline = timeline_of("up 0, down 100 [90..110], down 200, up 400 [390..410]")
    assert state_at(timeline, s(at)) == (state, s(since))


def test_a_state_without_a_beginning() -> None:
    """Unknown since ever."""
    assert state_at(timeline_of("up 100"), s(50)) == (State.UNKNOWN, None)
