"""A real server as a foreground child: started, waited for, taken away, brought back, reaped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

DEADLINE = 90.0
"""Seconds a server has to come up, or to go away, on a box that others keep busy too."""

PAUSE = 0.01
"""Seconds between two looks at a server that is not ready yet."""


def free_port() -> int:
    """A loopback TCP port that nobody uses, for servers that cannot be told port 0.

    It lies below the ephemeral range: a client that connects again and again to a closed port inside that range can be
    given the same port as its own source, and then connects to itself.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    while True:
        port = random.SystemRandom().randrange(10_240, lowest)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def accepts(port: int) -> bool:
    """Whether something on loopback accepts TCP connections at ``port``."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """One server process. ``command`` must exec the server itself, in the foreground.

    ``ready`` is asked until it says yes. Both streams go to ``log``. Use it as a context manager, or ``start`` and
    ``stop`` it: as often as the test needs it to go away and come back.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        ready: Callable[[], bool],
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._ready = ready
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id. Raises RuntimeError when the server is not running."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it is ready. Raises RuntimeError with the end of its log when it is not."""
        self._spawn()
        self._await_ready()

    async def async_start(self) -> None:
        """As ``start``, and the running loop goes on meanwhile."""
        self._spawn()
        await asyncio.to_thread(self._await_ready)

    def stop(self) -> None:
        """Ask it to end, wait, and reap it; what is left of its process group is killed. Twice is once."""
        process, self._process = self._process, None
        if process is not None:
            self._end(process, self._stop_signal)

    async def async_stop(self) -> None:
        """As ``stop``, and the running loop goes on meanwhile."""
        await asyncio.to_thread(self.stop)

    def kill(self) -> None:
        """End it with SIGKILL and reap it."""
        process, self._process = self._process, None
        if process is not None:
            self._end(process, signal.SIGKILL)

    def said(self) -> str:
        """Everything that it has printed so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self) -> None:
        # In the calling thread: the server dies with the thread that started it.
        if self._process is not None:
            raise RuntimeError(f"{self.name} is running already")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _await_ready(self) -> None:
        process, deadline = self._process, time.monotonic() + DEADLINE
        assert process is not None
        while not self._ready():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._fail(f"ended with exit status {process.wait(PAUSE)}")
            if time.monotonic() > deadline:
                self._fail(f"was not ready within {DEADLINE:.0f} s")

    def _fail(self, what: str) -> None:
        tail = "\n".join(self.said().splitlines()[-30:])
        self.kill()
        raise RuntimeError(f"{self.name} {what}:\n{tail}")

    @staticmethod
    def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
        process.send_signal(how)
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(DEADLINE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
