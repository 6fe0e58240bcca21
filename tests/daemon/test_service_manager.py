"""What systemd is told: READY after everything works, signs of life from work, RELOADING, STOPPING."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from slawatch.config.configuration import Configuration
from slawatch.config.loader import load_client_text
from slawatch.config.models import Box, Outbound
from slawatch.main.daemon import Daemon
from slawatch.runtime.lifecycle import ServiceManager
from support.process import free_port
from support.waiting import async_eventually

CLIENT = """
client: acme
endpoints: {router: {probe: tcp, target: "127.0.0.1:1", every: 1s, timeout: 500ms}}
services: {network: {kind: network, up_when: router}}
contracts: {network: {service: network, standard: 99%, period: month}}
"""


class Manager:
    """Listens where systemd would."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(self.path))
        self.heard: list[dict[str, str]] = []

    def listen(self) -> list[dict[str, str]]:
        """Every notification so far."""
        with suppress(BlockingIOError):
            while True:
                fields = self.socket.recv(4096).decode().splitlines()
                self.heard.append(dict(field.split("=", 1) for field in fields))
        return self.heard

    def heard_of(self, name: str) -> bool:
        return any(name in message for message in self.listen())


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A manager on a socket of the test's own."""
    found = Manager(tmp_path)
    yield found
    found.socket.close()


def configuration(tmp_path: Path, client: str = CLIENT) -> Configuration:
    outbound = Outbound(allow=["127.0.0.0/8"])
    listen = f"127.0.0.1:{free_port()}"
    box = Box(site="test", database=f"sqlite:///{tmp_path}/s.db", listen=listen, outbound=outbound)
    return Configuration(box, (load_client_text(client),))


async def test_ready_alive_reloading_stopping(tmp_path: Path, manager: Manager) -> None:
    """In this order, with a status in words; the watchdog hears of it at half its interval."""
    found = configuration(tmp_path)
    environment = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "400000"}
    async with Daemon(lambda: found, manager=ServiceManager(environment)) as daemon:
        assert manager.listen()[0] == {"READY": "1", "STATUS": "1 endpoints (0 down), 1 contracts"}
        await async_eventually(lambda: manager.heard_of("WATCHDOG"))
        assert (await daemon.reload())[0]
        reloading = [message for message in manager.listen() if "RELOADING" in message]
        assert reloading[0]["MONOTONIC_USEC"].isdigit()
        assert "READY" in manager.listen()[-1]
    assert manager.listen()[-1] == {"STOPPING": "1"}


async def test_the_status_after_a_reload_is_that_of_the_new_configuration(tmp_path: Path, manager: Manager) -> None:
    found = configuration(tmp_path)
    async with Daemon(lambda: found, manager=ServiceManager({"NOTIFY_SOCKET": str(manager.path)})) as daemon:
        more = CLIENT.replace("endpoints: {", 'endpoints: {spare: {probe: tcp, target: "127.0.0.1:1"}, ')
        found = Configuration(daemon.configuration.box, (load_client_text(more),))
        assert (await daemon.reload())[0]
        assert manager.listen()[-1] == {"READY": "1", "STATUS": "2 endpoints (0 down), 1 contracts"}


async def test_no_sign_of_life_without_work(tmp_path: Path, manager: Manager) -> None:
    """A daemon whose probes no longer finish says nothing to the watchdog, so that it is restarted."""
    found = configuration(tmp_path)
    async with Daemon(lambda: found, manager=ServiceManager({})) as daemon:
        await async_eventually(lambda: daemon.dispatcher.tally.last_finished is not None)
        assert daemon.trouble() == ""
        daemon.dispatcher.tally.last_finished = daemon.clock.monotonic() - 3_600_000_000
        assert daemon.trouble() == "no probe has finished in time"


async def test_starts_and_stops_inside_a_test_and_leaves_nothing(tmp_path: Path) -> None:
    """No task, no descriptor, no socket file is left; and the next run knows the one before."""
    found = configuration(tmp_path)
    async with Daemon(lambda: found):
        pass
    before = len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks())
    async with Daemon(lambda: found) as daemon:
        previous = await daemon.ledger.previous_boot()
        assert previous is not None
        assert previous.stopped_at is not None
    assert (len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks())) == before
    assert not list(tmp_path.glob("*.sock"))
