"""``/metrics`` and ``/metrics/<client>``, written piece by piece between the daemon's own work."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import chain
from time import perf_counter

from aiohttp import web

from slawatch.evaluation.board import Board
from slawatch.exposition.renderer import Renderer
from slawatch.exposition.self_metrics import SelfMetrics

SLICE = 0.0002
"""Seconds of writing after which whatever else waits on the loop has its turn."""
BLOCK = 32 * 1024
"""Bytes that are sent, or compressed, at a time. Compressing takes place in a thread, without the interpreter."""
KEEP_UP_EVERY = 1.0
"""Seconds between two times that what has changed is written, while somebody scrapes."""
KEEP_UP_FOR = 300.0
"""Seconds since the latest scrape after which nobody is taken to scrape any more."""
LEVEL = 1
"""Of gzip. Level 6 makes an answer of 10 MB a third smaller, and takes three times as long."""


class Scraping:
    """Answers scrapers."""

    def __init__(self, board: Board, self_metrics: Callable[[], SelfMetrics]) -> None:
        self._board = board
        self._self_metrics = self_metrics
        self._renderer = Renderer()
        self._writing = asyncio.Lock()
        self._wanted_until = 0.0
        self._keeping_up: asyncio.Task[None] | None = None

    def routes(self) -> list[web.RouteDef]:
        """Both addresses."""
        return [web.get("/metrics", self.metrics), web.get("/metrics/{client}", self.share)]

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Everything, in Prometheus text or OpenMetrics, by the Accept header."""
        return await self._answer(request, None)

    async def share(self, request: web.Request) -> web.StreamResponse:
        """One client's share: its endpoints and contracts, and when they were judged."""
        client = request.match_info["client"]
        if client not in self._board.snapshot.client_names:
            raise web.HTTPNotFound(text="There is no such client now.\n")
        return await self._answer(request, client)

    async def _answer(self, request: web.Request, client: str | None) -> web.StreamResponse:
        if client is None:
            self._keep_up_from_now_on()
        accept = ",".join(request.headers.getall("Accept", []))
        written = self._renderer.pieces(self._board.snapshot, self._self_metrics(), accept, client)
        pieces = iter(written)
        async with self._writing:
            first = await _first(pieces)
        response = web.StreamResponse(headers={"Content-Type": written.content_type})
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept, Accept-Encoding"
        await response.prepare(request)
        blocks = _blocks(chain([first], pieces))
        async for block in _packed(blocks) if packed else blocks:
            await response.write(block)
        await response.write_eof()
        return response

    def _keep_up_from_now_on(self) -> None:
        """While somebody scrapes, what changes is written second by second, not all of it when they come."""
        self._wanted_until = asyncio.get_running_loop().time() + KEEP_UP_FOR
        if self._keeping_up is None or self._keeping_up.done():
            self._keeping_up = asyncio.create_task(self._keep_up(), name="metrics")

    async def _keep_up(self) -> None:
        while asyncio.get_running_loop().time() < self._wanted_until:
            await asyncio.sleep(KEEP_UP_EVERY)
            async with self._writing:
                await _first(self._renderer.follow(self._board.snapshot, self._self_metrics().site))

    async def close(self, _: web.Application) -> None:
        """Nobody will scrape any more."""
        if self._keeping_up is not None:
            self._keeping_up.cancel()
            await asyncio.gather(self._keeping_up, return_exceptions=True)  # whatever became of it, the rest must end


async def _first(pieces: Iterator[bytes]) -> bytes:
    """The first piece that is not empty; the loop goes on after each :data:`SLICE`."""
    begun = perf_counter()
    for piece in pieces:
        if piece:
            return piece
        if perf_counter() - begun > SLICE:
            await asyncio.sleep(0)
            begun = perf_counter()
    return b""


async def _blocks(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The pieces, some at a time, and the loop likewise."""
    block = bytearray()
    begun = perf_counter()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK:
            yield bytes(block)
            block.clear()
        if perf_counter() - begun > SLICE:
            await asyncio.sleep(0)
            begun = perf_counter()
    yield bytes(block)


async def _packed(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same in gzip."""
    gzip = zlib.compressobj(LEVEL, wbits=31)
    async for block in blocks:
        if packed := await asyncio.to_thread(gzip.compress, block):
            yield packed
    yield gzip.flush()
