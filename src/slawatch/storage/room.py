"""Room on the disk: a full one takes the ballast, and the ballast is made again once there is room for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from slawatch.domain.interval import MINUTE, Duration
from slawatch.runtime.clock import Clock
from slawatch.storage.ballast import Ballast, says_full

LOG = logging.getLogger(__name__)

_LOOK_EVERY: Duration = MINUTE


class Room:
    """Gives the ballast up and makes it again. ``note`` puts on record that it did, by an event's name."""

    def __init__(self, ballast: Ballast, clock: Clock, note: Callable[[str], None]) -> None:
        self._ballast, self._clock, self._note = ballast, clock, note
        self._looked_at = clock.monotonic() - _LOOK_EVERY

    @property
    def ballast(self) -> bool | None:
        """Whether the ballast is there; None where none is kept."""
        return self._ballast.there if self._ballast.size else None

    async def prepare(self) -> None:
        """Make the ballast at a start."""
        await asyncio.to_thread(self._ballast.keep)

    async def relieve(self, error: BaseException) -> None:
        """If something failed because the disk is full, give the ballast up."""
        ballast = self._ballast
        if ballast.there and says_full(error, ballast.path.parent) and await asyncio.to_thread(ballast.give_up):
            LOG.error("the disk is full: %s was given up for %d MiB of room", ballast.path, ballast.size >> 20)
            self._note("disk_full")

    async def look(self) -> None:
        """Make the ballast again where it is missing, not more often than once a minute."""
        ballast, now = self._ballast, self._clock.monotonic()
        if ballast.there or not ballast.size or now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        if await asyncio.to_thread(ballast.keep):
            LOG.warning("there is room on the disk again: %s is kept", ballast.path)
            self._note("disk_has_room")
