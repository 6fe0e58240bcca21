"""The pages that people read: operators, one contract, one endpoint."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from slawatch.evaluation.board import Board, ContractStatus, EndpointStatus, Snapshot
from slawatch.web.contract_view import contract_page
from slawatch.web.endpoint_view import day_of, endpoint_page, span_of
from slawatch.web.live import Live
from slawatch.web.rendering import Pages, Static
from slawatch.web.services import History
from slawatch.web.views import common_zone
from slawatch.web.words import moment

FOR_EVER = "public, max-age=31536000, immutable"
"""A static file's address changes with its content."""


class Site:
    """Answers requests for pages and for what they are made of."""

    def __init__(self, board: Board, pages: Pages, static: Static, live: Live, history: History) -> None:
        self._board = board
        self._pages = pages
        self._static = static
        self._live = live
        self._history = history

    def routes(self) -> list[web.RouteDef]:
        """Every page's address."""
        return [
            web.get("/", self.overview),
            web.get("/contracts/{client}/{contract}", self.contract),
            web.get("/endpoints/{client}/{endpoint}", self.endpoint),
            web.get("/static/{tag}/{name}", self.static),
            web.get("/favicon.ico", self.favicon),
        ]

    async def overview(self, request: web.Request) -> web.Response:
        """``/``: whom must I worry about?"""
        everything = request.query.get("endpoints") == "all"
        scene = await self._live.scene(everything=everything)
        return self._page(
            "overview.html",
            at=scene.view.at,
            zone=scene.view.zone,
            title=scene.title,
            since=self._live.event_id(scene.generation),
            everything=everything,
            summary=scene.html("summary"),
            cards=scene.column("contracts"),
            rows=scene.column("endpoints"),
            hidden=scene.view.hidden,
        )

    async def contract(self, request: web.Request) -> web.Response:
        """``/contracts/<client>/<contract>``: will this period hold?"""
        snapshot = self._board.snapshot
        status = find_contract(snapshot, request.match_info["client"], request.match_info["contract"])
        if status is None:
            return self._missing("There is no such contract now.")
        page = contract_page(status, snapshot)
        return self._page("contract.html", at=page.at, zone=page.zone, it=page)

    async def endpoint(self, request: web.Request) -> web.Response:
        """``/endpoints/<client>/<endpoint>?day=YYYY-MM-DD``: what happened, exactly?"""
        snapshot = self._board.snapshot
        status = find_endpoint(snapshot, request.match_info["client"], request.match_info["endpoint"])
        if status is None:
            return self._missing("There is no such endpoint now.")
        zone = common_zone(item for item in snapshot.contracts if item.contract.client == status.client)
        try:
            day = day_of(request.query.get("day", ""), snapshot.at, zone)
        except ValueError:
            return self._missing("A day is written like 2026-01-05, and has begun.", status=400)
        facts = await self._history(status.client, status.name, *span_of(day, zone))
        page = endpoint_page(status, snapshot, zone, day, facts)
        return self._page("endpoint.html", at=page.at, zone=page.zone, it=page)

    async def static(self, request: web.Request) -> web.Response:
        """A file of the package."""
        found = self._static.find(request.match_info["tag"], request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound(text="No such file.\n")
        return self._file(*found)

    async def favicon(self, request: web.Request) -> web.Response:
        """For whoever does not read the page's head."""
        raise web.HTTPFound(self._static.url("favicon.svg"))

    def _file(self, body: bytes, kind: str) -> web.Response:
        response = web.Response(body=body, headers={"Content-Type": kind, "Cache-Control": FOR_EVER})
        response.enable_compression()
        return response

    def _missing(self, text: str, status: int = 404) -> web.Response:
        zone = common_zone(self._board.snapshot.contracts)
        at = moment(self._board.snapshot.at, self._board.snapshot.at, zone)
        return self._page("missing.html", status, at=at, zone=zone.key, text=text)

    def _page(self, name: str, status: int = 200, **values: Any) -> web.Response:
        text = self._pages.render(name, values)
        response = web.Response(text=text, status=status, content_type="text/html")
        response.enable_compression()
        return response


def find_contract(snapshot: Snapshot, client: str, name: str) -> ContractStatus | None:
    """The contract of a client by its name."""
    found = (item for item in snapshot.contracts if (item.contract.client, item.contract.name) == (client, name))
    return next(found, None)


def find_endpoint(snapshot: Snapshot, client: str, name: str) -> EndpointStatus | None:
    """The endpoint of a client by its name."""
    return next((item for item in snapshot.endpoints if (item.client, item.name) == (client, name)), None)
