"""The HTTP server itself, which never repeats what it could not read.

aiohttp answers and logs a request that is no HTTP with the bytes at which it stumbled: a header with a token, perhaps.
"""

from __future__ import annotations

import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

log = logging.getLogger(__name__)

UNREADABLE = "400: this is no HTTP request that can be read.\n"


class _Handler(RequestHandler):
    """One connection."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """As ever for a failure of ours; what a stranger got wrong is told by its kind alone."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun")
        log.warning("a request from %s cannot be read: %s", request.remote, type(exc).__name__)
        response = web.Response(status=status, text=UNREADABLE)
        response.force_close()
        return response


class _Server(web.Server):
    """Makes a handler for each connection."""

    def __call__(self) -> RequestHandler:
        return _Handler(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application on that server."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Server  # aiohttp has no other way to choose it
        return server
