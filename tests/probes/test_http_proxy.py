"""The kind `http` through a proxy: what is the target's, and what is the fault of a proxy that is ours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from probes.certificates import NOW, Authority, authority
from probes.driver import HASTY, PATIENT, Driver
from probes.servers import Servers, break_off, end, silence
from slawatch.domain.interval import to_instant
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.http_exchange import Response
from slawatch.probes.http_proxy import judge_forwarded, parse_proxy
from slawatch.probes.kinds.http import Options
from slawatch.probes.registry import kinds
from support.proxy import MakeSquid

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere"
CANARY = "canary-77aa"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", CANARY)
    return {"user": "ann", "password": {"env": "SLAWATCH_TEST_TOKEN"}}


# --- Squid -----------------------------------------------------------------------------------------------------------


async def test_through_squid(observe: Driver, servers: Servers, squid: MakeSquid, root: Authority) -> None:
    """By name: the proxy resolves it, we could not."""
    proxy = squid()
    plain = await servers.answering(OK)
    secure = await servers.answering(OK, tls=root.server("inner.test"))
    options: dict[str, Any] = {"proxy": proxy.url, "expect": {"body": "there"}}
    seen = await observe("http", f"http://inner.test:{plain}/a?b", **options)
    assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")
    assert [name for name, _ in seen.phases] == ["connect", "processing", "transfer"]
    assert servers.requests[0].startswith(b"GET /a?b HTTP/1.1\r\n")
    seen = await observe("http", f"https://inner.test:{secure}/", tls={"ca": root.path}, **options)
    assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")
    assert [name for name, _ in seen.phases] == ["connect", "proxy", "tls", "processing", "transfer"]
    assert seen.certificate_expiry is not None
    seen = await observe("http", f"http://127.0.0.1:{plain}/", http_version="1.0", **options)
    assert seen.verdict is Verdict.UP
    proxy.stop()
    assert f"CONNECT inner.test:{secure}" in proxy.requests()


async def test_what_squid_says_of_the_target(
    observe: Driver, servers: Servers, squid: MakeSquid, root: Authority
) -> None:
    proxy = squid()
    unused, bad = servers.unused(), await servers.answering(b"HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n")
    expired = await servers.answering(OK, tls=root.server("127.0.0.1", ends=NOW))
    cases = [
        (f"http://127.0.0.1:{unused}/", Verdict.DOWN, "unreachable_by_proxy"),
        (f"https://127.0.0.1:{unused}/", Verdict.DOWN, "unreachable_by_proxy"),
        (f"http://127.0.0.1:{bad}/", Verdict.DOWN, "status"),
        (f"https://127.0.0.1:{expired}/", Verdict.DOWN, "certificate_expired"),
        ("http://127.0.0.9:8080/", Verdict.VOID, "proxy_refused"),
        ("https://127.0.0.9/", Verdict.VOID, "proxy_refused"),
        ("http://unknown.test:8080/", Verdict.VOID, "proxy_refused"),
        ("https://unknown.test/", Verdict.VOID, "proxy_refused"),
    ]
    for url, verdict, reason in cases:
        seen = await observe("http", url, proxy=proxy.url, tls={"ca": root.path}, timeout=4 * PATIENT)
        assert (seen.verdict, seen.reason) == (verdict, reason), url


async def test_squid_with_passwords(
    observe: Driver, servers: Servers, squid: MakeSquid, root: Authority, password: dict[str, Any]
) -> None:
    proxy = squid(passwords=True)
    plain = await servers.answering(OK)
    secure = await servers.answering(OK, tls=root.server("127.0.0.1"))
    for url in (f"http://127.0.0.1:{plain}/", f"https://127.0.0.1:{secure}/"):
        options: dict[str, Any] = {"proxy": proxy.url, "tls": {"ca": root.path}}
        seen = await observe("http", url, proxy_auth=password, **options)
        assert seen.verdict is Verdict.UP
        for wrong, code in ((None, 407), (password | {"user": "eve"}, 403)):
            seen = await observe("http", url, proxy_auth=wrong, **options)
            assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "proxy_refused", Cause.PROBER_FAULT)
            assert seen.detail == f"the proxy answered {code}"
    assert len(servers.requests) == 2
    assert all(b"Proxy-Authorization" not in request for request in servers.requests)


async def test_squid_that_goes_away(observe: Driver, servers: Servers, squid: MakeSquid) -> None:
    proxy = squid()
    url = f"http://127.0.0.1:{await servers.answering(OK)}/"
    assert (await observe("http", url, proxy=proxy.url)).verdict is Verdict.UP
    await proxy.async_stop()
    seen = await observe("http", url, proxy=proxy.url)
    assert (seen.verdict, seen.reason) == (Verdict.VOID, "proxy_lost")
    await proxy.async_start()
    assert (await observe("http", url, proxy=proxy.url)).verdict is Verdict.UP


# --- Proxies that behave as they like --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """What a proxy says to a request, and what is then said of an `http` and of an `https` target."""

    name: str
    said: bytes
    plain: str
    secure: str
    hang: bool = False

    def __str__(self) -> str:
        return self.name


def status(line: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + line, *headers, b"Content-Length: 0", b"", b""])


CASES = [
    Case("407", status(b"407 P", b"Proxy-Authenticate: Basic realm=canary-77aa"), "proxy_refused", "proxy_refused"),
    Case("Squid forbids it", status(b"403 F", b"X-Squid-Error: ERR_ACCESS_DENIED 0"), "proxy_refused", "proxy_refused"),
    Case(
        "Squid knows no such name", status(b"503 S", b"X-Squid-Error: ERR_DNS_FAIL 0"), "proxy_refused", "proxy_refused"
    ),
    Case(
        "the target refuses, by RFC 9209",
        status(b"502 B", b"Proxy-Status: proxy.test; error=connection_refused"),
        "unreachable_by_proxy",
        "unreachable_by_proxy",
    ),
    Case(
        "the resolver is dead, by RFC 9209",
        status(b"502 B", b"Proxy-Status: proxy.test; error=dns_timeout"),
        "proxy_refused",
        "proxy_refused",
    ),
    Case(
        "Squid's own resolver is dead",
        status(b"502 B", b"X-Squid-Error: ERR_READ_ERROR 0"),
        "proxy_refused",
        "proxy_refused",
    ),
    Case(
        "Squid was broken off from it",
        status(b"502 B", b"X-Squid-Error: ERR_READ_ERROR 104"),
        "unreachable_by_proxy",
        "unreachable_by_proxy",
    ),
    Case(
        "its uplink is busy, by RFC 9209",
        status(b"503 S", b"Proxy-Status: p; error=connection_limit_reached"),
        "proxy_refused",
        "proxy_refused",
    ),
    Case("403 of nobody knows whom", status(b"403 F"), "status", "proxy_refused"),
    Case("405, no CONNECT here", status(b"405 M"), "status", "proxy_refused"),
    Case("502", status(b"502 B"), "status", "unreachable_by_proxy"),
    Case("503", status(b"503 S"), "status", "unreachable_by_proxy"),
    Case("504", status(b"504 G"), "status", "unreachable_by_proxy"),
    Case("301", status(b"301 M", b"Location: http://127.0.0.1/login"), "status", "proxy_refused"),
    Case("no HTTP", b"SSH-2.0-OpenSSH_9.6\r\n", "proxy_refused", "proxy_refused"),
    Case("HTTP/2", b"HTTP/2.0 200 OK\r\n\r\n", "proxy_refused", "proxy_refused"),
    Case("closes at once", b"", "proxy_lost", "proxy_lost"),
    Case("closes within its head", b"HTTP/1.1 200 Conn", "incomplete", "proxy_lost"),
    Case("says nothing", b"", "proxy_lost", "proxy_lost", hang=True),
    Case("begins and then says nothing", b"HTTP/1.1 200 C\r\n", "timeout", "proxy_lost", hang=True),
    Case("huge headers", b"HTTP/1.1 200 C\r\nX: " + b"a" * 40_000, "headers_too_large", "proxy_lost", hang=True),
    Case("a page instead of a tunnel", OK, "answered", "proxy_refused", hang=True),
    Case("a tunnel that ends", b"HTTP/1.1 200 C\r\n\r\n", "answered", "reset"),
    Case("a tunnel of HTTP/1.0 that ends", b"HTTP/1.0 200 C\r\n\r\n", "answered", "reset"),
    Case("a silent tunnel", b"HTTP/1.1 200 C\r\n\r\n", "timeout", "timeout", hang=True),
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_what_a_proxy_says(observe: Driver, servers: Servers, case: Case, secure: bool) -> None:
    proxy = await servers.answering(case.said, hang=case.hang)
    reason = case.secure if secure else case.plain
    patience = {"timeout": HASTY * 4} if case.hang else {}
    url = f"http{'s' if secure else ''}://target.test/path"
    seen = await observe("http", url, proxy=f"http://127.0.0.1:{proxy}", **patience)
    assert seen.reason == reason, seen
    assert seen.verdict is kinds()["http"].reasons[reason].verdict
    assert CANARY not in seen.detail
    first = servers.requests[0].partition(b"\r\n")[0]
    assert first == (b"CONNECT target.test:443 HTTP/1.1" if secure else b"GET http://target.test/path HTTP/1.1")


@pytest.mark.parametrize("url", ["http://target.test/", "https://target.test/"])
async def test_a_proxy_that_cannot_be_had_is_ours(observe: Driver, servers: Servers, url: str) -> None:
    """S11. None of it is the target's downtime: nobody asked the target."""

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        break_off(writer)

    for port, timeout in (
        (servers.unused(), PATIENT),
        (servers.full(), HASTY),
        (await servers.start(silence), HASTY),
        (await servers.start(rude), PATIENT),
    ):
        seen = await observe("http", url, proxy=f"http://127.0.0.1:{port}", timeout=timeout)
        assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "proxy_lost", Cause.PROBER_FAULT)
    seen = await observe("http", url, proxy="http://proxy.test:3128")
    assert (seen.verdict, seen.reason) == (Verdict.VOID, "resolver_lost")


class Tunnels:
    """A proxy that takes every request for a tunnel, leads each to one port, and keeps what it was asked."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))
        finally:
            inner_writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    await end(writer)


async def test_a_tunnel_is_the_targets(observe: Driver, servers: Servers, root: Authority) -> None:
    """Name, certificate and answer are judged as without a proxy."""
    tunnels = Tunnels(await servers.answering(OK, tls=root.server("shop.test")))
    proxy = f"http://127.0.0.1:{await servers.start(tunnels)}"
    seen = await observe("http", "https://shop.test/x", proxy=proxy, tls={"ca": root.path, "expires_within": "31d"})
    assert (seen.verdict, seen.reason) == (Verdict.DEGRADED, "certificate_expires")
    assert seen.certificate_expiry is not None
    assert seen.certificate_expiry > to_instant(NOW)
    assert tunnels.asked[0].startswith("CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n")
    assert servers.requests[-1].startswith(b"GET /x HTTP/1.1\r\nHost: shop.test\r\n")
    seen = await observe("http", "https://other.test/", proxy=proxy, tls={"ca": root.path})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "certificate_wrong_host")
    await observe("http", "https://[2001:db8::1]:8443/", proxy=proxy, tls={"ca": root.path})
    assert tunnels.asked[-1].startswith("CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n")


async def test_secrets_go_where_they_belong(
    observe: Driver, servers: Servers, root: Authority, password: dict[str, Any], tmp_path: Path
) -> None:
    """The proxy's password to the proxy, the target's credentials through the tunnel only."""
    tunnels = Tunnels(await servers.answering(OK, tls=root.server("shop.test")))
    proxy = f"http://127.0.0.1:{await servers.start(tunnels)}"
    (tmp_path / "token").write_text("target-token")
    options: dict[str, Any] = {"auth": {"bearer": {"file": str(tmp_path / "token")}}, "tls": {"ca": root.path}}
    seen = await observe("http", "https://shop.test/", proxy=proxy, proxy_auth=password, **options)
    assert seen.verdict is Verdict.UP
    assert "Proxy-Authorization: Basic YW5uOmNhbmFyeS03N2Fh\r\n" in tunnels.asked[0]
    assert "target-token" not in tunnels.asked[0]
    assert b"Bearer target-token" in servers.requests[0]
    assert b"Proxy-Authorization" not in servers.requests[0]


async def test_a_proxys_password_that_cannot_be_read(observe: Driver, servers: Servers, tmp_path: Path) -> None:
    proxy = f"http://127.0.0.1:{await servers.answering(OK)}"
    auth = {"user": "ann", "password": {"file": str(tmp_path / "none")}}
    for url in ("http://target.test/", "https://target.test/"):
        seen = await observe("http", url, proxy=proxy, proxy_auth=auth)
        assert (seen.verdict, seen.reason) == (Verdict.VOID, "secret_unavailable")
    assert servers.connections == 0


# --- The gate --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://localhost/",
        "https://localhost/",
        "http://db.localhost:5432/",
    ],
)
async def test_a_proxy_opens_no_denied_address(observe: Driver, servers: Servers, url: str) -> None:
    proxy = f"http://127.0.0.1:{await servers.answering(OK)}"
    seen = await observe("http", url, proxy=proxy)
    assert (seen.verdict, seen.reason) == (Verdict.VOID, "address_denied")
    assert servers.connections == 0


@pytest.mark.parametrize("where", ["http://169.254.169.254/", "http://localhost/"])
async def test_nor_does_a_redirect_through_it(observe: Driver, servers: Servers, where: str) -> None:
    answer = status(b"302 F", b"Location: " + where.encode())
    proxy = f"http://127.0.0.1:{await servers.answering(answer)}"
    hosts = ["169.254.169.254", "localhost"]
    seen = await observe("http", "http://target.test/", proxy=proxy, redirects=hosts, expect={"body": "x"})
    assert (seen.verdict, seen.reason) == (Verdict.VOID, "address_denied")
    assert servers.connections == 1


@pytest.mark.parametrize("proxy", ["http://169.254.169.254:3128", "http://[fe80::1]:3128"])
async def test_the_proxy_itself_is_checked(observe: Driver, proxy: str) -> None:
    seen = await observe("http", "http://target.test/", proxy=proxy)
    assert (seen.verdict, seen.reason) == (Verdict.VOID, "address_denied")


# --- Options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"proxy": "proxy.example:3128"}, "proxy"),
        ({"proxy": "https://proxy.example:3128"}, "proxy"),
        ({"proxy": "socks5://proxy.example:1080"}, "proxy"),
        ({"proxy": "http://proxy.example"}, "proxy"),
        ({"proxy": "http://proxy.example:3128/path"}, "proxy"),
        ({"proxy": "http://ann:canary@proxy.example:3128"}, "proxy"),
        ({"proxy": "http://proxy.example:0"}, "proxy"),
        ({"proxy": "http://a b:3128"}, "proxy"),
        ({"proxy": "http://proxy.example:3128", "ip": "6"}, "proxy"),
        ({"proxy_auth": {"user": "ann", "password": {"env": "A"}}}, "proxy_auth"),
        ({"proxy": "http://proxy.example:3128", "proxy_auth": {"user": "ann", "password": "canary"}}, "proxy_auth"),
        ({"headers": {"Proxy-Authorization": "x"}}, "headers"),
    ],
)
def test_options_that_are_none(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(options)
    assert all(key in error["loc"] for error in caught.value.errors())
    assert "canary" not in str(caught.value)


def test_where_a_proxy_is() -> None:
    assert str(parse_proxy("http://Proxy.Example:3128/")) == "proxy.example:3128"
    assert str(parse_proxy("HTTP://[2001:db8::1]:80")) == "[2001:db8::1]:80"


def test_an_answer_of_the_target_is_no_word_of_the_proxy() -> None:
    for code in (200, 301, 401, 403, 404, 502, 503, 504):
        judge_forwarded(Response(code, {"proxy-status": "proxy.test; received-status=503"}, b"", False))
