"""The stream of changes: what is sent, when, and to whom it is sent again."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from slawatch.domain.facts import State
from slawatch.domain.interval import DAY
from slawatch.evaluation.board import Board
from slawatch.web import live as live_module
from slawatch.web.live import Live
from slawatch.web.rendering import Pages, Static
from web import samples
from web.conftest import Client, Face, Serve, text_of

PATIENCE = 10.0
"""Seconds after which a test no longer waits for an event."""


class Event:
    """One event of a stream."""

    def __init__(self, text: str) -> None:
        fields = [line.partition(": ")[::2] for line in text.split("\n")]
        named = {name: value for name, value in fields if name}
        self.comments = [value for name, value in fields if not name]
        self.id, self.name = named.get("id", ""), named.get("event", "")
        self.data: Any = json.loads(named["data"]) if "data" in named else None

    @property
    def generation(self) -> int:
        return int(self.id.rpartition("-")[2])

    @property
    def fragments(self) -> set[str]:
        return set(self.data["fragments"])


async def event(response: ClientResponse) -> Event:
    """The next event of a stream."""
    async with asyncio.timeout(PATIENCE):
        while True:
            text = (await response.content.readuntil(b"\n\n")).decode().rstrip("\n")
            if not text.startswith("retry"):
                return Event(text)


Start = Callable[..., Awaitable[Client]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Serves a stream alone, with its own pace."""
    clients: list[Client] = []

    async def serve(board: Board, *, every: float = 0.0, heartbeat: float = 60.0) -> Client:
        live = Live(board, Pages(Static(), "hq"), every=every, heartbeat=heartbeat)
        app = web.Application()
        app.add_routes(live.routes())
        app.on_shutdown.append(live.close)
        client: Client = TestClient(TestServer(app, host="127.0.0.1"))
        await client.start_server()
        clients.append(client)
        return client

    yield serve
    for client in clients:
        await client.close()


@asynccontextmanager
async def watching(client: Client, last: str = "", query: str = "") -> AsyncIterator[ClientResponse]:
    headers = {"Last-Event-ID": last} if last else {}
    async with client.get(f"/live{query}", headers=headers) as response:
        assert response.status == 200
        yield response


async def test_what_a_stream_says_of_itself(start: Start) -> None:
    board = Board()
    board.publish(samples.quiet())
    async with watching(await start(board)) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert (await response.content.readuntil(b"\n\n")) == b"retry: 2000\n\n"


async def test_a_newcomer_gets_everything(start: Start) -> None:
    board = Board()
    board.publish(samples.quiet())
    async with watching(await start(board)) as response:
        first = await event(response)
    assert first.name == "change"
    assert first.generation == 1
    assert first.fragments == {"summary", "contract/acme/network", "endpoint/acme/router"}
    assert first.data["order"] == {"contracts": ["contract/acme/network"], "endpoints": ["endpoint/acme/router"]}
    assert first.data["at"] == {"text": "12:00:00", "iso": "2026-01-14T11:00:00Z"}


async def test_then_only_what_changed(start: Start) -> None:
    board = Board()
    board.publish(samples.snapshot([samples.contract_status()], [samples.endpoint_status()]))
    async with watching(await start(board)) as response:
        await event(response)
        suspect = samples.endpoint_status(suspect=True)
        board.publish(samples.snapshot([samples.contract_status()], [suspect], 2))
        second = await event(response)
        board.publish(samples.shaken(3))
        third = await event(response)
    assert second.generation == 2
    assert second.fragments == {"endpoint/acme/router"}
    assert second.data["order"] == {}
    assert third.fragments == {"summary", "contract/acme/network", "endpoint/acme/router"}
    assert 'data-state="at-risk"' in third.data["fragments"]["contract/acme/network"]


async def test_an_unchanged_publication_still_tells_the_time(start: Start) -> None:
    board = Board()
    board.publish(samples.quiet())
    async with watching(await start(board)) as response:
        await event(response)
        board.publish(samples.quiet(2))
        second = await event(response)
    assert second.fragments == set()
    assert second.data["at"]["text"] == "12:00:00"


async def test_a_new_order_and_what_is_gone(start: Start) -> None:
    board = Board()
    board.publish(samples.snapshot(endpoints=[samples.endpoint_status("a"), samples.endpoint_status("b")]))
    async with watching(await start(board)) as response:
        await event(response)
        line = samples.timeline((9 * DAY, DAY, State.DOWN))
        board.publish(
            samples.snapshot(endpoints=[samples.endpoint_status("c"), samples.endpoint_status("b", line)], generation=2)
        )
        second = await event(response)
    assert second.data["order"]["endpoints"] == ["endpoint/acme/b", "endpoint/acme/c"]
    assert {"endpoint/acme/b", "endpoint/acme/c"} <= second.fragments


async def test_who_comes_back_gets_what_is_missing(start: Start) -> None:
    board = Board()
    board.publish(samples.quiet())
    client = await start(board)
    async with watching(client) as response:
        last = (await event(response)).id
    board.publish(samples.snapshot([samples.contract_status()], [samples.endpoint_status(suspect=True)], 2))
    async with watching(client, last) as response:
        missing = await event(response)
    assert missing.generation == 2
    assert missing.fragments == {"endpoint/acme/router"}


async def test_who_has_everything_waits(start: Start) -> None:
    board = Board()
    board.publish(samples.quiet())
    client = await start(board)
    async with watching(client) as response:
        last = (await event(response)).id
    async with watching(client, last) as response:
        board.publish(samples.quiet(2))
        assert (await event(response)).generation == 2


@pytest.mark.parametrize("last", ["00000000-1", "1", "-", "x-y", "00000000-99999999999999999999999", "é-²"])
async def test_who_comes_from_another_run_gets_everything(start: Start, last: str) -> None:
    board = Board()
    board.publish(samples.quiet(5))
    async with watching(await start(board), query=f"?since={last}") as response:
        assert len((await event(response)).fragments) == 3


async def test_the_page_begins_where_its_stream_goes_on(face: Face, serve: Serve) -> None:
    face.board.publish(samples.quiet(8))
    client = await serve(face)
    (since,) = re.findall(r'data-since="([^"]+)"', await text_of(client, "/"))
    async with watching(client, query=f"?since={since}") as response:
        face.board.publish(samples.shaken(9))
        first = await event(response)
    assert (first.id.partition("-")[0], first.generation) == (since.partition("-")[0], 9)


async def test_all_endpoints_are_streamed_to_who_sees_them_all(start: Start) -> None:
    board = Board()
    board.publish(samples.snapshot(endpoints=[samples.endpoint_status(f"e{n}") for n in range(201)]))
    client = await start(board)
    async with watching(client) as response:
        assert len((await event(response)).data["order"]["endpoints"]) == 200
    async with watching(client, query="?endpoints=all") as response:
        assert len((await event(response)).data["order"]["endpoints"]) == 201


async def test_a_quiet_stream_says_that_it_lives(start: Start) -> None:
    board = Board()
    board.publish(samples.quiet())
    async with watching(await start(board, heartbeat=0.01)) as response:
        await event(response)
        beat = await event(response)
    assert beat.comments == ["heartbeat"]
    assert beat.name == "still"
    assert beat.id == ""  # it must not move Last-Event-ID


async def test_at_most_one_change_within_its_pace(start: Start) -> None:
    """Whatever is published while a watcher rests comes as one change."""
    board = Board()
    board.publish(samples.quiet())
    async with watching(await start(board, every=0.2)) as response:
        await event(response)
        begun = asyncio.get_running_loop().time()
        for generation in range(2, 12):
            board.publish(samples.quiet(generation))
            await asyncio.sleep(0)
        second = await event(response)
        took = asyncio.get_running_loop().time() - begun
    assert second.generation == 11
    assert took >= 0.15


async def test_watchers_are_limited(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "WATCHERS", 1)
    board = Board()
    board.publish(samples.quiet())
    client = await start(board)
    async with watching(client) as response:
        await event(response)
        assert (await client.get("/live")).status == 503
    board.publish(samples.quiet(2))
    async with asyncio.timeout(PATIENCE):
        while (again := await client.get("/live")).status != 200:
            again.release()
            await asyncio.sleep(0)
        again.close()


async def test_closing_does_not_wait_for_watchers(start: Start) -> None:
    board = Board()
    board.publish(samples.quiet())
    client = await start(board)
    async with watching(client) as response:
        await event(response)
        async with asyncio.timeout(5):
            await client.server.close()


async def test_what_did_not_change_is_not_rendered_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    render = Pages.render

    def counted(self: Pages, name: str, values: Any) -> Any:
        rendered.append(name)
        return render(self, name, values)

    monkeypatch.setattr(Pages, "render", counted)
    board = Board()
    board.publish(samples.estate())
    client = await start(board)
    async with watching(client) as one, watching(client) as other:
        await event(one)
        await event(other)
        board.publish(samples.snapshot(samples.estate().contracts, samples.estate().endpoints, 8))
        await event(one)
        await event(other)
    assert len(rendered) == 1 + 6 + 7
