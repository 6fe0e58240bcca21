"""The operators' page as fragments, and the stream of those that change (server-sent events).

Each contract card, each endpoint's line and the summary is a fragment with an id. A fragment is rendered again only
when what it shows has changed, once for all who watch, and remembers the generation of the board that changed it:
so a watcher who comes back after a lost connection gets what is missing and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from markupsafe import Markup

from slawatch.evaluation.board import Board, Snapshot
from slawatch.web.rendering import Pages
from slawatch.web.views import ROWS, Overview, overview

HEARTBEAT = 15.0
"""Seconds after which a quiet stream says that it lives."""
AT_MOST_EVERY = 1.0
"""Seconds between two changes to one watcher."""
WATCHERS = 200
"""At most so many streams; each costs a socket and a task."""


@dataclass(slots=True)
class _Fragment:
    view: object
    html: Markup
    changed: int


class Stage:
    """The page's fragments as of the latest snapshot that anybody asked for."""

    def __init__(self, pages: Pages, limit: int | None = ROWS) -> None:
        self._pages = pages
        self._limit = limit
        self._fragments: dict[str, _Fragment] = {}
        self._order: dict[str, tuple[str, ...]] = {"contracts": (), "endpoints": ()}
        self._reordered = 0
        self.generation = -1
        self.view: Overview | None = None

    def show(self, snapshot: Snapshot) -> Overview:
        """Take up a snapshot: render what differs from the one before."""
        if self.view is not None and snapshot.generation == self.generation:
            return self.view
        view = self.view = overview(snapshot, self._limit)
        self.generation = snapshot.generation
        kept = self._fragments
        self._fragments = {}
        summary = (view.summary, view.refused)
        self._keep(kept, "summary", "summary.html", summary, it=view.summary, refused=view.refused, empty=_empty(view))
        for card in view.cards:
            self._keep(kept, card.id, "card.html", card, it=card)
        for row in view.rows:
            self._keep(kept, row.id, "row.html", row, it=row)
        order = {"contracts": tuple(card.id for card in view.cards), "endpoints": tuple(row.id for row in view.rows)}
        if order != self._order:
            self._order, self._reordered = order, snapshot.generation
        return view

    def _keep(self, kept: dict[str, _Fragment], name: str, template: str, view: object, **values: Any) -> None:
        known = kept.get(name)
        if known is None or known.view != view:
            known = _Fragment(view, self._pages.render(template, values), self.generation)
        self._fragments[name] = known

    def html(self, name: str) -> Markup:
        """One fragment."""
        return self._fragments[name].html

    def column(self, name: str) -> list[Markup]:
        """The fragments of ``contracts`` or ``endpoints`` in their order."""
        return [self._fragments[key].html for key in self._order[name]]

    def since(self, generation: int) -> dict[str, Any]:
        """What changed after a generation, as the page's script reads it."""
        assert self.view is not None
        fragments = {name: item.html for name, item in self._fragments.items() if item.changed > generation}
        return {
            "at": {"text": self.view.at.text, "iso": self.view.at.iso},
            "title": title(self.view),
            "fragments": fragments,
            "order": self._order if self._reordered > generation else {},
        }


def title(view: Overview) -> str:
    """What the browser's tab says: a mark when something is wrong, then the name."""
    marks = {"bad": "● ", "warn": "▲ "}
    return f"{marks.get(view.summary.tone, '')}slawatch"


def _empty(view: Overview) -> bool:
    return not view.cards and not view.rows and view.summary.contracts == "Nothing is being watched."


class Live:
    """The stream of changes. ``boot`` tells this run's generations from those of the run before."""

    def __init__(
        self, board: Board, pages: Pages, *, every: float = AT_MOST_EVERY, heartbeat: float = HEARTBEAT
    ) -> None:
        self.boot = secrets.token_hex(4)
        self._board = board
        self._stages = {False: Stage(pages), True: Stage(pages, None)}
        self._every = every
        self._heartbeat = heartbeat
        self._watchers: set[asyncio.Task[Any]] = set()

    def stage(self, *, everything: bool) -> Stage:
        """The page as of the board's latest snapshot, with all endpoints or with the worst."""
        stage = self._stages[everything]
        stage.show(self._board.snapshot)
        return stage

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
            stage = self.stage(everything=everything)
            change, seen = stage.since(seen), stage.generation
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
