"""Taking a signature under a review, from the command on this machine: on the control socket alone."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from slawatch.runtime.errors import InputError, StorageError
from slawatch.web.access import refuse_all_but_commands
from slawatch.web.services import MakeReviewing

_KEYS = frozenset({"client", "contract", "by", "note"})


def review_route(reviewing: MakeReviewing) -> web.RouteDef:
    """``POST``: a JSON object with client, by, and perhaps contract and note. Answers with what was signed."""

    async def sign(request: web.Request) -> web.Response:
        refuse_all_but_commands(request)
        try:
            given = _object(await request.text())
            signed = await reviewing().sign(given["client"], given.get("contract"), given["by"], given.get("note", ""))
        except InputError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        except StorageError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n") from None
        return web.json_response({"signed": signed})

    return web.post("/api/v1/reviews", sign)


def _object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not {"client", "by"} <= given.keys() <= _KEYS:
        raise InputError("expected a JSON object with client, by, and perhaps contract and note")
    if not all(isinstance(value, str) for value in given.values()):
        raise InputError("expected texts as values")
    return given
