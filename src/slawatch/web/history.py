"""``/api/v1/history``: the raw availability history as JSON Lines, streamed whatever its size."""

from __future__ import annotations

import json

from aiohttp import web

from slawatch.domain.interval import Instant, parse_instant
from slawatch.evaluation.history_export import Selection
from slawatch.storage.entries import EndpointKey
from slawatch.web.services import Export

KNOWN = frozenset({"client", "endpoint", "from", "to"})


def history_route(export: Export) -> web.RouteDef:
    """The route. The export is cut at the latest judgement, so what it gives evaluates to the board's figures."""

    async def history(request: web.Request) -> web.StreamResponse:
        selection = _selection(request)
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl; charset=utf-8"})
        await response.prepare(request)
        async for row in export(selection):
            await response.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        await response.write_eof()
        return response

    return web.get("/api/v1/history", history)


def _selection(request: web.Request) -> Selection:
    unknown = sorted(set(request.query) - KNOWN)
    if unknown:
        raise _bad(f"{unknown[0]}: unknown: expected client, endpoint, from or to")
    clients, names = request.query.getall("client", []), request.query.getall("endpoint", [])
    if names and len(clients) != 1:
        raise _bad("endpoint: needs one client beside it")
    keys = [EndpointKey(clients[0], name) for name in names] if names else None
    return Selection(clients or None, keys, _instant(request, "from"), _instant(request, "to"))


def _instant(request: web.Request, key: str) -> Instant | None:
    text = request.query.get(key)
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise _bad(f"{key}: {error}") from None


def _bad(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=text + "\n")
