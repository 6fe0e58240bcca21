"""One DNS question and its answer: over UDP, and over TCP where the answer was cut off."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message
import dns.rcode

Server = tuple[str, int]
"""A literal address and a port."""

PAYLOAD = 1232
"""UDP payload that we offer: what passes without fragments (DNS flag day 2020)."""


class OtherAnswer(dns.exception.DNSException):
    """A connection brought an answer to another question."""


MOST_OVER_UDP = 4096
"""Bytes of a datagram that are read as an answer. We offer less; this much servers that do not listen send."""
MOST_OVER_TCP = 16 * 1024
"""Bytes of an answer over TCP. A hostile one of 64 KiB would keep the event loop busy for most of a second."""

Overhear = Callable[[bool], None]
"""Told of each datagram from the server that is no answer to our question: whether it has the length of a message."""


def _pass_over(message: bool) -> None:
    """The right answer may still come."""


async def exchange(query: dns.message.Message, server: Server, overhear: Overhear = _pass_over) -> dns.message.Message:
    """One question over UDP, and over TCP where the answer was cut off.

    Waits without end: the deadline is the caller's. ``OSError``, ``EOFError`` or ``DNSException`` where the server
    or the way to it failed.
    """
    response = await over_udp(query, server, overhear)
    plain = without_edns(query, response)
    if plain is not None:
        query, response = plain, await over_udp(plain, server, overhear)
    return await over_tcp(query, server) if response.flags & dns.flags.TC else response


def without_edns(query: dns.message.Message, response: dns.message.Message) -> dns.message.Message | None:
    """The question to ask instead where the server does not know EDNS (RFC 6891 section 7); ``None`` where it does."""
    if query.edns < 0 or query.ednsflags or response.edns >= 0 or response.rcode() != dns.rcode.FORMERR:
        return None
    plain = dns.message.from_wire(query.to_wire())
    plain.use_edns(False)
    return plain


async def over_udp(query: dns.message.Message, server: Server, overhear: Overhear = _pass_over) -> dns.message.Message:
    """The answer to ``query``, maybe cut off (the flag TC). Whatever else arrives is ``overhear``'s to judge.

    ``DNSException`` where what has our number and our question is no answer: whoever knows both would know a better
    one too.
    """
    loop = asyncio.get_running_loop()
    asked = query.to_wire()
    question = asked[12 : 12 + len(query.question[0].name.to_wire() or b"") + 4]
    with _socket(server, socket.SOCK_DGRAM) as udp:
        udp.connect(_endpoint(server))
        udp.send(asked)
        while True:
            wire = await loop.sock_recv(udp, 65535)
            if _answers(wire, asked[:2], question):
                return _checked(query, wire, MOST_OVER_UDP)
            overhear(len(wire) >= 12)


def _answers(wire: bytes, number: bytes, question: bytes) -> bool:
    """Whether a datagram has our number and our question, by its bytes: nothing else is worth the time of parsing.

    An answer with an error can leave the question out.
    """
    if len(wire) < 12 or wire[:2] != number or not wire[2] & 0x80:
        return False
    return wire[4:6] == b"\0\0" or wire[12 : 12 + len(question)].lower() == question.lower()


def _checked(query: dns.message.Message, wire: bytes, most: int) -> dns.message.Message:
    """The answer in ``wire``; ``DNSException`` where it is none, or longer than ``most``."""
    response = parsed(wire) if len(wire) <= most else None
    if response is None:
        raise dns.exception.FormError
    if not query.is_response(response):
        raise OtherAnswer
    return response


def parsed(wire: bytes) -> dns.message.Message | None:
    """A datagram as a message, maybe cut off; ``None`` where it is none."""
    try:
        return dns.message.from_wire(wire, ignore_trailing=True)
    except dns.message.Truncated as cut:
        return cut.message()  # type: ignore[no-untyped-call, no-any-return]
    except dns.exception.DNSException:
        return None


async def over_tcp(
    query: dns.message.Message, server: Server, connected: Callable[[], None] | None = None
) -> dns.message.Message:
    """The answer to ``query``; ``OtherAnswer`` where the server answered something else.

    ``connected`` is called once there is a connection.
    """
    loop = asyncio.get_running_loop()
    with _socket(server, socket.SOCK_STREAM) as tcp:
        await _connect(tcp, server)
        if connected is not None:
            connected()
        wire = query.to_wire()
        await loop.sock_sendall(tcp, len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await _exactly(tcp, 2), "big")
        if length > MOST_OVER_TCP:
            raise dns.exception.FormError
        return _checked(query, await _exactly(tcp, length), MOST_OVER_TCP)


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
