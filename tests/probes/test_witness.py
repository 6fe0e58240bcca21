"""Whether a witness answers: by a ping, or by TCP; a refusal is an answer, silence and our own faults are none."""

from __future__ import annotations

import asyncio
import socket

import pytest

from probes.scene import needs_root
from slawatch.probes.options import Family
from slawatch.probes.probe import Resources
from slawatch.probes.witness import Witness, answers
from slawatch.runtime.errors import Unavailable
from support.process import free_port


async def test_a_port_that_accepts_answers() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server, Resources() as resources:
        assert await answers(Witness("127.0.0.1", 4, server.sockets[0].getsockname()[1]), resources)


async def test_a_refusal_is_an_answer() -> None:
    async with Resources() as resources:
        assert await answers(Witness("127.0.0.1", 4, free_port()), resources)


async def test_a_port_that_says_nothing_is_silent() -> None:
    """Its backlog is full, so that the kernel does not even accept."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            async with Resources() as resources:
                assert not await answers(Witness("127.0.0.1", 4, port), resources)
        finally:
            for filler in fillers:
                filler.close()


@needs_root
@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", 4), ("::1", 6)])
async def test_a_host_that_answers_a_ping(address: str, family: Family) -> None:
    async with Resources() as resources:
        assert await answers(Witness(address, family), resources)


async def test_without_the_right_to_ping_a_witness_is_silent() -> None:
    def forbidden(family: Family) -> tuple[socket.socket, bool]:
        raise Unavailable("ICMP sockets are not permitted")

    async with Resources(icmp_opener=forbidden) as resources:
        assert not await answers(Witness("127.0.0.1", 4), resources)
