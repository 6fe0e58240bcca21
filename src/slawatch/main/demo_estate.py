"""The estate that the demonstration watches: a web site and a TCP service on loopback, which break and heal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_PAGE = b"<!doctype html><title>Acme Logistics</title><h1>Welcome to Acme Logistics</h1>\n"
_GREETING = b"220 orders.acme.example ready\r\n"


class BreakableServer:
    """A server on a loopback port that can be taken away and brought back on the same port."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen; on the earlier port if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening; new connections are refused."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                await self._handler(reader, writer)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


async def _web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(_PAGE)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + _PAGE)


async def _orders(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_GREETING)


class Estate:
    """Both servers, running inside ``async with``."""

    def __init__(self) -> None:
        self.website = BreakableServer(_web)
        self.orders = BreakableServer(_orders)

    async def __aenter__(self) -> Self:
        await self.website.start()
        await self.orders.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.website.stop()
        await self.orders.stop()
