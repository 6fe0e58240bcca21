"""The kind `http` and redirects: where it goes, where it does not, and what it takes along."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from probes.certificates import authority
from probes.driver import Driver
from probes.servers import Servers, end
from slawatch.domain.observation import Verdict

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere"
THERE = {"body": "there"}
"""Whoever follows redirects says what the page at their end holds."""


class Site:
    """Answers by path: `/to?URL` sends to URL by 302, `/STATUS?URL` by that status, all else is fine."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        asked = head.split(" ")[1]
        path, _, where = (f"/{asked.split('/', 3)[3]}" if "://" in asked.partition("?")[0] else asked).partition("?")
        status = {"/to": "302", "/": ""}.get(path, path[1:])
        if where and status:
            writer.write(f"HTTP/1.1 {status} Go\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode())
        else:
            writer.write(OK)
        await end(writer)

    @property
    def lines(self) -> list[str]:
        return [head.split(" HTTP/")[0] for head in self.heads]


@pytest.fixture
def site() -> Site:
    return Site()


async def test_followed_on_the_same_host(observe: Driver, servers: Servers, site: Site) -> None:
    port = await servers.start(site)
    seen = await observe("http", f"http://127.0.0.1:{port}/to?/there", redirects="same_host", expect=THERE)
    assert (seen.verdict, site.lines) == (Verdict.UP, ["GET /to?/there", "GET /there"])
    assert [name for name, _ in seen.phases] == ["connect", "processing", "transfer"]


async def test_a_loop_ends_after_five(observe: Driver, servers: Servers) -> None:
    port = await servers.answering(b"HTTP/1.1 301 M\r\nLocation: /\r\n\r\n")
    seen = await observe("http", f"http://127.0.0.1:{port}/", redirects="same_host", expect=THERE)
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "too_many_redirects")
    assert servers.connections == 6


@pytest.mark.parametrize(
    "where",
    [
        "http://other.example/canary",
        "//other.example/canary",
        "http://127.0.0.2/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://user:canary@127.0.0.1/",
        "http://[::1",
        "javascript:canary",
    ],
)
async def test_not_followed_elsewhere(observe: Driver, servers: Servers, site: Site, where: str) -> None:
    port = await servers.start(site)
    seen = await observe("http", f"http://127.0.0.1:{port}/to?{where}", redirects="same_host", expect=THERE)
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "redirect_refused")
    assert "canary" not in seen.detail
    assert len(site.heads) == 1


async def test_followed_to_hosts_that_are_listed(observe: Driver, servers: Servers, site: Site) -> None:
    port = await servers.start(site)
    url = f"http://127.0.0.1:{port}/to?http://localhost:{port}/there"
    assert (await observe("http", url, redirects=["localhost"], expect=THERE)).verdict is Verdict.UP
    assert (await observe("http", url, redirects=["other.example"], expect=THERE)).reason == "redirect_refused"


@pytest.mark.parametrize("where", ["http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/"])
async def test_no_list_opens_a_denied_address(observe: Driver, servers: Servers, site: Site, where: str) -> None:
    port = await servers.start(site)
    hosts = ["169.254.169.254", "::ffff:169.254.169.254"]
    seen = await observe("http", f"http://127.0.0.1:{port}/to?{where}", redirects=hosts, expect=THERE)
    assert (seen.verdict, seen.reason) == (Verdict.VOID, "address_denied")


async def test_what_is_configured_stays_with_its_origin(
    observe: Driver, servers: Servers, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", "canary")
    port = await servers.start(site)
    other = await servers.start(site)
    secret = {"env": "SLAWATCH_TEST_TOKEN"}
    options: dict[str, Any] = {
        "auth": {"bearer": secret},
        "headers": {"X-Key": secret, "Cookie": "canary", "Host": "canary"},
    }
    for where in (f"http://localhost:{port}/", f"http://127.0.0.1:{other}/"):
        seen = await observe(
            "http", f"http://127.0.0.1:{port}/to?{where}", redirects=["localhost"], expect=THERE, **options
        )
        assert seen.verdict is Verdict.UP
        first, second = site.heads[-2:]
        assert first.count("canary") == 4
        assert "canary" not in second
    await observe("http", f"http://127.0.0.1:{port}/to?/", redirects="same_host", expect=THERE, **options)
    assert site.heads[-1].count("canary") == 4


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("PUT", 308, "PUT"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
    ],
)
async def test_the_method_of_the_next_request(
    observe: Driver, servers: Servers, site: Site, method: str, status: int, then: str
) -> None:
    """RFC 9110 section 15.4."""
    port = await servers.start(site)
    more: dict[str, Any] = {"body": "x", "expect": THERE}
    if method == "HEAD":
        more = {"expect": {"headers": {"Content-Length": "5"}}}
    await observe("http", f"http://127.0.0.1:{port}/{status}?/end", method=method, redirects="same_host", **more)
    assert site.lines[1] == f"{then} /end"
    assert ("Content-Length: 1" in site.heads[1]) == (then == method != "HEAD")


async def test_a_body_does_not_go_to_another_origin(observe: Driver, servers: Servers, site: Site) -> None:
    port = await servers.start(site)
    url = f"http://127.0.0.1:{port}/307?http://localhost:{port}/"
    seen = await observe("http", url, method="POST", body="canary", redirects=["localhost"], expect=THERE)
    assert (seen.reason, len(site.heads)) == ("redirect_refused", 1)


async def test_never_from_https_to_http(observe: Driver, servers: Servers, site: Site, tmp_path: Path) -> None:
    root = authority(tmp_path)
    plain = await servers.start(site)
    secure = await servers.start(site, root.server("127.0.0.1"))
    tls = {"ca": root.path}
    seen = await observe(
        "http", f"https://127.0.0.1:{secure}/to?http://127.0.0.1:{plain}/", redirects="same_host", expect=THERE, tls=tls
    )
    assert (seen.reason, seen.detail) == ("redirect_refused", "from https to http, at 127.0.0.1")
    seen = await observe(
        "http", f"http://127.0.0.1:{plain}/to?https://127.0.0.1:{secure}/", redirects="same_host", expect=THERE, tls=tls
    )
    assert seen.verdict is Verdict.UP


async def test_a_redirect_without_a_location_is_judged_by_its_status(observe: Driver, servers: Servers) -> None:
    port = await servers.answering(b"HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n")
    assert (await observe("http", f"http://127.0.0.1:{port}/", redirects="same_host", expect=THERE)).reason == "status"


@pytest.mark.parametrize(
    ("family", "where", "reason", "detail"),
    [
        ("4", "http://[::1]:{port}/", "no_address", "::1 is an IPv6 address and `ip` asks for 4"),
        ("6", "http://127.0.0.1:{port}/", "no_address", "127.0.0.1 is an IPv4 address and `ip` asks for 6"),
        ("4", "http://localhost:{port}/", "answered", ""),
        ("6", "http://localhost:{port}/", "answered", ""),
    ],
)
async def test_a_redirect_never_changes_the_family(
    observe: Driver, servers: Servers, site: Site, family: str, where: str, reason: str, detail: str
) -> None:
    """A hop is asked over the family that `ip` names, as the target is; `localhost` has both."""
    host = "127.0.0.1" if family == "4" else "::1"
    port = await servers.start(site, host=host)
    url = f"http://{host if family == '4' else '[::1]'}:{port}/to?{where.format(port=port)}"
    hosts = ["localhost", "127.0.0.1", "::1"]
    seen = await observe("http", url, ip=family, redirects=hosts, expect=THERE)
    assert (seen.reason, seen.detail) == (reason, detail)
    assert len(site.heads) == (2 if reason == "answered" else 1)


async def test_another_family_is_never_tried_instead(observe: Driver, servers: Servers) -> None:
    """`localhost` has both families, and only IPv6 would be answered: `any` means IPv4 where there is one."""
    port = await servers.answering(OK, host="::1")
    assert (await observe("http", f"http://localhost:{port}/", ip="6")).reason == "answered"
    for ip in ("any", "4"):
        seen = await observe("http", f"http://localhost:{port}/", ip=ip)
        assert (seen.verdict, seen.reason) == (Verdict.DOWN, "refused")
    assert servers.connections == 1


HOSTILE = [
    "/there\tX: y",
    "/there X: y",
    "/\xe9\xff",
    "/there%0d%0aX:%20y",
    "//127.0.0.1:{port}/there",
    "?there",
    "#there",
    "/" + "a" * 8000,
    "/\\..\\there",
]


@pytest.mark.parametrize("where", HOSTILE)
async def test_a_location_puts_nothing_into_the_next_request(observe: Driver, servers: Servers, where: str) -> None:
    heads: list[bytes] = []

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        if len(heads) == 1:
            writer.write(b"HTTP/1.1 302 F\r\nLocation: " + where.format(port=port).encode("latin-1") + b"\r\n\r\n")
        else:
            writer.write(OK)
        await end(writer)

    port = await servers.start(redirect)
    seen = await observe("http", f"http://127.0.0.1:{port}/", redirects="same_host", expect=THERE)
    assert seen.reason == "answered"
    first, *lines = heads[1].decode("ascii").split("\r\n")
    assert len(first.split(" ")) == 3
    names = ["Host", "User-Agent", "Accept", "Accept-Encoding", "Connection", "", ""]
    assert [line.partition(":")[0] for line in lines] == names


@pytest.mark.parametrize(
    "told",
    [{"auth": {"bearer": {"env": "SLAWATCH_TEST_TOKEN"}}}, {"headers": {"X-Key": "canary"}}, {"body": "canary"}, {}],
    ids=["auth", "headers", "body", "proxy"],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_host_that_could_be_what_the_site_was_told_is_not_named(
    observe: Driver, servers: Servers, site: Site, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], scheme: str
) -> None:
    """A site that was told nothing may be quoted; one that knows a secret could send it back as a host."""
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", "canary")
    port = await servers.start(site)
    url = f"http://127.0.0.1:{port}/to?{scheme}://canary.example/"
    options: dict[str, Any] = {"redirects": "same_host", "expect": {"body": "there"}}
    if not told:
        password = {"user": "ann", "password": {"env": "SLAWATCH_TEST_TOKEN"}}
        told = {"proxy": f"http://127.0.0.1:{port}", "proxy_auth": password}
    seen = await observe("http", url, **options, **told)
    assert (seen.reason, seen.detail) == ("redirect_refused", "to another host")
    assert (await observe("http", url, **options)).detail == "to canary.example"


async def test_cookies_go_back_to_their_host_and_are_gone_with_the_probe(observe: Driver, servers: Servers) -> None:
    """A site that wants its cookie back would redirect for ever."""
    heads: list[str] = []

    async def gate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        if head.startswith("GET /out"):
            writer.write(f"HTTP/1.1 302 F\r\nLocation: http://localhost:{port}/there\r\n\r\n".encode())
        elif "seen=1" in head or "Host: localhost" in head:
            writer.write(OK)
        else:
            lines = ["Set-Cookie: seen=1; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT; HttpOnly"]
            lines += [
                'Set-Cookie: b="two words"',
                "Set-Cookie: gone=1",
                "Set-Cookie: gone=1; Max-Age=0",
                "Set-Cookie: no cookie",
                "Set-Cookie: c=a b",
            ]
            location = "/out" if "GET /far" in head else "/back"
            writer.write("\r\n".join(["HTTP/1.1 302 F", *lines, f"Location: {location}", "", ""]).encode())
        await end(writer)

    port = await servers.start(gate)
    more: dict[str, Any] = {"redirects": ["localhost"], "expect": THERE}
    for _ in range(2):
        assert (await observe("http", f"http://127.0.0.1:{port}/", **more)).verdict is Verdict.UP
    own: dict[str, Any] = {"headers": {"Cookie": "mine=1"}}
    assert (await observe("http", f"http://127.0.0.1:{port}/", **more, **own)).verdict is Verdict.UP
    assert (await observe("http", f"http://127.0.0.1:{port}/far", **more)).verdict is Verdict.UP
    sent = [head.partition("Cookie: ")[2].partition("\r\n")[0] for head in heads]
    both = 'seen=1; b="two words"'
    assert sent == ["", both, "", both, "mine=1", f"mine=1; {both}", "", both, ""]
