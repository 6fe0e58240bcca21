"""The kind `http` against awkward servers: what each of them is called."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import ValidationError

from probes.driver import HASTY, Driver
from probes.scene import Scene
from probes.servers import Behaviour, Servers, break_off, end, endless, reset, silence
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.kinds.http import Options, target
from slawatch.probes.registry import kinds

CRLF = b"\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """What a server says, part by part, and what the probe then says of it."""

    name: str
    reason: str
    parts: tuple[bytes, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    hang: bool = False
    """Go silent at the end instead of closing."""
    detail: str | None = None

    def __str__(self) -> str:
        return self.name


def body(text: bytes, *headers: bytes) -> bytes:
    return OK + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + text


GZIP = b"Content-Encoding: gzip"
BOMB = gzip.compress(b"x" * 50_000_000)
RAW_DEFLATE = zlib.compress(b"hello")[2:-4]

CASES = [
    Case("content-length", "answered", (HELLO,)),
    Case("content-length, connection left open", "answered", (HELLO,), hang=True),
    Case("byte by byte", "answered", tuple(bytes([byte]) for byte in HELLO)),
    Case("chunked", "answered", (CHUNKED, b"5\r\nhello\r\n", b"0\r\n\r\n"), {"expect": {"body": "hello"}}, hang=True),
    Case("chunked with trailers", "answered", (CHUNKED, b"0\r\nX: y\r\n\r\n"), hang=True),
    Case("until close", "answered", (OK + b"\r\nhello",), {"expect": {"body": "hello"}}),
    Case("HTTP/1.0", "answered", (b"HTTP/1.0 200 OK\r\n\r\nhello",), {"expect": {"body": "hello"}}),
    Case(
        "HTTP/1.0 kept alive",
        "answered",
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",),
        hang=True,
    ),
    Case(
        "HTTP/1.0 in chunks",
        "answered",
        (b"HTTP/1.0 200 OK\r\n" + CHUNKED.partition(b"\n")[2] + b"2\r\nhi\r\n0\r\n\r\n",),
        {"expect": {"body": "hi"}},
        hang=True,
    ),
    Case(
        "HTTP/1.0 asked for",
        "answered",
        (b"HTTP/1.0 200 OK\r\n\r\nhello",),
        {"http_version": "1.0", "expect": {"body": "hello"}},
    ),
    Case("HTTP/1.0 that breaks off", "incomplete", (b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhell",)),
    Case("HTTP/0.9", "malformed", (b"<html>hello</html>",)),
    Case("a status line of HTTP/0.9", "malformed", (b"HTTP/0.9 200 OK\r\n\r\nhello",)),
    Case("a status line of HTTP/2.0", "malformed", (b"HTTP/2.0 200 OK\r\n\r\nhello",)),
    Case("a version that there is not", "malformed", (b"HTTP/1.2 200 OK\r\n\r\nhello",)),
    Case("RTSP", "malformed", (b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",)),
    Case("empty lines first", "answered", (b"\r\n", b"\r\n" + HELLO), hang=True),
    Case("white space before the first header", "malformed", (OK + b" X: y\r\nContent-Length: 0\r\n\r\n",), hang=True),
    Case(
        "white space before the first header, byte by byte",
        "malformed",
        tuple(bytes([byte]) for byte in b"\r\n" + OK + b"\tX: y\r\nContent-Length: 0\r\n\r\n"),
        hang=True,
    ),
    Case("a header that goes on after white space", "malformed", (OK + b"X: y\r\n z\r\nContent-Length: 0\r\n\r\n",)),
    Case("nothing but empty lines", "headers_too_large", (b"\r\n" * 20_000,), hang=True),
    Case("204 with a body", "answered", (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",)),
    Case(
        "304 with a body",
        "answered",
        (b"HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\nhello",),
        {"expect": {"status": 304}},
    ),
    Case("a body longer than its length", "body", (HELLO + b"world",), {"expect": {"body": "world"}}),
    Case(
        "a coding that is not chunked, until close",
        "answered",
        (OK + b"Transfer-Encoding: notchunked\r\n\r\nhello",),
        {"expect": {"body": "hello"}},
    ),
    Case("a length that overflows", "malformed", (OK + b"Content-Length: 99999999999999999999999\r\n\r\nhello",)),
    Case("a chunk that overflows", "malformed", (CHUNKED + b"fffffffffffffffff\r\nhello",)),
    Case(
        "a JSON document of a megabyte",
        "too_large",
        (body(b"[" + b"{}," * 300_000 + b"{}]"),),
        {"expect": {"json": {"0": 1}}},
    ),
    Case("bare line feeds", "answered", (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",), hang=True),
    Case("no reason phrase", "answered", (b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",), hang=True),
    Case("204 without a body", "answered", (b"HTTP/1.1 204 No Content\r\n\r\n",), hang=True),
    Case("304 with a length and no body", "status", (b"HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n",), hang=True),
    Case("304 as agreed", "answered", (b"HTTP/1.1 304 N\r\n\r\n",), {"expect": {"status": 304}}, hang=True),
    Case("HEAD with a length", "answered", (OK + b"Content-Length: 99\r\n\r\n",), {"method": "HEAD"}, hang=True),
    Case("100-continue first", "answered", (b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n", HELLO), hang=True),
    Case("103 first, in one piece", "answered", (b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + HELLO,)),
    Case("101 nobody asked for", "status", (b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxyz",)),
    Case("500", "status", (b"HTTP/1.1 500 canary\r\n\r\n",), detail="500, expected 200-299"),
    Case("404 agreed", "answered", (b"HTTP/1.1 404 N\r\n\r\n",), {"expect": {"status": [401, "403-404"]}}),
    Case("302 with redirects off", "status", (b"HTTP/1.1 302 F\r\nLocation: /x\r\n\r\n",)),
    Case("extra bytes after the end", "answered", (HELLO + b"garbage",)),
    Case("never answers", "timeout", hang=True, detail="not done within 320ms; last phase: processing"),
    Case("headers and then nothing", "timeout", (OK,), hang=True, detail="not done within 320ms; last phase: transfer"),
    Case("half a body and then nothing", "timeout", (OK + b"Content-Length: 9\r\n\r\nhell",), hang=True),
    Case("closes at once", "closed"),
    Case("closes within its headers", "incomplete", (OK + b"Content-Le",)),
    Case("closes within its body", "incomplete", (OK + b"Content-Length: 9\r\n\r\nhell",)),
    Case("closes within a chunk", "incomplete", (CHUNKED + b"9\r\nhell",)),
    Case("closes before the last chunk", "incomplete", (CHUNKED + b"4\r\nhell\r\n",)),
    Case("closes after 100-continue", "incomplete", (b"HTTP/1.1 100 Continue\r\n\r\n",)),
    Case("chunked garbage", "malformed", (CHUNKED + b"zz\r\n",)),
    Case("not HTTP", "malformed", (b"SSH-2.0-OpenSSH_9.6\r\n",)),
    Case("HTTP/2 preface", "malformed", (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",)),
    Case("length and chunked", "malformed", (OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",)),
    Case("two lengths", "malformed", (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",)),
    Case("a negative length", "malformed", (OK + b"Content-Length: -5\r\n\r\nhello",)),
    Case("a NUL in a header", "malformed", (OK + b"X: a\0b\r\n\r\n",)),
    Case("huge headers", "headers_too_large", (OK + b"X: " + b"a" * 40_000 + b"\r\n",), hang=True),
    Case("many interim answers", "headers_too_large", (b"HTTP/1.1 102 P\r\n\r\n" * 2000,), hang=True),
    Case("body as agreed", "answered", (HELLO,), {"expect": {"body": "ell", "regex": "^h.llo$"}}),
    Case("another body", "body", (HELLO,), {"expect": {"body": "Hello"}}, detail="the expected text is not in it"),
    Case("another pattern", "body", (HELLO,), {"expect": {"regex": "h$"}}),
    Case(
        "Latin-1",
        "answered",
        (body(b"gr\xfc\xdfe", b"Content-Type: text/html; charset=ISO-8859-1"),),
        {"expect": {"body": "grüße"}},
    ),
    Case("UTF-8 without a charset", "answered", (body("grüße".encode()),), {"expect": {"body": "grüße"}}),
    Case(
        "a charset that is a trap",
        "answered",
        (body(b"hello", b"Content-Type: a; charset=punycode"),),
        {"expect": {"body": "hello"}},
    ),
    Case(
        "JSON",
        "answered",
        (body(b'{"a":[{"b":1.50}],"c":null,"d":true,"e":"x"}'),),
        {"expect": {"json": {"a.0.b": "1.5", "c": None, "d": True, "e": "x"}}},
    ),
    Case(
        "JSON with another value",
        "body",
        (body(b'{"a":"canary"}'),),
        {"expect": {"json": {"a": "ok"}}},
        detail="a is not what is expected",
    ),
    Case(
        "JSON without the path",
        "body",
        (body(b'{"a":[1]}'),),
        {"expect": {"json": {"a.1": 1}}},
        detail="there is no a.1 in it",
    ),
    Case("true is not 1", "body", (body(b'{"a":true}'),), {"expect": {"json": {"a": 1}}}),
    Case("no JSON", "body", (HELLO,), {"expect": {"json": {"a": 1}}}),
    Case("deep JSON", "body", (body(b"[" * 200_000),), {"expect": {"json": {"a": 1}}}),
    Case("gzip", "answered", (body(gzip.compress(b"hello"), GZIP),), {"expect": {"body": "hello"}, "compressed": True}),
    Case(
        "deflate",
        "answered",
        (body(zlib.compress(b"hello"), b"Content-Encoding: deflate"),),
        {"expect": {"body": "hello"}},
    ),
    Case("raw deflate", "answered", (body(RAW_DEFLATE, b"Content-Encoding: deflate"),), {"expect": {"body": "hello"}}),
    Case("gzip cut short", "malformed", (body(gzip.compress(b"hello")[:-9], GZIP),), {"expect": {"body": "hello"}}),
    Case("no gzip", "malformed", (body(b"hello", GZIP),), {"expect": {"body": "hello"}}),
    Case("a gzip bomb that nobody opens", "answered", (body(BOMB, GZIP),)),
    Case("a gzip bomb", "too_large", (body(BOMB, GZIP),), {"expect": {"body": "hello"}}),
    Case("brotli", "encoding", (body(b"hello", b"Content-Encoding: br"),), {"expect": {"body": "hello"}}),
    Case("a megabyte and more", "answered", (body(b"x" * 2_000_000),)),
    Case("found before the limit", "answered", (body(b"hello" + b"x" * 2_000_000),), {"expect": {"body": "hello"}}),
    Case("not before the limit", "too_large", (body(b"x" * 2_000_000 + b"hello"),), {"expect": {"body": "hello"}}),
    Case("a pattern that explodes", "pattern_too_slow", (body(b"a" * 64),), {"expect": {"regex": "(a+)+b"}}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_verdicts(observe: Driver, servers: Servers, case: Case) -> None:
    port = await servers.answering(*case.parts, hang=case.hang)
    patience = {"timeout": HASTY * 4} if case.reason == "timeout" else {}
    seen = await observe("http", f"http://127.0.0.1:{port}/", **patience, **case.options)
    assert seen.reason == case.reason, seen
    assert seen.verdict is kinds()["http"].reasons[case.reason].verdict
    assert case.detail is None or seen.detail == case.detail
    assert "canary" not in seen.detail


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK + b"Content-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.005)


async def _half_and_reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK + b"Content-Length: 9\r\n\r\nhell")
    await writer.drain()
    break_off(writer)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (silence, "timeout"),
        (_drip, "timeout"),
        (reset, "reset"),
        (_half_and_reset, "reset"),
        (endless(OK + b"X: ", b"a" * 4096), "headers_too_large"),
        (endless(b"", b"HTTP/1.1 100 C\r\n\r\n" * 100), "headers_too_large"),
        (endless(OK + b"\r\n", b"a" * 65536), "answered"),
        (endless(CHUNKED, b"1\r\nx\r\n" * 1000), "answered"),
        (endless(CHUNKED + b"0\r\nX: ", b"a" * 65536), "malformed"),
    ],
)
async def test_servers_that_go_on(observe: Driver, servers: Servers, behaviour: Behaviour, reason: str) -> None:
    port = await servers.start(behaviour)
    patience = {"timeout": HASTY} if reason == "timeout" else {}
    assert (await observe("http", f"http://127.0.0.1:{port}/", **patience)).reason == reason


async def test_a_closed_and_a_full_port(observe: Driver, servers: Servers) -> None:
    assert (await observe("http", f"http://127.0.0.1:{servers.unused()}/")).reason == "refused"
    seen = await observe("http", f"http://127.0.0.1:{servers.full()}/", HASTY)
    assert (seen.reason, seen.detail) == ("timeout", "not done within 80ms; last phase: connect")


async def test_phases_follow_each_other_and_add_up(observe: Driver, servers: Servers) -> None:
    port = await servers.answering(HELLO)
    seen = await observe("http", f"http://localhost:{port}/")
    assert [name for name, _ in seen.phases] == ["resolve", "connect", "processing", "transfer"]
    assert sum(length for _, length in seen.phases) <= seen.duration


async def test_slow_is_degraded_and_a_failure_stays_one(observe: Driver, servers: Servers) -> None:
    port = await servers.answering(HELLO)
    assert (await observe("http", f"http://127.0.0.1:{port}/", slow="1us")).verdict is Verdict.DEGRADED
    assert (await observe("http", f"http://127.0.0.1:{port}/", slow="1us", expect={"status": 500})).reason == "status"


async def test_the_request_as_it_goes_out(observe: Driver, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", "s3cret")
    port = await servers.answering(HELLO)
    await observe(
        "http",
        f"http://127.0.0.1:{port}/a b?q=ü&r=%20#part".replace(" ", "%20"),
        method="POST",
        headers={"X-Test": "yes", "user-agent": "probe", "X-Key": {"env": "SLAWATCH_TEST_TOKEN"}},
        auth={"basic": {"user": "ann", "password": {"env": "SLAWATCH_TEST_TOKEN"}}},
        body="größe",
        compressed=True,
    )
    head, _, _ = servers.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    assert first == "POST /a%20b?q=%C3%BC&r=%20 HTTP/1.1"
    assert sorted(lines) == [
        "Accept-Encoding: gzip, deflate",
        "Accept: */*",
        "Authorization: Basic YW5uOnMzY3JldA==",
        "Connection: close",
        "Content-Length: 7",
        f"Host: 127.0.0.1:{port}",
        "User-Agent: probe",
        "X-Key: s3cret",
        "X-Test: yes",
    ]


async def _echo_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK + b"\r\n" + await reader.readexactly(7))
    await end(writer)


async def test_the_body_goes_out_as_utf_8(observe: Driver, servers: Servers) -> None:
    port = await servers.start(_echo_body)
    seen = await observe("http", f"http://127.0.0.1:{port}/", method="POST", body="größe", expect={"body": "größe"})
    assert seen.verdict is Verdict.UP


async def test_a_bearer_token(observe: Driver, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", "abc")
    port = await servers.answering(HELLO)
    await observe("http", f"http://127.0.0.1:{port}/", auth={"bearer": {"env": "SLAWATCH_TEST_TOKEN"}})
    assert b"\r\nAuthorization: Bearer abc\r\n" in servers.requests[0]


@pytest.mark.parametrize("value", [None, "two\nlines", "a\rb"])
async def test_a_secret_that_cannot_be_used(
    observe: Driver, servers: Servers, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """S11: our own missing secret says nothing of the endpoint."""
    monkeypatch.delenv("SLAWATCH_TEST_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("SLAWATCH_TEST_TOKEN", value)
    port = await servers.answering(HELLO)
    seen = await observe("http", f"http://127.0.0.1:{port}/", headers={"X-Key": {"env": "SLAWATCH_TEST_TOKEN"}})
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "secret_unavailable", Cause.PROBER_FAULT)
    assert servers.connections == 0


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"metod": "GET"}, "metod"),
        ({"method": "get"}, "method"),
        ({"expect": {"status": 99}}, "status"),
        ({"expect": {"status": "299-200"}}, "status"),
        ({"expect": {"status": []}}, "status"),
        ({"expect": {"status": True}}, "status"),
        ({"expect": {"regex": "("}}, "regex"),
        ({"expect": {"body": ""}}, "body"),
        ({"expect": {"json": {}}}, "json"),
        ({"expect": {"jsn": {}}}, "jsn"),
        ({"headers": {"X Y": "a"}}, "headers"),
        ({"headers": {"X": "a\r\nY: b"}}, "headers"),
        ({"headers": {"Content-Length": "5"}}, "headers"),
        ({"http_version": "2"}, "http_version"),
        ({"http_version": 1.0}, "http_version"),
        ({"expect": {"headers": {"X Y": "a"}}}, "headers"),
        ({"expect": {"headers": {"X": ""}}}, "headers"),
        ({"expect": {"headers": {"X": "a", "x": "b"}}}, "headers"),
        ({"expect": {"header_patterns": {"X": "("}}}, "header_patterns"),
        ({"expect": {"absent_headers": ["a b"]}}, "absent_headers"),
        ({"expect": {"absent_headers": ["x"], "headers": {"X": "a"}}}, "expect"),
        ({"expect": {"login_page": "yes"}}, "login_page"),
        ({"redirects": "same_host"}, "redirects"),
        ({"redirects": ["a.example"], "expect": {"status": [302, 200]}}, "redirects"),
        ({"redirects": "same_host", "expect": {"absent_headers": ["x"]}}, "redirects"),
        ({"tls": {"expires_within": 14}}, "expires_within"),
        ({"auth": {}}, "auth"),
        ({"auth": {"bearer": "in plain"}}, "bearer"),
        ({"auth": {"bearer": {"env": "A"}, "basic": {"user": "a", "password": {"env": "A"}}}}, "auth"),
        ({"auth": {"basic": {"user": "a:b", "password": {"env": "A"}}}}, "user"),
        ({"redirects": "on"}, "redirects"),
        ({"redirects": ["a b"]}, "redirects"),
        ({"compressed": "yes"}, "compressed"),
        ({"tls": {"verify": "yes"}}, "verify"),
        ({"tls": {"ca": "relative.pem"}}, "ca"),
        ({"tls": {"name": "a b"}}, "name"),
        ({"slow": 5}, "slow"),
        ({"slow": "5"}, "slow"),
        ({"ip": 5}, "ip"),
    ],
)
def test_options_that_are_none_name_the_key(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(options)
    assert all(key in error["loc"] for error in caught.value.errors())
    assert "in plain" not in str(caught.value)


def test_nothing_is_expected_of_a_body_that_cannot_come() -> None:
    with pytest.raises(ValidationError, match="method: HEAD"):
        Options.model_validate({"method": "HEAD", "expect": {"body": "x"}})


@pytest.mark.parametrize(
    "text",
    [
        "host.example",
        "ftp://host/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://user:canary@host/",
        "http://host/a b",
        "http://host/\r\nX: y",
        "http://ho\tst/",
        "http://host:0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1/",
        "http://a\\b/",
        "http://-a.example/",
    ],
)
def test_targets_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        target(text)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("https://Acme.Example", "https://acme.example/"),
        ("https://acme.example:443/a?b#c", "https://acme.example/a?b"),
        ("http://acme.example:8080?q", "http://acme.example:8080/?q"),
        ("HTTP://[::1]:80/", "http://[::1]/"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
    ],
)
def test_targets(text: str, whole: str) -> None:
    assert str(target(text)) == whole
    assert target(whole) == target(text)


async def _repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say everything back: in the reason phrase, in headers, as a redirect, and as the body."""
    heard = (await reader.readuntil(b"\r\n\r\n")).replace(b"\r\n", b" ")
    writer.write(b"HTTP/1.1 302 " + heard + b"\r\nLocation: http://other.example/" + heard)
    writer.write(b"\r\nX: " + heard + b"\r\n\r\n" + heard)
    await end(writer)


class Secretive(Scene):
    """Every place for a secret at once, before a server that repeats what it hears."""

    async def secretive(self, servers: Servers, secret: dict[str, str]) -> tuple[str, list[dict[str, Any]]]:
        common = {"auth": {"basic": {"user": "ann", "password": secret}}, "headers": {"X-Key": secret}}
        variants: list[dict[str, Any]] = [
            {},
            {"redirects": "same_host", "expect": {"body": "x y z"}},
            {"expect": {"status": 302, "headers": {"X": "x y z"}}},
            {"expect": {"status": 302, "header_patterns": {"X": "x y z"}}},
            {"expect": {"status": 302, "absent_headers": ["X"]}},
            {"expect": {"status": 302, "body": "x y z"}},
            {"expect": {"status": 302, "json": {"a": "b"}}},
            {"auth": {"bearer": secret}},
        ]
        url = f"http://127.0.0.1:{await servers.start(_repeat)}"
        proxied = {"proxy": url, "proxy_auth": {"user": "ann", "password": secret}}
        return url, [common | variant for variant in (*variants, proxied)]


async def _good(servers: Servers) -> str:
    return f"http://127.0.0.1:{await servers.answering(HELLO)}/"


async def _silent(servers: Servers) -> str:
    return f"http://127.0.0.1:{await servers.start(silence)}/"


async def _flood(servers: Servers) -> str:
    return f"http://127.0.0.1:{await servers.start(endless(OK + CRLF, b'x' * 4096, servers.sent))}/"


SCENE = Secretive(good=_good, silent=_silent, flood=_flood)
