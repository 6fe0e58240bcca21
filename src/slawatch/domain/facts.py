"""What the ledger holds of one endpoint: changes of state, blips, and first suspicions.

Facts are append-only (S27). Their order is by instant, and at one instant by ledger sequence, the later
entry winning (S17). ``earliest`` and ``latest`` say where a change can lie at most: both are probe
starts, and between them the truth was not seen (S8). A consumer clamps them to the neighbouring changes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from slawatch.domain.interval import Instant
from slawatch.domain.observation import Cause


class State(IntEnum):
    """What an endpoint or a service is; among the known ones a greater number is better."""

    DOWN = 0
    DEGRADED = 1
    UP = 2
    UNKNOWN = 3

    @property
    def word(self) -> str:
        """The name that files, metrics and people see."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> State:
        """The state that a word names; ``ValueError`` says which words there are."""
        try:
            return cls[word.upper()]
        except KeyError:
            raise ValueError(f"{word!r} is no state: expected up, degraded, down or unknown") from None


class Change(NamedTuple):
    """From ``at`` on the endpoint is in ``state``, until the next change."""

    at: Instant
    state: State
    earliest: Instant
    latest: Instant
    cause: Cause | None = None
    """Why, when the state is UNKNOWN."""
    confirmed_at: Instant | None = None
    """Start of the probe that confirmed it; equals ``at`` where one probe was enough."""
    reason: str = ""
    detail: str = ""
    source: str = ""
    """Which other monitor saw it, where it was imported; empty for what slawatch measured itself."""


class Blip(NamedTuple):
    """Observations that contradicted the state and were not confirmed (S12).

    A failure while up touches only the low figure: from ``earliest`` (last good) to ``latest`` (next good).
    A success inside an outage touches only the high figure, from last failed to next failed.
    """

    at: Instant
    state: State
    earliest: Instant
    latest: Instant
    seen: int = 1
    """How many observations it spans."""
    reason: str = ""
    detail: str = ""
    source: str = ""
    """As for a change."""


class Suspicion(NamedTuple):
    """The first failed observation that may begin an outage; stored at once so that a crash cannot lose it."""

    at: Instant
    last_good: Instant | None
    reason: str = ""
    detail: str = ""


Fact = Change | Blip | Suspicion
