"""A daemon in trouble: its targets, what is done to it, and the instants at which the test did so."""

from __future__ import annotations

import itertools
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import pytest

from daemon.conftest import Slawatch
from slawatch.domain.interval import Duration, Instant, parse_instant
from support.servers import TREE, Nginx, own_folder
from support.waiting import eventually

T = TypeVar("T")

INJECTED = Path(__file__).parent / "injected"

FAKETIME = TREE.root / "usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def soon(look: Callable[[], T]) -> T:
    """As ``eventually``, on a box that several daemons keep busy: looked at less often, and waited for longer."""
    return eventually(look, within=90, pause=0.2)


class Moment(NamedTuple):
    """An instant on both clocks, in microseconds."""

    wall: Instant
    monotonic: int


def moment() -> Moment:
    return Moment(time.time_ns() // 1_000, time.monotonic_ns() // 1_000)


class Fault(NamedTuple):
    """What was done to the daemon, and within which moments of the test it began and ended."""

    asked: Moment
    begun: Moment
    ending: Moment
    ended: Moment

    @property
    def length(self) -> Duration:
        """How long it lasted at least, by the monotonic clock."""
        return self.ending.monotonic - self.begun.monotonic


@contextmanager
def played(
    request: pytest.FixtureRequest, folder: Path, scenes: Mapping[str, Callable[[Path], T]]
) -> Iterator[Mapping[str, Future[T]]]:
    """By name of a test: the outcome of its scene. Those of all tests that are to run are played at once, each on a
    thread of its own, in a folder of its own."""
    chosen = {item.name for item in request.session.items if item.path == request.path}
    with ThreadPoolExecutor(len(scenes)) as pool:
        yield {
            name: pool.submit(scene, folder / str(number))
            for number, (name, scene) in enumerate(scenes.items())
            if name in chosen
        }


class Drowsy:
    """A TCP server that says ``ready`` so many seconds after each connection, so that a probe is under way for long."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.asked = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.asked.set()
            threading.Thread(target=self._answer, args=[client], daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self._over.wait(self._delay)
            client.sendall(b"ready\r\n")

    def await_probe(self) -> None:
        """Return when the next probe has just begun."""
        self.asked.clear()
        assert self.asked.wait(20), "nobody asked"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def client_file(endpoints: dict[str, str]) -> str:
    """A client's file with one contract on each endpoint, valid since yesterday."""
    since = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    listed = "".join(f"  {name}: {{{text}}}\n" for name, text in endpoints.items())
    services = "".join(f"  of-{name}: {{kind: network, up_when: {name}}}\n" for name in endpoints)
    terms = f'standard: 99%, period: every 2 weeks from {since}, valid: {{from: "{since}"}}'
    contracts = "".join(f"  {name}: {{service: of-{name}, {terms}}}\n" for name in endpoints)
    return f"client: acme\nname: Acme\nendpoints:\n{listed}services:\n{services}contracts:\n{contracts}"


class Scene:
    """One daemon with four targets of its own on loopback.

    - ``steady`` never fails and is asked every two seconds;
    - ``patient`` never fails and is asked so rarely that its last answer outlives the trouble;
    - ``drowsy`` never fails and takes more than a second to answer;
    - ``flaky`` is a web server that the test takes away and brings back.
    """

    def __init__(
        self, folder: Path, *, patient: str = "every: 13s, timeout: 5s", environment: Sequence[str] = ()
    ) -> None:
        self._running = ExitStack()
        folder.mkdir()
        self.steady = self._running.enter_context(Nginx(own_folder(folder, "steady")))
        self.flaky = self._running.enter_context(Nginx(own_folder(folder, "flaky")))
        self.drowsy = self._running.enter_context(Drowsy(1.2))
        endpoints = {
            "steady": f'probe: tcp, target: "127.0.0.1:{self.steady.port}", every: 2s, timeout: 2s, retry_every: 1s',
            "patient": f'probe: tcp, target: "127.0.0.1:{self.steady.port}", {patient}',
            "drowsy": f'probe: tcp, target: "127.0.0.1:{self.drowsy.port}", expect: ready, every: 3s, timeout: 3s',
            "flaky": f'probe: tcp, target: "127.0.0.1:{self.flaky.port}", every: 2s, timeout: 2s, retry_every: 1s',
        }
        self.daemon = Slawatch(folder / "slawatch", client_file(endpoints), prefix=["env", *environment])
        self._running.callback(self.daemon.stop)

    def __enter__(self) -> Self:
        try:
            self.daemon.start()
            soon(lambda: self.states() == {"up"})
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def states(self, *names: str) -> set[str]:
        """The states that the board shows, of all endpoints or of some."""
        return {item["state"] for item in self.daemon.status()["endpoints"] if item["endpoint"] in names or not names}

    def seen_since(self, instant: Instant, state: str, *names: str) -> bool:
        """Whether endpoints were asked after an instant of the daemon's wall clock, and are in a state since."""
        shown = [item for item in self.daemon.status()["endpoints"] if item["endpoint"] in names]
        return all(item["state"] == state and parse_instant(item["last"]["started"]) > instant for item in shown)

    def take_flaky_away(self) -> tuple[Moment, Moment]:
        """Stop it and wait until it is down: within which moments it went away."""
        before = moment()
        self.flaky.stop()
        after = moment()
        soon(lambda: self.states("flaky") == {"down"})
        return before, after


ON_ASYNCIO = [f"PYTHONPATH={INJECTED}", "TEST_LOOP=asyncio"]
"""What a daemon needs in its environment to run on asyncio's own loop."""


def stall_environment(folder: Path, seconds: float) -> list[str]:
    """What a daemon needs in its environment to be held up by :func:`held_up`."""
    return [f"PYTHONPATH={INJECTED}", f"TEST_STALL_LOG={folder}", f"TEST_STALL_SECONDS={seconds}"]


def hold_up(pid: int, log: Path, meanwhile: Callable[[], None]) -> Fault:
    """Let the daemon hold itself up, and do something meanwhile."""
    asked = moment()
    os.kill(pid, signal.SIGUSR1)
    soon(lambda: log.exists() and "begun" in log.read_text("ascii"))
    meanwhile()
    soon(lambda: "ended" in log.read_text("ascii"))
    begun, ending = (Moment(*map(int, line.split()[1:])) for line in log.read_text("ascii").splitlines())
    return Fault(asked, begun, ending, moment())


def stop_and_continue(pid: int, seconds: float, meanwhile: Callable[[], None]) -> Fault:
    """Stop the process for so long by SIGSTOP, and do something meanwhile."""
    asked = moment()
    os.kill(pid, signal.SIGSTOP)
    begun = moment()
    try:
        meanwhile()
        threading.Event().wait(seconds - (moment().monotonic - begun.monotonic) / 1e6)
        ending = moment()
    finally:
        os.kill(pid, signal.SIGCONT)
    return Fault(asked, begun, ending, moment())


class WallClock:
    """The wall clock of a daemon, which the test sets; its other clocks go on."""

    def __init__(self, folder: Path) -> None:
        self._file = folder
        self.set(0)

    @property
    def environment(self) -> list[str]:
        return [
            f"LD_PRELOAD={FAKETIME}",
            f"FAKETIME_TIMESTAMP_FILE={self._file}",
            "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ]

    def set(self, seconds: int) -> tuple[Moment, Moment]:
        """Put it so many seconds ahead of the true one: within which moments that happened."""
        before = moment()
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}", encoding="ascii")
        fresh.rename(self._file)
        return before, moment()


@contextmanager
def visitors(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many connections to a web port that say nothing, as far as they are let in."""
    with ExitStack() as held:
        yield [held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5)) for _ in range(count)]


def was_turned_away(visitor: socket.socket) -> bool:
    """Whether the other side has ended the connection."""
    visitor.setblocking(False)
    try:
        return visitor.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@contextmanager
def descriptors_left(pid: int, left: int) -> Iterator[None]:
    """Let a process open no more than ``left`` further descriptors inside."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    # A limit is on the numbers of descriptors, not on how many there are: gaps can be filled.
    used = {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    free = (number for number in itertools.count() if number not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (next(itertools.islice(free, left, None)), hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
