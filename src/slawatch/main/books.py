"""The ledger's part of what is judged: contract versions, announcements, corrections, and every endpoint's past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from slawatch.config.configuration import ClientConfig, Configuration
from slawatch.domain.announcements import parse_announcement
from slawatch.domain.contract import Contract
from slawatch.domain.exclusions import Announcement
from slawatch.domain.facts import State
from slawatch.domain.history import Correction
from slawatch.domain.interval import DISTANT_FUTURE, Instant, Interval
from slawatch.domain.renames import with_renamed
from slawatch.domain.terms import contract_of
from slawatch.evaluation.book import Book, Version
from slawatch.evaluation.history_export import RENAMED
from slawatch.evaluation.recorder import Past
from slawatch.operations.reviewing import REVIEWED
from slawatch.storage.entries import EndpointKey, Entry, Kind
from slawatch.storage.facts import contract_entry
from slawatch.storage.ledger import Ledger


@dataclass(slots=True)
class Books:
    """What the ledger holds beside facts of endpoints."""

    terms: dict[str, list[tuple[Instant, Mapping[str, Any], str]]] = field(default_factory=dict)
    """By ``client/contract``, oldest first, under the names that endpoints have now, each with its digest as it was."""
    renames: set[tuple[str, str, str]] = field(default_factory=set)
    """Client, old name, new name."""
    announcements: dict[str, list[Announcement]] = field(default_factory=dict)
    """By client, in ledger order."""
    corrections: dict[str, list[Correction]] = field(default_factory=dict)
    """By ``client/endpoint``, in ledger order."""
    reviews: dict[str, Instant] = field(default_factory=dict)
    """When each contract was reviewed last, by ``client/contract``; when it first came to the ledger until then."""
    digests: dict[str, str] = field(default_factory=dict)
    """The newest version's digest, by ``client/contract``."""

    def book(self, contract: Contract) -> Book:
        """The versions of one contract; it must have been recorded."""
        return Book([Version(at, contract_of(terms), digest) for at, terms, digest in self.terms[contract.key]])


async def read_books(ledger: Ledger) -> Books:
    """Everything but facts of endpoints, in the order in which the ledger had it."""
    books = Books()
    kinds = (Kind.CONTRACT.value, Kind.EXCLUSION.value, Kind.CORRECTION.value, Kind.EVENT.value)
    recorded = [entry async for entry in ledger.entries(kinds=kinds)]
    for item in sorted(recorded, key=lambda item: item.id):
        add_entry(books, item.entry, item.recorded_at)
    return books


def add_entry(books: Books, entry: Entry, recorded_at: Instant) -> None:
    """Take up one entry that is no fact of an endpoint."""
    body = entry.body
    match entry.kind:
        case Kind.CONTRACT:
            key = f"{entry.client}/{entry.contract}"
            books.terms.setdefault(key, []).append((entry.at, body["terms"], body["sha256"]))
            books.terms[key].sort(key=itemgetter(0))
            books.digests[key] = body["sha256"]
            books.reviews.setdefault(key, entry.at)
        case Kind.EVENT if body.get("event") == RENAMED:
            _rename(books, str(entry.client), body["formerly"], body["endpoint"])
        case Kind.EVENT if body.get("event") == REVIEWED:
            key = f"{entry.client}/{entry.contract}"
            books.reviews[key] = max(entry.at, books.reviews.get(key, entry.at))
        case Kind.EXCLUSION if "withdraws" in body:
            standing = books.announcements.get(str(entry.client), [])
            for index, announcement in enumerate(standing):
                if announcement.identity == body["withdraws"] and announcement.withdrawn_at is None:
                    standing[index] = replace(announcement, withdrawn_at=recorded_at)
        case Kind.EXCLUSION:
            announcement = parse_announcement(body["document"], body["zone"], announced_at=recorded_at)
            books.announcements.setdefault(str(entry.client), []).append(announcement)
        case Kind.CORRECTION:
            correction = Correction(
                endpoint=str(body["endpoint"]),
                span=Interval(int(body["start"]), int(body["end"])),
                state=State.of(str(body["state"])),
                reason=str(body.get("reason", "")),
                approved_by=str(body.get("approved_by", "")),
                entered_by=str(body.get("by", "")),
                evidence=str(body.get("evidence", "")),
            )
            books.corrections.setdefault(f"{entry.client}/{correction.endpoint}", []).append(correction)


def _rename(books: Books, client: str, old: str, new: str) -> None:
    books.renames.add((client, old, new))
    for key, versions in books.terms.items():
        if key.startswith(f"{client}/"):
            versions[:] = [(at, with_renamed(terms, old, new), digest) for at, terms, digest in versions]


def news(books: Books, configuration: Configuration, now: Instant) -> list[Entry]:
    """What the configuration says and the ledger does not know yet: new terms, new announcements."""
    entries = [
        Entry(
            Kind.EVENT,
            now,
            {"event": RENAMED, "endpoint": endpoint.name, "formerly": endpoint.formerly},
            client=endpoint.client,
        )
        for endpoint in configuration.endpoints
        if endpoint.formerly and (endpoint.client, endpoint.formerly, endpoint.name) not in books.renames
    ]
    entries += [
        contract_entry(client.id, item.contract.name, item.terms, now)
        for client in configuration.clients
        for item in client.contracts
        if books.digests.get(item.key) != item.digest
    ]
    for client in configuration.clients:
        entries += _announced(books, client, now)
        entries += _withdrawn(books, client, now)
    return entries


def _announced(books: Books, client: ClientConfig, now: Instant) -> Iterable[Entry]:
    known = {entry.identity for entry in books.announcements.get(client.id, ()) if entry.withdrawn_at is None}
    for configured in client.announcements:
        identity = configured.announcement.identity
        if identity not in known:
            body = {"document": dict(configured.document), "zone": client.zone, "id": identity}
            yield Entry(Kind.EXCLUSION, now, body, client=client.id)


def _withdrawn(books: Books, client: ClientConfig, now: Instant) -> Iterable[Entry]:
    """What no longer stands in the client's file: past occurrences stay, later ones do not take place."""
    standing = {configured.announcement.identity for configured in client.announcements}
    for entry in books.announcements.get(client.id, ()):
        if entry.withdrawn_at is None and entry.identity not in standing:
            yield Entry(Kind.EXCLUSION, now, {"withdraws": entry.identity}, client=client.id)


async def read_pasts(ledger: Ledger, keys: Sequence[EndpointKey], since: Instant) -> Mapping[EndpointKey, Past]:
    """Every endpoint's facts since an instant, and what its state machine needs to go on."""
    histories = await ledger.endpoint_histories(keys, since, DISTANT_FUTURE)
    materials = await ledger.resume_materials(keys)
    pasts: dict[EndpointKey, Past] = {}
    for key in keys:
        material, history = materials[key], histories[key]
        older = [change for change in material.changes if not history.changes or change.at < history.changes[0].at]
        pasts[key] = Past(
            changes=(*older, *history.changes),
            blips=history.blips,
            suspicion=material.suspicion,
            last_good=material.last_good,
            last_failed=material.last_failed,
        )
    return pasts


def needed_since(books: Iterable[Book], now: Instant) -> Instant:
    """How far back facts are needed: to the start of the period before each contract's current one."""
    earliest = now
    for book in books:
        current = book.current(now)
        if current is None:
            continue
        before = book.before(current[1])
        start = before[1].start if before else current[1].start
        earliest = min(earliest, start, now - current[1].nominal.length)
    return earliest
