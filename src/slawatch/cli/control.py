"""Talking to the running daemon through the Unix socket beside its database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from slawatch.runtime.errors import Unavailable

_PATIENCE = 30.0
"""Seconds that a command waits for the daemon's answer."""


@contextmanager
def _reaching(socket: Path) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientConnectorError, FileNotFoundError) as error:
        raise Unavailable(f"no daemon answers at {socket}: is `slawatch run` up, and may you read it?") from error
    except (TimeoutError, aiohttp.ClientError) as error:
        raise Unavailable(f"the daemon at {socket} did not answer: {error or 'timeout'}") from error


def ask(socket: Path, path: str, **parameters: str) -> Any:
    """The JSON document at ``path``; :class:`Unavailable` when no daemon answers."""

    async def get() -> Any:
        connector = aiohttp.UnixConnector(str(socket))
        timeout = aiohttp.ClientTimeout(total=_PATIENCE)
        async with aiohttp.ClientSession("http://localhost", connector=connector, timeout=timeout) as session:
            async with session.get(path, params=parameters) as response:
                response.raise_for_status()
                return await response.json()

    with _reaching(socket):
        return asyncio.run(get())


def copy_lines(socket: Path, path: str, write: Any, **parameters: str) -> None:
    """Hand every line of a streamed answer to ``write``, whatever their number."""

    async def stream() -> None:
        connector = aiohttp.UnixConnector(str(socket))
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_PATIENCE)
        async with aiohttp.ClientSession("http://localhost", connector=connector, timeout=timeout) as session:
            async with session.get(path, params=parameters) as response:
                response.raise_for_status()
                async for line in response.content:
                    write(line.decode())

    with _reaching(socket):
        asyncio.run(stream())
