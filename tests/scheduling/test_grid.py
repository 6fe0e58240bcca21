"""Where slots lie: by arithmetic, and by property."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.interval import HOUR, MINUTE, SECOND
from slawatch.scheduling.grid import Grid, spread

ORIGIN = Grid(0)

EVERY = st.integers(1, 7 * 24 * HOUR)
NUMBER = st.integers(0, 2**64 - 1)
INSTANT = st.integers(-(10**17), 10**17)


@pytest.mark.parametrize(
    ("instant", "every", "number", "slot"),
    [
        (0, 60, 0, 60),  # a slot at the instant itself is not later than it
        (59, 60, 0, 60),
        (60, 60, 0, 120),
        (0, 60, 7, 7),
        (7, 60, 7, 67),
        (0, 60, 67, 7),  # 67 mod 60 = 7
        (-1, 60, 0, 0),
        (-60, 60, 0, 0),
    ],
)
def test_the_first_slot_later_than_an_instant(instant: int, every: int, number: int, slot: int) -> None:
    assert ORIGIN.slot_after(instant, every, number) == slot


@pytest.mark.parametrize(
    ("after", "before", "count"),
    [
        (0, 60, 0),  # 60 is not earlier than 60
        (0, 61, 1),
        (-1, 61, 2),  # 0 and 60
        (0, 181, 3),  # 60, 120, 180
        (10, 20, 0),
        (20, 10, 0),
        (600, 0, 0),
    ],
)
def test_how_many_slots_lie_between(after: int, before: int, count: int) -> None:
    assert ORIGIN.slots_between(after, before, 60, 0) == count


@given(INSTANT, EVERY, NUMBER, INSTANT)
def test_slots_are_every_apart_and_later(instant: int, every: int, number: int, offset: int) -> None:
    grid = Grid(offset)
    slot = grid.slot_after(instant, every, number)
    assert instant < slot <= instant + every
    assert grid.slot_after(slot, every, number) == slot + every
    assert (slot - offset - number) % every == 0


@given(INSTANT, EVERY, NUMBER)
def test_the_first_probe_comes_within_a_minute_and_on_the_grid_of_short_intervals(
    now: int, every: int, number: int
) -> None:
    first = ORIGIN.first_slot(now, every, number)
    assert now < first <= now + min(every, MINUTE)
    if every <= MINUTE:
        assert first == ORIGIN.slot_after(now, every, number)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**4), NUMBER)
def test_counting_slots_is_walking_them(after: int, before: int, every: int, number: int) -> None:
    walked, slot = 0, ORIGIN.slot_after(after, every, number)
    while slot < before:
        walked, slot = walked + 1, slot + every
    assert ORIGIN.slots_between(after, before, every, number) == walked


def test_the_number_of_an_identity_is_the_same_in_every_process() -> None:
    code = "from slawatch.scheduling.grid import spread; print(spread('acme/router'))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {f"{spread('acme/router')}\n"}


def test_numbers_of_neighbours_are_far_apart() -> None:
    slots = sorted(spread(f"acme/host{n}") % (60 * SECOND) for n in range(1_000))
    per_second = [sum(1 for slot in slots if slot // SECOND == second) for second in range(60)]
    assert max(per_second) <= 40  # 16.7 on average
