"""One client's credits together (S34): one incident counted once, and the client's cap."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money_cases import money
from slawatch.domain.client_credits import ClientCredit, client_caps
from slawatch.domain.grammar import Money
from slawatch.domain.interval import HOUR, Interval


def item(name: str, amount: str | None, *hours: tuple[int, int]) -> ClientCredit:
    outages = tuple(Interval(start * HOUR, end * HOUR) for start, end in hours)
    return ClientCredit(name, None if amount is None else money(f"{amount} EUR"), outages)


def amounts(items: tuple[ClientCredit, ...]) -> list[str | None]:
    return [None if credit.amount is None else str(credit.amount.amount) for credit in items]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        # a and b are down together from 2 to 3: the higher counts
        ([item("a", "10.00", (1, 3)), item("b", "25.00", (2, 4))], ["0.00", "25.00"]),
        # touching is not overlapping: [1, 2) and [2, 3)
        ([item("a", "10.00", (1, 2)), item("b", "25.00", (2, 3))], ["10.00", "25.00"]),
        # a with b, b with c: one incident of three
        (
            [item("a", "30.00", (1, 3)), item("b", "25.00", (2, 5)), item("c", "9.00", (4, 6))],
            ["30.00", "0.00", "0.00"],
        ),
        # the long outage of a still runs when c begins, though b ended in between
        (
            [item("a", "10.00", (1, 9)), item("b", "20.00", (2, 3)), item("c", "9.00", (8, 9))],
            ["0.00", "20.00", "0.00"],
        ),
        # equal: the first by name
        ([item("b", "10.00", (1, 3)), item("a", "10.00", (2, 4))], ["0.00", "10.00"]),
        # a contract that credits nothing does not link two others
        ([item("a", "10.00", (1, 3)), item("b", "0.00", (2, 5)), item("c", "9.00", (4, 6))], ["10.00", "0.00", "9.00"]),
        # nor does an open one, which stays open
        ([item("a", "10.00", (1, 3)), item("b", None, (2, 5)), item("c", "9.00", (4, 6))], ["10.00", None, "9.00"]),
        # two incidents
        (
            [
                item("a", "1.00", (1, 2)),
                item("b", "2.00", (1, 2)),
                item("c", "3.00", (5, 6)),
                item("d", "4.00", (5, 7)),
            ],
            ["0.00", "2.00", "0.00", "4.00"],
        ),
        # no outages at all (tickets): its own incident
        ([item("a", "10.00", (1, 3)), item("desk", "25.00")], ["10.00", "25.00"]),
        ([], []),
    ],
)
def test_s34_same_incident_counts_once_at_the_highest(items: list[ClientCredit], expected: list[str]) -> None:
    assert amounts(client_caps(items, None, same_incident_highest=True)) == expected
    assert client_caps(items, None, same_incident_highest=False) == tuple(items)


def test_the_one_that_does_not_count_names_the_one_that_does() -> None:
    found = client_caps([item("a", "10.00", (1, 3)), item("b", "25.00", (2, 4))], None, same_incident_highest=True)
    assert [credit.note for credit in found] == ["same incident as b, which counts with 25.00 EUR", ""]


@pytest.mark.parametrize(
    ("items", "cap", "expected"),
    [
        ([item("a", "60.00"), item("b", "40.00")], "100.00", ["60.00", "40.00"]),
        ([item("a", "60.00"), item("b", "40.00")], "50.00", ["30.00", "20.00"]),
        # 10 / 3 = 3.333...: the cent that is left goes to the first by name
        ([item("c", "5.00"), item("a", "5.00"), item("b", "5.00")], "10.00", ["3.33", "3.34", "3.33"]),
        # 1.00 * 2/3 = 0.66|6..., 1.00 * 1/3 = 0.33|3...: the cent goes to the largest remainder
        ([item("a", "1.00"), item("b", "2.00")], "1.00", ["0.33", "0.67"]),
        ([item("a", "60.00"), item("b", None), item("c", "0.00")], "50.00", ["50.00", None, "0.00"]),
        ([item("a", "60.00")], "0.00", ["0.00"]),
    ],
)
def test_s34_the_client_cap_is_shared_in_proportion(items: list[ClientCredit], cap: str, expected: list[str]) -> None:
    assert amounts(client_caps(items, money(f"{cap} EUR"), same_incident_highest=False)) == expected


def test_a_cut_credit_says_what_it_was() -> None:
    found = client_caps([item("a", "60.00"), item("b", "0.00")], money("50.00 EUR"), same_incident_highest=False)
    assert [credit.note for credit in found] == ["60.00 EUR cut to its share of the client's cap of 50.00 EUR", ""]


def test_same_incident_comes_before_the_cap() -> None:
    items = [item("a", "60.00", (1, 3)), item("b", "40.00", (2, 4)), item("c", "60.00", (8, 9))]
    found = client_caps(items, money("60.00 EUR"), same_incident_highest=True)
    assert amounts(found) == ["30.00", "0.00", "30.00"]


def test_two_currencies_are_refused() -> None:
    items = [item("a", "1.00"), ClientCredit("b", money("1.00 USD"))]
    with pytest.raises(ValueError, match="in EUR and USD: expected one currency"):
        client_caps(items, None, same_incident_highest=True)
    with pytest.raises(ValueError, match="in EUR and USD"):
        client_caps(items[:1], money("1.00 USD"), same_incident_highest=False)


@given(st.lists(st.integers(0, 10**6), max_size=8), st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_s34_caps_add_up_grow_nothing_and_do_not_depend_on_order(units: list[int], cap: int, random: object) -> None:
    items = [ClientCredit(f"c{index}", Money(Decimal(unit), "JPY")) for index, unit in enumerate(units)]
    found = client_caps(items, Money(Decimal(cap), "JPY"), same_incident_highest=False)
    paid = [int(credit.amount.amount) for credit in found if credit.amount is not None]
    assert sum(paid) == min(cap, sum(units))
    assert all(got <= had for got, had in zip(paid, units, strict=True))
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = client_caps(shuffled, Money(Decimal(cap), "JPY"), same_incident_highest=False)
    assert sorted(again, key=lambda credit: credit.contract) == sorted(found, key=lambda credit: credit.contract)
