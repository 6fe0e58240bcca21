"""From facts to what an endpoint or a service was at every instant (S4, S5, S8, S14, S17)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from domain.small_cases import (
    agreement,
    changes,
    judged,
    maintenance,
    s,
    seconds,
    span,
    spans,
    spell,
    spell_set,
    timeline_of,
)
from slawatch.domain.account import contract_timeline, exclusions_for, members
from slawatch.domain.compliance import judge
from slawatch.domain.contract import Options
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import SECOND
from slawatch.domain.observation import Cause
from slawatch.domain.period import Period
from slawatch.domain.timeline import (
    HIGH,
    LOW,
    POINT,
    UNOBSERVED,
    cause_of,
    closed,
    endpoint_timeline,
    outages,
    painted,
    totals,
    unreachable_as_unknown,
)


@pytest.mark.parametrize(
    ("facts", "point", "low", "high"),
    [
        # exact changes: three equal versions
        ("up 0, down 100, up 200", "0 up, 100 down, 200 up", "0 up, 100 down, 200 up", "0 up, 100 down, 200 up"),
        # a bracket on both sides of each change
        (
            "up 0, down 100 [90..110], up 200 [180..220]",
            "0 up, 100 down, 200 up",
            "0 up, 90 down, 220 up",
            "0 up, 110 down, 180 up",
        ),
        # probes: earliest is the other neighbour, latest the change itself
        (
            "up 0, down 100 [60..100], up 200 [190..200]",
            "0 up, 100 down, 200 up",
            "0 up, 60 down, 200 up",
            "0 up, 100 down, 190 up",
        ),
        # before unknown time the last good is the last certain instant
        ("up 0, unknown 100 [60..100]", "0 up, 100 unknown", "0 up, 60 down, 100 unknown", "0 up, 100 unknown"),
        (
            "down 0, unknown 100 [60..100]",
            "0 down, 100 unknown",
            "0 down, 100 unknown",
            "0 down, 60 up, 100 unknown",
        ),
        # degraded between its neighbours: the worse of the two in low, the better in high
        (
            "up 0, degraded 100 [60..100], down 200 [160..200]",
            "0 up, 100 degraded, 200 down",
            "0 up, 60 degraded, 160 down",
            "0 up, 100 degraded, 200 down",
        ),
        (
            "down 0, degraded 100 [60..100], up 200 [160..200]",
            "0 down, 100 degraded, 200 up",
            "0 down, 100 degraded, 200 up",
            "0 down, 60 degraded, 160 up",
        ),
        # brackets are cut by the neighbouring changes: a segment of 10 s between two wide brackets
        (
            "up 0, down 100 [50..150], up 110 [20..200]",
            "0 up, 100 down, 110 up",
            "0 up, 50 down, 200 up",
            "0 up",
        ),
        # a bracket does not reach into unknown time
        ("unknown 0, up 100 [50..150]", "0 unknown, 100 up", "0 unknown, 100 down, 150 up", "0 unknown, 100 up"),
    ],
)
def test_s8_three_versions_of_one_endpoint(facts: str, point: str, low: str, high: str) -> None:
    """S8: low takes the worse and high the better of two neighbours that disagree, point the change's own instant."""
    timeline = timeline_of(facts)
    assert spell(timeline, POINT) == point
    assert spell(timeline, LOW) == low
    assert spell(timeline, HIGH) == high


@pytest.mark.parametrize(
    ("blip", "low", "high"),
    [
        # an unconfirmed failure touches low only: from last good to next good
        (Blip(s(50), State.DOWN, s(40), s(60)), "0 up, 40 down, 60 up, 100 down, 200 up", "0 up, 100 down, 200 up"),
        # a success inside the outage touches high only: from last failed to next failed
        (Blip(s(150), State.UP, s(140), s(160)), "0 up, 100 down, 200 up", "0 up, 100 down, 140 up, 160 down, 200 up"),
        (
            Blip(s(150), State.DEGRADED, s(140), s(160)),
            "0 up, 100 down, 200 up",
            "0 up, 100 down, 140 up, 160 down, 200 up",
        ),
    ],
)
def test_s8_blips_touch_one_version(blip: Blip, low: str, high: str) -> None:
    """S8, S12: what was not confirmed leaves the point figure alone; edge case 15."""
    timeline = timeline_of("up 0, down 100, up 200", [blip])
    assert spell(timeline) == "0 up, 100 down, 200 up"
    assert spell(timeline, LOW) == low
    assert spell(timeline, HIGH) == high


def test_s8_a_blip_does_not_turn_unknown_time_into_anything() -> None:
    """S5: unknown stays unknown in all three."""
    timeline = timeline_of("up 0, unknown 100", [Blip(s(110), State.DOWN, s(90), s(120))])
    assert spell(timeline, LOW) == "0 up, 90 down, 100 unknown"
    assert spell(timeline, HIGH) == "0 up, 100 unknown"


@pytest.mark.parametrize(
    ("facts", "point", "causes"),
    [
        ("up 100", "0 unknown, 100 up", ["never_observed"]),
        ("unknown 0, up 100", "0 unknown, 100 up", ["stated"]),
        ("up 0, unknown 100 monitor_stopped", "0 up, 100 unknown", ["monitor_stopped"]),
        # two causes in a row are told apart
        (
            "up 0, unknown 100 path_lost, unknown 200 clock_step",
            "0 up, 100 unknown",
            ["path_lost", "clock_step"],
        ),
    ],
)
def test_s5_unknown_time_has_a_cause(facts: str, point: str, causes: list[str]) -> None:
    """S5: a class with a cause."""
    timeline = timeline_of(facts)
    assert spell(timeline) == point
    pieces = [cause_of(code) for _, _, code in timeline.pieces(s(0), s(1000))]
    assert [cause.value for cause in pieces if cause] == causes


def test_s5_no_facts_are_unknown_for_ever() -> None:
    """S5: an endpoint that nobody observed."""
    assert spell(endpoint_timeline([])) == "0 unknown"
    assert spell(UNOBSERVED) == "0 unknown"
    account = judged(agreement(), UNOBSERVED)
    assert account.unknown_by == {Cause.NEVER_OBSERVED: 1000 * SECOND}


@pytest.mark.parametrize(
    ("facts", "point"),
    [
        ("up 0, down 100, up 100", "0 up"),
        ("up 0, up 100, down 100", "0 up, 100 down"),
        ("up 0, down 100, unknown 100, degraded 100", "0 up, 100 degraded"),
    ],
)
def test_s17_of_two_states_at_one_instant_the_later_entry_wins(facts: str, point: str) -> None:
    """S17: by ledger sequence."""
    assert spell(timeline_of(facts)) == point


def test_s17_simultaneous_events_leave_no_instant_twice_or_never() -> None:
    """S17; edge case 29: one exclusion ends at 100, another starts there, the service goes down there, hours end at
    200: every boundary is half-open, so each second has one class."""
    account = judged(
        agreement(),
        timeline_of("up 0, down 100, up 200"),
        hours=spans("0-200"),
        excluded=[maintenance(50, 100), maintenance(100, 110, kind="other", reason="x", approved_by="y")],
    )
    assert seconds(account.classes) == (50, 0, 90, 0)
    assert account.excluded_by == {"maintenance": 50 * SECOND, "other": 10 * SECOND}
    assert account.outside_hours == 800 * SECOND


@pytest.mark.parametrize(
    ("valid", "hours", "excluded", "classes", "other"),
    [
        # up 0-400, degraded 400-500, down 500-600, unknown from 600: nothing else
        ((0, 1000), None, [], (400, 100, 100, 400), (0, 0, 0)),
        # hours 300-700 leave 100 up, 100 degraded, 100 down, 100 unknown
        ((0, 1000), "300-700", [], (100, 100, 100, 100), (0, 600, 0)),
        # an exclusion 450-650 takes 50 degraded, 100 down, 50 unknown
        ((0, 1000), None, [(450, 650)], (400, 50, 0, 350), (200, 0, 0)),
        # what is outside the contract is nothing else: valid 350-1000, hours 300-700, excluded 250-450
        ((350, 1000), "300-700", [(250, 450)], (0, 50, 100, 100), (100, 300, 350)),
        # what is outside hours is not excluded
        ((0, 1000), "0-100", [(50, 1000)], (50, 0, 0, 0), (50, 900, 0)),
    ],
)
def test_s4_one_class_for_each_instant(
    valid: tuple[int, int],
    hours: str | None,
    excluded: list[tuple[int, int]],
    classes: tuple[int, int, int, int],
    other: tuple[int, int, int],
) -> None:
    """S4: outside_contract > outside_hours > excluded > the service's own state; together the period's length."""
    contract = agreement(valid=span(*valid))
    period = Period(s(0), s(1000), False, span(0, 1000), Fraction(1), True)
    account = judge(
        contract,
        period,
        timeline_of("up 0, degraded 400, down 500, unknown 600"),
        None if hours is None else spans(hours),
        exclusions_for(contract, [maintenance(*interval) for interval in excluded], period.interval),
        s(1000),
    )
    aside = (account.excluded, account.outside_hours, account.outside_contract)
    assert seconds(account.classes) == classes
    assert aside == tuple(value * SECOND for value in other)
    assert account.classes.total + sum(aside) == period.end - period.start


_CHILD_AND_PARENT = {"child": "up 0, down 100, up 200", "parent": "up 0, down 150, up 300"}


@pytest.mark.parametrize(
    ("unreachable_is_down", "point", "ratio"),
    [
        # down 100-200 in full: 900 of 1000
        (True, "0 up, 100 down, 200 up", (900, 1000)),
        # both down 150-200: unknown; 900 of 950
        (False, "0 up, 100 down, 150 unknown, 200 up", (900, 950)),
    ],
)
def test_s14_behind_a_parent(unreachable_is_down: bool, point: str, ratio: tuple[int, int]) -> None:
    """S14; edge case 22: time in which child and parent are both down, as the contract chooses."""
    contract = agreement("child", parents={"child": "parent"}, options=Options(unreachable_is_down=unreachable_is_down))
    lines = {name: timeline_of(text) for name, text in _CHILD_AND_PARENT.items()}
    timeline = contract_timeline(contract, lines)
    assert spell(timeline) == point
    account = judged(contract, timeline)
    assert account.availability.point is not None
    assert account.availability.point * ratio[1] == ratio[0]
    assert members(contract) == ({"child"} if unreachable_is_down else {"child", "parent"})


def test_s14_the_cause_says_so() -> None:
    """S5, S14: unknown time of an unreachable endpoint has the cause `unreachable`."""
    lines = {name: timeline_of(text) for name, text in _CHILD_AND_PARENT.items()}
    child = unreachable_as_unknown(lines, {"child": "parent"})["child"]
    assert cause_of(child.at(s(150))) is Cause.UNREACHABLE
    assert cause_of(child.at(s(149))) is None


def test_s14_a_parent_that_is_unknown_excuses_nothing() -> None:
    """S14: only a parent that is down."""
    lines = {"child": timeline_of("up 0, down 100"), "parent": timeline_of("up 0, unknown 150")}
    assert spell(unreachable_as_unknown(lines, {"child": "parent"})["child"]) == "0 up, 100 down"


def test_s14_the_grandparent_does_not_count() -> None:
    """S14 speaks of a child and its own parent."""
    lines = {
        "child": timeline_of("down 0"),
        "parent": timeline_of("up 0"),
        "router": timeline_of("down 0"),
    }
    changed = unreachable_as_unknown(lines, {"child": "parent", "parent": "router"})
    assert spell(changed["child"]) == "0 down"


def test_s14_low_excuses_where_the_parent_was_certainly_down() -> None:
    """S8, S14: the child is down 100-200; the parent between 120 and 180 at least, between 110 and 190 at most.
    Low takes only what is certain for unreachable, high all that is possible."""
    lines = {
        "child": timeline_of("up 0, down 100, up 200"),
        "parent": timeline_of("up 0, down 115 [110..120], up 185 [180..190]"),
    }
    child = unreachable_as_unknown(lines, {"child": "parent"})["child"]
    assert spell(child, LOW) == "0 up, 100 down, 120 unknown, 180 down, 200 up"
    assert spell(child) == "0 up, 100 down, 115 unknown, 185 down, 200 up"
    assert spell(child, HIGH) == "0 up, 100 down, 110 unknown, 190 down, 200 up"


def test_s24_an_outage_across_a_boundary_is_split_there() -> None:
    """S24; edge case 37: down 900-1100 is 100 s of the period to 1000 and 100 s of the one from 1000."""
    timeline = timeline_of("up 0, down 900, up 1100, unknown 2000")
    first, second = judged(agreement(), timeline), judged(agreement(start=1000, end=2000), timeline)
    assert seconds(first.classes) == (900, 0, 100, 0)
    assert seconds(second.classes) == (900, 0, 100, 0)
    assert first.outage_figures.count == second.outage_figures.count == 1


def test_s27_a_correction_paints_all_three_versions() -> None:
    """S27: a correction that the evaluation applies."""
    timeline = painted(timeline_of("up 0, down 100 [90..110], up 200"), spans("80-150"), State.UP)
    for version in (LOW, POINT, HIGH):
        assert spell(timeline, version) == "0 up, 150 down, 200 up"
    unknown = painted(timeline_of("up 0"), spans("10-20"), State.UNKNOWN)
    assert spell(unknown) == "0 up, 10 unknown, 20 up"
    assert cause_of(unknown.at(s(10))) is Cause.STATED


@pytest.mark.parametrize(
    ("facts", "edge"),
    [
        ("up 0", Change(s(100), State.UNKNOWN, s(60), s(100), Cause.NO_FURTHER_DATA)),
        ("up 0", Change(s(100), State.UNKNOWN, s(0), s(100), Cause.STALE)),
        ("up 0", Change(s(0), State.UNKNOWN, s(0), s(0), Cause.STALE)),
        ("up 0, down 100 [60..100]", Change(s(100), State.UNKNOWN, s(100), s(100), Cause.STALE)),
        ("up 0, down 100 [60..100]", Change(s(200), State.UNKNOWN, s(100), s(200), Cause.STALE)),
        ("up 0, down 100 [60..100]", Change(s(200), State.UNKNOWN, s(150), s(200), Cause.STALE)),
        ("up 0, unknown 100 [60..100], degraded 150", Change(s(200), State.UNKNOWN, s(170), s(200), Cause.STALE)),
    ],
)
def test_a_closed_timeline_is_the_one_built_anew(facts: str, edge: Change) -> None:
    """The quick way of closing the open end is held equal to the plain one."""
    assert closed(timeline_of(facts), edge) == endpoint_timeline([*changes(facts), edge])


@pytest.mark.parametrize(
    ("facts", "low", "high"),
    [
        # what was seen at 100 is unknown again at once: the failure is still the neighbour of the time before
        ("up 0, down 100 [60..100], unknown 100", "0 up, 60 down, 100 unknown", "0 up, 100 unknown"),
        ("down 0, up 100 [60..100], unknown 100", "0 down, 100 unknown", "0 down, 60 up, 100 unknown"),
        ("down 0, degraded 100 [60..100], unknown 100", "0 down, 100 unknown", "0 down, 60 degraded, 100 unknown"),
        # a later known entry replaces the earlier one wholly (S17)
        ("up 0, down 100 [60..100], up 100", "0 up", "0 up"),
    ],
)
def test_s8_an_end_leaves_the_bracket_before_it(facts: str, low: str, high: str) -> None:
    """S8, S17: unknown time that begins where a change was seen says nothing against that change."""
    assert spell(timeline_of(facts), LOW) == low
    assert spell(timeline_of(facts), HIGH) == high


def test_totals_add_up_over_any_set() -> None:
    """S4: 10-20 and 95-105 hold 15 s up and 5 s down."""
    timeline = timeline_of("up 0, down 100, up 200")
    sums = totals(timeline, spans("10-20, 95-105"))
    assert sorted(sums.values()) == [5 * SECOND, 15 * SECOND]
    assert totals(timeline, spans("")) == {}


def test_outages_are_maximal_and_clipped() -> None:
    """S24: the down intervals of one version inside a span."""
    timeline = timeline_of("up 0, down 100 [90..100], degraded 200, down 300, unknown 400")
    found = outages(timeline, POINT, s(150), s(1000))
    assert found == [span(150, 200), span(300, 400)]
    assert outages(timeline, LOW, s(0), s(150)) == [span(90, 150)]
    assert spell_set(timeline.where(POINT, State.DOWN, s(0), s(120))) == "100-120"
