"""What one commit writes, and the form in which it waits in the spool.

A group's entries carry their natural keys and its observations are rows already, so that it can be written as often as
it takes, by whatever run finds it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from slawatch.domain.interval import Instant
from slawatch.domain.observation import Observation
from slawatch.storage.entries import EndpointKey
from slawatch.storage.observations import COLUMNS, row_of

_NO_ID = 0
"""Stands in a row of an observation until the group is written: an endpoint's id belongs to one database."""


@dataclass(slots=True)
class Packed:
    """Observations as rows, whose first column is yet to be filled with the endpoint's id."""

    columns: tuple[str, ...] = COLUMNS
    rows: list[tuple[EndpointKey, tuple[Any, ...]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows)

    def started(self) -> list[Instant]:
        """When each probe started."""
        place = self.columns.index("started")
        return [row[place] for _, row in self.rows]


@dataclass(slots=True)
class Group:
    """``rows`` are entries beside their endpoints. ``names`` come last in it, ``alive`` vouches for all before it."""

    boot: str
    rows: list[tuple[EndpointKey | None, dict[str, Any]]] = field(default_factory=list)
    observations: deque[tuple[EndpointKey, Observation]] = field(default_factory=deque)
    packed: Packed = field(default_factory=Packed)
    alive: Instant | None = None
    stopped: Instant | None = None
    names: Mapping[EndpointKey, str | None] | None = None
    waiters: list[asyncio.Future[None]] = field(default_factory=list)

    def writes(self) -> bool:
        """Whether there is anything to write."""
        return bool(
            self.rows or self.observations or self.packed or self.names is not None or self.alive is not None
        )  # a stop is never without a sign of life

    def pack(self) -> Packed:
        """The observations as rows; what they were made of is let go of."""
        if self.observations:
            self.packed.rows += [(key, row_of(_NO_ID, observation)) for key, observation in self.observations]
            self.observations.clear()
        return self.packed

    def keys(self) -> set[EndpointKey]:
        """The endpoints that it speaks of, renames apart."""
        return {key for key, _ in self.rows if key is not None} | {key for key, _ in self.pack().rows}

    def acknowledge(self) -> None:
        """Tell whoever waits that it is durable."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()


def body_of(group: Group) -> bytes:
    """All of a group but its observations, as text for the spool."""
    names = None if group.names is None else [[*key, old] for key, old in group.names.items()]
    rows = [[*(key or (None, None)), row] for key, row in group.rows]
    return orjson.dumps([group.boot, rows, group.alive, group.stopped, names])


def observations_of(group: Group) -> bytes:
    """A group's observations as text for the spool; empty without any."""
    packed = group.pack()
    return orjson.dumps([packed.columns, [[*key, *row] for key, row in packed.rows]]) if packed else b""


def group_of(body: bytes, observations: bytes) -> Group:
    """The group that :func:`body_of` and :func:`observations_of` made texts of; ``ValueError`` where they are none."""
    boot, rows, alive, stopped, names = orjson.loads(body)
    return Group(
        boot,
        [(None if name is None else EndpointKey(client, name), row) for client, name, row in rows],
        packed=packed_of(observations),
        alive=alive,
        stopped=stopped,
        names=None if names is None else {EndpointKey(client, name): old for client, name, old in names},
    )


def packed_of(observations: bytes) -> Packed:
    """The rows in a text of :func:`observations_of`."""
    if not observations:
        return Packed()
    columns, rows = orjson.loads(observations)
    return Packed(tuple(columns), [(EndpointKey(row[0], row[1]), tuple(row[2:])) for row in rows])


def batches(rows: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """Rows in parts of at most ``size``."""
    return (list(rows[start : start + size]) for start in range(0, len(rows), size))
