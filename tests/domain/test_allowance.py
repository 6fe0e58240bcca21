"""What a contract allows, and that the shortest outage said to breach it is exactly that (S18, S19, S22)."""

from __future__ import annotations

from typing import Any

import pytest

from domain.counted_cases import at, on_time
from domain.explained_cases import agreed, instant
from slawatch.domain.account import account
from slawatch.domain.allowance import Allowance, allowances, counted_length, shortest_breach
from slawatch.domain.compliance import Verdict
from slawatch.domain.contract import Contract
from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.facts import Change, State
from slawatch.domain.grammar import parse_duration
from slawatch.domain.interval import HOUR, MINUTE, Duration, Interval, parse_instant
from slawatch.domain.terms import contract_of
from slawatch.domain.timeline import endpoint_timeline


def allowed(contract: Contract, now: str, *announced: Announcement) -> list[Allowance]:
    return list(allowances(contract, announced, parse_instant(instant(now))))


def test_s20_fortnights_of_335_and_337_hours_are_shown() -> None:
    """Clocks change on 29 March and 25 October: 1 % of 336, 335 and 337 h."""
    found = allowed(agreed(), "01-10")
    assert [(item.service_time // HOUR, item.allowed) for item in found] == [
        (336, parse_duration("3h21m36s")),
        (336, parse_duration("3h21m36s")),
        (335, parse_duration("3h21m")),
        (337, parse_duration("3h22m12s")),
    ]
    assert [item.period.start for item in found] == sorted({item.period.start for item in found})


def test_s22_announced_maintenance_lowers_what_is_allowed() -> None:
    """8 h of 336: 1 % of 328 h = 3 h 16 m 48 s."""
    start = parse_instant(instant("01-12"))
    work = Announcement("work", ExclusionKind.MAINTENANCE, (Interval(start, start + 8 * HOUR),))
    first = allowed(agreed(), "01-10", work)[0]
    assert first.excluded == 8 * HOUR
    assert first.allowed == parse_duration("3h16m48s")


def test_periods_before_and_after_validity() -> None:
    """Before it begins the first period is shown, after its end the last."""
    contract = agreed(valid={"from": "2026-01-05", "to": "2026-02-02"})
    starts = [item.period.start for item in allowed(contract, "2025-11-01")]
    assert starts == [parse_instant("2026-01-04T23:00:00Z"), parse_instant("2026-01-18T23:00:00Z")]
    assert [item.period.start for item in allowed(contract, "05-01")] == starts[1:]
    unbounded = agreed(valid={"from": None, "to": None})
    assert allowed(unbounded, "2025-11-01")[0].period.start == starts[0]


AT_THE_END = "longer than 3 h 20 m that begins at the end of a minute"


@pytest.mark.parametrize(
    ("options", "length", "text"),
    [
        # 336 h · 1 % = 3 h 21 m 36 s = 12,096 s; a microsecond more breaches
        ({}, parse_duration("3h21m36s") + 1, "longer than 3 h 21 m 36 s"),
        # six half hours are 3 h, the seventh, started, makes 3 h 30 m
        ({"granularity": "per started block of 30m"}, 3 * HOUR + 1, "longer than 3 h"),
        # the block is longer than what is allowed: any outage
        ({"granularity": "per started block of 4h"}, 1, "of any length"),
        # 202 minutes are 3 h 22 m; 200 whole ones and an instant of two more
        (
            {"granularity": "per minute, any"},
            200 * MINUTE + 2,
            "longer than 3 h 20 m that begins at the end of a minute",
        ),
        ({"granularity": "per minute, all"}, 202 * MINUTE, "of 3 h 22 m that begins on the minute"),
        # shorter outages do not count at all
        ({"ignore_outages_shorter_than": "4h"}, 4 * HOUR, "of 4 h"),
        ({"ignore_outages_shorter_than": "5m"}, parse_duration("3h21m36s") + 1, "longer than 3 h 21 m 36 s"),
        ({"ignore_outages_shorter_than": "1h", "granularity": "per started block of 4h"}, HOUR, "of 1 h"),
        (
            {"ignore_outages_shorter_than": "4h", "granularity": "per minute, any"},
            4 * HOUR,
            "of 4 h",
        ),
    ],
)
def test_the_shortest_outage_that_breaches(options: dict[str, str], length: Duration, text: str) -> None:
    """S18, S19: an outage of this length breaches, one a microsecond shorter does not, wherever it begins."""
    contract = agreed(options)
    item = allowed(contract, "01-10")[0]
    assert item.breach is not None
    assert item.breach.length == length == shortest_breach(contract.options, item.allowed)
    assert item.breach.text == text
    assert item.breach.credit is not None
    assert str(item.breach.credit.amount) == "120.00 EUR"
    verdict, down = _judged(contract, item, length)
    assert verdict is Verdict.BREACHED
    assert down == counted_length(contract.options, length)
    assert _judged(contract, item, length - 1)[0] is not Verdict.BREACHED


def _judged(contract: Contract, item: Allowance, length: Duration) -> tuple[Verdict, Duration]:
    """The worst verdict over some beginnings: on the minute, at its last microsecond, in the middle."""
    found = []
    for offset in (0, MINUTE - 1, MINUTE // 2):
        start = item.period.start + 30 * HOUR + offset
        changes = [
            Change(item.period.start, State.UP, item.period.start, item.period.start),
            Change(start, State.DOWN, start, start),
            Change(start + length, State.UP, start + length, start + length),
        ]
        compliance = account(contract, item.period, endpoint_timeline(changes), (), item.period.end).compliance
        found.append((compliance.verdict, compliance.classes.down))
    return max(found, key=lambda pair: pair[1])


def test_a_target_of_100_is_breached_by_any_outage() -> None:
    first = allowed(agreed(standard="100%"), "01-10")[0]
    assert (first.allowed, first.breach and first.breach.length) == (0, 1)


@pytest.mark.parametrize(
    ("standard", "length", "text"),
    [
        ("100%", 1, "of any length"),
        ("99.995%", 2, "of an instant at the end of a minute"),  # allowed 1 min 0.48 s: two minutes touched
        ("99.99%", MINUTE + 2, "longer than 1 m that begins at the end of a minute"),  # 2 min 0.96 s: three
    ],
)
def test_s19_a_minute_that_is_touched_counts(standard: str, length: Duration, text: str) -> None:
    contract = agreed({"granularity": "per minute, any"}, standard=standard)
    item = allowed(contract, "01-10")[0]
    assert item.breach is not None
    assert (item.breach.length, item.breach.text) == (length, text)
    assert _judged(contract, item, length)[0] is Verdict.BREACHED
    assert length == 1 or _judged(contract, item, length - 1)[0] is not Verdict.BREACHED


def test_no_outage_breaches_what_ignores_more_than_a_period() -> None:
    assert allowed(agreed({"ignore_outages_shorter_than": "15d"}), "01-10")[0].breach is None
    whole = allowed(agreed({"ignore_outages_shorter_than": "14d"}), "01-10")[0].breach
    assert whole is not None
    assert whole.length == 336 * HOUR


@pytest.mark.parametrize(
    ("period", "start"),
    [
        ("from 2028-01-01 to 2028-02-01", "2027-12-31T23:00:00Z"),  # further away than a year
        ("from 2026-06-01 to 2026-07-01", "2026-05-31T22:00:00Z"),
        ("every 2 weeks from 2028-01-03", "2028-01-02T23:00:00Z"),
    ],
)
def test_periods_that_are_yet_to_come(period: str, start: str) -> None:
    found = allowed(agreed(period=period, valid={"from": None, "to": None}), "01-10")
    assert found[0].period.start == parse_instant(start)


def test_one_span_that_is_over_has_nothing_to_allow() -> None:
    """The contract is over with its only period, and says so by its end."""
    over: dict[str, Any] = {
        "period": "from 2025-01-01 to 2025-02-01",
        "valid": {"from": "2025-01-01", "to": "2025-02-01"},
    }
    assert [item.period.start for item in allowed(agreed(**over), "01-10")] == [parse_instant("2024-12-31T23:00:00Z")]
    unbounded = agreed(period="from 2025-01-01 to 2025-02-01", valid={"from": None, "to": None})
    assert allowed(unbounded, "01-10") == []


def test_s34_what_the_breach_costs_is_by_the_contract_s_own_penalty() -> None:
    """5 % for each started hour beyond the budget: one microsecond beyond is one hour. 5 % of 1200 EUR."""
    blocks: dict[str, Any] = {"per_block": {"block": "1h", "started": "true", "credit": "5%"}}
    first = allowed(agreed(penalty=blocks), "01-10")[0]
    assert first.breach is not None
    assert first.breach.credit is not None
    assert str(first.breach.credit.amount) == "60.00 EUR"
    assert str(first.charges) == "1200.00 EUR"


def test_s30_jobs_say_how_many_runs_there_will_be() -> None:
    """31 nights in January, 28 in February; 90 % allows 3 and 2. Mails cannot be foretold."""
    found = allowances(contract_of(on_time()), (), at("05"))
    assert [(item.events, item.misses) for item in found] == [(31, 3), (28, 2)]
    assert all(item.breach is None for item in found)
    mails = contract_of(on_time() | {"measurement": "delivery_in_time", "events": {"within": "5m"}})
    assert [item.events for item in allowances(mails, (), at("05"))] == [None, None]
