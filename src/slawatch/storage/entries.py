"""What is written into the ledger: entries, whose content is JSON with one way to write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from slawatch.domain.interval import Instant

_INT64 = range(-(2**63), 2**63)


IMPORTED = "@import"
"""The site of what another monitor saw. No configuration can name one so: an identifier holds no ``@``."""


class Kind(StrEnum):
    """What an entry is about. The values are written into the ledger and never change."""

    STATE = "state"
    BLIP = "blip"
    SUSPICION = "suspicion"
    CONTRACT = "contract"
    EXCLUSION = "exclusion"
    CORRECTION = "correction"
    EVENT = "event"


class EndpointKey(NamedTuple):
    """How configuration names an endpoint. A rename changes the name; the history stays with the endpoint."""

    client: str
    name: str

    def __str__(self) -> str:
        return f"{self.client}/{self.name}"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to record, dated ``at`` (UTC microseconds).

    ``body`` is JSON without floats. An entry of an endpoint carries the endpoint's client. ``state`` repeats
    the state that a change or a blip names, for queries.
    """

    kind: str
    at: Instant
    body: Mapping[str, Any]
    endpoint: EndpointKey | None = None
    client: str | None = None
    contract: str | None = None
    state: str | None = None

    def __post_init__(self) -> None:
        if self.client is None and self.endpoint is not None:
            object.__setattr__(self, "client", self.endpoint.client)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as the ledger holds it.

    ``site``, ``boot`` and ``sequence`` are its natural key: who wrote it, in which run, as which one.
    ``id`` orders the entries of one database by when they were written, and settles ties (S17).
    ``recorded_at`` is the wall-clock instant at which the ledger first had it (S25).
    """

    id: int
    site: str
    boot: str
    sequence: int
    recorded_at: Instant
    entry: Entry

    @property
    def at(self) -> Instant:
        """The instant that the entry is about."""
        return self.entry.at


def refuse_unstorable(entry: Entry) -> None:
    """``ValueError`` for an entry that contradicts itself or that no database could store."""
    if entry.at not in _INT64:
        raise ValueError(f"{entry.at} is no instant in microseconds")
    if entry.endpoint is not None and entry.client != entry.endpoint.client:
        raise ValueError(f"an entry of {entry.endpoint} cannot belong to client {entry.client!r}")
    for name in (entry.kind, entry.client, entry.contract, entry.state, *(entry.endpoint or ())):
        if name is not None and storable(name) != name:
            raise ValueError(f"{name!r} holds characters that no database stores")


def canonical(value: object) -> str:
    """The one text of a JSON value: sorted keys, no spaces, ASCII; ``ValueError`` for a float or a foreign type.

    Equal values give equal bytes, on every box and in every year (S27).
    """
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def storable(text: str) -> str:
    """``text`` with what no database stores (NUL, halves of surrogate pairs) replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


def _check(value: object) -> None:
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, list | tuple):
        for item in value:
            _check(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"the ledger's keys are text, not {key!r}")
            _check(item)
    else:
        raise ValueError(f"the ledger holds no {type(value).__name__}: {value!r}")
