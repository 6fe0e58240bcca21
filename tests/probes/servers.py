"""Real servers on loopback that behave as a test tells them, to the byte."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Servers:
    """Starts servers and ends them, with every connection, at the end of the test."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._sockets: list[socket.socket] = []
        self._also: list[Callable[[], None]] = []
        self.connections = 0
        self.requests: list[bytes] = []
        """What `answering` servers were asked, whole."""
        self.sent: list[int] = []
        """What `endless` servers sent, if they were told to count here: bytes, piece by piece."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for opened in self._sockets:
            opened.close()
        for close in self._also:
            close()

    def also(self, close: Callable[[], None]) -> None:
        """Call ``close`` at the end of the test."""
        self._also.append(close)

    @property
    def open(self) -> int:
        """Connections that are not at their end yet."""
        return len(self._tasks)

    async def start(
        self, behaviour: Behaviour, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> int:
        """Serve, at a free port if none is given; the port is returned."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            self.connections += 1
            try:
                await behaviour(reader, writer)
            except (OSError, EOFError, asyncio.CancelledError):
                pass  # the probe went away, as it may, or the test is over
            finally:
                writer.transport.abort()
                self._tasks.discard(task)

        server = await asyncio.start_server(serve, host, port, ssl=tls)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def answering(
        self, *parts: bytes, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", hang: bool = False
    ) -> int:
        """Read a request's head, send the parts one by one, then close, or, with ``hang``, go silent."""

        async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            for part in parts:
                writer.write(part)
                await writer.drain()
            if hang:
                await reader.read()
            await end(writer)

        return await self.start(behaviour, tls, host)

    def full(self) -> int:
        """A port whose queue is full: the kernel drops what comes, as a firewall would."""
        listener = self._socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            waiting = self._socket()
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        return int(listener.getsockname()[1])

    def unused(self) -> int:
        """A port on which nothing listens and nothing will: it is bound and not listening."""
        bound = self._socket()
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])

    def _socket(self) -> socket.socket:
        opened = socket.socket()
        self._sockets.append(opened)
        return opened


def descriptors() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def end(writer: asyncio.StreamWriter) -> None:
    """Close in order: all is sent, then the end."""
    writer.close()
    await writer.wait_closed()


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take whatever comes and say nothing."""
    while await reader.read(65536):
        pass


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break off with an RST as soon as something was said."""
    await reader.read(1)
    break_off(writer)


def break_off(writer: asyncio.StreamWriter) -> None:
    """End the connection with an RST."""
    endpoint: socket.socket = writer.get_extra_info("socket")
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def endless(head: bytes, piece: bytes, sent: list[int] | None = None) -> Behaviour:
    """A head, then the same piece for ever; ``sent`` gathers how many bytes went out."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            if sent is not None:
                sent.append(len(piece))

    return behaviour


def speaking_before_its_handshake(context: ssl.SSLContext, early: bytes) -> Behaviour:
    """Says something in the clear at once; then all is in order, and nothing is said through TLS.

    As somebody on the way would do it who cannot break TLS.
    """

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(early)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(await reader.read(65536))
        with suppress(ssl.SSLWantReadError):
            session.do_handshake()
        writer.write(outgoing.read())
        await reader.read()

    return behaviour
