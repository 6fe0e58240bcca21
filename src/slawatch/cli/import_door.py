"""Where an import goes: the running daemon, or without one its database, which this command then writes itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import aiohttp

from slawatch.cli.control import session_to
from slawatch.cli.output import json_line, messages
from slawatch.config.configuration import Configuration
from slawatch.config.paths import control_socket
from slawatch.domain.facts import Change
from slawatch.domain.history import blip_row, state_row
from slawatch.domain.interval import Instant, parse_instant
from slawatch.operations.importing import Importing
from slawatch.runtime.clock import SystemClock
from slawatch.runtime.errors import InputError, StorageError, Unavailable
from slawatch.storage.entries import IMPORTED, EndpointKey
from slawatch.storage.imports import Imported
from slawatch.storage.ledger import Ledger


class Door(Protocol):
    """Takes in pasts."""

    async def windows(self, client: str) -> dict[str, Instant]:
        """For each endpoint of a client, the instant before which a past may be told."""
        ...

    async def take(self, found: Imported) -> bool:
        """Hand one in; whether it is new."""
        ...


@asynccontextmanager
async def door_to(configuration: Configuration, *, dry_run: bool) -> AsyncIterator[Door]:
    """The running daemon, else the database. A dry run opens that read-only."""
    socket = control_socket(configuration)
    async with session_to(socket, patience=None) as session:
        if await _answers(session):
            yield _Daemon(session)
            return
    messages.print("no daemon is running: its database is " + ("read" if dry_run else "written") + " directly")
    async with _ledger(configuration, dry_run=dry_run) as door:
        yield door


async def _answers(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/-/healthy") as response:
            return response.status == 200
    except (aiohttp.ClientError, OSError):
        return False


class _Daemon:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def windows(self, client: str) -> dict[str, Instant]:
        async with self._session.get("/api/v1/import", params={"client": client}) as response:
            response.raise_for_status()
            return {name: parse_instant(text) for name, text in (await response.json()).items()}

    async def take(self, found: Imported) -> bool:
        wanted = {"client": found.endpoint.client, "endpoint": found.endpoint.name}
        wanted |= {"source": found.source, "digest": found.digest}
        async with self._session.post("/api/v1/import", params=wanted, data=_lines(found)) as response:
            text = await response.text()
            if response.status == 400:
                raise InputError(text.strip())
            if response.status != 200:
                raise Unavailable(f"the daemon did not take it: {text.strip()}")
            return bool(json.loads(text)["new"])


async def _lines(found: Imported) -> AsyncIterator[bytes]:
    """The rows of a history file, some at a time."""
    some: list[str] = []
    for fact in found.facts:
        row = state_row(*found.endpoint, fact) if isinstance(fact, Change) else blip_row(*found.endpoint, fact)
        some.append(json_line(row))
        if len(some) == 500:
            yield "".join(some).encode()
            some.clear()
    yield "".join(some).encode()


class _Direct:
    def __init__(self, importing: Importing) -> None:
        self._importing = importing

    async def windows(self, client: str) -> dict[str, Instant]:
        return {key.name: before for key, before in (await self._importing.windows(client)).items()}

    async def take(self, found: Imported) -> bool:
        return await self._importing.take(found)


class _Nowhere:
    """A database that is yet to be made knows nothing."""

    def __init__(self, names: Iterable[EndpointKey]) -> None:
        self._names = list(names)

    async def windows(self, client: str) -> dict[str, Instant]:
        now = SystemClock().now()
        return {key.name: now for key in self._names if key.client == client}

    async def take(self, found: Imported) -> bool:
        raise StorageError(f"there is no ledger to take {found.endpoint}")


@asynccontextmanager
async def _ledger(configuration: Configuration, *, dry_run: bool) -> AsyncIterator[Door]:
    timeouts = {EndpointKey(each.client, each.name): each.cadence.timeout for each in configuration.endpoints}
    if dry_run and _missing(configuration):
        yield _Nowhere(timeouts)
        return
    # Under a site of its own: a run at the configured one would vouch for time in which nobody probed (S13).
    opened = await Ledger.open(configuration.database, site="" if dry_run else IMPORTED, read_only=dry_run)
    async with opened as ledger:
        yield _Direct(Importing(ledger, SystemClock(), timeouts))


def _missing(configuration: Configuration) -> bool:
    database = configuration.database
    return database.startswith("sqlite:///") and not Path(database.removeprefix("sqlite:///")).exists()
