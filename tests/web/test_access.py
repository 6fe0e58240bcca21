"""Who is let in, and what every response carries."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, UnixConnector
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import AppRunner, HTTPException, Request, Response, StreamResponse, UnixSite

from slawatch.web.access import HEADERS, guard
from web.conftest import Client, Face, Serve, text_of

PATHS = [
    "/",
    "/metrics",
    "/probe",
    "/api/v1/status",
    "/api/v1/openapi.json",
    "/-/healthy",
    "/nowhere",
    "/contracts/no/such",
]


@pytest.mark.parametrize("path", PATHS)
async def test_security_headers_are_on_every_response(client: Client, path: str) -> None:
    response = await client.get(path)
    for name, value in HEADERS.items():
        assert response.headers[name] == value
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers


async def test_the_policy_allows_nothing_inline(client: Client) -> None:
    policy = (await client.get("/")).headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for path in ("/", "/contracts/acme/network", "/endpoints/acme/router"):
        page = await text_of(client, path)
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick" not in page
        assert "<script>" not in page


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9797", "127.0.0.1:9797", "[::1]:9797", "[::1]"])
async def test_loopback_names_are_answered(client: Client, host: str) -> None:
    await text_of(client, "/", {"Host": host})


@pytest.mark.parametrize(
    "host", ["rebind.example", "localhost.rebind.example", "127.0.0.1.rebind.example:80", "", "[::2]"]
)
@pytest.mark.parametrize("path", ["/", "/live", "/api/v1/status", "/metrics", "/probe", "/static/x/live.js"])
async def test_a_strange_host_is_turned_away(client: Client, host: str, path: str) -> None:
    await text_of(client, path, {"Host": host}, status=403)


async def test_the_configured_host_is_answered(face: Face, serve: Serve) -> None:
    face.hosts = frozenset({"Monitor.msp.example"})
    await text_of(await serve(face), "/", {"Host": "monitor.msp.example:9797"})


async def test_health_is_answered_under_any_name(client: Client) -> None:
    await text_of(client, "/-/healthy", {"Host": "probe.example"})
    await text_of(client, "/-/ready", {"Host": "probe.example"})


async def test_a_token_that_is_shown_must_be_right(face: Face, serve: Serve) -> None:
    face.token = "s3cret"
    client = await serve(face)
    await text_of(client, "/metrics", {"Authorization": "Bearer s3cret", "Host": "monitor.example"})
    for wrong in ("Bearer s3cre", "Bearer s3cretx", "Bearer ", "Basic s3cret", "s3cret", "Bearer é"):
        answer = await client.get("/metrics", headers={"Authorization": wrong})
        assert answer.status == 401, wrong
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "s3cret" not in await answer.text()


async def test_without_a_configured_token_none_is_right(client: Client) -> None:
    for shown in ("Bearer ", "Bearer None", "Bearer x"):
        await text_of(client, "/metrics", {"Authorization": shown}, status=401)


async def test_a_token_opens_no_page(face: Face, serve: Serve) -> None:
    face.token = "s3cret"
    await text_of(await serve(face), "/", {"Authorization": "Bearer s3cret", "Host": "monitor.example"}, status=403)


class Peer:
    """A connection from somewhere, for asking the guard alone."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._address, 40_000) if name == "peername" else default


async def decide(address: str, path: str, method: str = "GET", **headers: str) -> int:
    """The status that the guard gives to a request from an address."""

    async def answer(_: Request) -> StreamResponse:
        return Response()

    request = make_mocked_request(method, path, headers={"Host": "localhost", **headers})
    request._transport_peername = (address, 40_000)
    request._protocol.transport = Peer(address)  # type: ignore[assignment]
    try:
        return (await guard(lambda: "s3cret", lambda client: None, frozenset())(request, answer)).status
    except HTTPException as refusal:
        return refusal.status


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "0.0.0.0", "fe80::1%eth0"])
async def test_another_host_sees_metrics_with_the_token_only(address: str) -> None:
    assert await decide(address, "/") == 403
    assert await decide(address, "/api/v1/status") == 403
    assert await decide(address, "/live") == 403
    assert await decide(address, "/metrics") == 401
    assert await decide(address, "/metrics", Authorization="Bearer wrong") == 401
    assert await decide(address, "/metrics", Authorization="Bearer s3cret") == 200
    assert await decide(address, "/probe") == 401
    assert await decide(address, "/probe", Authorization="Bearer wrong") == 401
    assert await decide(address, "/probe", Authorization="Bearer s3cret") == 200
    assert await decide(address, "/-/reload", "POST") == 401
    assert await decide(address, "/-/reload", "POST", Authorization="Bearer s3cret") == 200
    assert await decide(address, "/-/healthy") == 200
    assert await decide(address, "/-/ready") == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
async def test_loopback_needs_no_token(address: str) -> None:
    assert await decide(address, "/") == 200
    assert await decide(address, "/metrics") == 200
    assert await decide(address, "/probe") == 200
    assert await decide(address, "/-/reload", "POST") == 200


async def test_the_control_socket_counts_as_this_box(face: Face, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("s") / "control"
    runner = AppRunner(face.application())
    await runner.setup()
    try:
        await UnixSite(runner, str(path)).start()
        async with (
            ClientSession(connector=UnixConnector(str(path))) as session,
            session.get("http://localhost/api/v1/status") as response,
        ):
            assert response.status == 200
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # curl says nothing
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://localhost"}, 403),
        ({"Origin": "http://localhost"}, 200),
    ],
)
async def test_another_site_cannot_post(client: Client, face: Face, headers: dict[str, str], status: int) -> None:
    answer = await client.post("/-/reload", headers={"Host": "localhost", **headers})
    assert answer.status == status
    assert face.reloads == (status == 200)
