"""HTTP replies good and bad, and an oracle: what a strict reader, slow and plain, takes for an answer as agreed."""

from __future__ import annotations

import gzip
import re
import zlib
from random import Random

from parity.mutations import mutated

TEXT = b"hello"
OPTIONS = {"expect": {"body": TEXT.decode()}}

WORDS = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: -1\r\n", b"Content-Length : 5\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
    b"Content-Encoding: gzip\r\n", b"Content-Encoding: br\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n",
    b"ffffffffffffffff\r\n",
    b"Connection: keep-alive\r\n", b"Upgrade: h2c\r\n", b"Location: /\r\n", b"hello", b"X: " + b"a" * 200 + b"\r\n",
    b"Content-Type: text/html; charset=utf-16\r\n", b" folded\r\n", b"\r\n\r\n",
)  # fmt: skip


def _head(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([status, *lines, b"", b""])


VALID = (
    _head(b"Content-Length: 11") + b"well, hello",
    _head(b"Server: test", b"Content-Type: text/plain", b"Content-Length: 5") + TEXT,
    _head(b"Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n",
    _head(b"Transfer-Encoding: chunked") + b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
    _head(b"Connection: close") + b"hello and goodbye",
    _head(b"Date: today", status=b"HTTP/1.0 200 OK") + TEXT,
    _head(status=b"HTTP/1.1 103 Early Hints") + _head(b"Content-Length: 5") + TEXT,
    _head(b"Content-Encoding: gzip") + gzip.compress(TEXT, mtime=0),
    _head(b"Content-Encoding: deflate", b"Content-Length: 13") + zlib.compress(TEXT),
)


def reply(random: Random) -> bytes:
    """One reply, now and then a valid one."""
    valid = random.choice(VALID)
    return valid if random.random() < 0.1 else mutated(random, valid, WORDS)


_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r?\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(?:;[^\r\n]*)?\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")


class _Wrong(Exception):
    """The reply is not an answer."""


def is_good(wire: bytes) -> bool:
    """Whether the reply, after which the server closes, is a 2xx whose body holds the text."""
    try:
        return _is_good(wire)
    except (_Wrong, zlib.error):
        return False


def _is_good(wire: bytes) -> bool:
    status, headers, rest = _head_of(wire)
    while 100 <= status < 200 and status != 101:
        status, headers, rest = _head_of(rest)
    return 200 <= status < 300 and status != 204 and TEXT in _decoded(_body(headers, rest), headers)


def _head_of(wire: bytes) -> tuple[int, dict[str, list[bytes]], bytes]:
    wire = wire.lstrip(b"\r\n")  # robustness that llhttp and browsers have
    line = _STATUS.match(wire)
    if line is None or wire[line.end() : line.end() + 1] in (b" ", b"\t"):
        raise _Wrong
    end = re.compile(rb"\r?\n\r?\n").search(wire, line.end() - 2)
    if end is None:
        raise _Wrong
    lines = _FOLD.sub(b" ", wire[line.end() : end.start()] + b"\n")
    headers: dict[str, list[bytes]] = {}
    place = 0
    while place < len(lines) and lines != b"\n":
        field = _FIELD.match(lines, place)
        if field is None:
            raise _Wrong
        headers.setdefault(field[1].decode().lower(), []).append(field[2])
        place = field.end()
    return int(line[1]), headers, wire[end.end() :]


def _body(headers: dict[str, list[bytes]], rest: bytes) -> bytes:
    codings = b",".join(headers.get("transfer-encoding", [])).lower()
    lengths = headers.get("content-length", [])
    if codings and lengths:
        raise _Wrong
    if codings.rpartition(b",")[2].strip() == b"chunked":
        return _chunks(rest)
    if not lengths:
        return rest
    if len(lengths) > 1 or not lengths[0].isdigit() or len(rest) < int(lengths[0]):
        raise _Wrong
    return rest[: int(lengths[0])]


def _chunks(rest: bytes) -> bytes:
    body, place = b"", 0
    while True:
        line = _CHUNK.match(rest, place)
        if line is None:
            raise _Wrong
        length = int(line[1], 16)
        place = line.end()
        if not length:
            break
        if length > len(rest):
            raise _Wrong
        body += rest[place : place + length]
        ending = re.compile(rb"\r?\n").match(rest, place + length)
        if ending is None:
            raise _Wrong
        place = ending.end()
    if re.compile(rb"(?:[^\r\n]+\r?\n)*\r?\n").match(rest, place) is None:
        raise _Wrong
    return body


def _decoded(body: bytes, headers: dict[str, list[bytes]]) -> bytes:
    encoding = b",".join(headers.get("content-encoding", [])).strip().lower()
    if encoding in (b"gzip", b"x-gzip"):
        body = zlib.decompressobj(31).decompress(body)
    elif encoding == b"deflate":
        body = zlib.decompressobj(15 if body[:1] and body[0] & 15 == 8 else -15).decompress(body)
    elif encoding not in (b"", b"identity"):
        raise _Wrong
    charset = re.search(rb"charset=\"?([\w.:-]+)", b",".join(headers.get("content-type", [])), re.IGNORECASE)
    if charset and charset[1].lower().startswith(b"utf-16"):
        return body.decode("utf-16", errors="replace").encode()
    return body
