"""Judging a history file with no daemon and no database (S21, S29)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from domain.plain_terms import terms
from slawatch.domain.announcements import parse_announcement
from slawatch.domain.history import History, read_rows
from slawatch.domain.interval import DAY, HOUR, Instant, format_instant, parse_instant
from slawatch.domain.terms import contract_of
from slawatch.evaluation.offline import Offline

MIDNIGHT = parse_instant("2026-01-05T00:00:00Z")


def row(hour: int, state: str, endpoint: str = "a") -> dict[str, Any]:
    return {"endpoint": endpoint, "at": at(hour), "state": state}


def at(hour: int) -> str:
    return format_instant(MIDNIGHT + hour * HOUR)


def sealed(*rows: dict[str, Any], until: int) -> History:
    history = read_rows(rows)
    history.seal(MIDNIGHT + until * HOUR)
    return history


def starts(offline: Offline, now: int, wanted: str | Instant) -> list[str]:
    """The dates on which the wanted periods start."""
    found = offline.accounts(MIDNIGHT + now * HOUR, wanted)
    return [format_instant(account.compliance.period.start)[:10] for account in found]


@pytest.mark.parametrize(
    ("now", "wanted", "expected"),
    [
        # Wednesday noon: three days of history, the third still runs
        (60, "all", ["2026-01-05", "2026-01-06", "2026-01-07"]),
        (60, "current", ["2026-01-07"]),
        (60, "last", ["2026-01-06"]),
        # exactly at midnight the day before has ended and the next one has begun
        (48, "all", ["2026-01-05", "2026-01-06"]),
        (48, "current", ["2026-01-07"]),
        (48, "last", ["2026-01-06"]),
        # one period, by an instant in it
        (60, MIDNIGHT + DAY, ["2026-01-06"]),
        (60, MIDNIGHT + DAY - 1, ["2026-01-05"]),
        # before the rule's anchor there is none
        (60, MIDNIGHT - 1, []),
        (12, "last", []),
    ],
)
def test_which_periods_are_judged(now: int, wanted: str | Instant, expected: list[str]) -> None:
    """last, current, all, or the one that holds an instant."""
    offline = Offline([contract_of(terms())], [], sealed(row(0, "up"), until=60))
    assert starts(offline, now, wanted) == expected


def test_the_last_period_of_a_contract_that_is_over() -> None:
    """Validity ended on the 6th at noon; asked a week later."""
    over = contract_of(terms(valid={"from": None, "to": "2026-01-06 12:00"}))
    assert starts(Offline([over], [], sealed(row(0, "up"), until=60)), 24 * 9, "last") == ["2026-01-06"]
    assert starts(Offline([over], [], sealed(row(0, "up"), until=60)), 24 * 9, "current") == []


def test_the_last_period_of_a_fixed_span() -> None:
    """One span, asked a month later."""
    once = contract_of(terms(period="from 2026-01-05 to 2026-01-07"))
    assert starts(Offline([once], [], sealed(row(0, "up"), until=60)), 24 * 40, "last") == ["2026-01-05"]


def test_an_empty_history_is_a_period_of_nothing() -> None:
    """S5, S6: not applicable, not 100 %."""
    (found,) = Offline([contract_of(terms())], [], sealed(until=24)).accounts(MIDNIGHT + 12 * HOUR, "all")
    assert found.compliance.availability.point is None
    assert found.compliance.classes.unknown == 12 * HOUR


def test_several_contracts_share_one_history() -> None:
    """Each in the order in which it was given, each over its own endpoints."""
    contracts = [contract_of(terms(contract=name, up_when=name)) for name in ("b", "a")]
    history = sealed(row(0, "up"), row(0, "down", "b"), until=24)
    found = list(Offline(contracts, [], history).accounts(MIDNIGHT + DAY, "all"))
    assert [(item.contract.name, item.compliance.availability.point) for item in found] == [
        ("b", Fraction(0)),
        ("a", Fraction(1)),
    ]


def version(hour: int, standard: str, **more: Any) -> dict[str, Any]:
    return {"type": "contract", "contract": "network", "at": at(hour), "terms": terms(standard=standard, **more)}


def test_s29_the_terms_of_the_history_go_before_the_files() -> None:
    """S29: what the ledger held governs, by version; the file's own terms only when asked for."""
    history = sealed(version(-24, "90%"), version(30, "80%"), row(0, "up"), until=72)
    contract = contract_of(terms())
    offline = Offline([contract], [], history)
    assert offline.uses_terms_of_history(contract)
    assert [item.compliance.target * 100 for item in offline.accounts(MIDNIGHT + 3 * DAY, "all")][-3:] == [90, 90, 80]
    own = Offline([contract], [], history, terms_of_file=True)
    assert not own.uses_terms_of_history(contract)
    assert {item.compliance.target * 100 for item in own.accounts(MIDNIGHT + 3 * DAY, "all")} == {99}


def test_s29_up_when_is_frozen_with_the_terms() -> None:
    """S29: another expression, entered at noon of the first day, judges the second."""
    history = sealed(version(0, "99%"), version(12, "99%", up_when="b"), row(0, "up"), row(0, "down", "b"), until=48)
    found = list(Offline([contract_of(terms())], [], history).accounts(MIDNIGHT + 2 * DAY, "all"))
    assert [item.compliance.availability.point for item in found] == [1, 0]


def test_s21_a_contract_without_a_beginning_begins_where_the_ledger_saw_it() -> None:
    """S21: first seen at noon: the first day is clipped and for information."""
    history = sealed(version(12, "99%"), row(0, "up"), until=48)
    first, second = Offline([contract_of(terms())], [], history).accounts(MIDNIGHT + 2 * DAY, "all")
    assert (first.compliance.period.start, first.compliance.period.judged) == (MIDNIGHT + 12 * HOUR, False)
    assert (second.compliance.period.partial, second.compliance.verdict.value) == (False, "met")


def test_announcements_of_the_file_count_once() -> None:
    """What the history already holds under the same identity is not added again; what it does not hold is."""
    document = {"start": "2026-01-05 06:00", "duration": "2h"}
    announced = parse_announcement(document, "UTC")
    held = {"type": "exclusion", "id": announced.identity, "start": at(6), "end": at(7)}
    contract = contract_of(terms())
    for rows, hours in (([row(0, "up")], 2), ([row(0, "up"), held], 1)):
        (found,) = Offline([contract], [announced], sealed(*rows, until=24)).accounts(MIDNIGHT + DAY, "all")
        assert found.compliance.excluded == hours * HOUR


def test_as_of_an_earlier_instant() -> None:
    """`--at` before the end of the history: what came later is not counted, and the period is open."""
    history = sealed(row(0, "up"), row(13, "down"), until=24)
    (found,) = Offline([contract_of(terms())], [], history).accounts(MIDNIGHT + 12 * HOUR, "current")
    assert found.compliance.verdict.value == "open"
    assert found.compliance.classes.up == 12 * HOUR
    assert found.compliance.classes.down == 0
