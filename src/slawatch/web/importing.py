"""Taking in what another monitor saw, from the command on this machine: on the control socket alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

from aiohttp import web

from slawatch.domain.facts import Blip, Change
from slawatch.domain.history import History, add_row
from slawatch.domain.interval import format_instant
from slawatch.operations.importing import MOST_FACTS
from slawatch.runtime.errors import InputError, StorageError
from slawatch.storage.entries import EndpointKey
from slawatch.storage.imports import Imported
from slawatch.web.access import refuse_all_but_commands
from slawatch.web.services import MakeImporting

LONGEST_LINE = 8 * 1024
"""Bytes of one row."""
WANTED = ("client", "endpoint", "source", "digest")


def import_routes(importing: MakeImporting) -> list[web.RouteDef]:
    """``GET``: until when each endpoint of a client may be told. ``POST``: one endpoint's past, as rows of a history
    file, one a line; stored whole or not at all."""

    async def windows(request: web.Request) -> web.Response:
        refuse_all_but_commands(request)
        found = await importing().windows(_parameter(request, "client"))
        return web.json_response({key.name: format_instant(before) for key, before in sorted(found.items())})

    async def take(request: web.Request) -> web.Response:
        refuse_all_but_commands(request)
        client, endpoint, source, digest = (_parameter(request, name) for name in WANTED)
        key = EndpointKey(client, endpoint)
        try:
            facts = list(_facts_of(await _read(request, key.name), key.name))
            new = await importing().take(Imported(key, source, digest, facts))
        except InputError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        except StorageError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n") from None
        return web.json_response({"new": new})

    return [web.get("/api/v1/import", windows), web.post("/api/v1/import", take)]


def _parameter(request: web.Request, name: str) -> str:
    value = request.query.get(name, "")
    if not 0 < len(value) <= 200:
        raise web.HTTPBadRequest(text=f"{name}: missing: expected a name\n")
    return value


async def _read(request: web.Request, endpoint: str) -> History:
    """The rows of the body as they come: no more of them, and no longer ones, than a past may have."""
    history, rest, number = History(), b"", 0
    async for block in request.content.iter_chunked(64 * 1024):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            number += 1
            _add(history, line, endpoint, number)
        if len(rest) > LONGEST_LINE or number > MOST_FACTS:
            raise InputError(f"line {number + 1}: too long or too many: expected rows of a history file")
    if rest.strip():
        _add(history, rest, endpoint, number + 1)
    return history


def _add(history: History, line: bytes, endpoint: str, number: int) -> None:
    try:
        row = json.loads(line)
        if not isinstance(row, dict) or row.get("type") not in ("state", "blip") or row.get("endpoint") != endpoint:
            raise ValueError(f"expected a row of type state or blip of the endpoint {endpoint}")
        add_row(history, row)
    except ValueError as error:
        raise InputError(f"line {number}: {error}") from None


def _facts_of(history: History, endpoint: str) -> Iterator[Change | Blip]:
    yield from history.changes.get(endpoint, ())
    yield from history.blips.get(endpoint, ())
