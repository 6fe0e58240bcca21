"""Facts of the domain as entries of the ledger and back, exactly; and contract versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slawatch.domain.facts import Blip, Change, Fact, State, Suspicion
from slawatch.domain.interval import Instant
from slawatch.domain.observation import Cause
from slawatch.storage.entries import EndpointKey, Entry, Kind, Recorded, canonical

_STATES = {state.word: state for state in State}
FACT_KINDS = (Kind.STATE, Kind.BLIP, Kind.SUSPICION)


@dataclass(frozen=True, slots=True)
class ContractVersion:
    """A contract's terms as the ledger first saw them at ``at`` (S29)."""

    at: Instant
    recorded_at: Instant
    sha256: str
    terms: Mapping[str, Any]


def entry_of(endpoint: EndpointKey, fact: Fact) -> Entry:
    """The entry that records a fact of an endpoint."""
    match fact:
        case Change():
            body = _bracketed(fact) | _given(cause=fact.cause and fact.cause.value, confirmed_at=fact.confirmed_at)
            return Entry(Kind.STATE, fact.at, body, endpoint, state=fact.state.word)
        case Blip():
            body = _bracketed(fact) | {"seen": fact.seen}
            return Entry(Kind.BLIP, fact.at, body, endpoint, state=fact.state.word)
        case Suspicion():
            body = _given(last_good=fact.last_good) | _worded(fact)
            return Entry(Kind.SUSPICION, fact.at, body, endpoint)


def fact_of(entry: Entry | Recorded) -> Fact:
    """The fact that :func:`entry_of` made an entry of; ``ValueError`` when the entry is no fact."""
    if isinstance(entry, Recorded):
        entry = entry.entry
    return fact_in(entry.kind, entry.at, entry.body)


def fact_in(kind: str, at: Instant, body: Mapping[str, Any]) -> Fact:
    """The same from what an entry says, without the entry: a year of them is read so."""
    given = body.get
    reason, detail = given("reason", ""), given("detail", "")
    if kind == Kind.STATE:
        cause, state = given("cause"), _STATES.get(body["state"])
        return Change(
            at,
            State.of(body["state"]) if state is None else state,
            body["earliest"],
            body["latest"],
            None if cause is None else Cause(cause),
            given("confirmed_at"),
            reason,
            detail,
            given("source", ""),
        )
    if kind == Kind.BLIP:
        bracket = body["earliest"], body["latest"]
        return Blip(at, State.of(body["state"]), *bracket, body["seen"], reason, detail, given("source", ""))
    if kind == Kind.SUSPICION:
        return Suspicion(at, given("last_good"), reason, detail)
    raise ValueError(f"an entry of kind {kind!r} is no fact of an endpoint")


def digest_of(terms: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical text of a contract's terms, in hexadecimal."""
    return hashlib.sha256(canonical(terms).encode("ascii")).hexdigest()


def contract_entry(client: str, contract: str, terms: Mapping[str, Any], at: Instant) -> Entry:
    """The entry that records the terms of a contract as they stand from ``at`` on."""
    body = {"sha256": digest_of(terms), "terms": terms}
    return Entry(Kind.CONTRACT, at, body, client=client, contract=contract)


def contract_version_of(recorded: Recorded) -> ContractVersion:
    """The contract version that :func:`contract_entry` made an entry of."""
    body = recorded.entry.body
    return ContractVersion(recorded.at, recorded.recorded_at, body["sha256"], body["terms"])


def _bracketed(fact: Change | Blip) -> dict[str, Any]:
    bracket = {"state": fact.state.word, "earliest": fact.earliest, "latest": fact.latest}
    return bracket | _worded(fact) | _given(source=fact.source or None)


def _worded(fact: Fact) -> dict[str, Any]:
    return _given(reason=fact.reason or None, detail=fact.detail or None)


def _given(**values: str | int | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
