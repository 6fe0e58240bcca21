"""The daemon's web side: the address that people and Prometheus use, and the socket that commands use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from aiohttp import web

from slawatch import __version__
from slawatch.config.configuration import Configuration
from slawatch.config.faces import faces
from slawatch.config.paths import control_socket
from slawatch.domain.facts import Blip, Change
from slawatch.domain.interval import SECOND, Instant
from slawatch.evaluation.asking import Question
from slawatch.evaluation.board import Board
from slawatch.evaluation.history_answers import answer
from slawatch.evaluation.history_export import Cut, Row
from slawatch.evaluation.recorder import Recorder
from slawatch.exposition.self_metrics import Histogram, ResolverFigures, SelfMetrics
from slawatch.main.probing import door_of
from slawatch.operations.importing import Importing
from slawatch.operations.reviewing import Reviewing
from slawatch.probes.probe import Resources
from slawatch.probes.server_health import ServerHealth
from slawatch.probes.system_names import spell_server
from slawatch.runtime.clock import Clock
from slawatch.runtime.errors import StorageError, Unavailable
from slawatch.runtime.lifecycle import Cleanups
from slawatch.scheduling.dispatch import Dispatcher
from slawatch.scheduling.health import Health
from slawatch.scheduling.lateness import BOUNDS
from slawatch.storage.entries import EndpointKey, Entry
from slawatch.storage.ledger import Ledger
from slawatch.web.application import application
from slawatch.web.runner import Runner
from slawatch.web.services import Answer, History, Services


class Daemon(Protocol):
    """What the web side needs of the running daemon."""

    board: Board
    configuration: Configuration
    ledger: Ledger
    dispatcher: Dispatcher
    health: Health
    resources: Resources
    database_version: str
    clock: Clock
    recorder: Recorder

    async def reload(self) -> tuple[bool, str]:
        """Read the configuration anew: whether it was taken up, and what there is to say about it."""
        ...

    def learn_review(self, entry: Entry) -> None:
        """Take up a review that is on record."""
        ...


SHUTDOWN_WITHIN = 2.0
"""Seconds that open pages and scrapes may take to end."""


STORED_WITHIN = 10.0
"""Seconds that the database may take to hold what an export needs."""


async def serve(daemon: Daemon, cleanups: Cleanups) -> tuple[str, int]:
    """Serve on the configured address and on the control socket; the address and port that were bound."""
    services = Services(
        ledger_open=lambda: daemon.ledger.healthy,
        reload=daemon.reload,
        history=_history(daemon),
        answer=_answer(daemon),
        faces=lambda: faces(daemon.configuration),
        importing=lambda: _importing(daemon),
        reviewing=lambda: Reviewing(daemon.board, daemon.ledger, daemon.clock, daemon.learn_review),
        probe_door=door_of(lambda: daemon.configuration, daemon.resources),
        metrics_token=_token(daemon),
        client_token=_client_token(daemon),
        hosts=frozenset({daemon.configuration.listen[0]}),
        site=daemon.configuration.site,
    )
    runner = Runner(
        application(daemon.board, lambda: self_metrics(daemon), services),
        access_log=None,
        shutdown_timeout=SHUTDOWN_WITHIN,
    )
    await runner.setup()
    cleanups.push("web", runner.cleanup)
    host, port = daemon.configuration.listen
    try:
        server = await asyncio.get_running_loop().create_server(door(runner, daemon.health.admits), host, port)
    except OSError as error:
        raise Unavailable(f"{host}:{port} cannot be listened on: {error.strerror}") from error

    async def close() -> None:
        server.close()

    cleanups.push("door", close)
    await _serve_commands(runner, control_socket(daemon.configuration), cleanups)
    bound = server.sockets[0].getsockname()
    return str(bound[0]), int(bound[1])


class _TurnedAway(asyncio.Protocol):
    """A connection that is closed before anything is said."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.abort()


def door(runner: web.AppRunner, admits: Callable[[], bool]) -> Callable[[], asyncio.BaseProtocol]:
    """Lets visitors in while that leaves the daemon the descriptors that it needs. Commands have a way of their own."""
    assert runner.server is not None
    enter = runner.server
    return lambda: enter() if admits() else _TurnedAway()


async def _serve_commands(runner: web.AppRunner, path: Path, cleanups: Cleanups) -> None:
    """Only this user's processes may connect: the socket is made under a closed umask."""
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - at start, before anything else runs on the loop
    mask = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path)).start()
    finally:
        os.umask(mask)

    async def remove() -> None:
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - one call, at the end

    cleanups.push("control socket", remove)


def _token(daemon: Daemon) -> Callable[[], str | None]:
    def token() -> str | None:
        secret = daemon.configuration.metrics_token
        return None if secret is None else secret.reveal()

    return token


def _client_token(daemon: Daemon) -> Callable[[str], str | None]:
    def token(client: str) -> str | None:
        secret = next((each.metrics_token for each in daemon.configuration.clients if each.id == client), None)
        return None if secret is None else secret.reveal()

    return token


def _history(daemon: Daemon) -> History:
    async def history(
        client: str, endpoint: str, start: Instant, end: Instant
    ) -> tuple[Sequence[Change], Sequence[Blip]]:
        found = await daemon.ledger.endpoint_history(EndpointKey(client, endpoint), start, end)
        return found.changes, found.blips

    return history


def _answer(daemon: Daemon) -> Answer:
    async def answer_now(asked: Question) -> AsyncGenerator[Row, None]:
        cut = Cut.of(daemon.board.snapshot, daemon.ledger.boot)
        await _all_stored(daemon.ledger)
        async for row in answer(daemon.ledger, asked, cut, faces(daemon.configuration)):
            yield row

    return answer_now


async def _all_stored(ledger: Ledger) -> None:
    """Return when readers see everything so far; :class:`StorageError` when the database does not take it soon."""
    try:
        async with asyncio.timeout(STORED_WITHIN):
            await ledger.flushed()
    except TimeoutError:
        waiting = f"{ledger.queue_length} entries wait for the database"
        raise StorageError(f"{waiting}: {ledger.last_error or 'it is slow'}") from None


def _importing(daemon: Daemon) -> Importing:
    timeouts = {EndpointKey(each.client, each.name): each.cadence.timeout for each in daemon.configuration.endpoints}
    return Importing(daemon.ledger, daemon.clock, timeouts, daemon.recorder.learn)


def self_metrics(daemon: Daemon) -> SelfMetrics:
    """What the daemon knows of itself now."""
    tally, ledger = daemon.dispatcher.tally, daemon.ledger
    return SelfMetrics(
        site=daemon.configuration.site,
        version=__version__,
        database=daemon.database_version,
        lateness=Histogram(BOUNDS, tuple(tally.lateness.counts), tally.lateness.total),
        slots_missed=tally.missed,
        loop_lag=daemon.health.worst_lag(10 * SECOND),
        ledger_queue=ledger.queue_length,
        ledger_commits=ledger.commits,
        last_commit_age=ledger.commit_age if ledger.commits else None,
        ledger=ledger.standing,
        resolvers=tuple(map(_figures, daemon.resources.outbound.resolver.health())),
    )


def _figures(health: ServerHealth) -> ResolverFigures:
    return ResolverFigures(
        server=spell_server(health.server),
        up=health.up,
        answer_time=health.answer_time,
        answered=health.answered,
        unhelpful=health.unhelpful,
        silent=health.silent,
    )
