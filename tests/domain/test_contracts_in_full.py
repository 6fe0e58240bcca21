"""Contracts of every measurement in plain words, each clause as a whole: what a client reads is what was agreed."""

from __future__ import annotations

from typing import Any

import pytest

from domain.counted_cases import TICKETS, at, on_time, terms
from domain.explained_cases import agreed
from slawatch.domain.contract import Contract
from slawatch.domain.explanation import explain
from slawatch.domain.terms import contract_of

VERDICT = (
    "Three figures say how sure the measurement is: met when even the low one reaches the standard, breached when even "
    "the high one does not, disputable between them and wherever less than 95% is known."
)
MAINTENANCE = (
    "It counts if it was on record before it began, and ends at its planned end: an overrun is downtime. Later "
    "entries, force majeure, the client's own faults and third parties need a reason and an approver. The figure "
    "without any exclusion stands beside each figure."
)
UNKNOWN = (
    "An event whose outcome nobody knows is missed in the low figure, met in the high one and left out of the point "
    "figure."
)
DUE = "A ticket belongs to the period in which it is due; one that is open past its due time is a miss already."


def clauses(contract: Contract) -> dict[str, str]:
    return {clause.title: clause.text for clause in explain(contract, (), at("10")).clauses}


def test_the_founding_contract_in_full() -> None:
    assert clauses(agreed()) == {
        "definition": "The service promised is up when this holds: router.",
        "measurement": "Availability: the share of service time in which the service is up. An outage lasts from the "
        "first failed probe to the first good one after it (point figure). Outages count to the microsecond. Degraded "
        "time counts as up. Time that nobody could measure counts neither way and lowers the coverage.",
        "standard": "At least 99% in each period; exactly 99% is met. Periods: every 2 weeks from 2026-01-05 "
        "(Europe/Berlin). Service hours: around the clock. It runs from 2026-01-05 on. A first or last period that "
        "this cuts short is judged like any other.",
        "verdict": VERDICT,
        "penalty": "10% of charges when the standard is missed. Charges: 1200.00 EUR per period. Below a coverage of "
        "95% no credit is settled before a person has looked.",
        "exclusions": "Announced maintenance leaves both sides of the fraction: it is neither up nor down. "
        + MAINTENANCE,
    }


@pytest.mark.parametrize(
    ("agreement", "measurement"),
    [
        (
            on_time(),
            (
                "Batch runs: the share of expected runs that succeed in time. A late success stays late. src is "
                "expected by the schedule 0 2 * * * (UTC) and must have succeeded by 06:00. A run belongs to the "
                f"period of its deadline. {UNKNOWN}"
            ),
        ),
        (
            terms("response_in_time", TICKETS | {"restoring_answers": True}),
            (
                "Tickets: the share that a person answers within 4 h of service time. Auto-replies and internal notes "
                f"are no answer. Restoring the service is one. The clock stands in the states pending. {DUE} {UNKNOWN}"
            ),
        ),
        (
            terms("restore_in_time", TICKETS),
            (
                "Tickets: the share in which the service is back within 4 h of service time (states: resolved). A "
                f"reopened ticket's clock goes on. The clock stands in the states pending. {DUE} {UNKNOWN}"
            ),
        ),
        (
            terms("restore_in_time", TICKETS | {"restored": [], "pausing": []}),
            (
                "Tickets: the share in which the service is back within 4 h of service time (states: none). A reopened "
                f"ticket's clock goes on. {DUE} {UNKNOWN}"
            ),
        ),
        (
            terms("delivery_in_time", {"within": "10m"}),
            (
                "Mails: the share of those sent that are received within 10 m. A mail belongs to the period in which "
                f"it is sent. {UNKNOWN}"
            ),
        ),
    ],
)
def test_s30_a_counted_measurement_in_full(agreement: dict[str, Any], measurement: str) -> None:
    said = clauses(contract_of(agreement))
    assert said["definition"] == "The service promised is what src tells."
    assert said["measurement"] == measurement
    assert (said["verdict"], said["penalty"]) == (VERDICT, "No penalty.")
    left_out = "Events that are scheduled, due or sent in announced maintenance or excluded time are left out."
    assert said["exclusions"] == f"{left_out} {MAINTENANCE}"
