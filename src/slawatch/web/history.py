"""``/api/v1/history``: what is on record, as JSON Lines, streamed whatever its size."""

from __future__ import annotations

import json
from contextlib import aclosing

from aiohttp import web

from slawatch.evaluation.asking import question
from slawatch.web.services import Answer, Faces


def history_route(answer: Answer, faces: Faces) -> web.RouteDef:
    """The route. Answers are cut at the latest judgement, so what they give evaluates to the board's figures."""

    async def history(request: web.Request) -> web.StreamResponse:
        try:
            asked = question(request.query.items(), faces())
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl; charset=utf-8"})
        async with aclosing(answer(asked)) as rows:
            async for row in rows:
                if not response.prepared:  # what cannot be answered at all fails before anything was sent
                    await response.prepare(request)
                await response.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
        return response

    return web.get("/api/v1/history", history)
