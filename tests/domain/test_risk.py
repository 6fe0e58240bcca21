"""The risk of the running period (S22, S33): levels, reasons, and the instant of breach."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money_cases import contract, local
from slawatch.domain.compliance import Compliance, judge
from slawatch.domain.contract import Contract, Options, UnknownPolicy
from slawatch.domain.exclusions import Exclusions
from slawatch.domain.facts import State
from slawatch.domain.interval import DAY, DISTANT_PAST, HOUR, MINUTE, SECOND, Duration, Instant, IntervalSet
from slawatch.domain.risk import (
    Level,
    ReasonKind,
    Risk,
    RunningOutage,
    Situation,
    assess,
    restore_percentile,
    running_outage,
)
from slawatch.domain.service_hours import Calendar, HoursIndex, hours, parse_ranges
from slawatch.domain.timeline import Timeline, pack

START = local("2026-01-05")
END = START + 14 * DAY
BUDGET = 3 * HOUR + 21 * MINUTE + 36 * SECOND
U, D, G, X = State.UP, State.DOWN, State.DEGRADED, State.UNKNOWN

States = State | tuple[State, State, State]


def timeline(*changes: tuple[Instant, States]) -> Timeline:
    """Up before the first change; a change is one state or those of low, point and high."""
    codes = [pack(U, U, U)] + [pack(*(state if isinstance(state, tuple) else (state,) * 3)) for _, state in changes]
    return Timeline([DISTANT_PAST, *(at for at, _ in changes)], codes)


def judged(agreement: Contract, seen: Timeline, at: Instant, within: IntervalSet | None = None) -> Compliance:
    period = agreement.periods.containing(START)
    assert period is not None
    return judge(agreement, period, seen, within, Exclusions(), at)


def risk_of(
    seen: Timeline,
    at: Instant,
    agreement: Contract | None = None,
    within: IntervalSet | None = None,
    **more: object,
) -> Risk:
    agreement = agreement or contract()
    walker = HoursIndex(within if within is not None else IntervalSet.span(START, END))
    running = running_outage(seen, at, agreement.options.degraded)
    situation = replace(Situation(walker.advance, running), **more)  # type: ignore[arg-type]
    return assess(agreement, judged(agreement, seen, at, within), situation)


def kinds(risk: Risk) -> list[ReasonKind]:
    return [reason.kind for reason in risk.reasons]


@pytest.mark.parametrize(
    ("at", "down", "level", "kind"),
    [
        # nothing has passed
        (0, 0, Level.ON_TRACK, ReasonKind.QUIET),
        (DAY, 0, Level.ON_TRACK, ReasonKind.QUIET),
        # 50 % of 201.6 min are 100.8 min
        (DAY, BUDGET // 2 - 1, Level.ON_TRACK, ReasonKind.QUIET),
        (DAY, BUDGET // 2, Level.AT_RISK, ReasonKind.BUDGET_USED),
        # the budget to the microsecond is not lost; one more is
        (DAY, BUDGET, Level.AT_RISK, ReasonKind.BUDGET_USED),
        (DAY, BUDGET + 1, Level.LOST, ReasonKind.BEST_IS_NOT_ENOUGH),
        # what remains fits in what is left of the budget
        (14 * DAY - BUDGET, 0, Level.GUARANTEED, ReasonKind.WORST_IS_ENOUGH),
        (14 * DAY - BUDGET - 1, 0, Level.ON_TRACK, ReasonKind.QUIET),
        (14 * DAY, BUDGET, Level.GUARANTEED, ReasonKind.WORST_IS_ENOUGH),
        (14 * DAY, BUDGET + 1, Level.LOST, ReasonKind.BEST_IS_NOT_ENOUGH),
    ],
)
def test_s33_levels_of_the_founding_contract(at: Duration, down: Duration, level: Level, kind: ReasonKind) -> None:
    risk = risk_of(timeline((START, D), (START + down, U)), START + at)
    assert (risk.level, kinds(risk)[0]) == (level, kind)


@pytest.mark.parametrize(
    ("share", "text"),
    [(Fraction(1, 2), "50%"), (Fraction(3, 4), "75%"), (Fraction(9, 10), "90%"), (Fraction(1), "90%")],
)
def test_s33_the_budget_steps_are_named(share: Fraction, text: str) -> None:
    down = int(BUDGET * share)
    risk = risk_of(timeline((START, D), (START + down, U)), START + DAY)
    assert [reason.text for reason in risk.reasons] == [f"{text} of the downtime that is allowed has been used"]
    assert risk.budget_use == share


def test_s22_best_and_worst_are_those_of_the_account() -> None:
    # 1 h down of 24 h: best (336 - 1) / 336, worst 23 / 336
    risk = risk_of(timeline((START, D), (START + HOUR, U)), START + DAY)
    assert (risk.best, risk.worst) == (Fraction(335, 336), Fraction(23, 336))


def test_s33_breaching_prints_the_instant_of_breach() -> None:
    # down since 10:00 local on the first day, nothing before: 3 h 21 m 36 s are allowed, one microsecond more breaches
    since = local("2026-01-05 10:00")
    risk = risk_of(timeline((since, D)), since + MINUTE)
    assert risk.level is Level.BREACHING
    assert risk.breach_at == since + BUDGET + 1
    assert risk.reasons[0].text == ("an outage is running and breaches the standard at 2026-01-05T12:21:36.000001Z")


def test_s33_the_breach_instant_is_the_first_at_which_best_is_below_the_target() -> None:
    since = START + 2 * DAY
    seen = timeline((START, D), (START + HOUR, U), (since, D))
    breach = risk_of(seen, since + 1).breach_at
    assert breach == since + BUDGET - HOUR + 1
    agreement = contract()
    best = [judged(agreement, seen, breach + step).best for step in (-1, 0)]
    assert best[0] == agreement.target
    assert best[1] is not None
    assert best[1] < agreement.target
    assert risk_of(seen, breach - 1).level is Level.BREACHING
    assert risk_of(seen, breach).level is Level.LOST


def test_s33_the_breach_instant_counts_from_the_last_failed_probe_and_does_not_move() -> None:
    since = START + DAY
    instants = set()
    for minutes in (1, 30, 100):
        at, seen_down = since + minutes * MINUTE + 7 * SECOND, since + minutes * MINUTE
        # the high version has the outage up to its last failed probe, 7 s ago
        seen = timeline((since, D), (seen_down, (D, D, U)))
        risk = risk_of(seen, at)
        assert running_outage(seen, at, Fraction(1)) == RunningOutage(since, seen_down)
        instants.add(risk.breach_at)
    assert instants == {since + BUDGET + 1}


OFFICE = Calendar("office", "Europe/Berlin", (parse_ranges(["08:00-18:00"]),) * 5 + ((), ()))


def test_s33_the_breach_is_walked_along_service_hours() -> None:
    # 10 working days of 10 h: 100 h, of which 1 h is allowed. Down from Friday 17:30: half an hour on Friday, the
    # other half on Monday from 08:00; breached one microsecond later.
    within = hours(OFFICE, START, END)
    since = local("2026-01-09 17:30")
    risk = risk_of(timeline((since, D)), since + MINUTE, within=within)
    assert risk.breach_at == local("2026-01-12 08:30") + 1
    # at night the clock stands, and the instant stays
    assert risk_of(timeline((since, D)), local("2026-01-11 03:00"), within=within).breach_at == risk.breach_at


@pytest.mark.parametrize(
    ("before_end", "breach"),
    [
        (BUDGET + 2, True),
        (BUDGET + 1, True),  # breached exactly as the period ends
        (BUDGET, False),
    ],
)
def test_s33_an_outage_that_the_period_outlasts_does_not_breach(before_end: Duration, breach: bool) -> None:
    since = END - before_end
    risk = risk_of(timeline((since, D)), since + 1)
    assert risk.breach_at == (since + BUDGET + 1 if breach else None)
    assert risk.level is (Level.BREACHING if breach else Level.GUARANTEED)


def test_s24_an_outage_from_the_period_before_counts_from_the_boundary() -> None:
    since = START - DAY
    risk = risk_of(timeline((since, D), (START - HOUR, (D, D, U))), START + MINUTE)
    assert risk.breach_at == START + BUDGET + 1


def test_s33_degraded_time_breaches_by_its_weight() -> None:
    # weight 0.75: an hour degraded costs a quarter; 4 * 201.6 min
    agreement = contract(options=Options(degraded=Fraction(3, 4)))
    since = START + DAY
    seen = timeline((since, G))
    risk = risk_of(seen, since + MINUTE, agreement)
    assert risk.breach_at == since + 4 * BUDGET + 1
    assert risk_of(seen, since + MINUTE).breach_at is None  # by default degraded counts as up
    best = [judged(agreement, seen, since + 4 * BUDGET + step).best for step in (0, 1)]
    assert best[0] == agreement.target
    assert best[1] is not None
    assert best[1] < agreement.target


def test_s33_with_a_minimum_outage_the_breach_waits_until_it_counts() -> None:
    # 2 h used; 81.6 min are left, but an outage counts only from 2 h on, and then whole
    agreement = contract(options=Options(ignore_outages_shorter_than=2 * HOUR))
    since = START + 2 * DAY
    seen = timeline((START, D), (START + 2 * HOUR, U), (since, D))
    risk = risk_of(seen, since + MINUTE, agreement)
    assert risk.breach_at == since + 2 * HOUR
    ends = [since + 2 * HOUR + step for step in (-1, 0)]
    histories = [timeline((START, D), (START + 2 * HOUR, U), (since, D), (end, X)) for end in ends]
    best = [judged(agreement, history, end).best for history, end in zip(histories, ends, strict=True)]
    assert best[0] is not None
    assert best[1] is not None
    assert best[0] >= agreement.target > best[1]


@given(
    st.lists(st.integers(1, 3 * HOUR), min_size=0, max_size=4),
    st.integers(0, 40 * MINUTE),
    st.integers(0, 60 * SECOND),
    st.sampled_from(list(UnknownPolicy)),
    st.booleans(),
)
def test_s33_at_the_breach_instant_best_falls_below_the_target(
    lengths: list[Duration], unknown: Duration, unseen: Duration, policy: UnknownPolicy, office: bool
) -> None:
    agreement = contract(options=Options(unknown=policy))
    within = hours(OFFICE, START, END) if office else None
    changes: list[tuple[Instant, States]] = [(START + 9 * HOUR, X), (START + 9 * HOUR + unknown, U)] if unknown else []
    for index, length in enumerate(lengths):
        begin = START + (index + 1) * DAY + 15 * HOUR
        changes += [(begin, D), (begin + length, U)]
    since = START + 6 * DAY
    running = [*changes, (since, D)]
    at = since + HOUR + unseen
    now = timeline(*running, (since + HOUR, (D, D, U))) if unseen else timeline(*running)
    risk = risk_of(now, at, agreement, within)
    if risk.breach_at is None:
        assert risk.level in (Level.LOST, Level.GUARANTEED)
        return
    before, after = (judged(agreement, timeline(*running), risk.breach_at + step, within).best for step in (-1, 0))
    assert before is not None
    assert after is not None
    assert before >= agreement.target > after


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (0, BUDGET + 1),
        (14 * DAY - BUDGET - 1, BUDGET + 1),  # exactly what remains
        (14 * DAY - BUDGET, None),
    ],
)
def test_s33_the_shortest_downtime_that_breaches(at: Duration, expected: Duration | None) -> None:
    assert risk_of(timeline(), START + at).downtime_to_breach == expected


@pytest.mark.parametrize(
    ("restore", "at_risk"),
    [(BUDGET + 1, False), (BUDGET + 2, True), (None, False)],  # shorter than, not as long as
)
def test_s33_at_risk_when_an_outage_as_long_as_its_own_would_breach(restore: Duration | None, at_risk: bool) -> None:
    risk = risk_of(timeline(), START + DAY, restore_p90=restore)
    assert risk.level is (Level.AT_RISK if at_risk else Level.ON_TRACK)
    assert kinds(risk) == [ReasonKind.RESTORE_TIME if at_risk else ReasonKind.QUIET]


def test_s33_the_restore_time_is_compared_in_wall_clock_time() -> None:
    # 1 h of 100 h is allowed. At 17:30 an outage breaches half an hour and a night later: 15 h, and a microsecond
    within = hours(OFFICE, START, END)
    at = local("2026-01-06 17:30")
    assert risk_of(timeline(), at, within=within, restore_p90=15 * HOUR).level is Level.ON_TRACK
    risk = risk_of(timeline(), at, within=within, restore_p90=16 * HOUR)
    assert [reason.text for reason in risk.reasons] == [
        "an outage from now on would breach after 15 h 0.000001 s; nine in ten of its outages last up to 16 h"
    ]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], None),
        ([1, 2, 3, 4], None),
        ([5, 1, 4, 2, 3], 5),  # ceil(0.9 * 5) = 5th of 5
        (list(range(10, 0, -1)), 9),  # 9th of 10
        (list(range(1, 21)), 18),
        (list(range(1, 12)), 10),  # ceil(9.9) = 10th of 11
    ],
)
def test_s33_the_90th_percentile_by_nearest_rank(lengths: list[Duration], expected: Duration | None) -> None:
    assert restore_percentile(lengths) == expected


def test_s33_at_risk_when_both_burn_windows_exceed_their_threshold() -> None:
    # 14 days: 6.72 over 1 h and 5 min. 6.72 % of an hour are 241.92 s.
    limit = 241_920_000
    alarm = {HOUR: Fraction(limit + 1), 5 * MINUTE: Fraction(60 * SECOND)}

    def usage(window: Duration) -> Fraction:
        return alarm.get(window, Fraction(0))

    risk = risk_of(timeline(), START + DAY, used_in=usage)
    assert risk.level is Level.AT_RISK
    assert [reason.text for reason in risk.reasons] == [
        "the budget burns 6.72 times as fast as it may over 1 h and 20 times over 5 m"
    ]
    assert [(rate.window, rate.rate, rate.threshold) for rate in risk.burn][:2] == [
        (HOUR, Fraction(limit + 1, 36 * SECOND), Fraction("6.72")),
        (5 * MINUTE, Fraction(20), Fraction("6.72")),
    ]
    alarm[HOUR] = Fraction(limit)  # exactly on the threshold
    assert risk_of(timeline(), START + DAY, used_in=usage).level is Level.ON_TRACK
    alarm.update({HOUR: Fraction(limit + 1), 5 * MINUTE: Fraction(limit, 12)})  # so is the short window
    assert risk_of(timeline(), START + DAY, used_in=usage).level is Level.ON_TRACK
    alarm.update({HOUR: Fraction(HOUR), 5 * MINUTE: Fraction(0)})  # it is over
    assert risk_of(timeline(), START + DAY, used_in=usage).level is Level.ON_TRACK


@pytest.mark.parametrize(
    ("unknown", "at", "kind"),
    [
        (HOUR, HOUR, ReasonKind.NOTHING_KNOWN),
        # 5 % of 336 h are 16.8 h: more unknown time than that cannot be made good
        (16 * HOUR + 48 * MINUTE, 2 * DAY, None),
        (16 * HOUR + 48 * MINUTE + 1, 2 * DAY, ReasonKind.COVERAGE_LOST),
    ],
)
def test_s33_undetermined_is_what_nobody_can_know(unknown: Duration, at: Duration, kind: ReasonKind | None) -> None:
    risk = risk_of(timeline((START, X), (START + unknown, U)), START + at)
    assert risk.level is (Level.ON_TRACK if kind is None else Level.UNDETERMINED)
    assert kinds(risk) == [kind or ReasonKind.QUIET]


def test_s33_no_service_time_is_undetermined() -> None:
    risk = risk_of(timeline(), START + DAY, within=IntervalSet())
    assert (risk.level, kinds(risk)) == (Level.UNDETERMINED, [ReasonKind.NO_SERVICE_TIME])
    assert (risk.best, risk.worst, risk.budget_use) == (None, None, None)


def test_s33_at_its_end_a_period_between_low_and_high_is_undetermined() -> None:
    # the low version has a microsecond too much, the high one nothing, and the point has used all of the budget
    seen = timeline((START, (D, D, U)), (START + BUDGET, (D, U, U)), (START + BUDGET + 1, U))
    assert kinds(risk_of(seen, END)) == [ReasonKind.WITHIN_BOUNDS]
    assert risk_of(seen, END).level is Level.UNDETERMINED


def test_case_27_a_target_of_100_percent_has_no_budget() -> None:
    whole = contract(target="100%")
    calm = risk_of(timeline(), START + DAY, whole, used_in=lambda window: Fraction(0))
    assert (calm.level, calm.budget_use, calm.burn, calm.downtime_to_breach) == (Level.ON_TRACK, None, (), 1)
    seen = timeline((START + DAY, (D, D, U)))  # one failed probe: nothing in the high version yet
    assert risk_of(seen, START + DAY + MINUTE, whole).breach_at == START + DAY + 1
    assert risk_of(timeline((START, D), (START + 1, U)), START + DAY, whole).level is Level.LOST


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], None),
        ([(10, D)], RunningOutage(10, 100)),
        ([(10, D), (60, U)], None),
        ([(10, D), (60, X)], None),
        ([(10, D), (60, (D, D, U))], RunningOutage(10, 60)),
        # confirmed only now: the high version has none of it
        ([(10, (D, D, U))], RunningOutage(10, 10)),
        # a blip of success inside is seen by the high version alone
        ([(10, D), (40, (D, D, U)), (50, D), (90, (D, D, U))], RunningOutage(10, 90)),
        ([(10, G)], RunningOutage(10, 100, Fraction(1, 4))),
        ([(10, G), (30, D)], RunningOutage(30, 100)),
        ([(100, D)], None),  # begins only at this instant
    ],
)
def test_the_outage_that_runs(changes: list[tuple[Instant, States]], expected: RunningOutage | None) -> None:
    assert running_outage(timeline(*changes), 100, Fraction(3, 4)) == expected


def test_an_outage_since_ever_is_dated_where_the_history_begins() -> None:
    assert running_outage(Timeline([DISTANT_PAST], [pack(D, D, D)]), 100, Fraction(1)) == RunningOutage(
        DISTANT_PAST, 100
    )
