"""S33: the forecast of a running period, given with what it rests on, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.test_founding_contract import founding
from slawatch.domain.facts import Change, State
from slawatch.domain.interval import DAY, HOUR, MINUTE, Duration, Instant, parse_instant
from slawatch.domain.outlook import in_words, outlook
from slawatch.domain.timeline import Timeline, endpoint_timeline

START = parse_instant("2026-01-04T23:00:00Z")


def line(until: Instant, *outages: tuple[Duration, Duration]) -> Timeline:
    """Up from the first period's start; outages by start (after that) and length; unknown from ``until`` on."""
    changes = [Change(START, State.UP, START, START)]
    for begin, length in outages:
        changes.append(Change(START + begin, State.DOWN, START + begin, START + begin))
        changes.append(Change(START + begin + length, State.UP, START + begin + length, START + begin + length))
    changes = [change for change in changes if change.at < until]
    return endpoint_timeline([*changes, Change(until, State.UNKNOWN, until, until)])


def test_six_outages_of_ten_minutes_in_three_fortnights() -> None:
    """Six outages of 10 m in 35 days; 7 days remain, in which 1.2 are expected; the budget of 3 h 21 m 36 s has lost
    20 m in this period, so it takes 19 more of them: next to impossible."""
    now = START + 35 * DAY
    past = [(n * 5 * DAY + HOUR, 10 * MINUTE) for n in range(1, 7)]
    found = outlook(founding("2026-01-05"), line(now, *past), (), now)
    assert found is not None
    assert found.outages == 6
    assert found.known == 35 * DAY
    assert found.at_most < 1e-5
    assert "between 0% and 0.1%" in in_words(found)
    assert "6 outages in 35 d of known service time" in in_words(found)


def test_an_overdrawn_budget_is_certain() -> None:
    """4 h down in this period, of 3 h 21 m 36 s: it cannot end well."""
    now = START + 35 * DAY
    past = [*((n * 5 * DAY, 10 * MINUTE) for n in range(1, 6)), (30 * DAY, 4 * HOUR)]
    found = outlook(founding("2026-01-05"), line(now, *past), (), now)
    assert found is not None
    assert found.at_least == found.at_most == 1
    assert "a probability of about 100%" in in_words(found)


@pytest.mark.parametrize("outages", [0, 1, 4])
def test_a_short_past_says_nothing(outages: int) -> None:
    """Fewer than five outages are no ground for a forecast."""
    now = START + 35 * DAY
    past = [(n * 5 * DAY, 10 * MINUTE) for n in range(1, outages + 1)]
    assert outlook(founding("2026-01-05"), line(now, *past), (), now) is None
    assert in_words(None).startswith("Too little is known for a forecast")


def test_the_running_outage_is_not_of_the_past() -> None:
    """Five outages are over and one has run for 5 m: five are the past, and the sixth goes on like one of them."""
    now = START + 35 * DAY
    past = [(n * 5 * DAY, 10 * MINUTE) for n in range(1, 6)]
    running = [*past, (35 * DAY - 5 * MINUTE, 2 * HOUR)]
    found = outlook(founding("2026-01-05"), line(now, *running), (), now)
    assert found is not None
    assert found.outages == 5
    longer = [*past, (35 * DAY - 30 * MINUTE, 2 * HOUR)]
    assert outlook(founding("2026-01-05"), line(now, *longer), (), now) is None


def test_a_contract_that_is_over_has_none() -> None:
    """Where no period runs there is nothing to foresee."""
    contract = founding("2026-01-05")
    over = replace(contract, valid=contract.valid._replace(end=START + 14 * DAY))
    now = START + 35 * DAY
    past = [(n * 5 * DAY, 10 * MINUTE) for n in range(1, 7)]
    assert outlook(over, line(now, *past), (), now) is None
