"""Starting and stopping in order: a stack of named cleanups, and what systemd is told on the way."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

log = structlog.get_logger()

Cleanup = Callable[[], Awaitable[None]]


class Cleanups:
    """Named cleanups, run last first. One that fails is logged and the others still run."""

    def __init__(self) -> None:
        self._stack: list[tuple[str, Cleanup]] = []

    def push(self, name: str, cleanup: Cleanup) -> None:
        """Run ``cleanup`` when everything ends, before all that was pushed earlier."""
        self._stack.append((name, cleanup))

    async def run(self) -> None:
        """Run what was pushed. Safe to call twice."""
        while self._stack:
            name, cleanup = self._stack.pop()
            try:
                await cleanup()
            except Exception:
                log.exception("cleanup failed", part=name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.run()


def cancelling(task: asyncio.Task[None]) -> Cleanup:
    """A cleanup that cancels a task and waits for its end."""

    async def cleanup() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return cleanup


class ServiceManager:
    """Speaks the notification protocol of systemd (sd_notify(3)); says nothing where no manager listens."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        environment = dict(os.environ) if environment is None else environment
        self._address = environment.get("NOTIFY_SOCKET", "")
        microseconds = environment.get("WATCHDOG_USEC", "")
        self.watchdog: int | None = int(microseconds) if self._address and microseconds.isdigit() else None
        """Within how many microseconds the manager wants a sign of life; None when it wants none."""

    def tell(self, **fields: str | int) -> None:
        """Send one notification, such as ``READY=1``. A manager that is gone is nobody's problem here."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        message = "\n".join(f"{name}={value}" for name, value in fields.items())
        try:
            with socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            ) as sender:
                sender.sendto(message.encode(), address)
        except OSError as error:
            log.warning("the service manager was not reached", error=str(error))
