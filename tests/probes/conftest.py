"""Every asynchronous test here runs on asyncio's own loop and on uvloop: the daemon runs on either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from probes.driver import Driver
from probes.nameservers import Farm
from probes.servers import Servers
from slawatch.probes.probe import Resources
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from support.gate import loopback_allowed


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    async with Servers() as servers:
        yield servers


@pytest.fixture
async def resources() -> AsyncIterator[Resources]:
    """Shared resources whose resolver has no server at all: no test may ask the machine's own."""
    clock = SystemClock()
    resolver = Resolver(clock, servers=(), hosts_file=Path("/dev/null"))
    async with Resources(clock, resolver=resolver, policy=loopback_allowed()) as resources:
        yield resources


@pytest.fixture
def observe(resources: Resources) -> Driver:
    return Driver(resources)


@pytest.fixture
async def dns_server() -> AsyncIterator[Farm]:
    farm = Farm()
    yield farm
    for server in farm.servers:
        server.stop()
