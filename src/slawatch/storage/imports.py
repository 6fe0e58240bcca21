"""What another monitor saw goes into the ledger: one endpoint at a time, whole or not at all.

Its natural key is the site ``@import``, a run named by the source and the digest of what was read, and a running
number; so the same import repeated changes nothing, whatever became of the answer to the first one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tzdata  # type: ignore[import-untyped]
from sqlalchemy import Select, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from slawatch import __version__
from slawatch.domain.facts import Blip, Change
from slawatch.domain.interval import Instant
from slawatch.storage.endpoints import assign_ids
from slawatch.storage.entries import IMPORTED, EndpointKey, Kind, canonical, refuse_unstorable
from slawatch.storage.facts import entry_of
from slawatch.storage.schema import BOOTS, ENDPOINTS, ENTRIES, OBSERVATIONS
from slawatch.storage.transitions import RollUp

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Imported:
    """The past of one endpoint, as another monitor saw it."""

    endpoint: EndpointKey
    source: str
    """The other monitor: ``uptime-kuma``."""
    digest: str
    """Of what was read of this endpoint, and of how it was read."""
    facts: Sequence[Change | Blip]

    @property
    def boot(self) -> str:
        """The name of the run that these facts are entered under."""
        return f"{self.source}:{self.digest}"


async def store_import(connection: AsyncConnection, found: Imported, now: Instant) -> bool:
    """Store the facts in the caller's transaction; whether they are new. The same import is stored once."""
    if await is_there(connection, found):
        return False
    ids = await assign_ids(connection, {found.endpoint}, {})
    boot = {"site": IMPORTED, "boot": found.boot, "started_at": now}
    await connection.execute(BOOTS.insert().values(**boot, software=__version__, tzdata=tzdata.IANA_VERSION))
    dialect = {"sqlite": sqlite, "postgresql": postgresql}[connection.dialect.name]
    statement = dialect.insert(ENTRIES).on_conflict_do_nothing()
    roll_up = RollUp()
    for start in range(0, len(found.facts), _ROWS_AT_ONCE):
        part = enumerate(found.facts[start : start + _ROWS_AT_ONCE], start + 1)
        some = [_row(found, number, fact, ids[found.endpoint], now) for number, fact in part]
        await connection.execute(statement, some)
        await roll_up.take_up(connection, some)
    return True


async def is_there(connection: AsyncConnection, found: Imported) -> bool:
    """Whether this very import has been stored."""
    query = select(BOOTS.c.id).where(BOOTS.c.site == IMPORTED, BOOTS.c.boot == found.boot)
    return await connection.scalar(query) is not None


def _row(found: Imported, number: int, fact: Change | Blip, endpoint: int, now: Instant) -> dict[str, Any]:
    entry = entry_of(found.endpoint, fact)
    refuse_unstorable(entry)
    return {
        "site": IMPORTED,
        "boot": found.boot,
        "sequence": number,
        "kind": str(entry.kind),
        "endpoint_id": endpoint,
        "client": entry.client,
        "contract": None,
        "state": entry.state,
        "at": entry.at,
        "recorded_at": now,
        "body": canonical(entry.body),
    }


async def first_known(connection: AsyncConnection, endpoints: Collection[EndpointKey]) -> Mapping[EndpointKey, Instant]:
    """From when on the ledger knows something of each endpoint, by whomever; it is left out where it knows nothing."""
    facts = (Kind.STATE.value, Kind.BLIP.value, Kind.SUSPICION.value)
    entry = _first(select(func.min(ENTRIES.c.at)).where(ENTRIES.c.kind.in_(facts)), ENTRIES.c.endpoint_id)
    observation = _first(select(func.min(OBSERVATIONS.c.started)), OBSERVATIONS.c.endpoint_id)
    query = select(ENDPOINTS.c.client, ENDPOINTS.c.name, entry.label("entry"), observation.label("observation"))
    found = {}
    for row in await connection.execute(query.where(ENDPOINTS.c.client.in_({key.client for key in endpoints}))):
        known = [at for at in (row.entry, row.observation) if at is not None]
        key = EndpointKey(row.client, row.name)
        if known and key in endpoints:
            found[key] = min(known)
    return found


def _first(query: Select[Any], endpoint: Any) -> Any:
    return query.where(endpoint == ENDPOINTS.c.id).correlate(ENDPOINTS).scalar_subquery()
