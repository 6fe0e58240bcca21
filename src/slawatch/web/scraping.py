"""``/metrics`` and ``/metrics/<client>``, written piece by piece between the daemon's own work."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from time import perf_counter

from aiohttp import web

from slawatch.evaluation.board import Board
from slawatch.exposition.renderer import Renderer
from slawatch.exposition.self_metrics import SelfMetrics

SLICE = 0.0002
"""Seconds of writing after which whatever else waits on the loop has its turn."""
BLOCK = 32 * 1024
"""Bytes that are sent, or compressed, at a time. Compressing takes place in a thread, without the interpreter."""
LEVEL = 1
"""Of gzip. Level 6 makes an answer of 10 MB a third smaller, and takes three times as long."""


class Scraping:
    """Answers scrapers."""

    def __init__(self, board: Board, self_metrics: Callable[[], SelfMetrics]) -> None:
        self._board = board
        self._self_metrics = self_metrics
        self._renderer = Renderer()

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
        accept = ",".join(request.headers.getall("Accept", []))
        written = self._renderer.pieces(self._board.snapshot, self._self_metrics(), accept, client)
        response = web.StreamResponse(headers={"Content-Type": written.content_type})
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept, Accept-Encoding"
        await response.prepare(request)
        blocks = _blocks(written)
        async for block in _packed(blocks) if packed else blocks:
            await response.write(block)
        await response.write_eof()
        return response


async def _blocks(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """The pieces, some at a time; the loop goes on after each :data:`SLICE`."""
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
