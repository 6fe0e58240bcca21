"""Requests that are no HTTP: answered and logged without a byte of what they held."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from slawatch.web.runner import UNREADABLE, Runner

CANARY = "canary-91d2"


async def _read(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


async def _fail(_: web.Request) -> web.Response:
    raise RuntimeError("a failure of ours")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = web.Application()
    app.add_routes([web.post("/read", _read), web.get("/fail", _fail)])
    runner = Runner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield int(runner.addresses[0][1])
    await runner.cleanup()


async def said(port: int, request: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    async with asyncio.timeout(10):
        answer = (await reader.read()).decode()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "request_",
    [
        f"GET / HTTP/1.1\r\nAuthorization Bearer {CANARY}\r\n\r\n",
        f"GET / HTTP/1.1\r\nAuthorization: Bearer\0{CANARY}\r\n\r\n",
        f"GET / HTTP/1.1\r\nContent-Length: {CANARY}\r\n\r\n",
        f"GET /{CANARY} HTTP/{CANARY}\r\n\r\n",
        f"{CANARY}\r\n\r\n",
        f"GET / HTTP/1.1\r\nAuthorization: {CANARY * 9000}\r\n\r\n",
        f"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n",
        f"POST /read HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {CANARY}\r\n\r\n",
    ],
    ids=["no-colon", "NUL", "length", "version", "line", "too-long", "chunk", "coding"],
)
async def test_what_cannot_be_read_is_not_repeated(port: int, request_: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await said(port, request_)
    assert answer.startswith(("HTTP/1.0 400 ", "HTTP/1.1 400 "))
    assert answer.endswith(UNREADABLE)
    assert CANARY not in answer + caplog.text
    assert "a request from 127.0.0.1 cannot be read: " in caplog.text


async def test_a_failure_of_ours_is_logged_with_its_place(port: int, caplog: pytest.LogCaptureFixture) -> None:
    answer = await said(port, "GET /fail HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith("HTTP/1.1 500 ")
    assert "RuntimeError: a failure of ours" in caplog.text


async def test_a_good_request_is_answered(port: int) -> None:
    answer = await said(port, "POST /read HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc")
    assert answer.endswith("\r\n\r\n3")
