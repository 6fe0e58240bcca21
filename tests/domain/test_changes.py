"""Packed changes are the same changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.small_cases import s
from slawatch.domain.changes import Changes
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.observation import Cause
from slawatch.domain.timeline import endpoint_timeline


@st.composite
def change(draw: st.DrawFn) -> Change:
    """Mostly exact, now and then with a bracket, a cause where none belongs, or words."""
    at, state = draw(st.integers(0, 30)), draw(st.sampled_from(list(State)))
    plain = draw(st.booleans())
    low, high = (at, at) if plain else (at - draw(st.integers(0, 5)), at + draw(st.integers(0, 5)))
    cause = draw(st.sampled_from([None, *Cause])) if state is State.UNKNOWN or draw(st.integers(0, 9)) == 0 else None
    confirmed = None if plain else draw(st.sampled_from([None, s(at), s(at + 1)]))
    return Change(
        s(at), state, s(low), s(high), cause, confirmed, "" if plain else draw(st.sampled_from(["", "refused"]))
    )


LISTS = st.one_of(
    st.lists(change(), max_size=12),
    st.lists(change(), max_size=12, unique_by=lambda each: each.at).map(sorted),
    st.lists(
        st.builds(lambda at, state: Change(s(at), state, s(at), s(at)), st.integers(0, 99), st.sampled_from(State))
    ),
)


@given(LISTS)
def test_every_change_comes_back(listed: list[Change]) -> None:
    packed = Changes(listed)
    assert list(packed) == listed
    assert packed == listed
    assert packed == Changes(listed)
    assert packed[1:] == listed[1:]
    assert not listed or packed[-1] == listed[-1]
    assert packed != [*listed, Change(0, State.UP, 0, 0)]


@given(LISTS)
def test_of_two_at_one_instant_the_later_stays_later(listed: list[Change]) -> None:
    """S17."""
    packed = Changes(listed)
    packed.sort()
    assert packed == sorted(listed, key=lambda each: each.at)


@given(LISTS, st.lists(st.integers(0, 99), max_size=2))
def test_their_timeline_is_that_of_the_changes(listed: list[Change], failed: list[int]) -> None:
    listed.sort(key=lambda each: each.at)
    blips = [Blip(s(at), State.DOWN, s(at - 2), s(at + 2)) for at in failed]
    assert Changes(listed).timeline(blips) == endpoint_timeline(listed, blips)


@given(LISTS, st.integers(-1, 40))
def test_after_the_end_nothing_is_known(listed: list[Change], end: int) -> None:
    """S5: what follows the end is left out, and leaves uncertain what it may reach back to."""
    listed.sort(key=lambda each: each.at)
    kept = [each for each in listed if each.at <= s(end)]
    if kept and kept[-1].state is not State.UNKNOWN:
        after = [each for each in listed if each.at > s(end)]
        earliest = max(kept[-1].at, min(after[0].earliest, s(end))) if after else s(end)
        kept.append(Change(s(end), State.UNKNOWN, earliest, s(end), Cause.NO_FURTHER_DATA))
    assert Changes(listed).until(s(end)) == kept


def test_an_index_beyond_the_end_is_refused() -> None:
    packed = Changes([Change(1, State.UP, 1, 1)])
    for index in (1, -2):
        with pytest.raises(IndexError):
            packed[index]
