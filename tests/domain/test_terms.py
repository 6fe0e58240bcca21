"""Terms describe one contract completely and alone, and always the same one (S27, S29)."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.composite import names_in
from slawatch.domain.contract import ChargeBasis, Figure, GranularityKind, Measurement, ServiceKind
from slawatch.domain.grammar import Money
from slawatch.domain.interval import DAY, HOUR, MINUTE, SECOND
from slawatch.domain.local_time import local_of
from slawatch.domain.period import PartialPolicy
from slawatch.domain.terms import OPTIONS, canonical, contract_of, digest
from slawatch.domain.terms_reading import TermsError

TERMS: dict[str, Any] = {
    "format": "1",
    "client": "acme",
    "contract": "network",
    "timezone": "Europe/Berlin",
    "service": "network",
    "kind": "network",
    "definition": "Ensure network up-time.",
    "measurement": "availability",
    "standard": "99.95%",
    "period": "every 2 weeks from 2026-01-05",
    "valid": {"from": "2026-01-05", "to": "2027-01-04 12:00"},
    "hours": {
        "name": "office",
        "timezone": "Europe/Lisbon",
        "days": {"mon-fri": ["08:00-12:00", "13:00-18:00"], "sat": ["22:00-06:00"]},
        "holidays": "DE-HH",
        "closed": ["2026-12-24"],
        "open": {"2026-12-25": ["10:00-12:00"], "2026-12-26": ["closed"]},
    },
    "up_when": "router and uplink",
    "services": {"uplink": "isp_a or isp_b"},
    "parents": {"isp_a": "router", "isp_b": "router"},
    "confirmation_span": "1m15s",
    "penalty": {"tiers": [{"below": "99.95%", "credit": "10%"}], "cap": "50%"},
    "charges": [
        {"from": None, "amount": "1200.00 EUR per month"},
        {"from": "2026-07-01", "amount": "600.50 EUR per period"},
    ],
    "options": {
        "settle_on": "low",
        "unknown": "exclude",
        "degraded": "0.1",
        "coverage_floor": "95%",
        "granularity": "per started block of 30m",
        "ignore_outages_shorter_than": "30s",
        "merge_gaps_shorter_than": "1m",
        "partial": "merge",
        "unreachable": "unknown",
        "grace": "3d",
        "maintenance_notice": "2d",
        "maintenance_limit": "8h",
        "release": "automatic",
    },
    "owner": "owner@msp.example",
    "review_at": ["15:00", "09:00"],
    "credit_cap": "5000.00 EUR",
    "same_incident": "highest",
}


def _with(*path: str | int, to: object) -> dict[str, Any]:
    """The terms with another value at a path."""
    terms = copy.deepcopy(TERMS)
    inner: Any = terms
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return terms


def test_every_text_becomes_the_value_that_it_names() -> None:
    """S29: the contract is what the texts say, exactly: 0.1 is one tenth, a zone moves a boundary."""
    contract = contract_of(TERMS)
    assert contract.key == "acme/network"
    assert (contract.kind, contract.measurement) == (ServiceKind.NETWORK, Measurement.AVAILABILITY)
    assert contract.target == Fraction(9995, 10000)
    assert contract.zone.key == "Europe/Berlin"
    assert local_of(contract.valid.start, contract.zone).isoformat() == "2026-01-05T00:00:00"
    assert local_of(contract.valid.end, contract.zone).isoformat() == "2027-01-04T12:00:00"
    assert not contract.began_unstated
    assert names_in(contract.expression) == ("router", "isp_a", "isp_b")
    assert dict(contract.parents) == {"isp_a": "router", "isp_b": "router"}
    assert contract.confirmation_span == 75 * SECOND
    assert contract.penalty.tiers[0].bound == contract.target
    assert [charge.amount for charge in contract.charges] == [
        Money(Decimal("1200.00"), "EUR"),
        Money(Decimal("600.50"), "EUR"),
    ]
    assert [charge.basis for charge in contract.charges] == [ChargeBasis.MONTH, ChargeBasis.PERIOD]
    assert contract.review_at == ("09:00", "15:00")
    assert (contract.credit_cap, contract.same_incident_highest) == (Money(Decimal("5000.00"), "EUR"), True)


def test_every_option_is_read() -> None:
    """No option keeps its default when another value is written."""
    options = contract_of(TERMS).options
    assert options.settle_on is Figure.LOW
    assert options.degraded == Fraction(1, 10)
    assert (options.granularity.kind, options.granularity.block) == (GranularityKind.STARTED_BLOCK, 30 * MINUTE)
    assert (options.ignore_outages_shorter_than, options.merge_gaps_shorter_than) == (30 * SECOND, MINUTE)
    assert options.partial is PartialPolicy.MERGE
    assert not options.unreachable_is_down
    assert (options.maintenance_notice, options.maintenance_limit) == (2 * DAY, 8 * HOUR)
    assert options.release_automatic


def test_the_calendar_has_its_own_zone_days_and_dates() -> None:
    """The hours' zone may differ from the contract's; a range may pass midnight; open goes before holidays."""
    hours = contract_of(TERMS).hours
    assert hours is not None
    assert hours.zone == "Europe/Lisbon"
    assert hours.ranges_on(date(2026, 1, 5)) == ((8 * HOUR, 12 * HOUR), (13 * HOUR, 18 * HOUR))
    assert hours.ranges_on(date(2026, 1, 10)) == ((22 * HOUR, 30 * HOUR),)
    assert hours.ranges_on(date(2026, 12, 24)) == ()
    assert hours.ranges_on(date(2026, 12, 25)) == ((10 * HOUR, 12 * HOUR),)
    assert hours.ranges_on(date(2026, 12, 26)) == ()
    assert hours.ranges_on(date(2026, 5, 1)) == ()  # a Friday, Labour Day in Hamburg


def test_a_contract_without_a_stated_beginning_says_so() -> None:
    """S21: validity then begins when the ledger first saw it."""
    assert contract_of(_with("valid", "from", to=None)).began_unstated


def test_the_same_terms_are_the_same_contract_whatever_their_order() -> None:
    """S27: the version depends on what is said, not on the order in which it is."""
    shuffled = json.loads(json.dumps(dict(reversed(TERMS.items()))))
    assert canonical(shuffled) == canonical(TERMS)
    assert digest(shuffled) == digest(TERMS)
    assert contract_of(shuffled) is contract_of(TERMS)


def test_the_version_is_pinned() -> None:
    """The digest of terms in a ledger never changes with the software that reads them."""
    assert digest({"b": ["1", None], "a": "é"}) == "e0234df82374a225d2b35515601aa66e46ea619b726b73095bfd0b9e93aae2cd"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("format",), "2", "reads format 1"),
        (("timezone",), "Berlin", "is no time zone"),
        (("kind",), "phone", "expected network, email"),
        (("measurement",), "uptime", "expected availability"),
        (("standard",), "0%", "promises nothing"),
        (("standard",), "101%", "no percentage"),
        (("period",), "fortnight", "no period"),
        (("valid", "from"), "January", "no local time"),
        (("valid", "to"), "2026-01-05", "not after 'from'"),
        (("hours",), "office", "no mapping"),
        (("hours", "days", "mon-fri"), ["8-12"], "no range"),
        (("hours", "days", "fri"), ["08:00-12:00"], "name each day once"),
        (("hours", "days", "someday"), ["08:00-12:00"], "no weekday"),
        (("hours", "holidays"), "XX", "no such holidays"),
        (("hours", "closed", 0), "yesterday", "no date"),
        (("hours", "open", "2026-12-25"), 5, "no text"),
        (("up_when",), "router or", "the expression ends"),
        (("services", "uplink"), "not isp_a", "is refused"),
        (("confirmation_span",), "75", "no duration"),
        (("penalty", "tiers", 0, "credit"), "lots", "no credit"),
        (("charges",), {}, "no list"),
        (("charges", 1, "from"), None, "oldest first"),
        (("charges", 1, "amount"), "600 USD per month", "one currency"),
        (("charges", 1, "amount"), "600.005 EUR per month", "at most 2"),
        (("options", "degraded"), "1.5", "no weight"),
        (("options", "granularity"), "hourly", "no granularity"),
        (("options", "granularity"), "per started block of 0s", "no length"),
        (("options", "maintenance_limit"), "some", "or unlimited"),
        (("options", "release"), "never", "expected owner or automatic"),
        (("review_at",), ["09:00"], "at least two"),
        (("review_at", 0), "9", "no time of day"),
        (("credit_cap",), "5000.00 USD", "one currency"),
        (("same_incident",), "lowest", "expected sum or highest"),
        (("owner",), 5, "no text"),
        (("options", "settle"), "point", "unknown key"),
    ],
    ids=str,
)
def test_nonsense_names_its_key(path: tuple[str | int, ...], value: object, sentence: str) -> None:
    """Terms from a file of history are read like those of a ledger: what is wrong is told with its place."""
    with pytest.raises(TermsError, match=sentence) as caught:
        contract_of(_with(*path, to=value))
    assert caught.value.path in (path, path[:-1], ("hours", "days", "mon-fri"))


def test_services_that_contain_one_another_are_refused() -> None:
    """A circle is named."""
    with pytest.raises(TermsError, match="a -> b -> a"):
        contract_of(_with("services", to={"uplink": "a", "a": "b", "b": "a"}))


def test_a_share_of_no_charges_is_refused() -> None:
    """A penalty in percent needs charges."""
    with pytest.raises(TermsError, match="expected charges"):
        contract_of(_with("charges", to=[]))


@pytest.mark.parametrize("key", [*TERMS])
def test_every_key_is_needed(key: str) -> None:
    """Terms are complete: no later default may change what an old version says."""
    with pytest.raises(TermsError, match="missing"):
        contract_of({name: value for name, value in TERMS.items() if name != key})


def test_every_option_is_needed() -> None:
    """The same holds for options."""
    assert set(TERMS["options"]) == set(OPTIONS)
    for key in OPTIONS:
        with pytest.raises(TermsError, match="missing"):
            contract_of({**TERMS, "options": {name: text for name, text in TERMS["options"].items() if name != key}})


def test_floats_have_no_place_in_terms() -> None:
    """S1: a float is refused wherever it stands."""
    with pytest.raises(TermsError, match=r"charges\[0\]\.amount"):
        canonical(_with("charges", 0, "amount", to=1200.0))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in _paths(item, (*path, key)))]


@given(path=st.sampled_from(_paths(TERMS)[1:]), value=_JSON)
def test_any_value_anywhere_is_a_contract_or_a_terms_error(path: tuple[str | int, ...], value: object) -> None:
    """Whatever stands in a ledger or a history file, nothing but TermsError comes out."""
    with suppress(TermsError):
        contract_of(_with(*path, to=value))
