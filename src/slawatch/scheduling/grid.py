"""The instants at which an endpoint is due: one phase per identity, the same after every restart.

Slots lie where the wall clock reads ``phase`` modulo ``every``. The wall clock is read once, when the
grid is made, and only to find its offset from the monotonic clock; from then on every slot is an instant
of the monotonic clock, so no clock step moves, repeats or skips one. Neighbouring identities get
unrelated phases, so the probes of a large estate spread evenly over the interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s

from slawatch.domain.interval import MINUTE, Duration
from slawatch.runtime.clock import Clock

START_WITHIN: Duration = MINUTE
"""After a start every endpoint is probed within this, or within its interval where that is shorter (S13)."""


def spread(identity: str) -> int:
    """A number below 2**64 that depends on the identity alone: not on the process, the machine or its order."""
    return int.from_bytes(blake2s(identity.encode(), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class Grid:
    """Slots on the monotonic clock. ``offset`` is monotonic minus wall, in microseconds."""

    offset: Duration

    @classmethod
    def of(cls, clock: Clock) -> Grid:
        """The grid of a process that starts now."""
        return cls(clock.monotonic() - clock.now())

    def slot_after(self, instant: int, every: Duration, number: int) -> int:
        """The first slot later than ``instant``; both on the monotonic clock. ``number`` is the identity's."""
        return instant + every - (instant - self.offset - number) % every

    def first_slot(self, now: int, every: Duration, number: int) -> int:
        """When an endpoint that is new at ``now`` is probed first: within min(``every``, 60 s) (S13).

        With an interval of up to a minute this is its ordinary slot; a longer one gets an extra probe.
        """
        return self.slot_after(now, min(every, START_WITHIN), number)

    def slots_between(self, after: int, before: int, every: Duration, number: int) -> int:
        """How many slots lie later than ``after`` and earlier than ``before``."""
        first = self.slot_after(after, every, number)
        return max(0, -(-(before - first) // every))
