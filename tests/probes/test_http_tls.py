"""The kind `http` over TLS: which certificates are good, and when they end."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from probes.certificates import DAY, NOW, Authority, authority
from probes.driver import HASTY, Driver
from probes.servers import Servers, descriptors, reset, silence, speaking_before_its_handshake
from slawatch.domain.interval import to_instant
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes import http_exchange, outbound
from slawatch.probes.http_exchange import Exchange
from support.waiting import async_eventually

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


async def test_a_good_certificate_and_its_end(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.answering(OK, tls=root.server("127.0.0.1"))
    seen = await observe("http", f"https://127.0.0.1:{port}/", tls={"ca": root.path})
    assert (seen.verdict, seen.detail) == (Verdict.UP, "")
    assert seen.certificate_expiry == to_instant(NOW + 30 * DAY)
    assert [name for name, _ in seen.phases] == ["connect", "tls", "processing", "transfer"]


async def test_by_name_and_by_another_name(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.answering(OK, tls=root.server("localhost", "inner.example"))
    url = f"https://localhost:{port}/"
    assert (await observe("http", url, tls={"ca": root.path})).verdict is Verdict.UP
    assert (await observe("http", url, tls={"ca": root.path, "name": "inner.example"})).verdict is Verdict.UP
    assert (await observe("http", url, tls={"ca": root.path, "name": "x.example"})).reason == "certificate_wrong_host"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"ends": NOW - timedelta(hours=1)}, "certificate_expired"),
    ({"starts": NOW + DAY}, "certificate_not_yet_valid"),
    ({"self_signed": True}, "certificate_untrusted"),
]


@pytest.mark.parametrize(("leaf", "reason"), BAD)
async def test_bad_certificates(
    observe: Driver, servers: Servers, root: Authority, leaf: dict[str, Any], reason: str
) -> None:
    port = await servers.answering(OK, tls=root.server("127.0.0.1", **leaf))
    seen = await observe("http", f"https://127.0.0.1:{port}/", tls={"ca": root.path})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason)
    assert not servers.requests  # nothing was said to whoever that is
    assert seen.certificate_expiry == to_instant(leaf.get("ends", NOW + 30 * DAY))
    seen = await observe("http", f"https://127.0.0.1:{port}/", tls={"verify": False})
    assert seen.verdict is Verdict.UP
    assert seen.certificate_expiry == to_instant(leaf.get("ends", NOW + 30 * DAY))


async def test_for_another_address(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.answering(OK, tls=root.server("127.0.0.2", "localhost"))
    seen = await observe("http", f"https://127.0.0.1:{port}/", tls={"ca": root.path})
    assert seen.reason == "certificate_wrong_host"


async def test_a_certificate_can_be_trusted_by_itself(observe: Driver, servers: Servers, root: Authority) -> None:
    context = root.server("127.0.0.1")
    leaf = max(root.folder.glob("leaf-*.pem"), key=lambda path: path.stat().st_mtime_ns)
    port = await servers.answering(OK, tls=context)
    assert (await observe("http", f"https://127.0.0.1:{port}/", tls={"ca": str(leaf)})).verdict is Verdict.UP


async def test_the_system_does_not_trust_a_root_of_ours(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.answering(OK, tls=root.server("127.0.0.1"))
    assert (await observe("http", f"https://127.0.0.1:{port}/")).reason == "certificate_untrusted"


async def test_a_failure_keeps_the_end_of_the_certificate(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.answering(b"HTTP/1.1 503 S\r\n\r\n", tls=root.server("127.0.0.1"))
    seen = await observe("http", f"https://127.0.0.1:{port}/", tls={"ca": root.path})
    assert (seen.reason, seen.certificate_expiry) == ("status", to_instant(NOW + 30 * DAY))
    port = await servers.start(silence, root.server("127.0.0.1"))
    seen = await observe("http", f"https://127.0.0.1:{port}/", HASTY * 4, tls={"ca": root.path})
    assert (seen.reason, seen.certificate_expiry) == ("timeout", to_instant(NOW + 30 * DAY))


async def test_a_certificate_that_ends_soon(observe: Driver, servers: Servers, root: Authority) -> None:
    """As in the kind `tls`: degraded where all else is as agreed, and of every hop."""
    good = await servers.answering(OK, tls=root.server("127.0.0.1"))
    soon = root.server("127.0.0.1", ends=NOW + 10 * DAY)
    port = await servers.answering(OK, tls=soon)
    bad = await servers.answering(b"HTTP/1.1 503 S\r\n\r\n", tls=soon)
    away = await servers.answering(
        b"HTTP/1.1 302 F\r\nLocation: https://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % good, tls=soon
    )
    tls = {"ca": root.path, "expires_within": "11d"}
    more: dict[str, Any] = {"redirects": "same_host", "expect": {"body": "ok"}, "slow": "1us"}
    for where, verdict, reason in (
        (good, Verdict.DEGRADED, "slow"),
        (port, Verdict.DEGRADED, "certificate_expires"),
        (away, Verdict.DEGRADED, "certificate_expires"),
        (bad, Verdict.DOWN, "status"),
    ):
        seen = await observe("http", f"https://127.0.0.1:{where}/", tls=tls, **more)
        assert (seen.verdict, seen.reason) == (verdict, reason)
    seen = await observe("http", f"https://127.0.0.1:{port}/", tls=tls | {"expires_within": "9d"})
    assert seen.verdict is Verdict.UP


async def test_servers_that_do_not_speak_tls(observe: Driver, servers: Servers, root: Authority) -> None:
    plain = await servers.answering(OK)
    mute = await servers.start(silence)
    rude = await servers.start(reset)
    assert (await observe("http", f"https://127.0.0.1:{mute}/", HASTY)).reason == "timeout"
    assert (await observe("http", f"https://127.0.0.1:{rude}/")).reason == "reset"

    async def babble(reader: object, writer: Any) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()

    seen = await observe("http", f"https://127.0.0.1:{await servers.start(babble)}/")
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.DOWN, "tls", "wrong version number")
    secure = await servers.answering(OK, tls=root.server("127.0.0.1"))
    assert (await observe("http", f"http://127.0.0.1:{secure}/", HASTY)).verdict is Verdict.DOWN
    assert plain


async def test_authorities_that_cannot_be_read(observe: Driver, servers: Servers, tmp_path: Path) -> None:
    """S11: our own missing file says nothing of the endpoint."""
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    port = await servers.answering(OK)
    for path in (empty, tmp_path / "none.pem"):
        seen = await observe("http", f"https://127.0.0.1:{port}/", tls={"ca": str(path)})
        assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "trust_unavailable", Cause.PROBER_FAULT)
        assert str(path) in seen.detail


async def test_contexts_are_shared(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.answering(OK, tls=root.server("127.0.0.1"))
    for _ in range(2):
        await observe("http", f"https://127.0.0.1:{port}/", tls={"ca": root.path})
    assert len(observe.resources.tls._made) == 1


async def test_cancelling_within_a_handshake_leaves_nothing(
    observe: Driver, servers: Servers, root: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    mute = await servers.start(silence)
    good = await servers.start(silence, root.server("127.0.0.1"))
    await observe("http", f"https://127.0.0.1:{mute}/", HASTY, tls={"ca": root.path})
    await async_eventually(lambda: servers.open == 0)
    before = descriptors()
    for port in (mute, good):
        for turns in range(24):
            task = asyncio.create_task(observe("http", f"https://127.0.0.1:{port}/", tls={"ca": root.path}))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    await async_eventually(lambda: descriptors() == before, within=5)
    gc.collect()
    assert not [record for record in caplog.records if record.name.startswith("slawatch")]
    assert "never retrieved" not in caplog.text


async def test_what_is_said_before_the_handshake_was_not_said_through_tls(
    observe: Driver, servers: Servers, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop that is late hears it before it begins to shake hands, and what hears it then is the HTTP parser."""

    async def connect(factory: Callable[[], Exchange], *where: Any) -> tuple[asyncio.Transport, Exchange]:
        transport, protocol = await outbound.connect(factory, *where)
        await async_eventually(lambda: protocol.began)
        return transport, protocol

    monkeypatch.setattr(http_exchange, "connect", connect)
    behaviour = speaking_before_its_handshake(root.server("127.0.0.1"), OK)
    port = await servers.start(behaviour)
    seen = await observe("http", f"https://127.0.0.1:{port}/", tls={"ca": root.path}, expect={"body": "ok"})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "tls")
    assert seen.detail == "something was said before the handshake"
