"""A contract in plain words: what changes the figures changes the words, and nothing is said that is not so."""

from __future__ import annotations

from typing import Any

import pytest

from domain.counted_cases import JOB, TICKETS, at, on_time, terms
from domain.explained_cases import agreed
from slawatch.config.loader import load_client_text
from slawatch.domain.contract import Contract
from slawatch.domain.explanation import explain, hours_words
from slawatch.domain.interval import parse_instant
from slawatch.domain.terms import contract_of

OFFICE: dict[str, Any] = {
    "name": "office",
    "timezone": "Europe/Berlin",
    "days": {"mon-thu": ["08:00-12:00", "13:00-18:00"], "fri": ["08:00-14:00"], "sat": ["22:00-06:00"]},
    "holidays": "DE-HH",
    "closed": ["2026-12-24"],
    "open": {"2026-12-27": ["10:00-12:00"], "2026-12-28": ["closed"]},
}


def words(contract: Contract) -> dict[str, str]:
    return {clause.title: clause.text for clause in explain(contract, (), at("10")).clauses}


def test_the_founding_contract() -> None:
    contract = agreed(definition="Ensure network up-time.", charges=[{"from": None, "amount": "1200.00 EUR per month"}])
    said = words(contract)
    assert list(said) == ["definition", "measurement", "standard", "verdict", "penalty", "exclusions"]
    assert said["definition"] == "Ensure network up-time. The service promised is up when this holds: router."
    assert said["standard"].startswith(
        "At least 99% in each period; exactly 99% is met. Periods: every 2 weeks from 2026-01-05 (Europe/Berlin). "
        "Service hours: around the clock. It runs from 2026-01-05 on."
    )
    assert said["penalty"].startswith(
        "10% of charges when the standard is missed. Charges: 1200.00 EUR per month. "
        "A period bears the share of the months that it holds, by elapsed time."
    )


@pytest.mark.parametrize(
    ("options", "clause", "told"),
    [
        ({"unknown": "down"}, "measurement", "Time that nobody could measure counts as downtime."),
        ({"unknown": "up"}, "measurement", "Time that nobody could measure counts as up."),
        ({"degraded": "0.5"}, "measurement", "Degraded time counts as up by 50% of it."),
        ({"granularity": "per minute, any"}, "measurement", "Every UTC minute that an outage touches counts"),
        ({"granularity": "per minute, all"}, "measurement", "Only UTC minutes that an outage fills count."),
        ({"granularity": "per started block of 30m"}, "measurement", "Every started 30 m of an outage counts"),
        ({"ignore_outages_shorter_than": "5m"}, "measurement", "Outages shorter than 5 m do not count."),
        ({"merge_gaps_shorter_than": "2m"}, "measurement", "Outages less than 2 m apart are one."),
        ({"partial": "merge"}, "standard", "is judged with its neighbour, as one."),
        ({"partial": "inform_only"}, "standard", "is shown and not judged."),
        ({"coverage_floor": "80%"}, "verdict", "wherever less than 80% is known."),
        ({"settle_on": "low"}, "penalty", "The low figure decides the credit."),
        ({"maintenance_notice": "2h"}, "exclusions", "on record at least 2 h before it began"),
        ({"maintenance_limit": "8h"}, "exclusions", "At most 8 h of it count in a period"),
    ],
)
def test_every_option_has_its_sentence(options: dict[str, str], clause: str, told: str) -> None:
    """And it is not said of the default."""
    assert told in words(agreed(options))[clause]
    assert told not in words(agreed())[clause]


@pytest.mark.parametrize(
    ("changes", "clause", "told"),
    [
        ({"valid": {"from": None, "to": "2026-06-01 12:00"}}, "standard", "It ends at 2026-06-01 12:00."),
        ({"credit_cap": "500.00 EUR"}, "penalty", "All credits of the client in a period are never more than 500.00 E"),
        ({"same_incident": "highest"}, "penalty", "Of several contracts that the same outage hits, only the highest"),
        (
            {"parents": {"router": "isp"}},
            "measurement",
            "Time in which what it lies behind is down as well is downt",
        ),
        ({"penalty": "none"}, "penalty", "No penalty."),
        ({"hours": OFFICE}, "standard", "Service hours: office: mon-thu 08:00-12:00 13:00-18:00, fri 08:00-14:00,"),
    ],
)
def test_what_is_agreed_beside_options(changes: dict[str, Any], clause: str, told: str) -> None:
    assert told in words(agreed(**changes))[clause]
    assert told not in words(agreed())[clause]


def test_dated_charges_say_since_when() -> None:
    later = {"from": "2026-07-01", "amount": "600.00 EUR per period"}
    said = words(agreed(charges=[{"from": None, "amount": "1200.00 EUR per period"}, later]))["penalty"]
    assert "Charges: 1200.00 EUR per period. Charges from 2026-07-01 on: 600.00 EUR per period." in said


def test_service_hours_in_words() -> None:
    hours = agreed(hours=OFFICE).hours
    assert hours is not None
    assert hours_words(hours) == (
        "office: mon-thu 08:00-12:00 13:00-18:00, fri 08:00-14:00, sat 22:00-06:00, "
        "not on public holidays of DE-HH, not on 2026-12-24, on 2026-12-27 10:00-12:00, on 2026-12-28 closed "
        "(Europe/Berlin)"
    )


@pytest.mark.parametrize(
    ("contract", "told"),
    [
        (
            on_time(),
            "src is expected by the schedule 0 2 * * * (UTC) and must have succeeded by 06:00.",
        ),
        (
            terms(
                "on_time",
                {"jobs": {"src": {**JOB, "deadline": "4h", "latest_start": "02:30", "maximum_run_time": "1h"}}},
            ),
            "must have succeeded within 4 h and have started by 02:30 and run for at most 1 h.",
        ),
        (
            terms("response_in_time", {**TICKETS, "restoring_answers": True}),
            "are no answer. Restoring the service is one. The clock stands in the states pending.",
        ),
        (
            terms("restore_in_time", TICKETS),
            "Tickets: the share in which the service is back within 4 h of service time (states: resolved).",
        ),
        (
            terms("delivery_in_time", {"within": "5m"}),
            "Mails: the share of those sent that are received within 5 m.",
        ),
    ],
)
def test_counted_measurements(contract: dict[str, Any], told: str) -> None:
    said = words(contract_of(contract))
    assert told in said["measurement"]
    assert "An event whose outcome nobody knows is missed in the low figure" in said["measurement"]
    assert "Events that are scheduled, due or sent in announced maintenance" in said["exclusions"]
    assert said["definition"] == "The service promised is what src tells."


def test_s21_an_unstated_beginning_is_not_judged_like_any_other() -> None:
    """A contract that states no beginning: its cut first period is for information only, whatever `partial` says."""
    client = load_client_text(
        """
client: acme
timezone: Europe/Berlin
endpoints: {router: {probe: icmp, target: 192.0.2.1}}
services: {network: {kind: network, up_when: router}}
contracts: {network: {service: network, standard: 99%, period: month}}
"""
    )
    seen = client.contracts[0].contract.seen_first(parse_instant("2026-01-10T00:00:00Z"))
    standard = next(clause for clause in explain(seen, (), seen.valid.start).clauses if clause.title == "standard")
    assert "The first period, which this cuts short, is shown and not judged." in standard.text
    assert "judged like any other" not in standard.text
