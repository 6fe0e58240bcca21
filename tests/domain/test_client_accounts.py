"""S34: a client's cap and ``same_incident`` over the credits of its contracts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from slawatch.config.loader import load_client_text
from slawatch.domain.account import Account
from slawatch.domain.grammar import Money
from slawatch.domain.history import History, read_rows
from slawatch.domain.interval import parse_instant
from slawatch.evaluation.offline import Offline

CLIENT = """
client: acme
timezone: Europe/Berlin
{terms}
endpoints: {{router: {{probe: icmp, target: 192.0.2.1}}, website: {{probe: icmp, target: 192.0.2.2}}}}
services: {{network: {{kind: network, up_when: router}}, shop: {{kind: applications, up_when: website}}}}
contracts:
  network: {{service: network, standard: 99%, period: month, penalty: 10% of charges, charges: 1000.00 EUR per period}}
  shop: {{service: shop, standard: 99%, period: month, penalty: 10% of charges, charges: 500.00 EUR per period}}
"""


def history(shop_fails_at: str) -> History:
    """January: the router is down for a day from the 10th; the website for a day from a given instant."""
    rows = [
        {"endpoint": name, "at": at, "state": state}
        for name, failed in (("router", "2026-01-10T00:00:00Z"), ("website", shop_fails_at))
        for at, state in (("2025-12-31T23:00:00Z", "up"), (failed, "down"), (failed.replace("T00", "T23"), "up"))
    ]
    found = read_rows([*rows, {"type": "until", "at": "2026-01-31T23:00:00Z"}])
    found.seal()
    return found


def judged(terms: str, shop_fails_at: str) -> dict[str, Account]:
    client = load_client_text(CLIENT.format(terms=terms))
    offline = Offline([item.contract for item in client.contracts], (), history(shop_fails_at))
    found = offline.accounts(parse_instant("2026-02-01T00:00:00Z"), "last")
    return {account.contract.name: account for account in found}


def euros(text: str) -> Money:
    return Money(Decimal(text), "EUR")


@pytest.mark.parametrize(
    ("terms", "shop_fails_at", "network", "shop"),
    [
        # each 23 h down of 744 h: 96.9 %, so 10 % of 1000 and of 500
        ("", "2026-01-10T00:00:00Z", "100.00", "50.00"),
        # the outages are the same day: the highest credit counts alone
        ("same_incident: highest", "2026-01-10T00:00:00Z", "100.00", "0.00"),
        # other days are other incidents
        ("same_incident: highest", "2026-01-20T00:00:00Z", "100.00", "50.00"),
        # 150 is capped at 90: each keeps 90/150 = 3/5 of its own
        ("credit_cap: 90.00 EUR", "2026-01-20T00:00:00Z", "60.00", "30.00"),
        # 150 is below the cap
        ("credit_cap: 200.00 EUR", "2026-01-20T00:00:00Z", "100.00", "50.00"),
        # first the same incident (100 + 0), then the cap
        ("credit_cap: 90.00 EUR\nsame_incident: highest", "2026-01-10T00:00:00Z", "90.00", "0.00"),
    ],
)
def test_s34_the_clients_own_terms(terms: str, shop_fails_at: str, network: str, shop: str) -> None:
    """What two contracts of one client credit for one month together."""
    found = judged(terms, shop_fails_at)
    for name, amount in (("network", network), ("shop", shop)):
        settlement = found[name].settlement
        assert settlement is not None
        assert settlement.amount == euros(amount)


def test_s34_the_rule_says_what_the_clients_terms_did() -> None:
    """A credit that was changed says by what; one that was not keeps its own rule."""
    found = judged("same_incident: highest", "2026-01-10T00:00:00Z")
    assert found["network"].settlement is not None
    assert found["network"].settlement.rule == "10% of charges"
    assert found["shop"].settlement is not None
    assert "same incident as network" in found["shop"].settlement.rule
