"""Values at the edge of what a rule speaks of: nothing there, the first instant, the last microsecond."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from fractions import Fraction

import pytest

from domain.small_cases import (
    agreement,
    cadence,
    changes,
    judged,
    maintenance,
    observation,
    observed,
    s,
    span,
    spans,
    timeline_of,
)
from slawatch.domain.account import account
from slawatch.domain.account_json import account_object
from slawatch.domain.burn import used_in
from slawatch.domain.compliance import OutageSum, Verdict, verdict_of
from slawatch.domain.counted_risk import assess_counts
from slawatch.domain.cron import CronSchedule
from slawatch.domain.facts import Blip, State
from slawatch.domain.interval import DAY, DISTANT_PAST, HOUR, MINUTE, SECOND, IntervalSet
from slawatch.domain.observation import Cause
from slawatch.domain.recurrence import Recurrence
from slawatch.domain.risk import Level, RunningOutage, running_outage
from slawatch.domain.service_hours import ALWAYS, Calendar, elapsed, parse_ranges
from slawatch.domain.slots import SlotRule
from slawatch.domain.state_machine import EndpointState, disown, step
from slawatch.domain.strip import state_at
from slawatch.domain.tickets import (
    ClockResult,
    DeskFigures,
    EventKind,
    TicketEvent,
    TicketHistory,
    TicketOutcome,
    TicketTerms,
    judge_ticket,
)
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
    after, _ = disown(state, known, s(100), s(135), cadence(), Cause.CLOCK_STEP)
    assert (after.known, after.since, after.cause) == (False, s(120), Cause.CLOCK_STEP)
    earlier, _ = disown(replace(state, since=s(0)), known[:1], s(100), s(135), cadence(), Cause.CLOCK_STEP)
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


def test_s22_a_counted_period_with_as_many_events_to_come_as_have_been_is_no_empty_one() -> None:
    risk = assess_counts(Fraction(95, 100), met=50, missed=0, unknown=0, ahead=50)
    assert (risk.level, risk.best, risk.worst) == (Level.ON_TRACK, Fraction(1), Fraction(1, 2))


def test_s33_down_and_degraded_time_of_a_window_add_up() -> None:
    """10 s down, 20 s down by the point figure alone, and 40 s degraded at a weight of 3/4: 10 + 20 + 10."""
    seen = timeline_of("up 0, down 100, up 110, down 200 [190..230], up 220, degraded 300, up 340")
    assert used_in(seen, spans("0-1000"), s(1000), 1000 * SECOND, Fraction(3, 4)) == 40 * SECOND


def test_what_a_service_was_just_before_an_instant() -> None:
    """The microsecond before counts: down from 100 on, it is still up at 100."""
    seen = timeline_of("up 0, down 100, up 100")
    assert state_at(timeline_of("up 0, down 100"), s(100)) == (State.UP, s(0))
    assert state_at(timeline_of("up 0, down 100"), s(100) + 1) == (State.DOWN, s(100))
    assert state_at(seen, s(200)) == (State.UP, s(0))


def test_s31_a_ticket_that_is_not_judged_keeps_the_desks_figures() -> None:
    """No row says that it was created."""
    terms = TicketTerms(response=HOUR, restore=4 * HOUR)
    history = TicketHistory("T1", (TicketEvent(s(0), EventKind.AGENT_REPLY, ""),), s(100), DeskFigures(MINUTE, HOUR))
    found = judge_ticket(history, terms, ALWAYS, s(100))
    unknown = TicketOutcome.UNKNOWN, "no_creation"
    assert found.response == ClockResult(*unknown, desk=MINUTE)
    assert found.restore == ClockResult(*unknown, desk=HOUR)


def test_s12_a_blip_that_never_was_confirmed_keeps_what_was_said() -> None:
    failed = replace(observation("F60"), reason="refused", detail="ECONNREFUSED")
    state, _ = observed("U0")
    state, _ = step(state, failed, cadence())
    _, facts = step(state, observation("U70"), cadence())
    [blip] = [fact for fact in facts if isinstance(fact, Blip)]
    assert (blip.reason, blip.detail) == ("refused", "ECONNREFUSED")


def test_s25_an_announcement_may_have_spans_and_a_recurrence() -> None:
    """The dates of both, in order: 10 to 20, and every day from 100 to 160."""
    daily = Recurrence(datetime(2026, 1, 5, 0, 1, 40), "UTC", MINUTE, "FREQ=DAILY")
    entry = replace(maintenance(10, 20), recurrence=daily)
    day = 86_400
    assert entry.within(span(0, 2 * day)) == [span(10, 20), span(100, 160), span(100 + day, 160 + day)]


@pytest.mark.parametrize("days", [0, 1, 3, 5, 30])
def test_s32_a_slot_belongs_to_the_day_of_its_deadline_however_far_that_is(days: int) -> None:
    """Every day at 02:00, to be done within some days: each day holds the deadline of the slot so many days before."""
    rule = SlotRule(CronSchedule("0 2 * * *", "UTC"), days * DAY, ALWAYS)
    due = s(2 * 3600)
    found = rule.due_within(s(0), s(0) + DAY)
    assert [(slot.scheduled, slot.deadline) for slot in found] == [(due - days * DAY, due)]
    assert rule.due_within(due + 1, due + DAY) == ()
