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


class Site:
    """Answers by path: `/to?URL` sends to URL by 302, `/STATUS?URL` by that status, all else is fine."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        path, _, where = head.split(" ")[1].partition("?")
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
    seen = await observe("http", f"http://127.0.0.1:{port}/to?/there", redirects="same_host", expect={"body": "there"})
    assert (seen.verdict, site.lines) == (Verdict.UP, ["GET /to?/there", "GET /there"])
    assert [name for name, _ in seen.phases] == ["connect", "processing", "transfer"]


async def test_a_loop_ends_after_five(observe: Driver, servers: Servers) -> None:
    port = await servers.answering(b"HTTP/1.1 301 M\r\nLocation: /\r\n\r\n")
    seen = await observe("http", f"http://127.0.0.1:{port}/", redirects="same_host")
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
    seen = await observe("http", f"http://127.0.0.1:{port}/to?{where}", redirects="same_host")
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "redirect_refused")
    assert "canary" not in seen.detail
    assert len(site.heads) == 1


async def test_followed_to_hosts_that_are_listed(observe: Driver, servers: Servers, site: Site) -> None:
    port = await servers.start(site)
    url = f"http://127.0.0.1:{port}/to?http://localhost:{port}/there"
    assert (await observe("http", url, redirects=["localhost"])).verdict is Verdict.UP
    assert (await observe("http", url, redirects=["other.example"])).reason == "redirect_refused"


@pytest.mark.parametrize("where", ["http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/"])
async def test_no_list_opens_a_denied_address(observe: Driver, servers: Servers, site: Site, where: str) -> None:
    port = await servers.start(site)
    hosts = ["169.254.169.254", "::ffff:169.254.169.254"]
    seen = await observe("http", f"http://127.0.0.1:{port}/to?{where}", redirects=hosts)
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
        seen = await observe("http", f"http://127.0.0.1:{port}/to?{where}", redirects=["localhost"], **options)
        assert seen.verdict is Verdict.UP
        first, second = site.heads[-2:]
        assert first.count("canary") == 4
        assert "canary" not in second
    await observe("http", f"http://127.0.0.1:{port}/to?/", redirects="same_host", **options)
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
    body: dict[str, Any] = {} if method == "HEAD" else {"body": "x"}
    await observe("http", f"http://127.0.0.1:{port}/{status}?/end", method=method, redirects="same_host", **body)
    assert site.lines[1] == f"{then} /end"
    assert ("Content-Length: 1" in site.heads[1]) == (then == method != "HEAD")


async def test_a_body_does_not_go_to_another_origin(observe: Driver, servers: Servers, site: Site) -> None:
    port = await servers.start(site)
    url = f"http://127.0.0.1:{port}/307?http://localhost:{port}/"
    seen = await observe("http", url, method="POST", body="canary", redirects=["localhost"])
    assert (seen.reason, len(site.heads)) == ("redirect_refused", 1)


async def test_never_from_https_to_http(observe: Driver, servers: Servers, site: Site, tmp_path: Path) -> None:
    root = authority(tmp_path)
    plain = await servers.start(site)
    secure = await servers.start(site, root.server("127.0.0.1"))
    tls = {"ca": root.path}
    seen = await observe(
        "http", f"https://127.0.0.1:{secure}/to?http://127.0.0.1:{plain}/", redirects="same_host", tls=tls
    )
    assert (seen.reason, seen.detail) == ("redirect_refused", "from https to http, at 127.0.0.1")
    seen = await observe(
        "http", f"http://127.0.0.1:{plain}/to?https://127.0.0.1:{secure}/", redirects="same_host", tls=tls
    )
    assert seen.verdict is Verdict.UP


async def test_a_redirect_without_a_location_is_judged_by_its_status(observe: Driver, servers: Servers) -> None:
    port = await servers.answering(b"HTTP/1.1 302 F\r\nContent-Length: 0\r\n\r\n")
    assert (await observe("http", f"http://127.0.0.1:{port}/", redirects="same_host")).reason == "status"
