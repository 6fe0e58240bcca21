"""The JSON object of an account: exact, in order, null where not applicable (S7, S34)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.small_cases import agreement, maintenance, options, s, span, timeline_of
from slawatch.domain.account import account
from slawatch.domain.account_json import account_object
from slawatch.domain.contract import Contract


def object_of(contract: Contract, facts: str, now: int = 5000, *announced: Any) -> dict[str, Any]:
    period = next(contract.periods.between(s(0), s(10**6)))
    return account_object(account(contract, period, timeline_of(facts), announced, s(now)))


def test_a_closed_period() -> None:
    """1000 s: 100 excluded; 20 down, 10 degraded, 50 unknown, 820 up. Point 830/850 = 0.97647…, coverage 850/900."""
    found = object_of(
        agreement(penalty="10% of charges", options=options(coverage_floor="90%")),
        "up 0, down 200 [195..205], up 220 [219..220], degraded 300, up 310, unknown 950 path_lost",
        5000,
        maintenance(500, 600),
    )
    assert found["client"] == "acme"
    assert found["contract"] == "network"
    assert found["period"] == {"start": "2026-01-05T00:00:00Z", "end": "2026-01-05T00:16:40Z", "partial": False}
    assert found["time_us"] == {
        "up": 820_000_000,
        "degraded": 10_000_000,
        "down": 20_000_000,
        "unknown": 50_000_000,
        "excluded": 100_000_000,
        "outside_hours": 0,
        "outside_contract": 0,
    }
    assert found["availability"] == {
        # 825/850, truncated after 18 digits; 25 s down in low, 14 s in high
        "low": "0.970588235294117647",
        "point": "0.976470588235294117",
        "high": "0.983529411764705882",
        # 830/900 and 880/900
        "if_unknown_down": "0.922222222222222222",
        "if_unknown_up": "0.977777777777777777",
        # 930/950
        "without_exclusions": "0.978947368421052631",
    }
    assert found["target"] == "0.99"
    assert found["coverage"] == "0.944444444444444444"
    # 1 % of 850 s
    assert found["budget_us"] == {"allowed": 8_500_000, "used": 20_000_000, "left": -11_500_000}
    assert found["counts"] is None
    assert found["suppressed_us"] == 0
    assert found["excluded_us"] == {"maintenance": 100_000_000}
    assert found["unknown_us"] == {"path_lost": 50_000_000}
    assert found["verdict"] == "breached"
    assert found["credit"] == {
        "amount": "10.00",
        "currency": "EUR",
        "settled_on": "point",
        "rule": "10% of charges",
        "at_low": "10.00",
        "at_high": "10.00",
    }


def test_a_disputable_period_shows_both_credits() -> None:
    """S34: low 988 s of 1000 breaches, high 993 s does not; settled on point, 991 s."""
    found = object_of(agreement(penalty="10% of charges"), "up 0, down 200 [198..201], up 209 [208..210], unknown 1000")
    assert found["verdict"] == "disputable"
    assert found["credit"]["amount"] == "0.00"
    assert (found["credit"]["at_low"], found["credit"]["at_high"]) == ("10.00", "0.00")


def test_below_the_floor_the_credit_is_open() -> None:
    """S7, S34: nothing is settled by itself."""
    found = object_of(agreement(penalty="10% of charges"), "up 0, down 100, up 300, unknown 900")
    assert found["coverage"] == "0.9"
    assert found["credit"]["amount"] is None
    assert found["credit"]["at_low"] == "10.00"


def test_nothing_measured_is_not_applicable() -> None:
    """S6: null, never 1 and never 0."""
    found = object_of(agreement(), "unknown 0")
    assert found["availability"]["low"] is None
    assert found["availability"]["point"] is None
    assert found["availability"]["high"] is None
    assert found["coverage"] == "0"
    assert found["verdict"] == "not_applicable"
    assert found["credit"] is None


def test_an_open_period_is_to_date() -> None:
    """S22: time not yet past is in no class."""
    found = object_of(agreement(), "up 0, unknown 400", 400)
    assert found["verdict"] == "open"
    assert sum(found["time_us"].values()) == 400_000_000
    assert found["availability"]["point"] == "1"
    assert found["final"] == {"best": "1", "worst": "0.4"}


@pytest.mark.parametrize(
    ("valid", "partial"), [((0, 1000), False), ((0, 5000), False), ((1, 1000), True), ((0, 999), True)]
)
def test_s21_a_clipped_period_says_so(valid: tuple[int, int], partial: bool) -> None:
    assert object_of(agreement(valid=span(*valid)), "up 0")["period"]["partial"] is partial


def test_the_object_is_plain_json_and_always_the_same() -> None:
    """No float, and the same bytes each time."""
    contract = agreement(penalty="10% of charges")
    first, again = (json.dumps(object_of(contract, "up 0, down 100, up 133")) for _ in range(2))
    assert first == again
    assert "." not in json.dumps(json.loads(first, parse_float=lambda text: f"float {text}")["time_us"])
    json.loads(first, parse_float=lambda text: pytest.fail(f"a float: {text}"))
