"""The door for what another monitor saw: checked against what the ledger knows, then stored and learnt.

Where slawatch's own history knows, it holds: nothing is taken in from the first instant on at which the ledger knows
anything of the endpoint. So a past is taken in once, and a second export of the same monitor adds only what is older.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.interval import MINUTE, Duration, Instant, format_instant
from slawatch.runtime.clock import Clock
from slawatch.runtime.errors import InputError
from slawatch.storage.entries import EndpointKey
from slawatch.storage.imports import Imported
from slawatch.storage.ledger import Ledger

MOST_FACTS = 100_000
"""Facts of one endpoint in one import: they are stored in one transaction, for which everything else waits."""

Learn = Callable[[EndpointKey, Sequence[Change | Blip]], None]


@dataclass(frozen=True, slots=True)
class Importing:
    """Takes in pasts. ``learn`` lets a running daemon know of them; ``timeouts`` names the endpoints that are
    configured, each with the time that a probe of it takes at most."""

    ledger: Ledger
    clock: Clock
    timeouts: Mapping[EndpointKey, Duration]
    learn: Learn | None = None

    async def windows(self, client: str) -> dict[EndpointKey, Instant]:
        """For each of a client's endpoints, the instant before which a past may be told.

        Where the ledger knows nothing yet it is now, less what a probe that is under way may take.
        """
        await self.ledger.flushed()
        keys = {key for key in self.timeouts if key.client == client}
        return await self._windows(keys)

    async def _windows(self, keys: Collection[EndpointKey]) -> dict[EndpointKey, Instant]:
        now, known = self.clock.now(), await self.ledger.first_known(keys)
        late = 0 if self.learn is None else MINUTE
        return {key: min(known.get(key, now), now - late - self.timeouts[key]) for key in keys}

    async def take(self, found: Imported) -> bool:
        """Store one past, whole; whether it is new. :class:`InputError` where it cannot be one."""
        if found.endpoint not in self.timeouts:
            raise InputError(f"{found.endpoint}: is no endpoint: expected one of the configuration")
        if await self.ledger.knows_import(found):
            return False
        await self.ledger.flushed()
        self._check(found, (await self._windows([found.endpoint]))[found.endpoint])
        new = await self.ledger.take_import(found)
        if new and self.learn is not None:
            self.learn(found.endpoint, found.facts)
        return new

    def _check(self, found: Imported, before: Instant) -> None:
        if not found.facts or len(found.facts) > MOST_FACTS:
            raise InputError(f"{found.endpoint}: {len(found.facts)} facts: expected 1 to {MOST_FACTS}")
        if any(fact.source != found.source for fact in found.facts):
            raise InputError(f"{found.endpoint}: a fact names another source: expected {found.source} in each")
        latest = max(fact.latest for fact in found.facts)
        if latest >= before:
            raise InputError(
                f"{found.endpoint}: something is dated {format_instant(latest)}: expected it before "
                f"{format_instant(before)}, from when on slawatch knows the endpoint itself"
            )
        changes = [fact for fact in found.facts if isinstance(fact, Change)]
        if changes != sorted(changes, key=attrgetter("at")):
            raise InputError(f"{found.endpoint}: changes run backwards: expected them in order of instant")
        if not changes or changes[-1].state is not State.UNKNOWN:
            raise InputError(f"{found.endpoint}: the past has no end: expected a change to unknown as the last one")
