"""One DNS question and its answer: over UDP, and over TCP where the answer was cut off."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message

Server = tuple[str, int]
"""A literal address and a port."""

PAYLOAD = 1232
"""UDP payload that we offer: what passes without fragments (DNS flag day 2020)."""


class OtherAnswer(dns.exception.DNSException):
    """A connection brought an answer to another question."""


Overhear = Callable[[dns.message.Message | None], None]
"""Told of each datagram from the server that is no answer to our question; ``None`` where it is no DNS message."""


def _pass_over(stray: dns.message.Message | None) -> None:
    """The right answer may still come."""


async def exchange(query: dns.message.Message, server: Server, overhear: Overhear = _pass_over) -> dns.message.Message:
    """One question over UDP, and over TCP where the answer was cut off.

    Waits without end: the deadline is the caller's. ``OSError``, ``EOFError`` or ``DNSException`` where the server
    or the way to it failed.
    """
    response = await over_udp(query, server, overhear)
    return await over_tcp(query, server) if response.flags & dns.flags.TC else response


async def over_udp(query: dns.message.Message, server: Server, overhear: Overhear = _pass_over) -> dns.message.Message:
    """The answer to ``query``, maybe cut off (the flag TC). Whatever else arrives is handed to ``overhear``."""
    loop = asyncio.get_running_loop()
    with _socket(server, socket.SOCK_DGRAM) as udp:
        udp.connect(_endpoint(server))
        udp.send(query.to_wire())
        while True:
            response = parsed(await loop.sock_recv(udp, 65535))
            if response is not None and query.is_response(response):
                return response
            overhear(response)


def parsed(wire: bytes) -> dns.message.Message | None:
    """A datagram as a message, maybe cut off; ``None`` where it is none."""
    try:
        return dns.message.from_wire(wire, ignore_trailing=True)
    except dns.message.Truncated as cut:
        return cut.message()  # type: ignore[no-untyped-call, no-any-return]
    except dns.exception.DNSException:
        return None


async def over_tcp(query: dns.message.Message, server: Server) -> dns.message.Message:
    """The answer to ``query``; ``OtherAnswer`` where the server answered something else."""
    loop = asyncio.get_running_loop()
    with _socket(server, socket.SOCK_STREAM) as tcp:
        await _connect(tcp, server)
        wire = query.to_wire()
        await loop.sock_sendall(tcp, len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await _exactly(tcp, 2), "big")
        response = dns.message.from_wire(await _exactly(tcp, length), ignore_trailing=True)
    if not query.is_response(response):
        raise OtherAnswer
    return response


def _endpoint(server: Server) -> tuple[str, int] | tuple[str, int, int, int]:
    """As a socket takes it. A zone (``fe80::1%eth0``, as resolv.conf may have it) goes beside the address: a text with
    one in it would be handed to ``getaddrinfo``. ``OSError`` where there is no such interface."""
    host, port = server
    address, zone, interface = host.partition("%")
    if not zone:
        return server
    index = int(interface) if interface.isdigit() else socket.if_nametoindex(interface)
    return address, port, 0, index


async def _connect(tcp: socket.socket, server: Server) -> None:
    """As ``loop.sock_connect``, which on uvloop goes by way of ``getaddrinfo``."""
    try:
        tcp.connect(_endpoint(server))
    except BlockingIOError:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(tcp, writable.set)
        try:
            await writable.wait()
        finally:
            loop.remove_writer(tcp)
    error = tcp.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def _socket(server: Server, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    return socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)


async def _exactly(tcp: socket.socket, length: int) -> bytes:
    loop = asyncio.get_running_loop()
    parts: list[bytes] = []
    while length:
        part = await loop.sock_recv(tcp, length)
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
