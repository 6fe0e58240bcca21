"""Merging, minimum outage (S18) and granularity (S19). Numbers are seconds; T0 is a whole UTC minute."""

from __future__ import annotations

from itertools import pairwise

import pytest

from domain.small_cases import agreement, judged, maintenance, options, seconds, spans, spell, spell_set, timeline_of
from slawatch.domain.interval import SECOND, IntervalSet
from slawatch.domain.outage_rules import apply_outage_rules
from slawatch.domain.timeline import HIGH, LOW


@pytest.mark.parametrize(
    ("ignore", "facts", "point", "suppressed"),
    [
        # 29 s are shorter than 30 s
        ("30s", "up 0, down 100, up 129", "0 up", "100-129"),
        # 30 s are not
        ("30s", "up 0, down 100, up 130", "0 up, 100 down, 130 up", ""),
        ("0s", "up 0, down 100, up 101", "0 up, 100 down, 101 up", ""),
        # two short ones stay short: nothing is merged unless the contract says so
        ("30s", "up 0, down 100, up 120, down 121, up 140", "0 up", "100-120, 121-140"),
        # the degraded time beside an ignored outage stays degraded
        ("30s", "degraded 0, down 100, degraded 120", "0 degraded, 100 up, 120 degraded", "100-120"),
        # unknown time ends an outage: what follows it is another one
        ("30s", "up 0, down 100, unknown 120, down 200, up 220", "0 up, 120 unknown, 200 up", "100-120, 200-220"),
    ],
)
def test_s18_short_outages_are_ignored(ignore: str, facts: str, point: str, suppressed: str) -> None:
    """S18: `ignore_outages_shorter_than`, and what it suppresses is always shown; edge case 24."""
    counted, gone = apply_outage_rules(timeline_of(facts), options(ignore_outages_shorter_than=ignore))
    assert spell(counted) == point
    assert spell_set(gone) == suppressed


@pytest.mark.parametrize(
    ("merge", "facts", "point"),
    [
        # a good gap of 9 s inside an outage is shorter than 10 s and counts as outage
        ("10s", "up 0, down 100, up 120, down 129, up 150", "0 up, 100 down, 150 up"),
        # 10 s are not shorter
        ("10s", "up 0, down 100, up 120, down 130, up 150", "0 up, 100 down, 120 up, 130 down, 150 up"),
        # degraded time is a gap as well
        ("10s", "up 0, down 100, degraded 120, down 125, up 150", "0 up, 100 down, 150 up"),
        # unknown time is no gap: it stays unknown
        (
            "10s",
            "up 0, down 100, unknown 120, down 125, up 150",
            "0 up, 100 down, 120 unknown, 125 down, 150 up",
        ),
        # three in a row
        ("10s", "up 0, down 10, up 12, down 20, up 22, down 30, up 32", "0 up, 10 down, 32 up"),
    ],
)
def test_s18_short_gaps_are_merged(merge: str, facts: str, point: str) -> None:
    """S18: `merge_gaps_shorter_than`; edge case 14."""
    counted, gone = apply_outage_rules(timeline_of(facts), options(merge_gaps_shorter_than=merge))
    assert spell(counted) == point
    assert not gone


def test_s18_merging_comes_first() -> None:
    """S18: 20 s + gap of 5 s + 20 s = 45 s, which are not shorter than 30 s, although each part was."""
    facts = "up 0, down 100, up 120, down 125, up 145"
    rules = options(merge_gaps_shorter_than="10s", ignore_outages_shorter_than="30s")
    counted, gone = apply_outage_rules(timeline_of(facts), rules)
    assert spell(counted) == "0 up, 100 down, 145 up"
    assert not gone


def test_s18_whole_outages_are_measured_before_anything_clips_them() -> None:
    """S18: 40 s of outage, of which maintenance leaves 10 s, hours 10 s, the period's end 10 s: none is ignored,
    since the outage itself was not shorter than 30 s."""
    facts = timeline_of("up 0, down 100, up 140")
    rules = options(ignore_outages_shorter_than="30s")
    excluded = judged(agreement(options=rules), facts, excluded=[maintenance(110, 200)])
    assert seconds(excluded.classes) == (900, 0, 10, 0)  # 1000 - 90 excluded - 10 down
    assert judged(agreement(options=rules), facts, hours=spans("0-110")).classes.down == 10 * SECOND
    assert judged(agreement(options=rules, end=110), facts).classes.down == 10 * SECOND
    assert judged(agreement(options=rules, start=130), facts).classes.down == 10 * SECOND


def test_s18_suppressed_time_is_counted_inside_service_time() -> None:
    """S18: of 20 s that were ignored 5 s fell into maintenance, so 15 s are suppressed."""
    facts = timeline_of("up 0, down 100, up 120, unknown 1000")
    account = judged(
        agreement(options=options(ignore_outages_shorter_than="30s")), facts, excluded=[maintenance(115, 200)]
    )
    assert account.suppressed == 15 * SECOND
    assert account.classes.down == 0


def test_s18_each_figure_is_ruled_by_itself() -> None:
    """S18, S8: 40 s in low, 20 s in point, 10 s in high, under a minimum of 30 s: only low still counts it."""
    facts = timeline_of("up 0, down 100 [90..110], up 120 [120..130]")
    counted, gone = apply_outage_rules(facts, options(ignore_outages_shorter_than="30s"))
    assert spell(counted, LOW) == "0 up, 90 down, 130 up"
    assert spell(counted) == "0 up"
    assert spell(counted, HIGH) == "0 up"
    assert spell_set(gone) == "100-120"


@pytest.mark.parametrize(
    ("granularity", "facts", "down"),
    [
        ("exact", "up 0, down 59, up 61", "59-61"),
        # two seconds touch the minutes 0-60 and 60-120
        ("per minute, any", "up 0, down 59, up 61", "0-120"),
        ("per minute, any", "up 0, down 60, up 120", "60-120"),
        # no minute was down throughout
        ("per minute, all", "up 0, down 1, up 119", ""),
        ("per minute, all", "up 0, down 1, up 120", "60-120"),
        ("per minute, all", "up 0, down 60, up 180", "60-180"),
        # 45 s begin one block of 30 s and a second one: 100-160
        ("per started block of 30s", "up 0, down 100, up 145", "100-160"),
        # 30 s are exactly one block, one more second begins another
        ("per started block of 30s", "up 0, down 100, up 130", "100-130"),
        ("per started block of 30s", "up 0, down 100, up 131", "100-160"),
        # blocks start with each outage, and overlapping ones count once: 100-130 and 120-150
        ("per started block of 30s", "up 0, down 100, up 101, down 120, up 121", "100-150"),
        # unknown time is neither rounded into downtime
        ("per minute, any", "up 0, down 70, unknown 80", "60-80"),
        ("per started block of 30s", "up 0, down 100, unknown 110", "100-110"),
        # nor does it keep a minute from being down: all that is known of 60-120 is down
        ("per minute, all", "up 0, down 60, unknown 90, up 120", "60-90"),
        ("per minute, all", "up 0, unknown 60, up 119", ""),
    ],
)
def test_s19_granularity(granularity: str, facts: str, down: str) -> None:
    """S19: UTC minutes, or blocks from the outage's start."""
    counted, _ = apply_outage_rules(timeline_of(facts), options(granularity=granularity))
    parts = [part.split() for part in spell(counted).split(", ")] + [["1000", "end"]]
    found = ", ".join(f"{at}-{after[0]}" for (at, word), after in pairwise(parts) if word == "down")
    assert found == down


def test_s19_rounding_comes_after_the_minimum() -> None:
    """S18, S19: an outage of 20 s that is ignored starts no block."""
    rules = options(ignore_outages_shorter_than="30s", granularity="per started block of 60s")
    counted, _ = apply_outage_rules(timeline_of("up 0, down 100, up 120, down 300, up 331"), rules)
    assert spell(counted) == "0 up, 300 down, 360 up"


def test_s19_what_rounding_drops_is_suppressed() -> None:
    """S18, S19: 118 s of downtime in which no whole minute was down."""
    _, gone = apply_outage_rules(timeline_of("up 0, down 1, up 119"), options(granularity="per minute, all"))
    assert spell_set(gone) == "1-119"


def test_s19_blocks_begin_before_the_period_does() -> None:
    """S18, S19: from the outage's own start, 90, the blocks of 30 s end at 120, 20 s into the period from 100."""
    account = judged(
        agreement(start=100, options=options(granularity="per started block of 30s")),
        timeline_of("up 0, down 90, up 105, unknown 1000"),
    )
    assert account.classes.down == 20 * SECOND


def test_rules_that_ask_for_nothing_change_nothing() -> None:
    """S18, S19: the defaults leave the timeline as it is."""
    timeline = timeline_of("up 0, down 100 [90..110], up 120")
    assert apply_outage_rules(timeline, options()) == (timeline, IntervalSet())
