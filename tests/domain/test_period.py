"""S20 and S21: which period holds an instant, and what validity leaves of it."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.interval import (
    DAY,
    DISTANT_FUTURE,
    DISTANT_PAST,
    HOUR,
    WEEK,
    Interval,
    format_instant,
    parse_instant,
)
from slawatch.domain.period import (
    CalendarPeriods,
    CalendarUnit,
    EveryDays,
    FixedSpan,
    MeasurementPeriods,
    PartialPolicy,
    Period,
    PeriodRule,
    parse_period,
    proration,
)

BERLIN = "Europe/Berlin"
EVER = Interval(DISTANT_PAST, DISTANT_FUTURE)


def span(start: str, end: str) -> Interval:
    """An interval of two instants given as text; a date alone is UTC midnight."""
    return Interval(*(parse_instant(text if "T" in text else f"{text}T00:00:00Z") for text in (start, end)))


def shown(period: Interval | None) -> str | None:
    """``start/end`` in UTC."""
    return None if period is None else f"{format_instant(period.start)}/{format_instant(period.end)}"


@pytest.mark.parametrize(
    ("text", "zone", "at", "expected"),
    [
        (
            "every 2 weeks from 2026-01-05",
            BERLIN,
            "2026-01-05T00:00:00Z",
            "2026-01-04T23:00:00Z/2026-01-18T23:00:00Z",
        ),
        # Before the date there is no period; its first instant is local midnight.
        ("every 2 weeks from 2026-01-05", BERLIN, "2026-01-04T22:59:59.999999Z", None),
        (
            "every 10 days from 2026-01-05",
            "UTC",
            "2026-01-15T00:00:00Z",
            "2026-01-15T00:00:00Z/2026-01-25T00:00:00Z",
        ),
        ("every week from 2026-01-07", "UTC", "2026-01-07T00:00:00Z", "2026-01-07T00:00:00Z/2026-01-14T00:00:00Z"),
        # A calendar week is Monday to Sunday: Sunday 23:59 UTC is Monday in Berlin.
        ("week", "UTC", "2026-01-11T23:59:00Z", "2026-01-05T00:00:00Z/2026-01-12T00:00:00Z"),
        ("week", BERLIN, "2026-01-11T23:59:00Z", "2026-01-11T23:00:00Z/2026-01-18T23:00:00Z"),
        ("month", BERLIN, "2026-03-15T12:00:00Z", "2026-02-28T23:00:00Z/2026-03-31T22:00:00Z"),
        ("month", "UTC", "2024-02-29T23:59:59.999999Z", "2024-02-01T00:00:00Z/2024-03-01T00:00:00Z"),
        ("quarter", BERLIN, "2026-05-01T00:00:00Z", "2026-03-31T22:00:00Z/2026-06-30T22:00:00Z"),
        ("year", BERLIN, "2026-12-31T23:30:00Z", "2026-12-31T23:00:00Z/2027-12-31T23:00:00Z"),
        (
            "from 2026-01-05 to 2026-02-01 12:00",
            BERLIN,
            "2026-01-20T00:00:00Z",
            "2026-01-04T23:00:00Z/2026-02-01T11:00:00Z",
        ),
        ("from 2026-01-05 to 2026-02-01 12:00", BERLIN, "2026-02-01T11:00:00Z", None),
    ],
)
def test_the_period_that_holds_an_instant(text: str, zone: str, at: str, expected: str | None) -> None:
    """S20: calendar arithmetic in the contract's zone; a period holds its start and not its end."""
    assert shown(parse_period(text, zone).containing(parse_instant(at))) == expected


@pytest.mark.parametrize(
    ("text", "at", "length"),
    [
        # 14 x 24 = 336 h; clocks go forward on 29 March: 336 - 1; back on 25 October: 336 + 1.
        ("every 2 weeks from 2026-01-05", "2026-01-10T00:00:00Z", 336 * HOUR),
        ("every 2 weeks from 2026-03-23", "2026-03-25T00:00:00Z", 335 * HOUR),
        ("every 2 weeks from 2026-10-19", "2026-10-20T00:00:00Z", 337 * HOUR),
        # 31 x 24 = 744 h.
        ("month", "2026-03-10T00:00:00Z", 743 * HOUR),
        ("month", "2026-10-10T00:00:00Z", 745 * HOUR),
        # 365 x 24 h: what spring takes autumn gives.
        ("year", "2026-06-01T00:00:00Z", 365 * DAY),
        ("year", "2024-06-01T00:00:00Z", 366 * DAY),
    ],
)
def test_a_change_of_clocks_is_in_the_length(text: str, at: str, length: int) -> None:
    """S20: a fortnight with a DST change has 335 h or 337 h."""
    period = parse_period(text, BERLIN).containing(parse_instant(at))
    assert period is not None
    assert period.length == length


@pytest.mark.parametrize(
    ("zone", "text", "at", "expected"),
    [
        # The midnight of 4 November 2018 is skipped: the day starts at 01:00 local, 03:00Z.
        ("America/Sao_Paulo", "every day from 2018-11-01", "2018-11-04T03:00:00Z", "2018-11-04T03:00:00Z"),
        # Clocks went back from 00:01 to 23:01 the day before: the first midnight, 02:30Z, is the boundary,
        # and the hour in which they show Saturday again belongs to Sunday.
        ("America/St_Johns", "every day from 2010-11-01", "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z"),
        # 30 December 2011 did not exist: the period of one day before ends where 31 December starts.
        ("Pacific/Apia", "every day from 2011-12-01", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "every day from 2011-12-01", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z"),
        # A rule whose first date does not exist begins with the next that does.
        ("Pacific/Apia", "every day from 2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"),
    ],
)
def test_odd_midnights(zone: str, text: str, at: str, expected: str) -> None:
    """S2: a boundary is one instant, the first of its date, whatever midnight does."""
    instant = parse_instant(at)
    period = parse_period(text, zone).containing(instant)
    assert period is not None
    assert instant in period
    assert format_instant(period.start) == expected


ZONES = ("UTC", BERLIN, "America/Havana", "America/Sao_Paulo", "Pacific/Apia", "America/St_Johns", "Atlantic/Azores")

DATED = st.builds(
    EveryDays, st.integers(1, 40), st.dates(date(2009, 1, 1), date(2012, 1, 1)), st.sampled_from(ZONES)
) | st.builds(CalendarPeriods, st.sampled_from(CalendarUnit), st.sampled_from(ZONES))


@given(
    rule=DATED,
    at=st.integers(parse_instant("2012-01-10T00:00:00Z"), parse_instant("2040-01-01T00:00:00Z"))
    | st.integers(parse_instant("2010-11-06T00:00:00Z"), parse_instant("2010-11-08T00:00:00Z"))
    | st.integers(parse_instant("2011-12-28T00:00:00Z"), parse_instant("2012-01-02T00:00:00Z")),
    more=st.integers(0, 60 * DAY),
)
def test_neighbours_tile(rule: PeriodRule, at: int, more: int) -> None:
    """S20: periods neither overlap nor leave a gap, and each knows its neighbours."""
    covered = list(rule.between(at, at + more))
    assert all(period.length for period in covered)
    for left, right in pairwise(covered):
        assert left.end == right.start
        assert rule.following(left) == right
        assert rule.preceding(right) == left
    for period in covered:
        assert rule.containing(period.start) == rule.containing(period.end - 1) == period
    if rule.first is None and more:
        assert covered[0].start <= at < at + more <= covered[-1].end


def test_periods_between_begin_with_the_first() -> None:
    """S20: asked from before the anchor, the first period is the anchor's; asked for nothing, there is none."""
    rule = parse_period("every 2 weeks from 2026-01-05", "UTC")
    asked = span("2025-11-01", "2026-02-03")
    assert [shown(period) for period in rule.between(*asked)] == [
        "2026-01-05T00:00:00Z/2026-01-19T00:00:00Z",
        "2026-01-19T00:00:00Z/2026-02-02T00:00:00Z",
        "2026-02-02T00:00:00Z/2026-02-16T00:00:00Z",
    ]
    assert list(rule.between(asked.end, asked.start)) == []
    assert list(rule.between(*span("2025-11-01", "2026-01-05"))) == []
    fixed = FixedSpan(span("2026-01-05", "2026-02-01"), "UTC")
    assert list(fixed.between(*span("2025-01-01", "2027-01-01"))) == [fixed.span]
    assert fixed.following(fixed.span) is None
    assert fixed.preceding(fixed.span) is None


@pytest.mark.parametrize(
    "text",
    [
        "every 2 weeks from 2026-01-05",
        "every 1 week from 2026-01-05",
        "every 10 days from 2026-01-05",
        "week",
        "month",
        "quarter",
        "year",
        "from 2026-01-05 00:00:00 to 2026-02-01 12:00:00",
    ],
)
def test_a_rule_is_written_as_it_is_read(text: str) -> None:
    """The text of a rule reads as the same rule."""
    rule = parse_period(text, BERLIN)
    assert str(rule) == text
    assert parse_period(str(rule), BERLIN) == rule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fortnight", "is no period: 'every 2 weeks from 2026-01-05'"),
        ("every 2 weeks", "is no period: 'every 2 weeks from 2026-01-05'"),
        ("2 weeks", "is no period: 'every 2 weeks from 2026-01-05'"),
        ("every 2 months from 2026-01-05", "is no period: 'every 2 weeks from 2026-01-05'"),
        ("every 2 weeks from 2026-13-05", "is no date: one like 2026-02-01 is expected"),
        ("every 0 weeks from 2026-01-05", "a period has at least one day"),
        ("from 2026-01-05 to noon", "is no local time"),
        ("from 2026-01-05 to 2026-01-05", "a period ends after it starts"),
    ],
)
def test_what_is_no_period_is_refused(text: str, expected: str) -> None:
    """The message says what is expected."""
    with pytest.raises(ValueError, match=expected):
        parse_period(text, BERLIN)


def test_a_rule_names_a_zone() -> None:
    """S2: an unknown zone is refused by every kind of rule."""
    for text in ("week", "every day from 2026-01-05", "from 2026-01-05 to 2026-01-06"):
        with pytest.raises(ValueError, match="IANA name"):
            parse_period(text, "Mars")


FORTNIGHTS = EveryDays(14, date(2026, 1, 5), "UTC")
"""5 and 19 January, 2 and 16 February, 2 March 2026."""

JUDGE, MERGE, INFORM = PartialPolicy.JUDGE, PartialPolicy.MERGE, PartialPolicy.INFORM_ONLY

VALIDITIES = {
    # Starts 7 days into the first fortnight and ends 7 days into the fourth.
    "both": span("2026-01-12", "2026-02-23"),
    "exact": span("2026-01-05", "2026-02-16"),
    "one": span("2026-01-08", "2026-01-12"),
    "two stubs": span("2026-01-12", "2026-01-26"),
    "open": Interval(span("2026-01-12", "2026-01-13").start, DISTANT_FUTURE),
}

HALF, WHOLE = Fraction(7, 14), Fraction(1)


@pytest.mark.parametrize(
    ("validity", "policy", "expected"),
    [
        (
            "both",
            JUDGE,
            [
                ("01-12", "01-19", True, HALF, True),
                ("01-19", "02-02", False, WHOLE, True),
                ("02-02", "02-16", False, WHOLE, True),
                ("02-16", "02-23", True, HALF, True),
            ],
        ),
        (
            "both",
            INFORM,
            [
                ("01-12", "01-19", True, HALF, False),
                ("01-19", "02-02", False, WHOLE, True),
                ("02-02", "02-16", False, WHOLE, True),
                ("02-16", "02-23", True, HALF, False),
            ],
        ),
        # 7/14 + 1 and 1 + 7/14.
        (
            "both",
            MERGE,
            [("01-12", "02-02", True, Fraction(3, 2), True), ("02-02", "02-23", True, Fraction(3, 2), True)],
        ),
        (
            "exact",
            MERGE,
            [
                ("01-05", "01-19", False, WHOLE, True),
                ("01-19", "02-02", False, WHOLE, True),
                ("02-02", "02-16", False, WHOLE, True),
            ],
        ),
        # Nothing to merge with: judged as it is, 4 days of 14.
        ("one", MERGE, [("01-08", "01-12", True, Fraction(4, 14), True)]),
        ("two stubs", MERGE, [("01-12", "01-26", True, HALF + HALF, True)]),
        ("two stubs", JUDGE, [("01-12", "01-19", True, HALF, True), ("01-19", "01-26", True, HALF, True)]),
        (
            "open",
            MERGE,
            [("01-12", "02-02", True, Fraction(3, 2), True), ("02-02", "02-16", False, WHOLE, True)],
        ),
    ],
)
def test_partial_periods(
    validity: str, policy: PartialPolicy, expected: list[tuple[str, str, bool, Fraction, bool]]
) -> None:
    """S21: validity clips the first and the last; charges follow elapsed time; merging stays inside validity."""
    periods = MeasurementPeriods(FORTNIGHTS, VALIDITIES[validity], policy)
    found = [
        (format_instant(p.start)[5:10], format_instant(p.end)[5:10], p.partial, p.proration, p.judged)
        for p in periods.between(DISTANT_PAST, parse_instant("2026-02-16T00:00:00Z") + (policy is not MERGE))
    ]
    kept = [row for row in expected if row[0] < "02-16" or policy is not MERGE]
    assert found == kept


@pytest.mark.parametrize("policy", PartialPolicy)
def test_a_start_that_nobody_stated_is_for_information(policy: PartialPolicy) -> None:
    """S21: without ``valid.from`` the first clipped period is inform-only under every policy, and never merged."""
    periods = MeasurementPeriods(FORTNIGHTS, VALIDITIES["open"], policy, start_stated=False)
    first, second = list(periods.between(DISTANT_PAST, parse_instant("2026-01-20T00:00:00Z")))
    assert (first.judged, first.partial, first.interval) == (False, True, span("2026-01-12", "2026-01-19"))
    assert (second.judged, second.partial, second.interval) == (True, False, span("2026-01-19", "2026-02-02"))
    exact = MeasurementPeriods(FORTNIGHTS, VALIDITIES["exact"], policy, start_stated=False)
    whole = exact.containing(VALIDITIES["exact"].start)
    assert whole is not None
    assert whole.judged


def test_a_contract_has_no_period_outside_its_validity() -> None:
    """S21: not before, not at its end, and not before the rule's own first period."""
    periods = MeasurementPeriods(FORTNIGHTS, VALIDITIES["both"])
    assert periods.containing(VALIDITIES["both"].start - 1) is None
    assert periods.containing(VALIDITIES["both"].end) is None
    early = MeasurementPeriods(FORTNIGHTS, span("2025-12-01", "2026-02-01"))
    assert early.containing(parse_instant("2026-01-04T00:00:00Z")) is None
    assert [shown(p.interval) for p in early.between(DISTANT_PAST, DISTANT_FUTURE)] == [
        "2026-01-05T00:00:00Z/2026-01-19T00:00:00Z",
        "2026-01-19T00:00:00Z/2026-02-01T00:00:00Z",
    ]
    for_ever = MeasurementPeriods(FORTNIGHTS, EVER)
    first = next(for_ever.between(DISTANT_PAST, DISTANT_FUTURE))
    assert (first.start, first.end, first.partial) == (*FORTNIGHTS.first, False)


@given(
    rule=DATED,
    start=st.integers(parse_instant("2012-01-10T00:00:00Z"), parse_instant("2030-01-01T00:00:00Z")),
    length=st.integers(1, 400 * DAY),
    policy=st.sampled_from(PartialPolicy),
    stated=st.booleans(),
)
def test_periods_tile_validity(rule: PeriodRule, start: int, length: int, policy: PartialPolicy, stated: bool) -> None:
    """S21: whatever the policy, periods tile validity, at most two are partial, and shares add up."""
    valid = Interval(start, start + length)
    periods = MeasurementPeriods(rule, valid, policy, stated)
    found: list[Period] = list(periods.between(*valid))
    assert (found[0].start, found[-1].end) == valid
    assert sum(p.partial for p in found) <= 2
    assert sum(p.proration for p in found) == proration(rule, valid)
    for left, right in pairwise(found):
        assert left.end == right.start
        assert periods.following(left) == right
        assert periods.preceding(right) == left
    for p in found:
        assert periods.containing(p.start) == periods.containing(p.end - 1) == p
        assert p.partial == (p.interval != rule.containing(p.start))
        assert p.nominal.start <= p.start < p.end <= p.nominal.end


def test_charges_per_month_are_prorated_by_elapsed_time() -> None:
    """S34: a fortnight from 26 January is 6 of 31 days and 8 of 28 days."""
    months = CalendarPeriods(CalendarUnit.MONTH, "UTC")
    assert proration(months, span("2026-01-26", "2026-02-09")) == Fraction(6, 31) + Fraction(8, 28)
    assert proration(months, span("2026-01-01", "2026-04-01")) == 3
    # In Berlin March 2026 has 743 h; its fortnight from 23 March 335 h, of which 216 - 1 h lie in March.
    berlin = CalendarPeriods(CalendarUnit.MONTH, BERLIN)
    fortnight = span("2026-03-22T23:00:00Z", "2026-04-05T22:00:00Z")
    assert fortnight.length == 2 * WEEK - HOUR
    assert proration(berlin, fortnight) == Fraction(215, 743) + Fraction(120, 720)
    assert timedelta(microseconds=fortnight.length) == timedelta(hours=335)
