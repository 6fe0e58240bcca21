"""What the contract suite needs to know of a kind. Each kind's own test file declares its ``SCENE``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from probes.servers import Servers
from slawatch.probes.probe import Resources
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from support.gate import loopback_allowed

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="BLOCKED: raw sockets and network namespaces need root")

Stage = Callable[[Servers], Awaitable[str]]
"""Sets something up and gives the target's text."""


@dataclass(frozen=True)
class Scene:
    """``good`` answers as ``options`` ask, ``silent`` takes everything and says nothing, ``flood`` never ends."""

    good: Stage
    silent: Stage
    flood: Stage | None = None
    """``None`` for a kind whose answers have a bounded length by their nature."""
    options: dict[str, Any] = field(default_factory=dict)
    root: bool = False
    """Whether the stages need root."""

    @asynccontextmanager
    async def resources(self, silent: bool) -> AsyncIterator[Resources]:
        """Resources in which the stage works; never with the machine's own resolver."""
        clock = SystemClock()
        resolver = Resolver(clock, servers=(), hosts_file=Path("/dev/null"))
        async with Resources(clock, resolver=resolver, policy=loopback_allowed()) as resources:
            yield resources

    async def secretive(self, servers: Servers, secret: dict[str, str]) -> tuple[str, list[dict[str, Any]]]:
        """A target that repeats what it hears, and option sets that put ``secret`` wherever it may stand."""
        raise NotImplementedError
