"""Servers that go wrong within the TLS handshake."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from contextlib import suppress

from parity.awkward import Contexts, dripping, serving
from parity.row import Place, Serve
from probes.certificates import Authority
from probes.servers import break_off, end, speaking_before_its_handshake

MOST_OF_A_HELLO = 65536


def flight(context: ssl.SSLContext, hello: bytes) -> bytes:
    """What a server with this context answers a ClientHello with."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(hello)
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    with suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


def partial(tls: Contexts, length: int, then: str = "silence") -> Serve:
    """Answers a ClientHello with the first ``length`` bytes of its flight, then does as ``then`` says."""

    async def serve(place: Place) -> int | str:
        context = tls(place.authority)

        async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            whole = flight(context, await reader.read(MOST_OF_A_HELLO))
            if then == "drip":
                await dripping(writer, whole)
                return
            writer.write(whole[:length])
            await writer.drain()
            if then == "silence":
                await reader.read()
            elif then == "garbage":
                writer.write(bytes(range(256)) * 8)
                await end(writer)
            elif then == "reset":
                await asyncio.sleep(0.05)
                break_off(writer)
            else:
                await end(writer)

        return await serving(behaviour)(place)

    return serve


def honest(tls: Contexts) -> Serve:
    """A TLS server that says its alerts before it closes, which asyncio's own does not; else it says nothing."""

    async def serve(place: Place) -> int | str:
        context = tls(place.authority)

        async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = context.wrap_bio(incoming, outgoing, server_side=True)
            shaken = False
            while heard := await reader.read(MOST_OF_A_HELLO):
                incoming.write(heard)
                try:
                    if not shaken:
                        session.do_handshake()
                        shaken = True
                    session.read(1)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    writer.write(outgoing.read())
                    break
                writer.write(outgoing.read())
            await end(writer)

        return await serving(behaviour)(place)

    return serve


def after_hello(*parts: bytes, hang: bool = False) -> Serve:
    """Answers a ClientHello with the parts, then closes or goes silent."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(MOST_OF_A_HELLO)
        for part in parts:
            writer.write(part)
        if hang:
            await reader.read()
        await end(writer)

    return serving(behaviour)


def speaks_before_its_handshake(tls: Contexts, early: bytes) -> Serve:
    """Says something in the clear at once; then all is in order, and nothing is said through TLS."""

    async def serve(place: Place) -> int | str:
        return await serving(speaking_before_its_handshake(tls(place.authority), early))(place)

    return serve


def with_versions(
    tls: Contexts, oldest: ssl.TLSVersion | None = None, newest: ssl.TLSVersion | None = None, *, demands: bool = False
) -> Contexts:
    """The same context with other versions of TLS, or one that demands a certificate of the client."""

    def make(authority: Authority) -> ssl.SSLContext:
        context = tls(authority)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what this is about
            if oldest:
                context.minimum_version = oldest
            if newest:
                context.maximum_version = newest
        if demands:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(authority.path)
        return context

    return make
