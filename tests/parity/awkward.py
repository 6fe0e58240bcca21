"""Awkward servers over TCP, as rows of the table name them: each function gives a way to start one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator

from parity.row import Place, Serve
from probes.certificates import Authority
from probes.servers import Behaviour, break_off, end, silence

Contexts = Callable[[Authority], ssl.SSLContext]
"""A server's TLS, which needs the test's authority."""

PAUSE = 1.0
"""Seconds between two bytes of a server that drips."""


def serving(behaviour: Behaviour, tls: Contexts | None = None, host: str = "127.0.0.1") -> Serve:
    """A server that does as ``behaviour`` says."""

    async def serve(place: Place) -> int | str:
        port = await place.servers.start(behaviour, tls and tls(place.authority), host)
        return f"[{host}]:{port}" if ":" in host else port

    return serve


def says(*parts: bytes, hang: bool = False, tls: Contexts | None = None, host: str = "127.0.0.1") -> Serve:
    """Hears a request's head, says the parts one by one, then closes or, with ``hang``, goes silent."""

    async def serve(place: Place) -> int | str:
        port = await place.servers.answering(*parts, tls=tls and tls(place.authority), host=host, hang=hang)
        return f"[{host}]:{port}" if ":" in host else port

    return serve


def greets(*parts: bytes, hang: bool = False, tls: Contexts | None = None, host: str = "127.0.0.1") -> Serve:
    """Says the parts at once, unasked, then closes or goes silent."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if hang:
            await reader.read()
        await end(writer)

    return serving(behaviour, tls, host)


async def dripping(writer: asyncio.StreamWriter, text: bytes) -> None:
    """Write one byte a second, as long as somebody is there."""
    for byte in text:
        if writer.is_closing():
            return
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(PAUSE)


def drips(text: bytes, head: bytes = b"", *, asked: bool = False) -> Serve:
    """Says ``head``, then one byte a second; with ``asked``, once it heard something."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asked:
            await reader.read(65536)
        writer.write(head)
        await dripping(writer, text)
        await reader.read()

    return serving(behaviour)


def floods(head: bytes, piece: bytes, *, asked: bool = True, tls: Contexts | None = None) -> Serve:
    """Hears a byte (if ``asked``), says ``head``, then ``piece`` for ever, as fast as it is taken."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asked:
            await reader.read(65536)
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)  # a connection that is gone lets `drain` return at once

    return serving(behaviour, tls)


def breaks_off_after(*parts: bytes, asked: bool = True, tls: Contexts | None = None) -> Serve:
    """Hears a byte (if ``asked``), says the parts, and resets the connection."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asked:
            await reader.read(65536)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.05)  # the kernel drops what is unread when an RST comes: let it be read
        break_off(writer)

    return serving(behaviour, tls)


def mute(tls: Contexts | None = None) -> Serve:
    """Accepts, takes everything, says nothing."""
    return serving(silence, tls)


async def full(place: Place) -> int:
    """The queue of connections is full: the kernel drops what comes."""
    return place.servers.full()


async def nobody(place: Place) -> int:
    """Nothing listens."""
    return place.servers.unused()


async def nobody_on_ipv6(place: Place) -> str:
    """The server listens on IPv4 and is asked on IPv6."""
    return f"[::1]:{place.servers.unused()}"


def routed(routes: Callable[[str], bytes], tls: Contexts | None = None) -> Serve:
    """Answers each request by its path; ``{here}`` in an answer is the server's own ``host:port``."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        host, port = writer.get_extra_info("sockname")[:2]
        writer.write(routes(head.split(" ")[1]).replace(b"{here}", f"{host}:{port}".encode()))
        await end(writer)

    return serving(behaviour, tls)


def pieces(text: bytes, size: int) -> Iterator[bytes]:
    """``text`` in parts of ``size`` bytes."""
    return (text[start : start + size] for start in range(0, len(text), size))
