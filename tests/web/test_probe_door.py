"""``/probe``: whom it probes and whom not, for how long, how many at once, and in which form it answers.

That its metrics are those of blackbox_exporter is shown beside a real one, in ``tests/parity/test_door.py``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from probes.certificates import authority
from probes.servers import Behaviour, Servers, end, silence
from slawatch.domain.interval import MILLISECOND, MINUTE, SECOND
from slawatch.exposition.probe_text import CONTENT_TYPE
from slawatch.operations.probe_door import LONGEST, USUAL, Book, Known, ProbeDoor, Refused, allowed_time
from slawatch.operations.probe_modules import Module, built_in
from slawatch.probes.probe import Resources
from slawatch.probes.registry import kinds
from slawatch.probes.resolver import Resolver
from slawatch.runtime.clock import SystemClock
from support.gate import loopback_allowed
from web.conftest import Client, Face, Serve

WELCOME = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nWelcome"
SECRET: dict[str, Any] = {"auth": {"bearer": {"env": "SLAWATCH_TEST_TOKEN"}}}


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    async with Servers() as servers:
        yield servers


@pytest.fixture
async def resources() -> AsyncIterator[Resources]:
    clock = SystemClock()
    resolver = Resolver(clock, servers=(), hosts_file=Path("/dev/null"))
    async with Resources(clock, resolver=resolver, policy=loopback_allowed()) as resources:
        yield resources


def known(kind: str, target: str, **options: Any) -> Known:
    return Known(kind, target, kinds()[kind].options.model_validate(options), 2 * SECOND)


def module(kind: str, *, query_name: str = "", **options: Any) -> Module:
    return Module(kind, kinds()[kind].options.model_validate(options), 2 * SECOND, query_name)


class Door:
    """A served door with endpoints and modules of the test's own."""

    def __init__(self, face: Face, serve: Serve, resources: Resources) -> None:
        self._face, self._serve, self._resources = face, serve, resources

    async def open(
        self,
        endpoints: Mapping[str, Known],
        modules: Mapping[str, Module] | None = None,
        *,
        any_target: bool = False,
        most: int = 2,
    ) -> Client:
        page = Book(endpoints, {**built_in(), **(modules or {})}, any_target=any_target)

        async def book() -> Book:
            return page

        self._face.probe_door = ProbeDoor(book, self._resources, most)
        return await self._serve(self._face)


@pytest.fixture
def door(face: Face, serve: Serve, resources: Resources) -> Door:
    return Door(face, serve, resources)


async def ask(client: Client, headers: Mapping[str, str] | None = None, /, **question: str) -> tuple[int, str]:
    """The status and the text."""
    async with client.get("/probe", params=question, headers=headers) as answer:
        return answer.status, await answer.text()


async def succeeded(client: Client, /, **question: str) -> bool:
    status, text = await ask(client, None, **question)
    assert status == 200, text
    return "\nprobe_success 1\n" in text


# --- Whom it probes --------------------------------------------------------------------------------------------------


async def test_a_configured_target_is_probed_by_the_default_module(door: Door, servers: Servers) -> None:
    port = await servers.answering(WELCOME)
    client = await door.open({"acme/site": known("http", f"http://127.0.0.1:{port}/")})
    status, text = await ask(client, target=f"http://127.0.0.1:{port}/")
    assert status == 200
    assert "\nprobe_success 1\n" in text
    assert "\nprobe_http_status_code 200\n" in text
    assert "\nprobe_http_content_length 7\n" in text


async def test_targets_are_compared_as_their_kind_reads_them(door: Door, servers: Servers) -> None:
    """`host` is `http://host/` to the exporter; a name's case and a final dot are nothing."""
    port = await servers.answering(WELCOME)
    client = await door.open({"acme/site": known("http", f"http://127.0.0.1:{port}")})
    for spelled in (f"127.0.0.1:{port}", f"HTTP://127.0.0.1:{port}/", f"http://127.0.0.1:{port}/#top"):
        assert await succeeded(client, target=spelled), spelled
    for other in (f"http://127.0.0.1:{port}/other", f"https://127.0.0.1:{port}/", f"http://127.0.0.2:{port}/"):
        assert (await ask(client, target=other))[0] == 403, other
    assert len(servers.requests) == 3


async def test_an_endpoint_is_probed_by_its_own_kind_and_options(door: Door, servers: Servers) -> None:
    port = await servers.answering(WELCOME)
    endpoints = {
        "acme/good": known("http", f"http://127.0.0.1:{port}/", expect={"body": "Welcome"}),
        "acme/bad": known("http", f"http://127.0.0.1:{port}/", expect={"body": "Farewell"}),
        "acme/port": known("tcp", f"127.0.0.1:{port}"),
    }
    client = await door.open(endpoints)
    assert await succeeded(client, target="acme/good")
    assert not await succeeded(client, target="acme/bad")
    status, text = await ask(client, target="acme/port")
    assert (status, "probe_http" in text) == (200, False)
    assert "\nprobe_success 1\n" in text
    # With a module it is a target like any other, which nothing has.
    assert (await ask(client, target="acme/good", module="http_2xx"))[0] == 403


async def test_every_kind_admits_its_own_targets_only(door: Door, servers: Servers) -> None:
    port = await servers.start(silence)
    endpoints = {"acme/port": known("tls", f"127.0.0.1:{port}"), "acme/host": known("icmp", "127.0.0.1")}
    client = await door.open(endpoints)
    assert await succeeded(client, target=f"127.0.0.1:{port}", module="tcp_connect")
    assert await succeeded(client, target="127.0.0.1", module="icmp")
    assert (await ask(client, target=f"127.0.0.1:{port}"))[0] == 403
    assert (await ask(client, target="127.0.0.2", module="icmp"))[0] == 403


async def test_of_dns_the_server_is_the_target_and_the_module_has_the_name(door: Door, servers: Servers) -> None:
    port = servers.unused()
    endpoints = {"acme/dns": known("dns", f"127.0.0.1:{port}/www.acme.example")}
    client = await door.open(endpoints, {"ours": module("dns", query_name="other.example")})
    status, text = await ask(client, target=f"127.0.0.1:{port}", module="ours")
    assert status == 200
    assert "\nprobe_dns_query_succeeded 0\n" in text
    status, text = await ask(client, target=f"127.0.0.1:{port}/www.acme.example", module="ours")
    assert (status, "no name server" in text) == (400, True)
    assert (await ask(client, target="127.0.0.2", module="ours"))[0] == 403
    assert (await ask(client, target="::1", module="ours"))[0] == 403


async def test_an_open_door_probes_any_target(door: Door, servers: Servers) -> None:
    port = await servers.answering(WELCOME)
    client = await door.open({}, any_target=True)
    assert await succeeded(client, target=f"127.0.0.1:{port}")


async def test_a_secret_is_told_to_configured_targets_only(
    door: Door, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open door lets whoever asks name a server; that must not be a way to learn a secret."""
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", "canary")
    port, stranger = await servers.answering(WELCOME), await servers.answering(WELCOME)
    modules = {
        "login": module("http", **SECRET),
        "dialogue": module("tcp", send=["AUTH ", {"env": "SLAWATCH_TEST_TOKEN"}]),
    }
    endpoints = {"acme/site": known("http", f"http://127.0.0.1:{port}/")}
    client = await door.open(endpoints, modules, any_target=True)
    for target, name in ((f"127.0.0.1:{stranger}", "login"), (f"127.0.0.1:{stranger}", "dialogue")):
        status, text = await ask(client, target=target, module=name)
        assert (status, "secret" in text) == (403, True)
    assert servers.requests == []
    assert await succeeded(client, target=f"127.0.0.1:{port}", module="login")
    assert b"Bearer canary" in servers.requests[0]


async def test_the_gate_stands_here_too(face: Face, serve: Serve, servers: Servers) -> None:
    """Loopback is denied to whoever did not open it, by the door as by the scheduler."""
    port = await servers.answering(WELCOME)
    async with Resources(SystemClock(), resolver=Resolver(SystemClock(), ())) as closed:
        client = await Door(face, serve, closed).open({}, any_target=True)
        status, text = await ask(client, target=f"127.0.0.1:{port}", debug="true")
    assert status == 200
    assert "verdict: void, address_denied" in text
    assert "\nprobe_success 0\n" in text
    assert servers.requests == []


# --- Whom it does not ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "status", "told"),
    [
        ({}, 400, "The target is missing"),
        ({"target": ""}, 400, "The target is missing"),
        ({"module": "http_2xx"}, 400, "The target is missing"),
        ({"target": "127.0.0.1", "module": "http_3xx"}, 400, "There is no such module: expected one of http_2xx, "),
        ({"target": "127.0.0.1", "module": "tcp_connect"}, 400, "names no port"),
        ({"target": "http://ann:canary@127.0.0.1/"}, 400, "a URL holds no user or password"),
        ({"target": "a\r\nX: b"}, 400, "cannot be printed"),
        ({"target": "x" * 5000}, 400, "longer than 4096 characters"),
        ({"target": "192.0.2.1"}, 403, "No configured endpoint has this target"),
        ({"target": "acme/none"}, 403, "No configured endpoint has this target"),
    ],
)
async def test_a_refusal_is_one_plain_sentence(door: Door, question: dict[str, str], status: int, told: str) -> None:
    client = await door.open({})
    async with client.get("/probe", params=question) as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (status, "text/plain")
    assert told in text
    assert text.count("\n") == 1
    assert text.endswith(".\n")
    assert "canary" not in text


async def test_another_sites_page_does_not_make_it_probe(door: Door, servers: Servers) -> None:
    port = await servers.answering(WELCOME)
    client = await door.open({}, any_target=True)
    for header in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert (await ask(client, header, target=f"127.0.0.1:{port}"))[0] == 403
    assert servers.requests == []


# --- For how long, and how many --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "own", "expected"),
    [
        (None, None, USUAL),
        ("", 5 * SECOND, 5 * SECOND),
        ("0", None, USUAL),
        ("10", None, 9500 * MILLISECOND),
        ("10", 5 * SECOND, 5 * SECOND),
        ("3.5", 5 * SECOND, 3 * SECOND),
        ("0.5", 5 * SECOND, 5 * SECOND),
        ("-1", None, USUAL),
        ("1e9", None, LONGEST),
        (None, 5 * MINUTE, LONGEST),
        ("600", 5 * MINUTE, LONGEST),
    ],
)
def test_the_scrape_and_the_module_say_how_long(header: str | None, own: int | None, expected: int) -> None:
    assert allowed_time(header, own) == expected


@pytest.mark.parametrize("header", ["soon", "nan", "inf", "1e400", "10s"])
def test_a_time_that_is_no_number_is_refused(header: str) -> None:
    with pytest.raises(Refused) as refused:
        allowed_time(header, None)
    assert refused.value.status == 400


async def test_a_probe_ends_half_a_second_before_the_scrape(door: Door, servers: Servers) -> None:
    port = await servers.start(silence)
    client = await door.open({"acme/site": known("http", f"http://127.0.0.1:{port}/")})
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": "0.6"}
    for target in (f"127.0.0.1:{port}", "acme/site"):
        _, text = await ask(client, headers, target=target, debug="true")
        assert "verdict: down, timeout: not done within 100ms; last phase: processing" in text
    assert (await ask(client, {"X-Prometheus-Scrape-Timeout-Seconds": "x"}, target="acme/site"))[0] == 400


def waiting_for(go: asyncio.Event) -> Behaviour:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await go.wait()
        writer.write(WELCOME)
        await end(writer)

    return behaviour


async def test_only_so_many_run_at_once(door: Door, servers: Servers) -> None:
    go = asyncio.Event()
    port = await servers.start(waiting_for(go))
    client = await door.open({}, any_target=True, most=2)
    target = f"127.0.0.1:{port}"
    running = [asyncio.create_task(ask(client, target=target)) for _ in range(5)]
    waiting = set(running)
    while len(waiting) > 2:
        _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    refused = [task.result() for task in running if task.done()]
    assert refused == [(503, "Too many probes of this door are running already.\n")] * 3
    go.set()
    assert [status for status, _ in await asyncio.gather(*running)].count(200) == 2
    assert await succeeded(client, target=target)  # and the next one finds room again


# --- How it answers --------------------------------------------------------------------------------------------------


async def test_the_form_is_the_exporters(door: Door, servers: Servers) -> None:
    port = await servers.answering(WELCOME)
    client = await door.open({}, any_target=True)
    params = {"target": f"127.0.0.1:{port}"}
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    async with client.get("/probe", params=params, headers={"Accept": accept, "Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Type"] == CONTENT_TYPE
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await answer.text()).startswith("# HELP probe_dns_lookup_time_seconds ")
    async with client.get("/probe", params=params, headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers


async def test_debug_shows_no_secret(door: Door, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends back what it was told has nothing of it come through."""
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", "canary")

    async def parrot(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 canary\r\nLocation: http://canary.example/\r\nX: canary\r\n\r\n" + heard)
        await end(writer)

    port = await servers.start(parrot)
    client = await door.open({"acme/site": known("http", f"http://127.0.0.1:{port}/", **SECRET)})
    status, text = await ask(client, target="acme/site", debug="true")
    assert status == 200
    assert text.startswith("probe: http, no success\nverdict: down, status: 302, expected 200-299\n")
    assert "canary" not in text


@pytest.mark.parametrize("told", [True, False])
async def test_names_of_a_certificate_are_left_out_where_a_secret_was_told(
    door: Door, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """Who heard it may have put it there."""
    monkeypatch.setenv("SLAWATCH_TEST_TOKEN", "canary")
    port = await servers.answering(WELCOME, tls=authority(tmp_path).server("canary.example"))
    options = {"tls": {"verify": False}, **(SECRET if told else {})}
    client = await door.open({"acme/site": known("http", f"https://127.0.0.1:{port}/", **options)})
    _, text = await ask(client, None, target="acme/site")
    assert "\nprobe_success 1\n" in text
    assert re.search(r'probe_ssl_last_chain_info\{fingerprint_sha256="[0-9a-f]{64}",', text)
    assert ('subject=""' in text, "canary" in text) == (told, not told)


async def test_a_probe_changes_nothing_that_scheduled_ones_go_by(
    door: Door, servers: Servers, resources: Resources
) -> None:
    port = await servers.answering(WELCOME)
    client = await door.open({"acme/host": known("icmp", "::1")}, any_target=True)
    await succeeded(client, target=f"127.0.0.1:{port}")
    assert await succeeded(client, target="acme/host")
    assert resources._echoes == {}
    glance = resources.outbound.families.glance()
    glance.choose("host.example", "any", 6)
    assert resources.outbound.families.allowed("host.example", "any") == (4, 6)
