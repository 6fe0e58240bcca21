"""The stream of what changes on the operators' page (server-sent events).

Every fragment of a scene remembers the judgement that changed it, so a watcher who comes back after a lost
connection gets what is missing and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from slawatch.evaluation.board import Board
from slawatch.web.rendering import Pages
from slawatch.web.scene import Scene, draw
from slawatch.web.views import ROWS

HEARTBEAT = 15.0
"""Seconds after which a quiet stream says that it lives."""
AT_MOST_EVERY = 1.0
"""Seconds between two changes to one watcher."""
WATCHERS = 200
"""At most so many streams; each costs a socket and a task."""


class Live:
    """The stream of changes. ``boot`` tells this run's generations from those of the run before."""

    def __init__(
        self, board: Board, pages: Pages, *, every: float = AT_MOST_EVERY, heartbeat: float = HEARTBEAT
    ) -> None:
        self.boot = secrets.token_hex(4)
        self._board = board
        self._pages = pages
        self._scenes: dict[int | None, Scene] = {}
        self._drawing = asyncio.Lock()
        self._every = every
        self._heartbeat = heartbeat
        self._watchers: set[asyncio.Task[Any]] = set()

    async def scene(self, *, everything: bool) -> Scene:
        """The page as of the board's latest snapshot, with all endpoints or with the worst."""
        limit = None if everything else ROWS
        async with self._drawing:
            before, snapshot = self._scenes.get(limit), self._board.snapshot
            if before is not None and before.generation == snapshot.generation:
                return before
            scene = self._scenes[limit] = await asyncio.to_thread(draw, self._pages, snapshot, limit, before)
        return scene

    def event_id(self, generation: int) -> str:
        """``boot-generation``."""
        return f"{self.boot}-{generation}"

    def routes(self) -> list[web.RouteDef]:
        """The one address of the stream."""
        return [web.get("/live", self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """GET /live. ``Last-Event-ID``, or ``since`` at first, says what the watcher has."""
        if len(self._watchers) >= WATCHERS:
            raise web.HTTPServiceUnavailable(text="Too many watch already.\n", headers={"Retry-After": "30"})
        seen = self._generation_in(request.headers.get("Last-Event-ID") or request.query.get("since", ""))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        task = asyncio.current_task()
        assert task is not None
        self._watchers.add(task)
        try:
            await response.prepare(request)
            await self._stream(response, seen, everything=request.query.get("endpoints") == "all")
        except ConnectionResetError:
            pass  # the watcher has left
        finally:
            self._watchers.discard(task)
        return response

    async def close(self, _: web.Application) -> None:
        """End all streams, so that the server need not wait for them."""
        for task in list(self._watchers):
            task.cancel()

    async def _stream(self, response: web.StreamResponse, seen: int, *, everything: bool) -> None:
        await response.write(b"retry: 2000\n\n")
        while True:
            try:
                async with asyncio.timeout(self._heartbeat):
                    await self._board.newer_than(seen)
            except TimeoutError:
                await response.write(b": heartbeat\nevent: still\ndata: {}\n\n")
                continue
            scene = await self.scene(everything=everything)
            change, seen = scene.since(seen), scene.generation
            await response.write("".join(_event("change", change, self.event_id(seen))).encode())
            await asyncio.sleep(self._every)

    def _generation_in(self, event_id: str) -> int:
        """The generation that a watcher has; -1, so that it gets everything, if it has none of this run."""
        boot, _, number = event_id.partition("-")
        if boot != self.boot or not (number.isascii() and number.isdigit()):
            return -1
        return min(int(number[:18]), self._board.snapshot.generation)


def _event(name: str, data: object, event_id: str) -> Iterator[str]:
    yield f"id: {event_id}\nevent: {name}\n"
    yield f"data: {json.dumps(data, separators=(',', ':'))}\n\n"
