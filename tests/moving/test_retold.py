"""What another monitor saw becomes facts that hold the truth (S5, S8, S11–S13)."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moving.worlds import (
    Look,
    Monitor,
    as_premised,
    check_bounds,
    check_coverage,
    some_absences,
    some_world,
    timeline_of,
)
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Instant
from slawatch.domain.observation import Cause, Verdict
from slawatch.domain.retold import Sample, Telling, retold
from slawatch.domain.state_machine import Cadence
from support.clock import START

EVERY = 60 * SECOND
CADENCE = Cadence(EVERY, 10 * SECOND, 20 * SECOND, confirm=2)
TELLING = Telling("other", CADENCE)


def good(at: Instant) -> Sample:
    return Sample(START + at, Verdict.UP)


def failed(at: Instant, confirms: bool | None = None) -> Sample:
    return Sample(START + at, Verdict.DOWN, confirms, "reported", "no alibi")


def told(samples: Iterable[Sample], telling: Telling = TELLING) -> list[tuple[str, int, int, int]]:
    """Word, at, earliest, latest, in microseconds from the start."""
    return [
        (f"{'blip ' if isinstance(fact, Blip) else ''}{fact.state.word}", fact.at - START, fact.earliest - START,
         fact.latest - START)
        for fact in retold(samples, telling)
    ]  # fmt: skip


def test_an_outage_begins_at_the_first_failure_and_ends_at_the_first_success() -> None:
    samples = [good(0), good(EVERY), failed(2 * EVERY), failed(3 * EVERY), good(4 * EVERY)]
    assert told(samples) == [
        ("up", 0, 0, 0),
        ("down", 2 * EVERY, EVERY, 2 * EVERY),
        ("up", 4 * EVERY, 3 * EVERY, 4 * EVERY),
        ("unknown", 4 * EVERY + 1, 4 * EVERY, 4 * EVERY + 1),
    ]


def test_silence_is_unknown_from_the_last_sample_on() -> None:
    """S13: 2·60 s + 10 s are spoken for; after 131 s nobody knows whether the monitor outlived its sample."""
    late = [good(0), good(131 * SECOND)]
    assert told(late)[1] == ("unknown", 1, 0, 1)
    assert [fact.cause for fact in retold(late, TELLING) if isinstance(fact, Change)][1] is Cause.MONITOR_STOPPED
    assert [word for word, *_ in told([good(0), good(130 * SECOND)])] == ["up", "unknown"]


@pytest.mark.parametrize(
    ("samples", "states"),
    [
        ([good(0), failed(EVERY, False), failed(2 * EVERY, False), good(3 * EVERY)], ["up", "blip down", "unknown"]),
        ([good(0), failed(EVERY, True), good(2 * EVERY)], ["up", "down", "up", "unknown"]),
        ([good(0), failed(EVERY, False), failed(2 * EVERY, True)], ["up", "down", "unknown"]),
        ([failed(0, True)], ["down", "unknown"]),
    ],
    ids=["never confirmed", "at once", "after a retry", "alone"],
)
def test_the_other_monitor_says_what_is_confirmed(samples: list[Sample], states: list[str]) -> None:
    assert [word for word, *_ in told(samples)] == states


def test_a_confirmed_outage_begins_at_its_first_retry() -> None:
    facts = told([good(0), failed(EVERY, False), failed(2 * EVERY, True)])
    assert facts[1] == ("down", EVERY, 0, EVERY)


def test_where_it_did_not_look_nothing_is_known() -> None:
    paused = Sample(START + EVERY, Verdict.VOID)
    facts = [fact for fact in retold([good(0), paused, good(2 * EVERY)], TELLING) if isinstance(fact, Change)]
    assert [(fact.state.word, fact.at - START) for fact in facts] == [
        ("up", 0), ("unknown", EVERY), ("up", 2 * EVERY), ("unknown", 2 * EVERY + 1),
    ]  # fmt: skip
    assert facts[1].cause is Cause.PAUSED


def test_nothing_is_told_from_where_slawatch_knows_by_itself() -> None:
    """The sample at 120 s shows that the monitor lived on, and is not told: up to 100 s it may have been up."""
    telling = Telling("other", CADENCE, before=START + 100 * SECOND)
    last = 100 * SECOND - 1
    assert told([good(0), good(EVERY), good(2 * EVERY)], telling)[1:] == [("unknown", last, EVERY, last)]
    assert told([good(0), good(EVERY), good(4 * EVERY)], telling)[1:] == [("unknown", EVERY + 1, EVERY, EVERY + 1)]
    assert told([good(2 * EVERY)], telling) == []


def test_vague_dates_widen_brackets_and_claim_nothing_after_unknown_time() -> None:
    """A sample dated 60.000 s may be of 60.000999 s."""
    telling = Telling("other", CADENCE, resolution=MILLISECOND)
    assert told([good(0), failed(EVERY, True)], telling)[:2] == [
        ("up", 999, 999, 999),
        ("down", EVERY, 0, EVERY + 999),
    ]


def test_samples_run_forwards() -> None:
    with pytest.raises(ValueError, match="expected them in order"):
        list(retold([good(EVERY), good(0)], TELLING))


def test_every_fact_names_its_source() -> None:
    facts = list(retold([good(0), failed(EVERY), good(2 * EVERY)], TELLING))
    assert {fact.source for fact in facts} == {"other"}


def samples_of(looks: Iterable[Look]) -> list[Sample]:
    return [Sample(look.at, Verdict.UP if look.up else Verdict.DOWN, None if look.up else look.down) for look in looks]


@given(st.integers(0, 2**32))
def test_bounds_hold_the_truth(seed: int) -> None:
    """S8: whatever was, however the other monitor worked, wherever it was away; S5: no more than it saw is known."""
    chance = random.Random(seed)
    length = chance.choice([HOUR, 12 * HOUR, DAY])
    world = some_world(chance, length, chance.choice([2 * MINUTE, HOUR]))
    retries = chance.randrange(4)
    monitor = Monitor(EVERY, retries, chance.choice([20, 60]) * SECOND, 5 * SECOND, some_absences(chance, length))
    looks = monitor.looks(world, START, START + length, chance)
    before = chance.choice([START + 2 * length, START + chance.randrange(length)])
    telling = Telling("other", Cadence(EVERY, 10 * SECOND, monitor.retry_interval, retries + 1), before)
    timeline = timeline_of(retold(samples_of(looks), telling))
    premised = as_premised(world, looks)
    check_coverage(timeline, looks, telling.cadence.speaks_for)
    for _ in range(20):
        start, end = sorted(START - HOUR + chance.randrange(length + 2 * HOUR) for _ in range(2))
        check_bounds(timeline, premised, start, end + 1)
    assert timeline.where(0, State.UNKNOWN, before, before + DAY).length == DAY
