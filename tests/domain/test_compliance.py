"""One period: the fraction, its coverage, three figures, the verdict, how it is shown (S6-S10, S22)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from domain.small_cases import agreement, figures, judged, maintenance, options, s, span, spans, timeline_of
from slawatch.domain.account import contract_timeline
from slawatch.domain.compliance import Budget, Verdict, display_ratio
from slawatch.domain.contract import Options, UnknownPolicy
from slawatch.domain.grammar import parse_ratio
from slawatch.domain.interval import SECOND
from slawatch.domain.observation import Cause
from slawatch.domain.period import PartialPolicy

# 600 s up, 200 s degraded, 100 s down, 100 s unknown
MIXED = "up 0, degraded 600, down 800, unknown 900"


@pytest.mark.parametrize(
    ("weight", "unknown", "point"),
    [
        # (600 + 1 · 200) / (600 + 200 + 100)
        ("1", UnknownPolicy.EXCLUDE, Fraction(800, 900)),
        # (600 + 0.5 · 200) / 900
        ("0.5", UnknownPolicy.EXCLUDE, Fraction(700, 900)),
        ("0", UnknownPolicy.EXCLUDE, Fraction(600, 900)),
        # unknown is down: 800 / 1000
        ("1", UnknownPolicy.DOWN, Fraction(800, 1000)),
        # unknown is up: 900 / 1000
        ("1", UnknownPolicy.UP, Fraction(900, 1000)),
        # weight and policy together: 600 + 50 + 100 of 1000
        ("0.25", UnknownPolicy.UP, Fraction(750, 1000)),
        ("0.25", UnknownPolicy.DOWN, Fraction(650, 1000)),
        # a third: 600 + 200/3
        ("33.333333333%", UnknownPolicy.EXCLUDE, (600 + 200 * Fraction("0.33333333333")) / 900),
    ],
)
def test_s6_the_fraction(weight: str, unknown: UnknownPolicy, point: Fraction) -> None:
    """S6: (up + weight·degraded) / (up + degraded + down), and unknown where the contract says; edge cases 1, 23."""
    contract = agreement(options=replace(options(degraded=weight), unknown=unknown))
    assert figures(judged(contract, timeline_of(MIXED))) == (point, point, point)


def test_s6_unknown_goes_there_in_all_three_figures() -> None:
    """S6, S8: 100 s unknown from 900; down 500-600, at least 510-590 and at most 480-620.
    As down: 1000 - 100 - 140/100/80."""
    timeline = timeline_of("up 0, down 500 [480..510], up 600 [590..620], unknown 900")
    of = {policy: figures(judged(agreement(options=Options(unknown=policy)), timeline)) for policy in UnknownPolicy}
    assert of[UnknownPolicy.EXCLUDE] == (Fraction(760, 900), Fraction(800, 900), Fraction(820, 900))
    assert of[UnknownPolicy.DOWN] == (Fraction(760, 1000), Fraction(800, 1000), Fraction(820, 1000))
    assert of[UnknownPolicy.UP] == (Fraction(860, 1000), Fraction(900, 1000), Fraction(920, 1000))


@pytest.mark.parametrize(
    ("excluded", "hours", "valid", "service", "point"),
    [
        # down 400-500 of 1000
        ([], None, (0, 1000), 1000, Fraction(900, 1000)),
        # an exclusion leaves numerator and denominator: 200-300 was up
        ([(200, 300)], None, (0, 1000), 900, Fraction(800, 900)),
        # half of the outage is excluded
        ([(450, 500)], None, (0, 1000), 950, Fraction(900, 950)),
        # hours 300-600
        ([], "300-600", (0, 1000), 300, Fraction(200, 300)),
        # validity from 400: the period has 600 s
        ([], None, (400, 1000), 600, Fraction(500, 600)),
        # all together: valid 400-1000, hours 0-600, excluded 400-420: 180 s, of which 80 down
        ([(400, 420)], "0-600", (400, 1000), 180, Fraction(100, 180)),
    ],
)
def test_s6_the_denominator(
    excluded: list[tuple[int, int]], hours: str | None, valid: tuple[int, int], service: int, point: Fraction
) -> None:
    """S6: service time = service hours within validity within the period, less exclusions."""
    account = judged(
        agreement(valid=span(*valid)),
        timeline_of("up 0, down 400, up 500"),
        hours=None if hours is None else spans(hours),
        excluded=[maintenance(*interval) for interval in excluded],
    )
    assert account.service_time == service * SECOND
    assert account.availability.point == point


@pytest.mark.parametrize(
    ("facts", "hours", "excluded"),
    [
        ("unknown 0", None, []),
        ("up 0", "", []),
        ("up 0", None, [(0, 1000)]),
    ],
)
def test_s6_an_empty_denominator_is_not_applicable(
    facts: str, hours: str | None, excluded: list[tuple[int, int]]
) -> None:
    """S6; edge case 27: never 100 %."""
    account = judged(
        agreement(),
        timeline_of(facts),
        hours=None if hours is None else spans(hours),
        excluded=[maintenance(*interval) for interval in excluded],
    )
    assert figures(account) == (None, None, None)
    assert account.verdict is Verdict.NOT_APPLICABLE


def test_s6_without_a_point_figure_there_is_no_bound_either() -> None:
    """S6, S8: a is unknown throughout, b failed between 0 and 10; a and b is down in low for these 10 s and unknown in
    point: not applicable, all three of it."""
    contract = agreement("a and b")
    lines = {"a": timeline_of("unknown 0"), "b": timeline_of("down 0, up 1 [0..10]")}
    account = judged(contract, contract_timeline(contract, lines), hours=spans("2-1000"))
    assert account.low.down == 8 * SECOND
    assert figures(account) == (None, None, None)
    assert (account.worst, account.best) == (None, None)
    assert account.verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("facts", "coverage", "if_down", "if_up"),
    [
        # all known
        ("up 0, down 900", Fraction(1), Fraction(9, 10), Fraction(9, 10)),
        # 950 of 1000 known: 850 up, 100 down
        ("up 0, down 850, unknown 950", Fraction(95, 100), Fraction(85, 100), Fraction(90, 100)),
        ("unknown 0, up 400", Fraction(6, 10), Fraction(6, 10), Fraction(1)),
        ("unknown 0", Fraction(0), Fraction(0), Fraction(1)),
    ],
)
def test_s7_coverage_and_what_unknown_time_could_be(
    facts: str, coverage: Fraction, if_down: Fraction, if_up: Fraction
) -> None:
    """S7: known / (known + unknown), and the figure if all unknown time were down, and if it were up."""
    account = judged(agreement(), timeline_of(facts))
    assert account.coverage == coverage
    assert account.if_unknown_down == if_down
    assert account.if_unknown_up == if_up


def test_s7_coverage_is_of_service_time() -> None:
    """S7: what was unknown outside hours or during maintenance is no gap."""
    account = judged(
        agreement(), timeline_of("unknown 0, up 400"), hours=spans("300-1000"), excluded=[maintenance(300, 400)]
    )
    assert account.coverage == 1


@pytest.mark.parametrize(
    ("target", "floor", "facts", "verdict"),
    [
        # 10 s of 1000 down: 99 % exactly
        ("99%", "95%", "up 0, down 100, up 110", Verdict.MET),
        # 11 s
        ("99%", "95%", "up 0, down 100, up 111", Verdict.BREACHED),
        # low 10 s, high 5 s: both sides above
        ("99%", "95%", "up 0, down 100 [98..103], up 108 [108..108]", Verdict.MET),
        # low 12 s (98.8 %), high 6 s (99.4 %): the truth lies somewhere between
        ("99%", "95%", "up 0, down 100 [98..103], up 110 [109..110]", Verdict.DISPUTABLE),
        # low 20 s, high 11 s: whatever the truth, below
        ("99%", "95%", "up 0, down 100 [95..102], up 113 [113..115]", Verdict.BREACHED),
        # all up, coverage 95 % reaches the floor
        ("99%", "95%", "up 0, unknown 950", Verdict.MET),
        # one second less: at best disputable
        ("99%", "95%", "up 0, unknown 949", Verdict.DISPUTABLE),
        # below the floor a breach is still one
        ("99%", "95%", "up 0, down 400, unknown 500", Verdict.BREACHED),
        ("99%", "0%", "up 0, unknown 1", Verdict.MET),
        # 100 %: any outage breaches
        ("100%", "95%", "up 0", Verdict.MET),
        ("100%", "95%", "up 0, down 999", Verdict.BREACHED),
    ],
)
def test_s9_verdict(target: str, floor: str, facts: str, verdict: Verdict) -> None:
    """S9: met when low ≥ target and coverage reaches the floor, breached when high < target, else disputable; edge
    cases 18 and 26."""
    contract = agreement(target=target, options=options(coverage_floor=floor))
    assert judged(contract, timeline_of(facts)).verdict is verdict


@pytest.mark.parametrize(
    ("now", "verdict"), [(0, Verdict.OPEN), (999, Verdict.OPEN), (1000, Verdict.MET), (5000, Verdict.MET)]
)
def test_s9_a_running_period_has_no_verdict(now: int, verdict: Verdict) -> None:
    """S9, S22: open until its end, exclusive."""
    assert judged(agreement(), timeline_of("up 0"), now=now).verdict is verdict


def test_s21_a_partial_period_for_information_has_no_verdict() -> None:
    """S21: inform_only."""
    contract = agreement(valid=span(100, 1000), options=Options(partial=PartialPolicy.INFORM_ONLY))
    assert judged(contract, timeline_of("up 0, down 500")).verdict is Verdict.NOT_APPLICABLE
    assert judged(agreement(valid=span(100, 1000)), timeline_of("up 0, down 500")).verdict is Verdict.BREACHED


@pytest.mark.parametrize(
    ("ratio", "target", "shown"),
    [
        # the example of the rule: never 99.00
        ("98.9996%", "99%", "98.99"),
        ("98.99999%", "99%", "98.99"),
        # truncated, not rounded
        ("99.999%", "99%", "99.99"),
        ("99.995%", "99.9%", "99.99"),
        # as many digits as tell it from its target
        ("99.004%", "99%", "99.004"),
        ("99.000001%", "99%", "99.000001"),
        ("99.94999%", "99.95%", "99.94"),
        ("99.951%", "99.95%", "99.951"),
        # exactly on it: as the target is written
        ("99%", "99%", "99.00"),
        ("99.95%", "99.95%", "99.95"),
        ("99.955%", "99.955%", "99.955"),
        # a target with three digits: two would print a figure that met it below it
        ("99.956%", "99.955%", "99.956"),
        ("99.9549%", "99.955%", "99.954"),
        ("99.99999%", "99.9999%", "99.99999"),
        ("100%", "99%", "100.00"),
        ("100%", "100%", "100.00"),
        ("99.9999999%", "100%", "99.99"),
        ("0%", "99%", "0.00"),
    ],
)
def test_s10_display_never_flatters(ratio: str, target: str, shown: str) -> None:
    """S10; edge case 25: truncated toward the worse side, more digits until it differs from the target."""
    assert display_ratio(parse_ratio(ratio), parse_ratio(target)) == shown


def test_s10_at_most_nine_digits() -> None:
    """S10: nine digits, even where they do not tell the difference; such a figure is above its target."""
    assert display_ratio(Fraction(99, 100) + Fraction(1, 10**15), Fraction(99, 100)) == "99.000000000"
    assert display_ratio(Fraction(99, 100) - Fraction(1, 10**15), Fraction(99, 100)) == "98.99"
    # 83/84 = 98.8095238… %
    assert display_ratio(Fraction(83, 84), Fraction(99, 100)) == "98.80"


@pytest.mark.parametrize(
    ("now", "facts", "allowed", "used", "best", "worst"),
    [
        # half of the period has passed, 5 s down: 1 % of 1000 = 10 s allowed
        (500, "up 0, down 100, up 105, unknown 500", 10, 5, Fraction(995, 1000), Fraction(495, 1000)),
        # 100 s unknown so far: 1 % of 900 = 9 s; best 895/900, worst 395/900
        (500, "up 0, down 100, up 105, unknown 400", 9, 5, Fraction(895, 900), Fraction(395, 900)),
        # at its start everything is open
        (0, "unknown 0", 10, 0, Fraction(1), Fraction(0)),
        # at its end nothing is: both are the figure
        (1000, "up 0, down 100, up 105", 10, 5, Fraction(995, 1000), Fraction(995, 1000)),
        # overdrawn
        (500, "up 0, down 100, up 120, unknown 500", 10, 20, Fraction(980, 1000), Fraction(480, 1000)),
        # edges: at most 4 s by high, at least 8 s by low
        (
            500,
            "up 0, down 100 [98..101], up 105 [105..106], unknown 500",
            10,
            5,
            Fraction(996, 1000),
            Fraction(492, 1000),
        ),
    ],
)
def test_s22_the_current_period(now: int, facts: str, allowed: int, used: int, best: Fraction, worst: Fraction) -> None:
    """S22; edge case 12: to date, allowed, used, left, best and worst final; future time is neither up nor down."""
    account = judged(agreement(), timeline_of(facts), now=now)
    assert account.budget == Budget(allowed * SECOND, used * SECOND)
    assert account.budget.left == (allowed - used) * SECOND
    assert (account.best, account.worst) == (best, worst)
    assert account.classes.total == now * SECOND
    assert account.open is (now < 1000)


def test_s22_allowed_is_rounded_down_and_degraded_uses_its_share() -> None:
    """S22: ⌊1 % · 999.999 950 s⌋ = 9.999999 s (0.5 µs dropped); 10 s degraded at weight 0.9 use 1 s."""
    contract = agreement(options=options(degraded="0.9"))
    account = judged(
        contract, timeline_of("up 0, degraded 100, up 110"), excluded=[replace(maintenance(0, 1), spans=(span(0, 1),))]
    )
    assert account.budget == Budget(9_990_000, 1_000_000)
    short = replace(maintenance(0, 1), spans=(span(0, 0)._replace(end=s(0) + 50),))
    assert judged(contract, timeline_of("up 0"), excluded=[short]).budget.allowed == 9_999_999


def test_s22_hours_and_exclusions_ahead_are_known() -> None:
    """S22: at 500 of 1000, hours end at 900 and 100 s of maintenance are announced: 800 s, 8 s allowed."""
    account = judged(
        agreement(), timeline_of("up 0, unknown 500"), now=500, hours=spans("0-900"), excluded=[maintenance(600, 700)]
    )
    assert account.service_time == 800 * SECOND
    assert account.budget.allowed == 8 * SECOND
    assert account.worst == Fraction(500, 800)
    assert account.excluded == 0


def test_s22_where_unknown_counts_the_budget_counts_it_too() -> None:
    """S6, S22: with `unknown: down` unknown time uses the budget as downtime does, so that nothing is left exactly when
    the figure is below the standard: 1 % of 1000 s = 10 s, 11 s unknown."""
    contract = agreement(options=Options(unknown=UnknownPolicy.DOWN))
    account = judged(contract, timeline_of("up 0, unknown 500, up 511"))
    assert account.budget == Budget(10 * SECOND, 11 * SECOND)
    assert account.availability.point == Fraction(989, 1000)


def test_s25_the_figure_without_exclusions() -> None:
    """S25: down 100-200, maintenance 100-300: 800/800 with it, 900/1000 without."""
    account = judged(agreement(), timeline_of("up 0, down 100, up 200"), excluded=[maintenance(100, 300)])
    assert account.availability.point == 1
    assert account.without_exclusions == Fraction(9, 10)


def test_s5_unknown_time_by_cause() -> None:
    """S5: each cause has its share of the unknown service time."""
    account = judged(agreement(), timeline_of("up 100, unknown 200 path_lost, unknown 300 paused, up 500"))
    assert account.unknown_by == {
        Cause.NEVER_OBSERVED: 100 * SECOND,
        Cause.PATH_LOST: 100 * SECOND,
        Cause.PAUSED: 200 * SECOND,
    }


@pytest.mark.parametrize(
    ("facts", "hours", "count", "longest", "mtrs", "mtbf"),
    [
        # 30 + 10 s down, 960 s up: 20 s to restore, 480 s between failures
        ("up 0, down 100, up 130, down 500, up 510", None, 2, 30, 20, 480),
        # one outage however hours cut it: 100-130 with a break 110-120 counts 20 s
        ("up 0, down 100, up 130", "0-110, 120-1000", 1, 20, 20, 970),
        # wholly outside hours it is none
        ("up 0, down 100, up 130", "200-1000", 0, 0, None, None),
        # unknown time between two makes them two: nobody saw one outage
        ("down 0, unknown 100, down 200, up 300", None, 2, 100, 100, 350),
    ],
)
def test_outages_and_mean_times(
    facts: str, hours: str | None, count: int, longest: int, mtrs: int | None, mtbf: int | None
) -> None:
    """Outages, the longest, MTRS = down / outages, MTBF = up / outages, MTBSI = MTBF + MTRS, in service time."""
    account = judged(agreement(), timeline_of(facts), hours=None if hours is None else spans(hours))
    figures_ = account.outage_figures
    assert (figures_.count, figures_.longest) == (count, longest * SECOND)
    assert figures_.mtrs == (None if mtrs is None else mtrs * SECOND)
    assert figures_.mtbf == (None if mtbf is None else mtbf * SECOND)
    assert figures_.mtbsi == (None if mtrs is None or mtbf is None else (mtrs + mtbf) * SECOND)


def test_s8_bounds_hold_the_point_and_so_do_the_finals() -> None:
    """S8, S22: child and other, degraded time weighs 0. Low: 9 s unknown, 6 degraded, 5 up = 5/11; point: 5 unknown,
    10 degraded = 5/15; high: 1 unknown, 14 degraded = 5/19. The bounds are widened to hold the point, and the final
    figures with them."""
    lines = {
        "child": timeline_of("down 0, up 5 [1..9]"),
        "parent": timeline_of("down 0"),
        "other": timeline_of("degraded 0, up 15"),
    }
    contract = agreement(
        "child and other",
        end=20,
        parents={"child": "parent"},
        options=Options(unreachable_is_down=False, degraded=Fraction(0)),
    )
    account = judged(contract, contract_timeline(contract, lines))
    assert figures(account) == (Fraction(5, 19), Fraction(5, 15), Fraction(5, 11))
    assert (account.worst, account.best) == (Fraction(5, 19), Fraction(5, 11))
