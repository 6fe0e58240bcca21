"""A served board for every test of this folder, on loopback."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from slawatch.domain.facts import Blip, Change
from slawatch.evaluation.asking import Question
from slawatch.evaluation.board import Board
from slawatch.evaluation.history_export import Row
from slawatch.exposition.self_metrics import SelfMetrics
from slawatch.operations.importing import Importing
from slawatch.operations.probe_door import Book, ProbeDoor
from slawatch.operations.probe_modules import built_in
from slawatch.operations.reviewing import Reviewing
from slawatch.probes.probe import Resources
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from slawatch.web.application import application
from slawatch.web.services import Services
from web import samples

Client = TestClient[Request, Application]


class Face:
    """The web application over a board that the test fills, and what the application called."""

    def __init__(self) -> None:
        self.board = Board()
        self.ledger_open = True
        self.reload_answer = (True, "taken up")
        self.reloads = 0
        self.asked: list[tuple[str, str, int, int]] = []
        self.token: str | None = None
        self.client_tokens: dict[str, str] = {}
        self.hosts: frozenset[str] = frozenset()
        self.own: Callable[[], SelfMetrics] = lambda: SelfMetrics(site="hq", version="0.1.0")
        self.probe_door = ProbeDoor(self._nothing_known, Resources(resolver=Resolver(SystemClock(), ())))

    def application(self) -> Application:
        services = Services(
            ledger_open=lambda: self.ledger_open,
            reload=self._reload,
            history=self._history,
            answer=self._answer,
            faces=dict,
            importing=self._importing,
            reviewing=self._reviewing,
            probe_door=self.probe_door,
            metrics_token=lambda: self.token,
            client_token=lambda client: self.client_tokens.get(client),
            hosts=self.hosts,
            site="hq",
        )
        return application(self.board, lambda: self.own(), services)

    async def _reload(self) -> tuple[bool, str]:
        self.reloads += 1
        return self.reload_answer

    async def _history(self, client: str, endpoint: str, start: int, end: int) -> tuple[list[Change], list[Blip]]:
        self.asked.append((client, endpoint, start, end))
        return samples.history()

    async def _nothing_known(self) -> Book:
        return Book({}, built_in(), any_target=False)

    def _importing(self) -> Importing:
        raise AssertionError("an import is taken on the control socket alone")

    def _reviewing(self) -> Reviewing:
        raise AssertionError("a signature is taken on the control socket alone")

    async def _answer(self, _: Question) -> AsyncGenerator[Row, None]:
        yield {"type": "until", "at": "2026-01-14T11:00:00Z"}


Serve = Callable[[Face], Awaitable[Client]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """``await serve(face)`` serves its application; the client that it gives asks it."""
    clients: list[Client] = []

    async def start(face: Face) -> Client:
        client: Client = TestClient(TestServer(face.application(), host="127.0.0.1"))
        clients.append(client)
        await client.start_server()
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
def face() -> Face:
    """An application that nobody serves yet, over the sample estate."""
    face = Face()
    face.board.publish(samples.estate())
    return face


@pytest.fixture
async def client(face: Face, serve: Serve) -> Client:
    """The sample estate, served."""
    return await serve(face)


async def text_of(client: Client, path: str, headers: Mapping[str, str] | None = None, status: int = 200) -> str:
    """The body of a path, whose status is as expected."""
    response: ClientResponse = await client.get(path, headers=headers, allow_redirects=False)
    text = await response.text()
    assert response.status == status, text
    return text


async def json_of(client: Client, path: str) -> Any:
    """The JSON of a path."""
    return await (await client.get(path)).json()
