"""The latest judgement of everything, as immutable values; metrics and pages read nothing else of it.

The evaluator is the only writer: it publishes a whole new :class:`Snapshot` and never changes an old one, so a
reader sees one consistent instant for as long as it holds the reference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction

from slawatch.domain.account import Account
from slawatch.domain.compliance import Compliance
from slawatch.domain.contract import Contract
from slawatch.domain.credits import Settlement
from slawatch.domain.facts import Change, State
from slawatch.domain.interval import Duration, Instant
from slawatch.domain.observation import Cause, Observation
from slawatch.domain.risk import Risk
from slawatch.domain.strip import StripPiece


class Vouched(IntEnum):
    """Who answers for the way to an endpoint when it fails (S15); a contract has the least of its endpoints."""

    NOBODY = 0
    LINK = 1
    """Only the link of this machine, which is a witness of the path ``lan``."""
    HOSTS = 2

    @property
    def word(self) -> str:
        """As files and the interface say it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class PathStatus:
    """Where one path stands that has witnesses. ``since`` is when the present state was first seen."""

    name: str
    witnesses: int
    answering: int
    blind: bool | None
    """Whether none of them answers; None before they were asked first."""
    since: Instant | None


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """Where one endpoint stands. ``since`` is the start of the present state as the point version dates it."""

    client: str
    name: str
    probe: str
    target: str
    path: str
    behind: str | None
    state: State
    """UNKNOWN while nothing is known; the confirmed state otherwise."""
    cause: Cause | None
    since: Instant | None
    suspect: bool
    """An unconfirmed failure is being repeated, or it is down."""
    last: Observation | None
    last_transition: Instant | None
    every: Duration
    counts: Mapping[str, int] = field(default_factory=dict)
    """Observations since this start, by verdict."""
    strip: tuple[StripPiece, ...] = ()
    """The last 24 hours."""
    vouched: Vouched = Vouched.NOBODY

    @property
    def key(self) -> str:
        """``client/endpoint``."""
        return f"{self.client}/{self.name}"


@dataclass(frozen=True, slots=True)
class ContractStatus:
    """Where one contract stands in its current period, and how the one before ended."""

    account: Account
    client_name: str
    risk: Risk
    last: Account | None = None
    """The period before, once it is over; None when this is the first."""
    burn_rates: Mapping[str, Fraction] = field(default_factory=dict)
    """By window (``1h``, ``6h`` …), where the window lies in service time that was measured."""
    strip: tuple[StripPiece, ...] = ()
    """The current period from its start to now."""
    state: State = State.UNKNOWN
    """The service's own state now (point version)."""
    since: Instant | None = None
    vouched: Vouched = Vouched.NOBODY
    """What is judged without a witness says so on every page (S15)."""
    review_overdue: Duration | None = None
    """Since the first review that came due after the latest was signed; 0 while none is due, None if none is agreed."""

    @property
    def contract(self) -> Contract:
        """The terms that govern the current period."""
        return self.account.contract

    @property
    def compliance(self) -> Compliance:
        """The current period's account of time."""
        return self.account.compliance

    @property
    def settlement(self) -> Settlement | None:
        """What the running period would cost at its worst (``at_low``) and at its best (``at_high``)."""
        return self.account.settlement


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one instant. ``generation`` grows by one with each publication."""

    at: Instant
    generation: int
    contracts: tuple[ContractStatus, ...] = ()
    endpoints: Sequence[EndpointStatus] = ()
    client_names: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 0
    """How many entries this run had recorded: with ``at``, what the snapshot knew."""
    paths: tuple[PathStatus, ...] = ()
    """Those that have witnesses, in the order of the configuration."""
    edges: Mapping[str, Change] = field(default_factory=dict)
    """By ``client/endpoint``: the change to UNKNOWN that closes its history at ``at``, where it is known then."""
    configuration_generation: int = 0
    configuration_error: str = ""
    """Why the latest reload was refused; empty when the newest configuration is in force."""


class Board:
    """Holds the latest snapshot and wakes whoever waits for the next one."""

    def __init__(self) -> None:
        self._snapshot = Snapshot(at=0, generation=0)
        self._changed = asyncio.Event()

    @property
    def snapshot(self) -> Snapshot:
        """The latest publication; ``generation`` 0 means that nothing has been judged yet."""
        return self._snapshot

    def publish(self, snapshot: Snapshot) -> None:
        """Replace the snapshot. Only the evaluator calls this."""
        self._snapshot = snapshot
        self._changed.set()
        self._changed = asyncio.Event()

    async def newer_than(self, generation: int) -> Snapshot:
        """Wait until there is a snapshot with a higher generation, and return the latest."""
        while self._snapshot.generation <= generation:
            await self._changed.wait()
        return self._snapshot
