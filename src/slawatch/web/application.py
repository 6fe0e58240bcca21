"""Everything that answers HTTP, put together."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from slawatch.evaluation.board import Board
from slawatch.exposition.self_metrics import SelfMetrics
from slawatch.web.access import add_headers, guard
from slawatch.web.history import history_route
from slawatch.web.importing import import_routes
from slawatch.web.interface import Interface
from slawatch.web.live import Live
from slawatch.web.pages import Site
from slawatch.web.probe_door import probe_route
from slawatch.web.rendering import Pages, Static
from slawatch.web.reviewing import review_route
from slawatch.web.scraping import Scraping
from slawatch.web.services import Services

LARGEST_BODY = 16 * 1024
"""Bytes that a request may send; nothing here reads more."""


def application(board: Board, self_metrics: Callable[[], SelfMetrics], services: Services) -> web.Application:
    """The web application. It keeps only what it has rendered, and reads no clock: the board has the time."""
    static = Static()
    pages = Pages(static, services.site)
    live = Live(board, pages)
    scraping = Scraping(board, self_metrics)
    app = web.Application(
        middlewares=[guard(services.metrics_token, services.client_token, services.hosts)], client_max_size=LARGEST_BODY
    )
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(live.close)
    app.on_shutdown.append(scraping.close)
    app.add_routes(live.routes())
    app.add_routes(Site(board, pages, static, live, services.history).routes())
    app.add_routes(Interface(board, services).routes())
    app.add_routes(scraping.routes())
    app.add_routes([history_route(services.answer, services.faces)])
    app.add_routes([probe_route(services.probe_door)])
    app.add_routes(import_routes(services.importing))
    app.add_routes([review_route(services.reviewing)])
    return app
