"""What a body is held to, and the parser of the exchange under any input at all."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slawatch.probes.answer import Failure, Trace
from slawatch.probes.http_body import Scalar, same, text_of, value_at
from slawatch.probes.http_exchange import MOST_BODY_BYTES, Exchange, Response
from slawatch.probes.http_expect import Expect, judge
from support.clock import FakeClock


@pytest.mark.parametrize(
    ("value", "expected", "equal"),
    [
        ("ok", "ok", True),
        ("ok", "OK", False),
        (1, 1, True),
        (1, "1", True),
        (Decimal("0.10"), "0.1", True),
        (Decimal("1.0"), 1, True),
        (1, "one", False),
        ("1", 1, True),
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (True, "true", False),
        (None, None, True),
        (None, "null", False),
        (0, None, False),
        ([], "", False),
        ({}, None, False),
    ],
)
def test_when_a_value_is_the_same(value: Any, expected: Scalar, equal: bool) -> None:
    assert same(value, expected) is equal


def test_the_value_at_a_path() -> None:
    document = {"a": [{"b": 1}, 2], "": 3, "1": 4}
    assert value_at(document, "a.0.b") == 1
    assert value_at(document, "a.1") == 2
    assert value_at(document, "") == 3
    assert value_at(document, "1") == 4
    for path in ("a.2", "a.-1", "a.b", "a.0.b.c", "x", "a.²"):
        with pytest.raises(KeyError):
            value_at(document, path)


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("", "ü".encode(), "ü"),
        ("iso-8859-1", b"\xfc", "ü"),
        ("ISO-8859-99", "ü".encode(), "ü"),
        ('"utf-16le"', "ü".encode("utf-16le"), "ü"),
        ("zlib_codec", "ü".encode(), "ü"),
        ("idna", b"\xff", "\ufffd"),
    ],
)
def test_the_text_of_a_body(charset: str, body: bytes, text: str) -> None:
    assert text_of(body, {"content-type": f"text/html; charset={charset}"}) == text


def outcome(data: bytes, cuts: list[int]) -> Response | str | None:
    """What an exchange makes of ``data`` when it comes in pieces, and then the end."""
    exchange = Exchange(Trace(FakeClock()), head=False, keep=MOST_BODY_BYTES)
    exchange.connection_made(asyncio.Transport())
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, end in pairwise(edges):
        exchange.data_received(data[start:end])
    exchange.eof_received()
    exchange.connection_lost(None)
    try:
        return exchange.done.result()
    except Failure as failure:
        return failure.answer.reason


STATUS = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 404 N", b"HTTP/1.1 100 C", b"HTTP/1.1 204 N", b"HTTP/1.1 101 S"]
)
HEADER = st.sampled_from(
    [
        b"Content-Length: 3",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"Upgrade: x",
        b"X: \xff",
        b"content-length: 0",
    ]
)
TAIL = st.sampled_from([b"abc", b"3\r\nabc\r\n", b"0\r\n\r\n", b"", b"\r\n", b"x" * 100, b"0\r\nX: y\r\n\r\n"])
MESSAGE = st.builds(
    lambda status, headers, tails: b"\r\n".join([status, *headers, b"", b"".join(tails)]),
    STATUS,
    st.lists(HEADER, max_size=3),
    st.lists(TAIL, max_size=4),
)
DATA = st.one_of(st.binary(max_size=200), st.lists(MESSAGE, max_size=3).map(b"".join))


async def test_any_bytes_in_any_pieces_come_to_the_same_end() -> None:
    @given(DATA, st.lists(st.integers(0, 200), max_size=8))
    @example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", [1, 20, 50, 60])
    @example(b"HTTP/1.1 002\ncontent-length:0\n\nHTTP/1.1 100\n\n", [38])
    def check(data: bytes, cuts: list[int]) -> None:
        whole = outcome(data, [])
        assert whole is not None
        assert outcome(data, cuts) == whole

    check()


@pytest.mark.parametrize(
    ("body", "expect"),
    [
        (b"[" + b"{}," * 174_000 + b"{}]", {"json": {"0": 1}}),
        (b"[" + b"[]," * 174_000 + b"[]]", {"json": {"0": 1}}),
        (b"[" + b"1.5," * 130_000 + b"1]", {"json": {"x": 1}}),
        (gzip.compress("\U0001f4a3".encode() + b"x" * 50_000_000), {"body": "hello"}),
        (gzip.compress(b"<input " * 10_000_000), {}),
    ],
)
def test_what_a_hostile_body_costs(body: bytes, expect: dict[str, Any]) -> None:
    """Bytes that Python holds at the worst moment, beside the megabyte that was received."""
    assert len(body) <= MOST_BODY_BYTES
    encoding = {"content-encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    response = Response(200, encoding, body, False)
    tracemalloc.start()
    try:
        with suppress(Failure):
            judge(response, Expect.model_validate(expect))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


async def test_no_more_of_a_body_is_kept_than_the_limit() -> None:
    exchange = Exchange(Trace(FakeClock()), head=False, keep=MOST_BODY_BYTES)
    exchange.connection_made(asyncio.Transport())
    exchange.data_received(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000)
    while not exchange.done.done():
        exchange.data_received(b"x" * 200_000)
    response = exchange.done.result()
    assert response.cut
    assert len(response.body) == MOST_BODY_BYTES
    exchange.data_received(b"more")
    exchange.connection_lost(None)
