"""Nagios's own report runs over a log that the test writes, in the zone and the hours that the test chooses."""

from __future__ import annotations

import pytest

from support.nagios import Figures, MakeNagios

HOUR, DAY = 3_600, 86_400
MONDAY = 1_767_571_200  # 2026-01-05T00:00:00Z
LOG = [
    (MONDAY, "LOG VERSION: 2.0"),
    (MONDAY, "CURRENT HOST STATE: router;UP;HARD;1;ok"),
    (MONDAY + 7 * HOUR, "HOST ALERT: router;DOWN;HARD;1;gone"),
    (MONDAY + 9 * HOUR, "HOST ALERT: router;UP;HARD;1;back"),
]

pytestmark = pytest.mark.server("nagios")


def test_a_day_around_the_clock(nagios: MakeNagios) -> None:
    figures = nagios(LOG).availability(MONDAY, MONDAY + DAY)
    assert figures == {"router": Figures(22 * HOUR, 2 * HOUR, 0, 0, 0, 0)}


def test_office_hours_in_a_zone_of_its_own(nagios: MakeNagios) -> None:
    # 08:00-18:00 in Berlin is 07:00-17:00 in UTC, so both hours of the outage lie inside.
    office = dict.fromkeys(["monday", "tuesday"], "08:00-18:00")
    figures = nagios(LOG, hours=office, zone="Europe/Berlin").availability(MONDAY - HOUR, MONDAY + 23 * HOUR)
    assert (figures["router"].up, figures["router"].down) == (8 * HOUR, 2 * HOUR)
    in_utc = nagios(LOG, hours=office).availability(MONDAY, MONDAY + DAY)
    assert (in_utc["router"].up, in_utc["router"].down) == (9 * HOUR, 1 * HOUR)


def test_the_report_is_a_page_as_well(nagios: MakeNagios) -> None:
    assert "0d 2h 0m 0s" in nagios(LOG).report(MONDAY, MONDAY + DAY, host="router")
