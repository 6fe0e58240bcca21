"""Certificates that a client shows: to real servers that demand them, and what is wrong with our own."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from probes.certificates import DAY, NOW, Authority, authority, key
from probes.driver import Driver
from probes.servers import Servers, break_off, end, silence
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.kinds.http import Options as HttpOptions
from slawatch.probes.kinds.tls import Options as TlsKindOptions
from support.servers import MakeNginx

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom the servers here trust, and we."""
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("stranger"), "slawatch test stranger")


def blocking(servers: Servers, context: ssl.SSLContext, greeting: bytes) -> int:
    """A web server in a thread: OpenSSL on plain sockets, which tells a client why it is refused.

    A server on asyncio closes without a word: the alert stays in its memory.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    servers.also(listener.close)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                client.settimeout(10)
                with client, suppress(OSError):
                    answer(client)

    def answer(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as session:
            session.sendall(greeting)
            if session.recv(65536):
                session.sendall(OK)
            session.unwrap()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return int(listener.getsockname()[1])


class Ask:
    """One server that demands certificates, asked in the kinds `http`, `tls` and `tcp`."""

    def __init__(self, observe: Driver, servers: Servers, root: Authority) -> None:
        self._observe, self._servers, self._root = observe, servers, root

    def start(self, version: ssl.TLSVersion, *, required: bool = True) -> None:
        context = self._root.server("127.0.0.1", client_ca=self._root.path)
        context.maximum_version = version
        if not required:
            context.verify_mode = ssl.CERT_OPTIONAL
        self._port = blocking(self._servers, context, b"")

    async def __call__(self, **tls: Any) -> list[tuple[Verdict, str]]:
        http = await self._observe("http", f"https://127.0.0.1:{self._port}/", tls={"ca": self._root.path, **tls})
        plain = await self._observe("tls", f"127.0.0.1:{self._port}", ca=self._root.path, **tls)
        shared: dict[str, Any] = {"tls_from_start": True, "tls": {"ca": self._root.path, **tls}}
        mute = await self._observe("tcp", f"127.0.0.1:{self._port}", **shared)
        talk = await self._observe("tcp", f"127.0.0.1:{self._port}", send="hello", expect="200", **shared)
        return [(seen.verdict, seen.reason) for seen in (http, plain, mute, talk)]


@pytest.fixture
def ask(observe: Driver, servers: Servers, root: Authority) -> Ask:
    return Ask(observe, servers, root)


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_server_that_demands_one(
    ask: Ask, root: Authority, stranger: Authority, version: ssl.TLSVersion
) -> None:
    """In TLS 1.3 the handshake is over before the server has looked at it; that must not be taken for up."""
    ask.start(version)
    assert await ask(client_certificate=str(root.leaf("probe"))) == [(Verdict.UP, "answered")] * 4
    refused = await ask(client_certificate=str(stranger.leaf("probe")))
    assert refused[:3] == [(Verdict.DOWN, "client_certificate")] * 3
    assert refused[3] in [(Verdict.DOWN, "client_certificate"), (Verdict.DOWN, "reset")]  # what was said comes back
    # Before TLS 1.3 there is no alert of that name (RFC 5246 section 7.4.6). With it, http may find the connection
    # broken before it has read the alert.
    expected = {"client_certificate", "reset"} if version is ssl.TLSVersion.TLSv1_3 else {"tls"}
    for verdict, reason in await ask():
        assert verdict is Verdict.DOWN
        assert reason in expected


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_server_that_would_like_one(ask: Ask, root: Authority, version: ssl.TLSVersion) -> None:
    ask.start(version, required=False)
    assert await ask() == [(Verdict.UP, "answered")] * 4
    assert await ask(client_certificate=str(root.leaf("probe"))) == [(Verdict.UP, "answered")] * 4


@pytest.mark.parametrize("tickets", [0, 2])
@pytest.mark.parametrize("greeting", [b"", b"220 mail.example ESMTP\r\n"])
async def test_what_it_says_before_its_end(
    observe: Driver, servers: Servers, root: Authority, stranger: Authority, tickets: int, greeting: bytes
) -> None:
    """Consent is a ticket for later, a greeting, or an end in order; a refusal is an alert."""
    context = root.server("127.0.0.1", client_ca=root.path)
    context.num_tickets = tickets
    port = blocking(servers, context, greeting)
    for whose, reason in ((root, "answered"), (stranger, "client_certificate")):
        seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path, client_certificate=str(whose.leaf("probe")))
        assert seen.reason == reason


async def test_a_server_that_refuses_without_a_word(
    observe: Driver, servers: Servers, root: Authority, stranger: Authority
) -> None:
    """As servers on asyncio do: the alert never leaves them."""
    context = root.server("127.0.0.1", client_ca=root.path)
    mute = await servers.start(silence, context)
    web = await servers.answering(OK, tls=context)
    for whose, verdict, reasons in (
        (root, Verdict.UP, ("answered", "answered")),
        (stranger, Verdict.DOWN, ("client_certificate", "client_certificate")),
    ):
        tls: dict[str, Any] = {"ca": root.path, "client_certificate": str(whose.leaf("probe"))}
        seen = await observe("tls", f"127.0.0.1:{mute}", **tls)
        assert (seen.verdict, seen.reason) == (verdict, reasons[0])
        seen = await observe("http", f"https://127.0.0.1:{web}/", tls=tls)
        assert (seen.verdict, seen.reason) == (verdict, reasons[1])


async def test_a_server_that_breaks_off(observe: Driver, servers: Servers, root: Authority) -> None:
    """It asked for a certificate and never took ours: that is no success."""
    inner = await servers.start(silence, root.server("127.0.0.1", client_ca=root.path))

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await relay(reader, writer, inner)

    mine = str(root.leaf("probe"))
    seen = await observe("tls", f"127.0.0.1:{await servers.start(rude)}", ca=root.path, client_certificate=mine)
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "client_certificate")


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Pass on the handshake, and break off at the client's last word of it."""
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        inner_writer.write(await reader.read(65536))
        writer.write(await inner_reader.read(65536))
        await reader.read(1)
        break_off(writer)
    finally:
        inner_writer.transport.abort()


# --- nginx -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_nginx_that_verifies_its_clients(
    observe: Driver, nginx: MakeNginx, root: Authority, stranger: Authority, version: str
) -> None:
    """It takes the handshake in any case, and says 400 to the request."""
    own = root.leaf("127.0.0.1")
    verify = f"ssl_protocols {version}; ssl_client_certificate {root.path}; ssl_verify_client on;"
    web = nginx(f"{verify} location / {{ default_type text/plain; return 200 $ssl_client_s_dn; }}", tls=(own, own))
    folder = root.folder
    (folder / "probe.key").write_bytes(key())
    separate = {"client_certificate": str(root.leaf("probe.example")), "client_key": str(folder / "probe.key")}
    options: dict[str, Any] = {"expect": {"body": "CN=probe.example"}}
    seen = await observe("http", web.url, tls={"ca": root.path, **separate}, **options)
    assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")
    other = {"client_certificate": str(stranger.leaf("probe.example"))}
    for tls in ({}, other):
        seen = await observe("http", web.url, tls={"ca": root.path, **tls}, **options)
        assert (seen.verdict, seen.reason, seen.detail) == (Verdict.DOWN, "status", "400, expected 200-299")


# --- Our own files ---------------------------------------------------------------------------------------------------


def _missing(folder: Path, root: Authority) -> dict[str, Any]:
    return {"client_certificate": str(folder / "none.pem")}


def _broken(folder: Path, root: Authority) -> dict[str, Any]:
    (folder / "broken.pem").write_text("canary")
    return {"client_certificate": str(folder / "broken.pem")}


def _no_key(folder: Path, root: Authority) -> dict[str, Any]:
    return {"client_certificate": root.path}


def _another_key(folder: Path, root: Authority) -> dict[str, Any]:
    (folder / "other.key").write_bytes(key(other=True))
    return {"client_certificate": str(root.leaf("probe")), "client_key": {"file": str(folder / "other.key")}}


def _encrypted(folder: Path, root: Authority) -> dict[str, Any]:
    (folder / "locked.key").write_bytes(key(password=b"canary"))
    return {"client_certificate": str(root.leaf("probe")), "client_key": str(folder / "locked.key")}


def _missing_key(folder: Path, root: Authority) -> dict[str, Any]:
    return {"client_certificate": str(root.leaf("probe")), "client_key": str(folder / "none.key")}


def _no_credentials(folder: Path, root: Authority) -> dict[str, Any]:
    return {"client_certificate": str(root.leaf("probe")), "client_key": {"credential": "probe_key"}}


def _ended(folder: Path, root: Authority) -> dict[str, Any]:
    return {"client_certificate": str(root.leaf("probe", ends=NOW - DAY / 24))}


def _not_yet(folder: Path, root: Authority) -> dict[str, Any]:
    return {"client_certificate": str(root.leaf("probe", starts=NOW + DAY))}


def _pipe(folder: Path, root: Authority) -> dict[str, Any]:
    os.mkfifo(folder / "pipe")
    return {"client_certificate": str(folder / "pipe")}


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_missing, "No such file or directory"),
        (_broken, "no certificate with its key in it"),
        (_no_key, "no certificate with its key in it"),
        (_another_key, "the key is not that of the certificate"),
        (_encrypted, "the key is encrypted"),
        (_missing_key, "No such file or directory"),
        (_no_credentials, "$CREDENTIALS_DIRECTORY"),
        (_ended, "our certificate ended at"),
        (_not_yet, "our certificate is not valid before"),
        (_pipe, "no plain file"),
    ],
)
async def test_what_is_wrong_with_our_own_says_nothing_of_the_server(
    observe: Driver,
    servers: Servers,
    root: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path, Authority], dict[str, Any]],
    why: str,
) -> None:
    """S11."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    port = await servers.answering(OK, tls=root.server("127.0.0.1"))
    tls = make(tmp_path, root)
    for kind, target, options in (
        ("http", f"https://127.0.0.1:{port}/", {"tls": {"ca": root.path, **tls}}),
        ("tls", f"127.0.0.1:{port}", {"ca": root.path, **tls}),
    ):
        seen = await observe(kind, target, **options)
        assert (seen.verdict, seen.reason) == (Verdict.VOID, "client_certificate_unavailable")
        assert seen.cause is Cause.PROBER_FAULT
        assert why in seen.detail
        assert "canary" not in seen.detail + caplog.text
    assert servers.connections == 0


async def test_a_key_that_is_a_credential(
    observe: Driver, servers: Servers, root: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "probe_key").write_bytes(key())
    port = await servers.answering(OK, tls=root.server("127.0.0.1", client_ca=root.path))
    tls = {"client_certificate": str(root.leaf("probe")), "client_key": {"credential": "probe_key"}}
    seen = await observe("http", f"https://127.0.0.1:{port}/", tls={"ca": root.path, **tls})
    assert seen.verdict is Verdict.UP


async def test_files_that_change_take_effect_with_the_next_probe(
    observe: Driver, servers: Servers, root: Authority, stranger: Authority, tmp_path: Path
) -> None:
    ca, mine, private = tmp_path / "ca.pem", tmp_path / "mine.pem", tmp_path / "mine.key"
    trusted, foreign = Path(root.path).read_bytes(), Path(stranger.path).read_bytes()
    good, bad = root.leaf("probe").read_bytes(), stranger.leaf("probe").read_bytes()
    ca.write_bytes(trusted)
    mine.write_bytes(good)
    private.write_bytes(key())
    port = blocking(servers, root.server("127.0.0.1", client_ca=root.path), b"")
    tls = {"ca": str(ca), "client_certificate": str(mine), "client_key": str(private)}

    async def reason() -> str:
        return (await observe("http", f"https://127.0.0.1:{port}/", tls=tls)).reason

    def replace(path: Path, content: bytes) -> None:
        """As a renewal does it: whole, under its name."""
        (tmp_path / "new").write_bytes(content)
        (tmp_path / "new").replace(path)

    assert await reason() == "answered"
    replace(mine, bad)
    assert await reason() == "client_certificate"
    replace(mine, good)
    assert await reason() == "answered"
    replace(ca, foreign)
    assert await reason() == "certificate_untrusted"
    replace(ca, trusted)
    replace(private, key(other=True))
    assert await reason() == "client_certificate_unavailable"
    replace(private, key())
    assert await reason() == "answered"
    mine.unlink()
    assert await reason() == "client_certificate_unavailable"
    replace(mine, good)
    assert await reason() == "answered"
    assert len(observe.resources.tls._made) == 1


async def test_a_certificate_that_ends_while_the_daemon_runs(
    observe: Driver, servers: Servers, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await servers.answering(OK, tls=root.server("127.0.0.1", client_ca=root.path))
    tls = {"ca": root.path, "client_certificate": str(root.leaf("probe", ends=NOW + DAY))}
    assert (await observe("http", f"https://127.0.0.1:{port}/", tls=tls)).verdict is Verdict.UP
    contexts = observe.resources.tls
    later = contexts._clock.now() + int(DAY.total_seconds() * 1_000_000)
    monkeypatch.setattr(contexts._clock, "now", lambda: later, raising=False)
    seen = await observe("http", f"https://127.0.0.1:{port}/", tls=tls)
    assert (seen.verdict, seen.reason) == (Verdict.VOID, "client_certificate_unavailable")


async def test_it_is_shown_to_its_own_origin_only(
    observe: Driver, servers: Servers, root: Authority, tmp_path: Path
) -> None:
    """As `headers` and `auth`: a redirect elsewhere takes nothing along."""
    shown: list[object] = []

    async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        shown.append(writer.get_extra_info("peercert"))
        writer.write(b"HTTP/1.1 302 F\r\nLocation: https://localhost:%d/\r\n\r\n" % ports[-1])
        await end(writer)

    context = root.server("127.0.0.1", "localhost", client_ca=root.path)
    context.verify_mode = ssl.CERT_OPTIONAL
    ports: list[int] = []
    ports.append(await servers.start(look, context))
    ports.append(await servers.start(look, context))
    tls = {"ca": root.path, "client_certificate": str(root.leaf("probe"))}
    await observe("http", f"https://127.0.0.1:{ports[0]}/", tls=tls, redirects=["localhost"], expect={"body": "never"})
    assert bool(shown[0])
    assert not any(shown[1:])


@pytest.mark.parametrize(
    ("tls", "field"),
    [
        ({"client_certificate": "mine.pem"}, "client_certificate"),
        ({"client_key": "/mine.key"}, "client_key"),
        ({"client_certificate": "/mine.pem", "client_key": "mine.key"}, "client_key"),
        ({"client_certificate": "/mine.pem", "client_key": {"env": "KEY"}}, "client_key"),
        ({"client_certificate": "/mine.pem", "client_key": {"file": "mine.key"}}, "client_key"),
        ({"client_certificate": "/mine.pem", "client_key": 5}, "client_key"),
    ],
)
def test_options_that_are_none(tls: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TlsKindOptions.model_validate(tls)
    assert all(field in error["loc"] for error in caught.value.errors())
    with pytest.raises(ValidationError, match=field):
        HttpOptions.model_validate({"tls": tls})
