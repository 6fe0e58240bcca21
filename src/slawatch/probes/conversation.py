"""One TCP connection as a talk: say, wait for words, turn to TLS. Hostile partners are expected.

Whatever is waited for is looked for in the first 4 KiB of what follows the words before. Beyond that the other side is
not listened to, so that neither a flood nor a drip costs more.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TypeVar, cast

from slawatch.probes.answer import Answer, Failure, Trace
from slawatch.probes.tls import start_tls
from slawatch.probes.tls_contexts import Session, judge_last_words

T = TypeVar("T")

MOST_BYTES = 4096
"""How much of what the server says is looked at, for each thing that is waited for."""
_QUOTED = 60
"""Bytes of what the server said that a detail shows."""


class Conversation(asyncio.Protocol):
    """Both directions of a connection. One coroutine at a time may wait on it; ``close`` it at the end."""

    def __init__(self, trace: Trace) -> None:
        self.place = ""
        """What stands before the detail of a failure, as ``step 2: ``."""
        self.discreet = False
        """Set once a secret was said: from then on no detail shows what the server said, it may repeat us."""
        self._trace = trace
        self._transport = asyncio.Transport()  # none yet: the loop gives it before anything else
        self._heard = bytearray()
        self._paused = False
        self._ended: Exception | None = None
        self._news: asyncio.Future[None] | None = None
        self._flushed: asyncio.Future[None] | None = None

    # --- What the loop calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's have the methods without being of the class
        self._transport.set_write_buffer_limits(high=0)  # what is said goes out at once, or `said` waits for it

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if len(self._heard) >= MOST_BYTES and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._flushed = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        flushed, self._flushed = self._flushed, None
        if flushed is not None and not flushed.done():
            flushed.set_result(None)

    # --- What a probe calls ---

    @property
    def host(self) -> str:
        """Our own address on this connection."""
        name = self._transport.get_extra_info("sockname")
        return str(name[0])

    def say(self, data: bytes) -> None:
        """Send. To one who closed nothing is sent, and what is waited for next says so."""
        if data and not self._transport.is_closing():
            self._transport.write(data)

    async def said(self) -> None:
        """Wait until the system took all that was sent, or, under TLS, all that TLS did not keep back."""
        while self._flushed is not None:
            await self._flushed

    async def line(self, wanted: Callable[[str], T | None]) -> T:
        """Take lines up to the first of which ``wanted`` makes something, and return that.

        Lines come without their end, bytes that are not UTF-8 as surrogates. A last line without an end counts when
        the connection was closed.
        """
        start = 0
        while True:
            end = self._heard.find(b"\n", start, MOST_BYTES)
            if end < 0 and self._ended is not None and start < len(self._heard) < MOST_BYTES:
                end = len(self._heard) - 1
            if end < 0:
                await self._more()
                continue
            line = bytes(self._heard[start : end + 1]).removesuffix(b"\n").removesuffix(b"\r")
            found = wanted(line.decode("utf-8", "surrogateescape"))
            start = end + 1
            if found is not None:
                self._take(start)
                return found

    async def text(self, wanted: bytes) -> None:
        """Take everything up to and with ``wanted``, wherever it begins."""
        while (start := self._heard.find(wanted, 0, MOST_BYTES)) < 0:
            await self._more()
        self._take(start + len(wanted))

    async def exactly(self, wanted: bytes) -> None:
        """Take ``wanted``, which must come next."""
        while not self._heard.startswith(wanted):
            if not wanted.startswith(self._heard[: len(wanted)]):
                raise self.unexpected("instead")
            await self._more()
        self._take(len(wanted))

    async def take(self, count: int) -> bytes:
        """The next ``count`` bytes, at most ``MOST_BYTES``."""
        while len(self._heard) < count:
            await self._more()
        return self._take(count)

    async def start_tls(self, context: ssl.SSLContext, name: str, early: str) -> Session:
        """Turn to TLS; the session. ``Failure`` ``early`` where the other side said something more before it.

        Whoever sits on the way could put words there, and taken for a part of what follows they would look as if they
        had been said under TLS (CVE-2011-0411 and those that came after it).
        """
        if self._heard:
            raise Failure(early, f"{self.place}{len(self._heard)} bytes came before the handshake")
        self._ensure_open()
        self._transport = await start_tls(self._transport, self, context, name, self._trace)
        self.resume_writing()  # from now on TLS hears of that
        self._trace.enter("answer")
        session: Session = self._transport.get_extra_info("ssl_object")
        return session

    async def part(self) -> None:
        """End a session with a server that may yet refuse our certificate, and hear its last words."""
        session = self._transport.get_extra_info("ssl_object")
        self._transport.close()
        while self._ended is None and not self._heard:
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        judge_last_words(session, bool(self._heard), self._ended)

    def late(self) -> Answer | None:
        """What the deadline finds: where the talk stood."""
        if self._trace.phase != "answer":
            return None
        return Answer("timeout", f"{self.place}{self._words()}")

    def close(self) -> None:
        """End the connection at once."""
        self._transport.abort()

    def unexpected(self, when: str, line: str | None = None) -> Failure:
        """The failure of words that did not come; ``when`` closes the sentence, as in `before it closed`.

        The words that came instead are ``line``, or all that was heard since what was expected last.
        """
        return Failure("unexpected", f"{self.place}{self._words(line)} {when}")

    # --- Within ---

    def _words(self, line: str | None = None) -> str:
        words = bytes(self._heard[:_QUOTED]) if line is None else line.encode("utf-8", "surrogateescape")[:_QUOTED]
        if not words:
            return "the server said nothing"
        return f"the server said {'something else' if self.discreet else repr(words)[1:]}"

    def _take(self, count: int) -> bytes:
        taken = bytes(self._heard[:count])
        del self._heard[:count]
        if self._paused and len(self._heard) < MOST_BYTES and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return taken

    async def _more(self) -> None:
        """Wait until more was said; the failure where nothing more will be, or where it would be too much."""
        if len(self._heard) >= MOST_BYTES:
            raise self.unexpected("in its first 4 KiB")
        self._ensure_open()
        self._news = asyncio.get_running_loop().create_future()
        await self._news

    def _ensure_open(self) -> None:
        if isinstance(self._ended, EOFError):
            raise self.unexpected("before it closed")
        if self._ended is not None:
            raise self._ended

    def _end(self, error: Exception | None) -> None:
        if self._ended is None:
            self._ended = error or EOFError()
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
