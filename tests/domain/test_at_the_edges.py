"""Values at the edge of what a rule speaks of: nothing there, the first instant, the last microsecond."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from domain.small_cases import agreement, changes, judged, s, span, spans, timeline_of
from slawatch.domain.account import account
from slawatch.domain.account_json import account_object
from slawatch.domain.compliance import OutageSum, Verdict, verdict_of
from slawatch.domain.cron import CronSchedule
from slawatch.domain.facts import State
from slawatch.domain.interval import DAY, DISTANT_PAST, SECOND, IntervalSet
from slawatch.domain.observation import Cause
from slawatch.domain.risk import RunningOutage, running_outage
from slawatch.domain.service_hours import ALWAYS, Calendar, elapsed, parse_ranges
from slawatch.domain.state_machine import EndpointState, disown
from slawatch.domain.timeline import Timeline, closed, endpoint_timeline, pack, painted

U, D, X = State.UP, State.DOWN, State.UNKNOWN


def test_without_outages_there_is_no_longest_one() -> None:
    assert OutageSum.of([]) == OutageSum(0, 0, 0) == OutageSum()


def test_the_figures_of_outages_have_their_names() -> None:
    """Two outages, 30 s and 10 s, of 1000 s: restored in 20 s on average, 480 s of uptime for each."""
    contract = agreement()
    period = next(contract.periods.between(s(0), s(10**6)))
    seen = timeline_of("up 0, down 100, up 130, down 500, up 510")
    assert account_object(account(contract, period, seen, (), s(5000)))["outages"] == {
        "count": 2,
        "longest_us": 30_000_000,
        "mtrs_us": 20_000_000,
        "mtbf_us": 480_000_000,
        "mtbsi_us": 500_000_000,
    }


def test_s6_a_period_of_which_no_share_can_be_known_is_not_applicable() -> None:
    """S6: as of a counted period whose events lie at the very edge of hours that the period has none of."""
    found = judged(agreement(), timeline_of("up 0"))
    figures = agreement(), found.period, found.availability
    assert verdict_of(*figures, found.coverage, s(5000)) is Verdict.MET
    assert verdict_of(*figures, None, s(5000)) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("nothing", ["5", None, 5.0, (0, 10)])
def test_s1_only_instants_are_inside_anything(nothing: object) -> None:
    assert nothing not in spans("0-10")
    assert nothing not in span(0, 10)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("0-10", "0-10", ""),
        ("0-10", "10-20", "0-10"),
        ("10-20", "0-10", "10-20"),
        ("10-20, 30-40", "0-10, 20-30, 40-50", "10-20, 30-40"),
        ("0-40", "0-10, 20-30", "10-20, 30-40"),
    ],
)
def test_s1_what_touches_takes_nothing_away(left: str, right: str, expected: str) -> None:
    assert spans(left).difference(spans(right)) == spans(expected)


def test_s32_the_last_microsecond_of_a_window_may_start_a_run() -> None:
    """Half-open: a window that ends a microsecond after midnight holds the run of midnight, one at midnight not."""
    nightly = CronSchedule("0 0 * * *", "UTC")
    assert nightly.between(0, DAY + 1) == (0, DAY)
    assert nightly.between(0, DAY) == (0,)
    assert nightly.between(DAY, DAY + 1) == (DAY,)


@pytest.mark.parametrize("calendar", [ALWAYS, Calendar("office", "UTC", (parse_ranges(["08:00-18:00"]),) * 7)])
def test_s2_no_time_passes_between_an_instant_and_itself(calendar: Calendar) -> None:
    noon = s(12 * 3600)
    assert elapsed(calendar, noon, noon) == 0
    assert elapsed(calendar, noon, noon - 1) == 0
    assert elapsed(calendar, noon, noon + 1) == 1


def test_an_outage_since_ever_began_before_all_that_is_known() -> None:
    seen = Timeline([DISTANT_PAST, s(100), s(200)], [pack(D, D, D), pack(U, U, U), pack(D, D, D)])
    assert running_outage(seen, s(50), Fraction(1)) == RunningOutage(DISTANT_PAST, s(50), Fraction(1))
    assert running_outage(seen, s(250), Fraction(1)) == RunningOutage(s(200), s(250), Fraction(1))


def test_s3_a_disowned_endpoint_is_unknown_since_its_last_word() -> None:
    """The span begins at 100; a change that was recorded at 120 is answered there, and nothing is known since."""
    known = changes("up 0, down 120")
    state = EndpointState(State.DOWN, known=True, since=s(120), cause=None, fresh_until=s(300))
    after, _ = disown(state, known, s(100), s(135), Cause.CLOCK_STEP)
    assert (after.known, after.since, after.cause) == (False, s(120), Cause.CLOCK_STEP)
    earlier, _ = disown(replace(state, since=s(0)), known[:1], s(100), s(135), Cause.CLOCK_STEP)
    assert earlier.since == s(100)


@pytest.mark.parametrize(
    ("facts", "edge"),
    [
        ("up 0, unknown 100 monitor_stopped", "unknown 200 monitor_stopped"),  # the same unknown goes on
        ("up 0, unknown 100 monitor_stopped", "unknown 200 path_lost"),
        ("up 0, down 100 [50..100]", "unknown 200 monitor_stopped"),
    ],
)
def test_a_closed_timeline_is_the_one_that_is_built_anew(facts: str, edge: str) -> None:
    """Starts ascend, and neighbours differ."""
    [last] = changes(edge)
    found, anew = closed(timeline_of(facts), last), endpoint_timeline([*changes(facts), last])
    assert (list(found.starts), list(found.codes)) == (list(anew.starts), list(anew.codes))
    assert all(one != other for one, other in zip(found.codes, found.codes[1:], strict=False))


@pytest.mark.parametrize("state", [State.UP, State.DEGRADED, State.DOWN])
def test_s27_corrected_time_that_is_known_has_no_cause(state: State) -> None:
    """S5: causes belong to unknown time."""
    found = painted(timeline_of("unknown 0"), IntervalSet.span(s(10), s(20)), state)
    assert found.at(s(15)) == pack(state, state, state)
    assert found.at(s(20)) == timeline_of("unknown 0").at(s(20))


def test_s27_corrected_time_that_is_unknown_has_been_stated() -> None:
    stated = painted(timeline_of("up 0"), IntervalSet.span(s(10), s(20)), X)
    assert stated.at(s(15)) == pack(X, X, X, Cause.STATED)
    assert judged(agreement(), stated).unknown_by == {Cause.STATED: 10 * SECOND}
