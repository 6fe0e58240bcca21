"""One HTTP/1 request and its answer on one connection, with every length bounded.

An exchange of our own, since it costs a quarter of a full client's time, pins the address that was checked and
sees the certificate. The parser is llhttp, by way of httptools.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import httptools

from slawatch.probes.answer import Failure, Trace, fail
from slawatch.probes.found import HttpFound
from slawatch.probes.outbound import Address, connect
from slawatch.probes.tls import nothing_said, start_tls
from slawatch.probes.tls_contexts import Session

MOST_HEADER_BYTES = 32 * 1024
MOST_BODY_BYTES = 1024 * 1024
"""On the wire. What is longer is read up to here and no further."""
MOST_GLANCED_BYTES = 64 * 1024
"""What is kept of a good page of which nothing is expected, to see whether it asks for a password."""


@dataclass(frozen=True, slots=True)
class Response:
    """A final answer. ``headers`` are in lower case, a repeated one joined by commas.

    ``body`` is as it came, content encoding and all, and no more of it than was to be kept. ``cut`` says that the
    server would have gone on beyond ``MOST_BODY_BYTES``. ``cookies`` are the lines of ``Set-Cookie``, each by itself.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    cut: bool
    cookies: Sequence[str] = ()


class Exchange(asyncio.Protocol):
    """Feeds llhttp until one final answer is whole, cut or broken. One exchange serves one connection."""

    def __init__(self, trace: Trace, *, head: bool, keep: int, glance: bool = False, phase: str = "transfer") -> None:
        self._trace, self._head, self._keep, self._glance, self._phase = trace, head, keep, glance, phase
        self._started = self._is_http = self._headers_done = self._framed = False
        self._head_bytes = self._rest_bytes = self._idle_bytes = 0
        self._headers: dict[str, str] = {}
        self._cookies: list[str] = []
        self._body = bytearray()
        self.done: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    @property
    def began(self) -> bool:
        """Whether anything was heard yet."""
        return self._started

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._parser = httptools.HttpResponseParser(self)
        # RFC 9112 section 2.2 lets a recipient take a bare line feed; small devices send it.
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        if not self._started:
            self._started = True
            self._trace.enter(self._phase)
        room = MOST_HEADER_BYTES - self._head_bytes
        if not self._headers_done and len(data) > room:
            # The rest of this piece is looked at only where the headers end before it.
            self._feed(data[:room])
            if not self._headers_done:
                self._fail("headers_too_large", f"more than {MOST_HEADER_BYTES} bytes of headers")
                return
            data = data[room:]
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        """Everything counts that came over the wire: chunk framing, interim answers and trailers too."""
        if self._headers_done:
            self._rest_bytes += len(data)
            self._idle_bytes += len(data)
        else:
            self._head_bytes += len(data)
        if not self._is_http and not self._begins(data):
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._finish()
        except httptools.HttpParserError:
            self._fail("malformed", "the answer is not HTTP/1")
        if self._idle_bytes > MOST_HEADER_BYTES:
            self._fail("malformed", f"{MOST_HEADER_BYTES} bytes of chunk framing or trailers, and none of a body")
        if self._rest_bytes > MOST_BODY_BYTES:
            self._finish(cut=True)

    def _begins(self, data: bytes) -> bool:
        """Whether there is something for the parser, which would take RTSP and ICE for answers as well."""
        first = data.lstrip(b"\r\n")[:1]
        self._is_http = first == b"H"
        if first and not self._is_http:
            self._fail("malformed", "the answer is not HTTP/1")
        return self._is_http

    def eof_received(self) -> None:
        self._ended()

    def connection_lost(self, error: Exception | None) -> None:
        if error is None:
            self._ended()
        else:
            fail(self.done, error)
        self.__dict__.pop("_parser", None)  # it points back here; without the cycle both go at once

    # From the parser.

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or, after the body, one trailer: those are of no interest."""
        if self._headers_done:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key == "set-cookie":
            self._cookies.append(text)
        self._headers[key] = f"{self._headers[key]},{text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """The head of an interim (1xx) or of the final answer is whole; of what comes after that, nothing counts."""
        if self.done.done():
            return
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            self._fail("malformed", "the answer is not HTTP/1")
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._headers.clear()
            self._cookies.clear()
            return
        self._headers_done = True
        # RFC 9112 section 6.3: only where `chunked` is the last coding does the body say where it ends.
        codings = [each.strip(" \t").lower() for each in self._headers.get("transfer-encoding", "").split(",")]
        self._framed = "content-length" in self._headers or codings[-1] == "chunked"
        if codings.count("chunked") > 1:
            self._fail("malformed", "the body is chunked twice")
        if self._glance and 200 <= status < 300 and "html" in self._headers.get("content-type", "html").lower():
            self._keep = max(self._keep, MOST_GLANCED_BYTES)
        if self._head:
            self._finish()

    def on_body(self, data: bytes) -> None:
        """A piece of the body, without its chunk framing."""
        self._idle_bytes = 0
        if len(self._body) < self._keep and not self.done.done():
            self._body += data[: self._keep - len(self._body)]

    def on_message_complete(self) -> None:
        """An interim or the final answer is whole."""
        if self._headers_done:
            self._finish()

    # Ends.

    def _ended(self) -> None:
        """The server closed: the end of a body that has no other, too early for everything else."""
        if self.done.done():
            return
        if self._headers_done and not self._framed:
            self._finish()
        elif self._started:
            self._fail("incomplete", "the server closed in the middle of its answer")
        else:
            self._fail("closed", "the server closed without an answer")

    def _finish(self, *, cut: bool = False) -> None:
        if not self.done.done():
            status = self._parser.get_status_code()
            self.done.set_result(Response(status, self._headers, bytes(self._body), cut, self._cookies))

    def _fail(self, reason: str, detail: str) -> None:
        fail(self.done, Failure(reason, detail))


class _Noting(Exchange):
    """Notes what the answer is like, for whoever looks closely."""

    def __init__(self, trace: Trace, found: HttpFound, request: Request) -> None:
        super().__init__(trace, head=request.head, keep=request.keep, glance=request.glance)
        self._found, self._unpack = found, request.unpack

    def on_headers_complete(self) -> None:
        """Of an interim answer nothing is noted, nor of one that is refused for its headers."""
        if self.done.done():
            return
        super().on_headers_complete()
        refused = self.done.done() and self.done.exception() is not None
        if self._headers_done and not refused:
            version, status = self._parser.get_http_version(), self._parser.get_status_code()
            self._found.answered(status, version, self._headers, head=self._head, unpack=self._unpack)

    def on_body(self, data: bytes) -> None:
        """How much there is of it, kept or not; what comes after it belongs to no answer."""
        super().on_body(data)
        if not self.done.done():
            self._found.came(data)


class _Courier(Exchange):
    """Asks a proxy for a tunnel."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace, head=True, keep=0, phase="proxy")
        self.overdone = False
        """Whether the proxy went on after its answer. The tunnel's other end cannot be heard yet: we speak first."""

    def on_body(self, data: bytes) -> None:
        """What follows the head of an answer that has no body."""
        self.overdone = True


def _in_doubt(transport: asyncio.Transport) -> bool:
    """Whether a connection that broke was refused: the alert that says so can be lost with it."""
    session = transport.get_extra_info("ssl_object")
    return isinstance(session, Session) and session.in_doubt


@dataclass(frozen=True, slots=True)
class Tunnel:
    """How to ask a proxy for one, and what to make of its answer: ``judge`` raises where there is none."""

    wire: bytes
    judge: Callable[[Response], None]


class Request(NamedTuple):
    """What goes out, whole, as bytes, and what is kept of what comes back.

    ``keep`` is a number of bytes. With ``glance``, up to ``MOST_GLANCED_BYTES`` are kept of a good answer that is, or
    may be, a page. ``secure`` names the TLS context and the server's name; ``inspect`` is shown the session. Where
    there is a ``tunnel``, the address is a proxy's. ``unpack``: compression was asked for.
    """

    wire: bytes
    head: bool
    keep: int
    glance: bool = False
    secure: tuple[ssl.SSLContext, str] | None = None
    inspect: Callable[[ssl.SSLObject], None] | None = None
    tunnel: Tunnel | None = None
    unpack: bool = False

    def exchange(self, trace: Trace) -> Exchange:
        """Reads the answer."""
        if trace.found is not None:
            return _Noting(trace, trace.found.http, self)
        return Exchange(trace, head=self.head, keep=self.keep, glance=self.glance)


async def exchange(request: Request, address: Address, trace: Trace) -> Response:
    """Connect, send, and read the answer. ``Failure``, ``OSError`` or ``ssl.SSLError`` where there is none.

    The connection is gone when this returns, however it ends. Phases: ``connect``, ``proxy`` (until there is a tunnel),
    ``tls``, ``processing`` (until the first byte of the answer) and ``transfer``.
    """
    tunnel = request.tunnel
    transport, protocol = await connect(
        lambda: request.exchange(trace) if tunnel is None else _Courier(trace), address, trace
    )
    try:
        if tunnel is not None:
            await _dig(tunnel, transport, protocol, trace)
            protocol = request.exchange(trace)
            protocol.connection_made(transport)
        if request.secure is not None:
            nothing_said(protocol.began)
            transport = await start_tls(transport, protocol, *request.secure, trace)
            if request.inspect is not None:
                request.inspect(transport.get_extra_info("ssl_object"))
        trace.enter("processing")
        transport.write(request.wire)
        response = await protocol.done
        trace.close()
        return response
    except (ConnectionError, Failure) as error:
        silent = isinstance(error, ConnectionError) or error.answer.reason == "closed"
        if silent and _in_doubt(transport):
            raise Failure("client_certificate", "the server asked for one, and broke off without a word") from None
        raise
    finally:
        protocol.done.cancel()
        transport.abort()


async def _dig(tunnel: Tunnel, transport: asyncio.Transport, courier: Exchange, trace: Trace) -> None:
    """Have the proxy connect us with the target; what comes after that is the target's."""
    trace.enter("proxy")
    try:
        transport.write(tunnel.wire)
        tunnel.judge(await courier.done)
    finally:
        courier.done.cancel()
    if isinstance(courier, _Courier) and courier.overdone:
        raise Failure("malformed", "it said more than there is to say")
