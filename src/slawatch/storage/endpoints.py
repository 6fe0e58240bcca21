"""The identity of endpoints: a row keeps its id, and with it its history, through every rename."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slawatch.storage.entries import EndpointKey
from slawatch.storage.schema import ENDPOINTS

_KEYS_AT_ONCE = 500


async def ids_of(connection: AsyncConnection, keys: Iterable[EndpointKey]) -> dict[EndpointKey, int]:
    """The ids of those endpoints that the ledger knows."""
    found: dict[EndpointKey, int] = {}
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        some = [tuple(key) for key in wanted[start : start + _KEYS_AT_ONCE]]
        query = select(ENDPOINTS).where(tuple_(ENDPOINTS.c.client, ENDPOINTS.c.name).in_(some))
        found |= {EndpointKey(row.client, row.name): row.id for row in await connection.execute(query)}
    return found


async def assign_ids(
    connection: AsyncConnection, keys: set[EndpointKey], known: dict[EndpointKey, int]
) -> dict[EndpointKey, int]:
    """``known`` with the ids of ``keys`` added; an endpoint that has none gets one. ``known`` itself is not changed."""
    missing = keys - known.keys()
    if not missing:
        return known
    ids = known | await ids_of(connection, missing)
    new = [{"client": key.client, "name": key.name} for key in sorted(missing - ids.keys())]
    if new:
        await connection.execute(insert(ENDPOINTS), new)
        ids |= await ids_of(connection, missing)
    return ids


async def rename(connection: AsyncConnection, formerly: Mapping[EndpointKey, str | None]) -> None:
    """Give endpoints their new names, then make those that do not exist yet.

    ``formerly`` maps each configured endpoint to its old name within its client, or None.
    """
    olds = {EndpointKey(key.client, old) for key, old in formerly.items() if old is not None}
    ids = await ids_of(connection, olds | formerly.keys())
    for old, new in renames(ids.keys(), formerly):
        await connection.execute(update(ENDPOINTS).where(ENDPOINTS.c.id == ids[old]).values(name=new.name))
    await assign_ids(connection, set(formerly), {})


def renames(
    existing: Iterable[EndpointKey], formerly: Mapping[EndpointKey, str | None]
) -> Iterator[tuple[EndpointKey, EndpointKey]]:
    """The renames to carry out, in an order in which no name is taken twice.

    One is left out when its new name is taken (it was carried out before) or its old one is not there.
    Each endpoint moves once: with ``b`` formerly ``a`` and ``c`` formerly ``b``, an ``a`` becomes ``b``.
    """
    unmoved, taken = set(existing), set(existing)
    waiting = {key: EndpointKey(key.client, old) for key, old in formerly.items() if old is not None}
    progress = True
    while progress:
        progress = False
        for new, old in sorted(waiting.items()):
            if old in unmoved and new not in taken:
                unmoved.remove(old)
                taken.remove(old)
                taken.add(new)
                del waiting[new]
                progress = True
                yield old, new
