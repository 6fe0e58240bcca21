"""Talking to the running daemon through the Unix socket beside its database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from slawatch.runtime.errors import Unavailable

PATIENCE = 30.0
"""Seconds that a command waits for the daemon's answer."""


@asynccontextmanager
async def session_to(socket: Path, patience: float | None = PATIENCE) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with the daemon; :class:`Unavailable` when none answers."""
    connector = aiohttp.UnixConnector(str(socket))
    timeout = aiohttp.ClientTimeout(total=patience, sock_read=PATIENCE)
    try:
        async with aiohttp.ClientSession("http://localhost", connector=connector, timeout=timeout) as session:
            yield session
    except (aiohttp.ClientConnectorError, FileNotFoundError) as error:
        raise Unavailable(f"no daemon answers at {socket}: is `slawatch run` up, and may you read it?") from error
    except (TimeoutError, aiohttp.ClientError) as error:
        raise Unavailable(f"the daemon at {socket} did not answer: {error or 'it took too long'}") from error


def ask(socket: Path, path: str, **parameters: str) -> Any:
    """The JSON document at ``path``; :class:`Unavailable` when no daemon answers."""

    async def get() -> Any:
        async with session_to(socket) as session, session.get(path, params=parameters) as response:
            response.raise_for_status()
            return await response.json()

    return asyncio.run(get())
