"""Every edge case of availability measurement, and what was decided: each from rows to the account.

Rows 19 (several sites) and 33 (limits of data) are not of the domain. Unless a case says otherwise the contract is 99 %
of each day in UTC, around the clock, 10 % of 100.00 EUR; minutes are counted from midnight.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest

from domain.plain_terms import calendar, terms
from domain.small_cases import cadence, observed, seen_until, spell, spell_facts
from slawatch.domain.account import Account
from slawatch.domain.account_json import account_object
from slawatch.domain.burn import burn_windows
from slawatch.domain.compliance import Compliance, Verdict, display_ratio
from slawatch.domain.counts import allowed_misses
from slawatch.domain.grammar import parse_ratio
from slawatch.domain.history import read_rows
from slawatch.domain.interval import DAY, HOUR, MINUTE, SECOND, format_instant, parse_instant
from slawatch.domain.observation import Cause
from slawatch.domain.terms import contract_of
from slawatch.evaluation.offline import Offline

MIDNIGHT = parse_instant("2026-01-05T00:00:00Z")


def at(minute: float) -> str:
    return format_instant(MIDNIGHT + int(minute * 60) * SECOND)


def up(minute: float, **more: Any) -> dict[str, Any]:
    return {"endpoint": "a", "at": at(minute), "state": "up", **more}


def down(minute: float, **more: Any) -> dict[str, Any]:
    return {"endpoint": "a", "at": at(minute), "state": "down", **more}


def unknown(minute: float, **more: Any) -> dict[str, Any]:
    return {"endpoint": "a", "at": at(minute), "state": "unknown", **more}


def exclusion(start: float, end: float, **more: Any) -> dict[str, Any]:
    return {"type": "exclusion", "start": at(start), "end": at(end)} | more


def accounts(
    agreed: Mapping[str, Any], *rows: dict[str, Any], until: str = "2026-01-06T00:00:00Z", wanted: str = "last"
) -> list[Account]:
    history = read_rows(rows)
    history.seal(parse_instant(until))
    return list(Offline([contract_of(agreed)], [], history).accounts(parse_instant(until), wanted))


def day(agreed: Mapping[str, Any], *rows: dict[str, Any], until: str = "2026-01-06T00:00:00Z") -> Compliance:
    """The account of the day that ended last."""
    (found,) = accounts(agreed, *rows, until=until)
    return found.compliance


def test_edge_case_01_unknown_time() -> None:
    """edge case 1: unknown is its own class with a cause, outside the fraction; below the floor nothing is met. The
    contract may count it as down or up instead."""
    rows = up(0), unknown(1000, cause="path_lost"), up(1100)
    found = day(terms(), *rows)
    assert found.availability.point == 1
    assert found.coverage == Fraction(1340, 1440)  # 93.06 %
    assert found.verdict is Verdict.DISPUTABLE
    assert found.unknown_by == {Cause.PATH_LOST: 100 * MINUTE}
    assert day(terms({"unknown": "down"}), *rows).verdict is Verdict.BREACHED
    assert day(terms({"unknown": "up"}), *rows).availability.point == 1


def test_edge_case_02_planned_maintenance() -> None:
    """edge case 2: out of both sides, the figure without exclusions beside it; only with notice and within its
    allowance, otherwise as an approved correction."""
    rows = up(0), down(100), up(160)
    inside = exclusion(100, 160, announced_at=at(40))
    agreed = terms({"maintenance_notice": "1h", "maintenance_limit": "1h"})
    found = day(agreed, *rows, inside)
    assert found.availability.point == 1
    assert found.without_exclusions == Fraction(1380, 1440)
    assert day(agreed, *rows, inside | {"announced_at": at(41)}).excluded == 0
    late = inside | {"announced_at": at(200), "reason": "power", "approved_by": "client"}
    assert day(agreed, *rows, late).excluded == HOUR
    assert day(agreed, *rows, inside | {"end": at(170)}).excluded == HOUR


def test_edge_case_03_overlapping_exclusions() -> None:
    """edge case 3: a union; each second goes to one reason, by rank."""
    found = day(terms(), up(0), exclusion(100, 200), exclusion(150, 250, kind="other", reason="x", approved_by="y"))
    assert found.excluded == 150 * MINUTE
    assert found.excluded_by == {"maintenance": 100 * MINUTE, "other": 50 * MINUTE}


def test_edge_case_04_overrunning_maintenance() -> None:
    """edge case 4: it ends at its planned end; 100-200 planned, down until 210: ten minutes of downtime."""
    assert day(terms(), up(0), down(100), up(210), exclusion(100, 200)).classes.down == 10 * MINUTE


def test_edge_case_05_an_outage_that_began_before_the_window() -> None:
    """edge case 5: only the overlap is excluded: down 90-210, planned 100-200, 10 + 10 minutes count."""
    assert day(terms(), up(0), down(90), up(210), exclusion(100, 200)).classes.down == 20 * MINUTE


@pytest.mark.parametrize(
    ("zone", "date", "hours", "length"),
    [
        # the hour from 02:00 to 03:00 is missing in spring, double in autumn
        ("America/New_York", "2026-03-08", "01:00-05:00", 3 * HOUR),
        ("America/New_York", "2026-11-01", "00:00-03:00", 4 * HOUR),
        # office hours stay where the clock puts them
        ("America/New_York", "2026-03-09", "08:00-18:00", 10 * HOUR),
        ("Europe/London", "2026-03-29", "00:00-03:00", 2 * HOUR),
        # thirty minutes on Lord Howe
        ("Australia/Lord_Howe", "2026-04-05", "01:00-03:00", 2 * HOUR + 30 * MINUTE),
        # Apia had no 30 December 2011 at all; the 31st is a whole day
        ("Pacific/Apia", "2011-12-31", "00:00-24:00", 24 * HOUR),
    ],
)
def test_edge_case_06_business_hours_and_dst(zone: str, date: str, hours: str, length: int) -> None:
    """edge case 6: hours are a property of the instant's local clock; a repeated hour counts
    twice, a skipped one not at all."""
    agreed = terms(timezone=zone, period=f"every 1 days from {date}", hours=calendar({"mon-sun": [hours]}, zone))
    first = contract_of(agreed).periods.rule.first
    assert first is not None
    start, end = format_instant(first.start), format_instant(first.end)
    found = day(agreed, {"endpoint": "a", "at": start, "state": "up"}, until=end)
    assert found.service_time == length


def test_edge_case_07_holidays() -> None:
    """edge case 7: dated calendars remove the ranges that start on their dates: Tuesday 6 January is no holiday in
    Hamburg and one in Bavaria (Epiphany)."""
    fortnight = "every 1 days from 2026-01-06"
    rows = {"endpoint": "a", "at": "2026-01-06T00:00:00Z", "state": "up"}
    for region, expected in (("DE-HH", 8 * HOUR), ("DE-BY", 0)):
        hours = calendar({"mon-fri": ["09:00-17:00"]}, holidays=region)
        assert day(terms(period=fortnight, hours=hours), rows, until="2026-01-07T00:00:00Z").service_time == expected


@pytest.mark.parametrize(
    ("anchor", "start", "hours"),
    [
        ("2026-01-05", "2026-01-04T23:00:00Z", 336),
        ("2026-03-16", "2026-03-15T23:00:00Z", 335),
        ("2026-10-12", "2026-10-11T22:00:00Z", 337),
    ],
)
def test_edge_case_08_every_two_weeks(anchor: str, start: str, hours: int) -> None:
    """edge case 8: an anchor, a zone, calendar arithmetic; a fortnight has 335, 336 or 337 hours. (That another anchor
    leaves a stub is told by the tests of the book.)"""
    agreed = contract_of(terms(timezone="Europe/Berlin", period=f"every 2 weeks from {anchor}"))
    period = agreed.periods.containing(parse_instant(start))
    assert period is not None
    assert (period.start, period.end - period.start) == (parse_instant(start), hours * HOUR)


def test_edge_case_09_calendar_months() -> None:
    """edge case 9: from local midnight to local midnight, never 30 · 24 h: March 2026 in Berlin has 743 hours."""
    agreed = contract_of(terms(timezone="Europe/Berlin", period="month"))
    period = agreed.periods.containing(parse_instant("2026-03-15T00:00:00Z"))
    assert period is not None
    assert period.end - period.start == (31 * 24 - 1) * HOUR


def test_edge_case_10_rolling_windows() -> None:
    """edge case 10: a refund needs a fixed window; rolling ones serve alerts. No period can be written as rolling."""
    with pytest.raises(ValueError, match="is no period"):
        contract_of(terms(period="last 30 days"))
    assert [window.long for window in burn_windows(Fraction(99, 100), 14 * DAY)] == [HOUR, 6 * HOUR, DAY]


@pytest.mark.parametrize(("partial", "periods"), [("judge", 2), ("merge", 1), ("inform_only", 2)])
def test_edge_case_11_partial_periods(partial: str, periods: int) -> None:
    """edge case 11: validity clips the first period from noon on; it is judged, merged or for information."""
    agreed = terms({"partial": partial}, valid={"from": "2026-01-05 12:00", "to": None})
    found = accounts(agreed, up(720), down(800), until="2026-01-07T00:00:00Z", wanted="all")
    assert len(found) == periods
    first = found[0].compliance
    assert first.period.partial
    assert first.period.start == MIDNIGHT + 12 * HOUR
    assert (first.verdict is Verdict.NOT_APPLICABLE) is (partial == "inform_only")
    assert first.service_time == (12 * HOUR if periods == 2 else 36 * HOUR)


def test_edge_case_12_the_current_period() -> None:
    """edge case 12: to date, and the best and worst final; future time is neither up nor down: noon, 7.2 min down."""
    (found,) = accounts(terms(), up(0), down(100), up(107.2), until="2026-01-05T12:00:00Z", wanted="current")
    account = found.compliance
    assert account.verdict is Verdict.OPEN
    assert account.classes.total == 12 * HOUR
    assert account.best == 1 - Fraction("7.2") / 1440
    assert account.worst == Fraction(720 * 10 - 72, 14400)
    assert account.budget.left == 432 * SECOND  # 14.4 min - 7.2 min


def test_edge_case_13_late_samples_and_edits() -> None:
    """edge case 13: append-only corrections, approved, that leave the rows as they are; the account is drawn anew."""
    rows = up(0), down(100), up(160)
    edit = {"type": "correction", "endpoint": "a", "start": at(100), "end": at(160), "state": "up", "reason": "camera"}
    assert day(terms(), *rows).verdict is Verdict.BREACHED
    assert day(terms(), *rows, edit).verdict is Verdict.BREACHED
    assert day(terms(), *rows, edit | {"approved_by": "client"}).verdict is Verdict.MET


def test_edge_case_14_flapping() -> None:
    """edge case 14: no state of its own, the bad pieces are summed; a contract may count short good gaps as outage."""
    rows = [row for minute in range(100, 110, 2) for row in (down(minute), up(minute + 1))]
    assert day(terms(), up(0), *rows).classes.down == 5 * MINUTE
    merged = day(terms({"merge_gaps_shorter_than": "2m"}), up(0), *rows)
    assert (merged.classes.down, merged.outage_figures.count) == (9 * MINUTE, 1)


def test_edge_case_15_confirmation_retries() -> None:
    """edge case 15: alerts act on confirmation, time counts from the first failed probe; single failures stay as blips.
    Three tries 60 s apart would hide 2 · 60 s of each outage."""
    facts = observed("U0 F60 F120 F180 U240", cadence(3))[1]
    assert spell_facts(facts) == ["up 0", "suspect 60", "down 60 [0..60]", "up 240 [180..240]"]
    assert spell_facts(observed("U0 F60 U120")[1])[-1] == "blip down 60 [0..120] x1"


def test_edge_case_16_the_timestamp_of_a_failure() -> None:
    """edge case 16: the start of the probe, not its time-out: failed from 60 to 65, 70 to 75: down from 60."""
    assert spell(seen_until("U0 F60 F70", 90), end=90) == "0 up, 60 down"


def test_edge_case_17_onset_and_recovery() -> None:
    """edge case 17: at least first bad to last bad, point first bad to first good, at most last good to first good."""
    found = day(
        terms(),
        up(0),
        down(100, edges={"low": at(99), "high": at(100)}),
        up(110, edges={"low": at(109), "high": at(110)}),
    )
    assert (found.low.down, found.classes.down, found.high.down) == (11 * MINUTE, 10 * MINUTE, 9 * MINUTE)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        # 14.4 min are allowed; down 10 min by point. At most 14 min: met
        (97, 111, Verdict.MET),
        # at most 15, at least 10: disputable
        (96, 111, Verdict.DISPUTABLE),
    ],
)
def test_edge_case_18_a_verdict_with_bounds(low: int, high: int, verdict: Verdict) -> None:
    """edge case 18: low at or above the target is met, high below it breached, anything else disputable."""
    found = day(
        terms(),
        up(0),
        down(100, edges={"low": at(low), "high": at(100)}),
        up(110, edges={"low": at(110), "high": at(high)}),
    )
    assert found.verdict is verdict
    assert day(terms(), up(0), down(100), up(115)).verdict is Verdict.BREACHED


def test_edge_case_20_composites() -> None:
    """edge case 20: on time-aligned states, never multiplied: two members down 10 % each at
    different times make 80 %."""
    rows = [
        up(0),
        down(0),
        up(144),
        {"endpoint": "b", "at": at(0), "state": "up"},
        {"endpoint": "b", "at": at(1296), "state": "down"},
    ]
    assert day(terms(up_when="a and b"), *rows).availability.point == Fraction(8, 10)
    assert day(terms(up_when="a or b"), *rows).availability.point == 1
    # b has no rows before 1296: unknown only matters while a is up
    assert day(terms(up_when="a and b"), down(0), up(144)).unknown_by == {Cause.NEVER_OBSERVED: 1296 * MINUTE}


def test_edge_case_21_an_average_over_services() -> None:
    """edge case 21: percentages are never averaged. A short day and a long one of one contract merged: 50 % of 2 h and
    100 % of 24 h are 25/26, not 75 %."""
    agreed = terms({"partial": "merge"}, valid={"from": "2026-01-05 22:00", "to": None})
    (found,) = accounts(agreed, up(22 * 60), down(23 * 60), up(24 * 60), until="2026-01-07T00:00:00Z", wanted="all")
    assert found.compliance.availability.point == Fraction(25, 26)


@pytest.mark.parametrize(("choice", "point"), [("down", Fraction(1380, 1440)), ("unknown", 1)])
def test_edge_case_22_a_dependency(choice: str, point: Fraction) -> None:
    """edge case 22: down because the parent is down: the contract counts it or leaves it out."""
    router = [{"endpoint": "router", "at": at(m), "state": s} for m, s in ((0, "up"), (100, "down"), (160, "up"))]
    agreed = terms({"unreachable": choice}, parents={"a": "router"})
    assert day(agreed, up(0), down(100), up(160), *router).availability.point == point


@pytest.mark.parametrize(("weight", "point"), [("1", 1), ("0", Fraction(13, 14)), ("0.5", Fraction(27, 28))])
def test_edge_case_23_degraded(weight: str, point: Fraction) -> None:
    """edge case 23: a class of its own, weighted by the contract, always reported."""
    rows = up(0), {"endpoint": "a", "at": at(100), "state": "degraded"}, up(200), unknown(1400)
    found = day(terms({"degraded": weight}), *rows)
    assert found.availability.point == point
    assert found.classes.degraded == 100 * MINUTE


def test_edge_case_24_minimum_outage() -> None:
    """edge case 24: after gaps were merged; what is suppressed is shown: 9 + 1 + 9 min are one outage of 19, which
    counts under a minimum of 10; without merging both are ignored."""
    rows = up(0), down(100), up(109), down(110), up(119)
    both = day(terms({"ignore_outages_shorter_than": "10m", "merge_gaps_shorter_than": "2m"}), *rows)
    assert (both.classes.down, both.suppressed) == (19 * MINUTE, 0)
    alone = day(terms({"ignore_outages_shorter_than": "10m"}), *rows)
    assert (alone.classes.down, alone.suppressed) == (0, 18 * MINUTE)


def test_edge_case_25_rounding() -> None:
    """edge case 25: integers decide; display truncates toward the worse side and gains digits until it differs. One
    microsecond more than the 14 min 24 s that are allowed is a breach, and does not print as 99.00 %."""
    close = day(terms(), up(0), down(100), up(0) | {"at": "2026-01-05T01:54:24.000001Z"})
    assert close.verdict is Verdict.BREACHED
    assert close.availability.point is not None
    assert close.availability.point < Fraction(99, 100)
    assert display_ratio(close.availability.point, close.target) == "98.99"
    assert display_ratio(parse_ratio("99.0049%"), close.target) == "99.004"


def test_edge_case_26_exactly_on_target() -> None:
    """edge case 26: 14.4 min of a day is met, at 99 % exactly, and costs nothing."""
    (found,) = accounts(terms(), up(0), down(100), up(114.4))
    assert found.compliance.availability.point == Fraction(99, 100)
    assert found.compliance.verdict is Verdict.MET
    assert found.settlement is not None
    assert str(found.settlement.amount) == "0.00 EUR"


def test_edge_case_27_a_target_of_100_percent_and_an_empty_denominator() -> None:
    """edge case 27: nothing is allowed, a microsecond breaches, no burn rate can fire; nothing measured is not
    applicable, never 100 %."""
    everything = terms(standard="100%")
    assert day(everything, up(0)).verdict is Verdict.MET
    assert day(everything, up(0)).budget.allowed == 0
    short = {**up(0), "at": "2026-01-05T01:40:00.000001Z"}
    assert day(everything, up(0), down(100), short).verdict is Verdict.BREACHED
    assert burn_windows(Fraction(1), DAY) == ()
    empty = day(terms(), up(0), exclusion(0, 1440))
    assert (empty.availability.point, empty.verdict) == (None, Verdict.NOT_APPLICABLE)


def test_edge_case_28_leap_seconds_and_clock_steps() -> None:
    """edge case 28: Unix time, so 31 December 2016 has 86,400 s; the span of a step is unknown, with that cause."""
    agreed = terms(period="every 1 days from 2016-12-31")
    found = day(agreed, {"endpoint": "a", "at": "2016-12-31T00:00:00Z", "state": "up"}, until="2017-01-01T00:00:00Z")
    assert found.service_time == 86_400 * SECOND
    stepped = day(terms(), up(0), unknown(100, cause="clock_step"), up(101))
    assert stepped.unknown_by == {Cause.CLOCK_STEP: MINUTE}


def test_edge_case_29_events_at_one_instant() -> None:
    """edge case 29: contract, calendar, exclusion end, exclusion start, state; at minute 600 all of them change."""
    hours = calendar({"mon-sun": ["00:00-10:00"]})
    found = day(terms(hours=hours), up(0), down(600), exclusion(500, 600), exclusion(600, 700))
    assert found.classes.down == 0
    assert found.excluded == 100 * MINUTE
    assert found.outside_hours == 840 * MINUTE
    later = day(terms(), up(0), exclusion(500, 600), down(600), up(600), exclusion(600, 601))
    assert (later.classes.down, later.excluded) == (0, 101 * MINUTE)


def test_edge_case_30_a_restart_and_the_first_sample() -> None:
    """edge case 30: unknown until the first sample, never filled in from the state that was found."""
    found = day(terms(), up(100))
    assert found.unknown_by == {Cause.NEVER_OBSERVED: 100 * MINUTE}
    assert found.coverage == Fraction(1340, 1440)


def contract_row(minute: float, **more: Any) -> dict[str, Any]:
    return {"type": "contract", "contract": "network", "at": at(minute), "terms": terms(**more)}


def test_edge_case_31_a_target_moved() -> None:
    """edge case 31: a new version of the target; what was judged before stays with the old one."""
    rows = contract_row(-1440, standard="99%"), contract_row(720, standard="90%")
    found = accounts(
        terms(), *rows, up(0), down(100), up(160), down(1540), up(1600), until="2026-01-07T00:00:00Z", wanted="all"
    )
    # an hour of each day: 95.8 %
    assert [item.compliance.verdict for item in found[-2:]] == [Verdict.BREACHED, Verdict.MET]


def test_edge_case_32_terms_that_change_during_a_period() -> None:
    """edge case 32: they take effect with the next period: the weight of degraded time, entered at noon."""
    rows = contract_row(-1440), contract_row(720, options={"degraded": "0"})
    slow = [{"endpoint": "a", "at": at(m), "state": "degraded"} for m in (0, 1440)]
    found = accounts(terms(), *rows, *slow, until="2026-01-07T00:00:00Z", wanted="all")
    assert [item.compliance.availability.point for item in found[-2:]] == [1, 0]


TIERS = {"tiers": [{"below": "99%", "credit": "10%"}, {"below": "95%", "credit": "25%"}], "cap": "100%"}


@pytest.mark.parametrize(
    ("minutes", "amount"),
    [
        # 14.4 min is 99 % exactly: not below
        (14.4, "0.00"),
        (15, "10.00"),
        # 72 min is 95 % exactly: not below it, but below 99 %
        (72, "10.00"),
        (73, "25.00"),
    ],
)
def test_edge_case_34_credit_tiers(minutes: float, amount: str) -> None:
    """edge case 34: the lowest tier that the exact ratio matches; `below: 99%` does not include 99 %."""
    (found,) = accounts(terms(penalty=TIERS), up(0), down(100), up(100 + minutes))
    assert account_object(found)["credit"]["amount"] == amount


def test_edge_case_35_caps_and_stacking() -> None:
    """edge case 35: 10 % flat by a tier and 5 % for each block of 10 min beyond the budget: 10 + 4 · 5 = 30 %,
    capped at 25 %; the highest alone is 20 %."""
    penalty: dict[str, Any] = {
        "tiers": [{"below": "99%", "credit": "10%"}],
        "per_block": {"block": "10m", "credit": "5%"},
    }
    rows = up(0), down(100), up(160)  # 60 - 14.4 = 45.6 min beyond: 4 blocks
    for more, amount in (({"stack": "sum"}, "30.00"), ({"stack": "sum", "cap": "25%"}, "25.00"), ({}, "20.00")):
        (found,) = accounts(terms(penalty=penalty | more), *rows)
        assert account_object(found)["credit"]["amount"] == amount


def test_edge_case_36_client_fault_force_majeure_third_party() -> None:
    """edge case 36: typed, with a reason and an approver; their share is told apart."""
    for kind in ("client_fault", "force_majeure", "third_party"):
        row = exclusion(100, 160, kind=kind, reason="cable")
        assert day(terms(), up(0), down(100), up(160), row).verdict is Verdict.BREACHED
        found = day(terms(), up(0), down(100), up(160), row | {"approved_by": "client"})
        assert found.verdict is Verdict.MET
        assert found.excluded_by == {kind: HOUR}


def test_edge_case_37_a_period_that_ends_in_an_outage() -> None:
    """edge case 37: split at the boundary; what was found later of the time before it still belongs to it: down since
    23:50, confirmed and seen after midnight."""
    rows = up(0), down(1430), up(1460)
    found = accounts(terms(), *rows, until="2026-01-07T00:00:00Z", wanted="all")
    assert [item.compliance.classes.down for item in found] == [10 * MINUTE, 20 * MINUTE]


def test_edge_case_38_small_samples() -> None:
    """edge case 38: 99 % of 10 runs allows none to fail, of 100 one."""
    assert allowed_misses(Fraction(99, 100), 10) == 0
    assert allowed_misses(Fraction(99, 100), 99) == 0
    assert allowed_misses(Fraction(99, 100), 100) == 1
