"""The same events under other periods, hours and exclusions: the arithmetic beside each figure."""

from __future__ import annotations

from fractions import Fraction as F

import pytest

from domain.counted_cases import heard, moment, nights, on_time, run, state, terms
from domain.counted_cases import history as events_of
from domain.explained_cases import agreed, maintenance, recorded, row, scene_of
from slawatch.domain.compliance import Verdict, display_ratio
from slawatch.domain.flattery import View, views
from slawatch.domain.interval import DAY, HOUR, MINUTE
from slawatch.domain.terms import contract_of

YEAR = (row("2025-12-31 00:00", "up"), row("01-06 10:00", "down"), row("01-06 14:00", "up"))
"""One outage of four hours on a Tuesday, from 11:00 to 15:00 in Berlin; measured for a whole year."""


def by_name(found: tuple[View, ...]) -> dict[str, View]:
    assert len({view.name for view in found}) == len(found)
    return {view.name: view for view in found}


def test_one_outage_of_four_hours_under_longer_periods() -> None:
    """The longer the period, the better it looks; measured throughout, so nothing is assumed."""
    found = by_name(views(scene_of(agreed(), recorded(*YEAR, until="2027-02-01"))))
    figures = {name: (view.figure, view.verdict) for name, view in found.items() if view.group == "period"}
    assert figures == {
        "a day": (F(20, 24), Verdict.BREACHED),
        "a week": (F(164, 168), Verdict.BREACHED),
        "two weeks": (F(332, 336), Verdict.BREACHED),
        "a month": (F(740, 744), Verdict.MET),  # January: 744 h
        "a quarter": (F(2155, 2159), Verdict.MET),  # 90 d, less the hour of 29 March
        "a year": (F(8756, 8760), Verdict.MET),
    }
    assert [display_ratio(ratio or F(0), F(99, 100)) for ratio, _ in figures.values()] == [
        "83.33", "97.61", "98.80", "99.46", "99.81", "99.95",
    ]  # fmt: skip
    assert all(view.assumed_up == 0 for view in found.values())
    assert [name for name, view in found.items() if view.flatters(found["as agreed"])] == [
        "a month",
        "a quarter",
        "a year",
    ]


def test_what_was_never_measured_outside_the_judged_period_is_taken_as_up_and_said() -> None:
    """A history of the fortnight alone: of the year's 365 days 14 were measured, of January's 31 also 14."""
    history = recorded(
        row("01-04 23:00", "up"), row("01-06 10:00", "down"), row("01-06 14:00", "up"), until="01-18 23:00"
    )
    found = by_name(views(scene_of(agreed(), history)))
    assert found["a year"].figure == F(8756, 8760)
    assert found["a year"].verdict is Verdict.MET
    assert found["a year"].assumed_up == 351 * DAY
    assert found["a month"].assumed_up == 17 * DAY
    assert found["two weeks"].assumed_up == 0


def test_a_fortnight_is_the_contract_s_own_and_a_stated_gap_stays_unknown_everywhere() -> None:
    """Valid from the 7th: the first period is cut short, the fortnight is whole. A gap in February is no assumption."""
    contract = agreed(valid={"from": "2026-01-07", "to": None})
    rows = (row("01-01", "up"), row("02-10", "unknown", cause="monitor_stopped"), row("02-10 01:00", "up"))
    found = by_name(views(scene_of(contract, recorded(*rows, until="03-01"))))
    assert found["two weeks"].span.start == found["as agreed"].span.start - 2 * DAY
    assert found["two weeks"].span.length == 14 * DAY
    quarter = found["a quarter"]
    assert quarter.account.compliance.classes.unknown == HOUR
    assert quarter.assumed_up == HOUR + (30 * DAY + 22 * HOUR)  # before the history; after it, to 31 March 22:00 UTC
    assert quarter.account.compliance.classes.total == 2159 * HOUR


def test_inside_the_judged_period_nothing_is_assumed() -> None:
    """Measured only from its second day on, and not for an hour in between: that stays unknown in every view."""
    history = recorded(
        row("01-05 23:00", "up"),
        row("01-07", "unknown", cause="monitor_stopped"),
        row("01-07 01:00", "up"),
        until="01-20",
    )
    found = by_name(views(scene_of(agreed(), history)))
    for name in ("as agreed", "two weeks", "around the clock"):
        assert found[name].account.compliance.classes.unknown == 25 * HOUR
        assert found[name].assumed_up == 0
    assert found["a year"].account.compliance.classes.unknown == 25 * HOUR


def test_the_rest_of_a_running_period_is_taken_as_up() -> None:
    """Half of the fortnight has passed when 4 h are lost: 332/336, as if nothing else happened."""
    history = recorded(row("01-04 23:00", "up"), *YEAR[1:], until="01-11 23:00")
    found = by_name(views(scene_of(agreed(), history)))
    assert found["as agreed"].figure == F(332, 336)
    assert found["as agreed"].verdict is Verdict.BREACHED
    assert found["as agreed"].assumed_up == 7 * DAY
    assert found["a week"].assumed_up == 0


def test_business_hours_and_around_the_clock() -> None:
    """Ten working days of 10 h: 4 h of 100 h; around the clock 4 h of 336 h. A night outage does not count."""
    found = by_name(views(scene_of(agreed(), recorded(*YEAR))))
    name = "business hours, mon-fri 08:00-18:00"
    assert found[name].figure == F(96, 100)
    assert found["around the clock"].figure == F(332, 336)
    night = recorded(row("01-01", "up"), row("01-06 20:00", "down"), row("01-07 00:00", "up"))
    found = by_name(views(scene_of(agreed(), night)))
    assert found[name].figure == 1
    assert found[name].verdict is Verdict.MET
    assert found["as agreed"].verdict is Verdict.BREACHED


def test_the_contract_s_own_hours_are_a_view_too() -> None:
    """Nine hours a day, ten days: 90 h; two hours lost inside them are 88/90 = 97.77 %, around the clock 334/336."""
    hours = {"name": "day", "timezone": "Europe/Berlin", "days": {"mon-fri": ["09:00-18:00"]}}
    contract = agreed(hours=hours | {"holidays": None, "closed": [], "open": {}})
    history = recorded(row("01-01", "up"), row("01-06 10:00", "down"), row("01-06 12:00", "up"))
    found = by_name(views(scene_of(contract, history)))
    assert found["day hours"].figure == found["as agreed"].figure == F(88, 90)
    assert found["around the clock"].figure == F(334, 336)
    assert found["around the clock"].verdict is Verdict.MET
    assert found["around the clock"].flatters(found["as agreed"])


def test_with_and_without_exclusions() -> None:
    """8 h of maintenance, of which 2 h were down, and 3.3 h down beside: 3.3/328 with, 5.3/336 without."""
    history = recorded(
        row("01-01", "up"),
        row("01-06 10:00", "down"),
        row("01-06 13:18", "up"),
        row("01-10 20:00", "down"),
        row("01-10 22:00", "up"),
        maintenance("01-10 20:00", "01-11 04:00"),
    )
    found = by_name(views(scene_of(agreed(), history)))
    assert found["with exclusions"].figure == 1 - F(33, 3280)
    assert found["without exclusions"].figure == 1 - F(53, 3360)


def test_each_view_has_its_credit() -> None:
    """1200 EUR a fortnight: 10 % of it; of a day a fourteenth, 8.57 EUR; met views cost nothing."""
    found = by_name(views(scene_of(agreed(), recorded(*YEAR, until="2027-02-01"))))

    def amount(name: str) -> str:
        settlement = found[name].settlement
        assert settlement is not None
        return str(settlement.amount)

    assert amount("as agreed") == amount("two weeks") == "120.00 EUR"
    assert amount("a day") == "8.57 EUR"
    assert amount("a week") == "60.00 EUR"
    assert amount("a year") == "0.00 EUR"


def test_windows_lie_where_the_longest_outage_began() -> None:
    """Two outages: the day is that of the longer one, although it came later."""
    history = recorded(
        row("01-01", "up"),
        row("01-06 10:00", "down"),
        row("01-06 11:00", "up"),
        row("01-14 10:00", "down"),
        row("01-14 11:00:01", "up"),
    )
    found = by_name(views(scene_of(agreed(), history)))
    assert found["a day"].span.start == found["a day"].account.compliance.period.start
    assert found["a day"].account.compliance.classes.down == HOUR + 1_000_000
    quiet = by_name(views(scene_of(agreed(), recorded(row("01-01", "up")))))
    assert quiet["a day"].span.start == quiet["as agreed"].span.start


@pytest.mark.parametrize("day", ["01-10", "03-20", "10-20"])
def test_every_window_holds_the_judged_outage(day: str) -> None:
    """Over both changes of the clocks a day is a date of the zone, a fortnight the contract's own."""
    month, number = day.split("-")
    history = recorded(
        row("2025-12-31", "up"),
        row(f"{month}-{number} 22:30", "down"),
        row(f"{month}-{number} 22:40", "up"),
        until="12-31",
    )
    found = by_name(views(scene_of(agreed(), history, judged=day)))
    for name in ("a day", "a week", "two weeks", "a month", "a quarter", "a year"):
        assert found[name].account.compliance.classes.down == 10 * MINUTE
    assert found["two weeks"].span == found["as agreed"].span


def test_counted_measurements_have_periods_and_exclusions() -> None:
    """Jobs: one of 31 nights missed; in its week one of 7, in the year one of 31 known, 30/31 all the same."""
    rows = [*heard(), *nights(1, 19), *nights(21, 31)]
    found = by_name(views(scene_of(contract_of(on_time()), events_of(rows), judged="01-10")))
    assert found["as agreed"].figure == F(30, 31)
    assert found["a day"].figure == 0
    assert found["a week"].figure == F(6, 7)
    assert found["a year"].figure == F(30, 31)
    assert "around the clock" not in found
    assert found["without exclusions"].figure == F(30, 31)


def test_a_longer_window_counts_what_was_heard_beside_the_judged_period() -> None:
    """Heard until 11 February at noon: 31 and 11 nights, one of them missed in February."""
    rows = [*heard("02-11 12:00"), *nights(1, 31), *(run(f"02-{day:02} 02:10") for day in range(1, 11))]
    found = by_name(views(scene_of(contract_of(on_time()), events_of(rows), judged="01-10")))
    assert found["as agreed"].figure == 1
    assert found["a quarter"].figure == F(41, 42)
    assert found["a quarter"].verdict is Verdict.MET


def test_tickets_have_hours_as_well() -> None:
    """Created on Friday at 17:00, answered on Monday at 09:00: 16 h in business hours are 2, around the clock 64."""
    tickets = {"within": "4h", "pausing": [], "restored": [], "restoring_answers": False}
    base = {"type": "ticket", "endpoint": "src", "ticket": "1"}
    rows = [
        *heard(),
        {**base, "at": moment("09 17:00"), "event": "created"},
        {**base, "at": moment("12 09:00"), "event": "agent_reply"},
    ]
    found = by_name(views(scene_of(contract_of(terms("response_in_time", tickets)), events_of(rows), judged="01-10")))
    assert found["as agreed"].figure == found["around the clock"].figure == 0
    assert found["business hours, mon-fri 08:00-18:00"].figure == 1


def test_a_counted_view_leaves_out_what_was_never_heard_outside_the_period() -> None:
    """One slot of the period itself is unknown and stays so; those after the end are left out of the quarter."""
    rows = [*heard("02-01"), *nights(1, 9), *nights(11, 31), state("10", "unknown"), state("11", "up"), run("31 02:20")]
    found = by_name(views(scene_of(contract_of(on_time()), events_of(rows), judged="01-10")))
    for name in ("as agreed", "a quarter"):
        counts = found[name].account.counts
        assert counts is not None
        assert (counts.n, counts.missed, counts.unknown) == (31, 0, 1)
