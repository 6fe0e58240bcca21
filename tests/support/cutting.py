"""A way to a PostgreSQL server that can be cut while a COMMIT is under way."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self

_COMMIT = b"COMMIT;\0"


class Cutting:
    """Listens on loopback and passes on what is said to ``port``. With ``when`` set the next COMMIT is cut, once:
    ``before`` the server has it, or ``after`` it answered, which the client does not hear."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._server: asyncio.Server | None = None
        self.port = 0
        self.when = ""
        self.cuts: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        deaf = asyncio.Event()
        there = asyncio.create_task(self._there(reader, to_server, deaf))
        back = asyncio.create_task(self._back(from_server, writer, deaf))
        await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await task
        for end in (writer, to_server):
            end.transport.abort()

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        while block := await reader.read(65_536):
            if self.when and _COMMIT in block:
                self.cuts.append(self.when)
                if self.when == "before":
                    self.when = ""
                    return
                deaf.set()
            writer.write(block)
            await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event) -> None:
        while block := await reader.read(65_536):
            if deaf.is_set():
                self.when = ""
                return
            writer.write(block)
            await writer.drain()
