"""``/probe``: one probe, now, in the words of blackbox_exporter, so that a scrape job moves over by changing a port."""

from __future__ import annotations

from aiohttp import web

from slawatch.exposition.probe_text import CONTENT_TYPE, Probed, probe_text, probe_words
from slawatch.operations.probe_door import ProbeDoor, Refused

TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"


def probe_route(door: ProbeDoor) -> web.RouteDef:
    """The route. A probe that fails is a good answer with ``probe_success 0``; only what is not probed has a status."""

    async def probe(request: web.Request) -> web.Response:
        asked = request.query
        try:
            answered = await door.ask(asked.get("target", ""), asked.get("module", ""), request.headers.get(TIMEOUT))
        except Refused as refused:
            return web.Response(status=refused.status, text=f"{refused}\n")
        probed = Probed(
            answered.kind, answered.observation, answered.found, success=answered.success, discreet=answered.discreet
        )
        if asked.get("debug") == "true":
            return web.Response(text=probe_words(probed))
        body = probe_text(probed)
        response = web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    return web.get("/probe", probe)
