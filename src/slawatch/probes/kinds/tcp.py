"""TCP: whether a port accepts connections, and, where asked, says what it should."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from slawatch.domain.observation import Verdict
from slawatch.probes.answer import ANY, STREAM, Answer, Failure, Reason, Reasons, fail
from slawatch.probes.options import HostPort, NetworkOptions, parse_host_port
from slawatch.probes.outbound import Address, connect
from slawatch.probes.probe import ProbeContext

SCHEMES = ("tcp",)

MOST_BYTES = 4096
"""How much of what the server says is looked at."""

REASONS: Reasons = {
    **ANY,
    **STREAM,
    "unexpected": Reason(Verdict.DOWN, "The server ended, or said 4 KiB, without the text in `expect`."),
}


_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[rnt0\\]|)", re.DOTALL)
_PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def _unescape(value: object) -> bytes:
    """UTF-8 of a text in which `\\r \\n \\t \\0 \\xHH \\\\` stand for single bytes."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text that is not empty")
    return _ESCAPE.sub(_byte, value.encode())


def _byte(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if not code:
        raise ValueError("holds a backslash that starts no escape: write \\r, \\n, \\t, \\0, \\xHH or \\\\")
    return bytes.fromhex(code[1:].decode()) if code.startswith(b"x") else _PLAIN[code]


Escaped = Annotated[bytes, BeforeValidator(_unescape), WithJsonSchema({"type": "string", "minLength": 1})]


class Options(NetworkOptions):
    """Options of the kind `tcp`."""

    send: Escaped | None = Field(
        default=None,
        max_length=MOST_BYTES,
        description="Text to send once connected; the escapes `\\r \\n \\t \\0 \\xHH \\\\` are understood.",
    )
    expect: Escaped | None = Field(
        default=None,
        max_length=1024,
        description="Text that must occur in the first 4 KiB of what the server says; escapes as in `send`.",
    )


def target(text: str) -> HostPort:
    """`host:port`, `[address]:port`, or the same after `tcp://`; ``ValueError`` says what is wrong."""
    return parse_host_port(text, "tcp")


class _Conversation(asyncio.Protocol):
    """Collects what the server says until the expected bytes occur."""

    def __init__(self, expect: bytes) -> None:
        self._expect = expect
        self._heard = bytearray()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        self._heard += data[: MOST_BYTES - len(self._heard)]
        if self._expect in self._heard:
            self.done.set_result(None)
        elif len(self._heard) >= MOST_BYTES:
            self._fail("in its first 4 KiB")

    def eof_received(self) -> None:
        self._fail("before it closed")

    def connection_lost(self, error: Exception | None) -> None:
        if error is None:
            self._fail("before it closed")
        else:
            fail(self.done, error)

    def _fail(self, when: str) -> None:
        heard = repr(bytes(self._heard[:60]))[1:] if self._heard else "nothing"
        fail(self.done, Failure("unexpected", f"the server said {heard} {when}"))


async def probe(target: HostPort, options: Options, context: ProbeContext) -> Answer:
    """Connect; send and wait for the expected text where options say so; close."""
    trace = context.trace
    address = await context.outbound.address(target.host, target.port, options.ip, context.deadline, trace)
    if options.send is None and options.expect is None:
        transport, _ = await connect(asyncio.Protocol, address, trace)
        trace.close()
        transport.abort()
    else:
        await _converse(options, context, address)
    return context.judged(trace.spent(without="resolve"), options.slow)


async def _converse(options: Options, context: ProbeContext, address: Address) -> None:
    transport, conversation = await connect(lambda: _Conversation(options.expect or b""), address, context.trace)
    try:
        context.trace.enter("answer")
        if options.send is not None:
            transport.write(options.send)
        if options.expect is not None:
            await conversation.done
        context.trace.close()
    finally:
        conversation.done.cancel()
        transport.abort()
