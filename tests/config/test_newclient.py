"""A few answers make a client file that loads without a finding."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.config.loader import load_client_text
from slawatch.config.newclient import FORTNIGHT, Answers, identifier_of, render_client


def test_the_file_says_what_was_answered() -> None:
    """Name, address, promise, penalty: all in the contract, and comments beside them."""
    identifier, text = render_client(
        Answers("Müller & Söhne", "https://shop.example/", "99.5% per month", "25.00 EUR", "800.00 EUR per period")
    )
    client = load_client_text(text)
    [endpoint], [item] = client.endpoints, client.contracts
    assert (identifier, client.id, client.name) == ("muller-sohne", "muller-sohne", "Müller & Söhne")
    assert (endpoint.kind, endpoint.target) == ("http", "https://shop.example/")
    assert item.terms["standard"] == "99.5%"
    assert item.terms["period"] == "month"
    assert item.contract.penalty_text == "25.00 EUR"
    assert text.count("# ") > 5


@pytest.mark.parametrize(
    ("address", "kind", "target"),
    [
        ("192.0.2.1", "icmp", "192.0.2.1"),
        ("router.example", "icmp", "router.example"),
        ("icmp://192.0.2.1", "icmp", None),
        ("tcp://mail.example:25", "tcp", None),
        ("http://acme.example/status?full=1", "http", "http://acme.example/status?full=1"),
    ],
)
def test_the_address_chooses_the_probe(address: str, kind: str, target: str | None) -> None:
    """A URL by its scheme; anything else is pinged."""
    [endpoint] = load_client_text(render_client(Answers("Acme", address))[1]).endpoints
    assert endpoint.kind == kind
    assert target is None or endpoint.target == target


def test_the_founding_promise_is_the_default() -> None:
    """99 % of every two weeks, 10 % of charges."""
    [item] = load_client_text(render_client(Answers("Acme", "192.0.2.1"))[1]).contracts
    assert (item.terms["standard"], item.terms["period"]) == ("99%", FORTNIGHT)
    assert item.terms["penalty"] == "10% of charges"


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (Answers("", "192.0.2.1"), "one line of text"),
        (Answers("東京", "192.0.2.1"), "no letters for a short name"),
        (Answers("Acme", "gopher://acme.example"), "cannot be probed"),
        (Answers("Acme", "not a host"), "contains a space"),
        (Answers("Acme", "192.0.2.1", promise="always"), "no percentage"),
        (Answers("Acme", "192.0.2.1", promise="99% per fortnight"), "no period"),
        (Answers("Acme", "192.0.2.1", penalty="a lot"), "no credit"),
        (Answers("Acme", "192.0.2.1", charges=""), "expected charges"),
        (Answers("Acme", "192.0.2.1", charges="lots"), "no charge"),
        (Answers("Acme", "192.0.2.1", timezone="Berlin"), "no time zone"),
    ],
)
def test_an_answer_that_cannot_be_is_told(answers: Answers, told: str) -> None:
    """The sentence of its grammar, before a file is written."""
    with pytest.raises(ValueError, match=told):
        render_client(answers)


def test_no_penalty_needs_no_charges() -> None:
    """Nothing is owed."""
    [item] = load_client_text(render_client(Answers("Acme", "192.0.2.1", "99%", "none", ""))[1]).contracts
    assert item.contract.charges == ()


@given(name=st.text(max_size=40), address=st.text(max_size=40))
def test_whatever_is_answered_the_file_loads_or_the_answer_is_refused(name: str, address: str) -> None:
    """No answer breaks out of its place in the file."""
    with suppress(ValueError):
        identifier, text = render_client(Answers(name, address))
        client = load_client_text(text)
        assert client.id == identifier == identifier_of(name)
        assert client.name == name.strip()
