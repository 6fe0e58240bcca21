"""Facts become entries and come back exactly; equal content is equal bytes (S27)."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, create_engine, insert, select
from sqlalchemy.engine import Engine

from slawatch.domain.facts import Blip, Change, Fact, State, Suspicion
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.storage.entries import EndpointKey, Entry, canonical, refuse_unstorable, storable
from slawatch.storage.facts import contract_entry, digest_of, entry_of, fact_of
from slawatch.storage.observations import COLUMNS, observation_of, row_of
from slawatch.storage.schema import METADATA, OBSERVATIONS
from storage.history import ROUTER, at, event

INSTANTS = st.integers(-(10**17), 10**17)
MAYBE = st.none() | INSTANTS
TEXTS = st.text(max_size=40)
STATES = st.sampled_from(State)
CAUSES = st.none() | st.sampled_from(Cause)

FACTS: st.SearchStrategy[Fact] = (
    st.builds(Change, INSTANTS, STATES, INSTANTS, INSTANTS, CAUSES, MAYBE, TEXTS, TEXTS)
    | st.builds(Blip, INSTANTS, STATES, INSTANTS, INSTANTS, st.integers(1, 9), TEXTS, TEXTS)
    | st.builds(Suspicion, INSTANTS, MAYBE, TEXTS, TEXTS)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@given(FACTS)
def test_a_fact_comes_back_exactly_from_the_text_of_its_entry(fact: Fact) -> None:
    entry = entry_of(ROUTER, fact)
    stored = Entry(entry.kind, entry.at, json.loads(canonical(entry.body)), entry.endpoint)
    again = fact_of(stored)
    assert again == fact
    assert type(again) is type(fact)


@given(JSON)
def test_equal_json_is_equal_bytes_and_survives(value: object) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    assert text.isascii()


def test_the_order_of_keys_is_no_part_of_the_content() -> None:
    assert canonical({"b": 1, "a": {"d": 2, "c": 3}}) == '{"a":{"c":3,"d":2},"b":1}'
    assert digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})


@pytest.mark.parametrize("value", [0.5, {"a": [1.0]}, {1: "a"}, Decimal("0.1"), {"a", "b"}, b"bytes"])
def test_what_has_no_exact_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="the ledger"):
        canonical(value)


def test_an_entry_of_another_kind_is_no_fact() -> None:
    with pytest.raises(ValueError, match="'event' is no fact"):
        fact_of(event(1))


UNSTORABLE = [
    (Entry("event", 2**63, {}), "no instant"),
    (Entry("event", 0, {}, client="acme\0"), "holds characters"),
    (Entry("event", 0, {}, EndpointKey("acme", "\ud800")), "holds characters"),
    (Entry("event", 0, {}, EndpointKey("acme", "router"), client="globex"), "cannot belong"),
]


@pytest.mark.parametrize(("entry", "complaint"), UNSTORABLE)
def test_an_entry_that_no_database_could_store_is_refused(entry: Entry, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        refuse_unstorable(entry)


def test_an_entry_of_an_endpoint_is_an_entry_of_its_client() -> None:
    assert Entry("event", 0, {}, ROUTER).client == "acme"


def test_a_contract_version_carries_its_terms_and_their_digest() -> None:
    entry = contract_entry("acme", "network", {"standard": "99%"}, at(1))
    # printf '{"standard":"99%%"}' | sha256sum
    assert entry.body["sha256"] == "8aab2173839d9cb64c41ed7d0a4568f63c9e05dc78655ab4ee7886986ccc0143"
    assert (entry.kind, entry.client, entry.contract, entry.at) == ("contract", "acme", "network", at(1))


@pytest.fixture(scope="module")
def memory() -> Engine:
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    return engine


OBSERVED = st.builds(
    Observation,
    INSTANTS,
    st.integers(0, 10**12),
    st.sampled_from(Verdict),
    TEXTS,
    TEXTS,
    st.lists(st.tuples(TEXTS, st.integers(0, 10**9)), max_size=4).map(tuple),
    MAYBE,
    CAUSES,
)


@given(observation=OBSERVED)
def test_an_observation_comes_back_exactly_but_for_characters_that_no_database_stores(
    observation: Observation, memory: Engine
) -> None:
    again = observation_of(_stored(observation, memory))
    assert again.reason == storable(observation.reason)
    assert again.detail == storable(observation.detail)
    exact = (again.started, again.duration, again.verdict, again.phases, again.certificate_expiry, again.cause)
    assert exact == (
        observation.started,
        observation.duration,
        observation.verdict,
        observation.phases,
        observation.certificate_expiry,
        observation.cause,
    )


def _stored(observation: Observation, memory: Engine) -> Row[tuple[object, ...]]:
    with memory.connect() as connection:
        connection.execute(insert(OBSERVATIONS), dict(zip(COLUMNS, row_of(1, observation), strict=True)))
        return connection.execute(select(OBSERVATIONS)).one()


def test_characters_that_no_database_stores_are_replaced() -> None:
    assert storable("plain") == "plain"
    assert storable("Grüße 😀") == "Grüße 😀"
    assert storable("a\0b\ud800c") == "a\ufffdb\ufffdc"
