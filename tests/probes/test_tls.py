"""The kind `tls` against real handshakes: chains, names, ends, versions, issuers."""

from __future__ import annotations

import asyncio
import atexit
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pydantic import ValidationError

from probes.certificates import DAY, NOW, Authority, authority
from probes.driver import HASTY, Driver
from probes.scene import Scene
from probes.servers import Servers, endless, reset, silence
from slawatch.domain.interval import to_instant
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.certificates import Certificate, ends_soon
from slawatch.probes.kinds.tls import Options, target
from slawatch.probes.probe import Resources


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


async def test_a_good_certificate(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.start(silence, root.server("127.0.0.1"))
    seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path)
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.UP, "answered", "")
    assert seen.certificate_expiry == to_instant(NOW + 30 * DAY)
    assert [name for name, _ in seen.phases] == ["connect", "tls"]


async def test_no_protocol_is_offered(observe: Driver, servers: Servers) -> None:
    """Servers of other protocols than HTTP may refuse a client that offers it (RFC 7301)."""
    hello: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello.append(await reader.read(4096))

    await observe("tls", f"127.0.0.1:{await servers.start(listen)}", name="inner.example")
    await observe("http", f"https://127.0.0.1:{await servers.start(listen)}", tls={"name": "inner.example"})
    assert [b"inner.example" in each for each in hello] == [True, True]
    assert [b"http/1.1" in each for each in hello] == [False, True]


async def test_by_name_and_by_another_name(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.start(silence, root.server("localhost", "inner.example"))
    for name, reason in ((None, "answered"), ("inner.example", "answered"), ("x.example", "certificate_wrong_host")):
        seen = await observe("tls", f"tls://localhost:{port}", ca=root.path, name=name)
        assert seen.reason == reason
        assert seen.certificate_expiry == to_instant(NOW + 30 * DAY)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"ends": NOW - timedelta(hours=1)}, "certificate_expired"),
    ({"starts": NOW + DAY}, "certificate_not_yet_valid"),
    ({"self_signed": True}, "certificate_untrusted"),
]


@pytest.mark.parametrize(("leaf", "reason"), BAD)
async def test_a_refused_certificate_leaves_its_end(
    observe: Driver, servers: Servers, root: Authority, leaf: dict[str, Any], reason: str
) -> None:
    port = await servers.start(silence, root.server("127.0.0.1", **leaf))
    seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path)
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason)
    assert seen.certificate_expiry == to_instant(leaf.get("ends", NOW + 30 * DAY))
    assert (await observe("tls", f"127.0.0.1:{port}", verify=False)).verdict is Verdict.UP


async def test_the_system_does_not_trust_a_root_of_ours(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.start(silence, root.server("127.0.0.1"))
    assert (await observe("tls", f"127.0.0.1:{port}")).reason == "certificate_untrusted"


async def test_through_an_intermediate_that_is_sent_or_not(observe: Driver, servers: Servers, root: Authority) -> None:
    between = root.intermediate(ends=NOW + 20 * DAY)
    whole = await servers.start(silence, root.server("127.0.0.1", through=between))
    part = await servers.start(silence, root.server("127.0.0.1", through=between, sent=False))
    assert (await observe("tls", f"127.0.0.1:{whole}", ca=root.path)).reason == "answered"
    assert (await observe("tls", f"127.0.0.1:{part}", ca=root.path)).reason == "certificate_untrusted"


OWN, OTHER = "the server's certificate ends", "a certificate that the server's rests on ends"


@pytest.mark.parametrize(
    ("within", "between", "reason", "detail"),
    [
        ("29d", None, "answered", ""),
        ("30d", None, "certificate_expires", f"{OWN} at "),  # it ends at the very border, or a moment before
        ("31d", None, "certificate_expires", f"{OWN} at "),
        ("19d", NOW + 20 * DAY, "answered", ""),
        ("21d", NOW + 20 * DAY, "certificate_expires", f"{OTHER} at "),
        ("59d", NOW + 90 * DAY, "certificate_expires", f"{OWN} at "),
    ],
)
async def test_days_left_of_the_whole_chain(
    observe: Driver, servers: Servers, root: Authority, within: str, between: datetime | None, reason: str, detail: str
) -> None:
    through = None if between is None else root.intermediate(ends=between)
    port = await servers.start(silence, root.server("127.0.0.1", through=through))
    seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path, expires_within=within)
    assert seen.reason == reason
    assert seen.verdict is (Verdict.DEGRADED if detail else Verdict.UP)
    assert seen.detail.startswith(detail)
    assert seen.certificate_expiry == to_instant(NOW + 30 * DAY)


def test_the_border_of_soon() -> None:
    """A certificate that ends exactly when the time is over ends within it."""
    certificates = [Certificate(100, ()), Certificate(200, ())]
    assert ends_soon(certificates, 0, 99) is None
    assert (answer := ends_soon(certificates, 0, 100)) is not None
    assert answer.reason == "certificate_expires"


async def test_the_root_counts_as_well(observe: Driver, servers: Servers, root: Authority) -> None:
    """It ends after 60 days, and with it all that rests on it."""
    port = await servers.start(silence, root.server("127.0.0.1", ends=NOW + 90 * DAY))
    seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path, expires_within="61d")
    assert seen.detail.startswith(OTHER)
    assert seen.detail.endswith("in 59 days")
    seen = await observe("tls", f"127.0.0.1:{port}", verify=False, expires_within="61d")
    assert seen.reason == "answered"  # nothing was built, and the server does not send its root


async def test_an_end_in_the_past_where_nothing_is_verified(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.start(silence, root.server("127.0.0.1", ends=NOW - timedelta(hours=1)))
    seen = await observe("tls", f"127.0.0.1:{port}", verify=False, expires_within="1d")
    assert (seen.verdict, seen.reason) == (Verdict.DEGRADED, "certificate_expires")
    assert seen.detail.endswith("which is past")


async def test_the_issuer(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.start(silence, root.server("127.0.0.1"))
    seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path, issuer="test authority")
    assert seen.reason == "answered"
    seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path, issuer="Honest Achmed")
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "issuer")
    assert seen.detail == "issued by slawatch test authority"


async def test_the_version(observe: Driver, servers: Servers, root: Authority) -> None:
    context = root.server("127.0.0.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    port = await servers.start(silence, context)
    assert (await observe("tls", f"127.0.0.1:{port}", ca=root.path)).reason == "answered"
    seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path, version="1.3")
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "version")
    assert seen.detail == "TLSv1.2, expected TLSv1.3 or later"
    modern = await servers.start(silence, root.server("127.0.0.1"))
    assert (await observe("tls", f"127.0.0.1:{modern}", ca=root.path, version="1.3")).reason == "answered"


async def _old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An alert `protocol_version` (RFC 5246 section 7.2.2), as a server that is too old gives it."""
    await reader.read(1)
    writer.write(bytes.fromhex("15 0301 0002 02 46"))
    await writer.drain()
    await reader.read()


async def test_a_server_of_another_age(observe: Driver, servers: Servers) -> None:
    seen = await observe("tls", f"127.0.0.1:{await servers.start(_old)}")
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.DOWN, "version", "tlsv1 alert protocol version")


async def test_a_certificate_that_cannot_be_read_here(
    observe: Driver, servers: Servers, root: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this machine cannot read says nothing of the server: unless nobody asks, it is void."""
    monkeypatch.setattr("slawatch.probes.certificates._read", lambda encoded: None)
    port = await servers.start(silence, root.server("127.0.0.1"))
    seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path, expires_within="14d")
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "certificate_unreadable", Cause.PROBER_FAULT)
    seen = await observe("tls", f"127.0.0.1:{port}", ca=root.path)
    assert (seen.reason, seen.certificate_expiry) == ("answered", None)


async def test_servers_that_do_not_speak_tls(observe: Driver, servers: Servers) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        await reader.read()

    assert (await observe("tls", f"127.0.0.1:{await servers.start(silence)}", HASTY)).reason == "timeout"
    assert (await observe("tls", f"127.0.0.1:{await servers.start(reset)}")).reason == "reset"
    assert (await observe("tls", f"127.0.0.1:{servers.unused()}")).reason == "refused"
    seen = await observe("tls", f"127.0.0.1:{await servers.start(babble)}")
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.DOWN, "tls", "wrong version number")


async def test_authorities_that_cannot_be_read(observe: Driver, servers: Servers, tmp_path: Path) -> None:
    seen = await observe("tls", f"127.0.0.1:{await servers.start(silence)}", ca=str(tmp_path / "none.pem"))
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "trust_unavailable", Cause.PROBER_FAULT)


async def test_slow(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.start(silence, root.server("127.0.0.1"))
    assert (await observe("tls", f"127.0.0.1:{port}", ca=root.path, slow="1us")).reason == "slow"


@pytest.mark.parametrize("options", [{"version": "1.1"}, {"version": 1.3}, {"issuer": ""}, {"expires_within": 14}])
def test_options_that_are_none(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        Options.model_validate(options)


@pytest.mark.parametrize("text", ["host", "host:", "https://host:443", "host:443/path", "[::1]"])
def test_targets_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|ambiguous"):
        target(text)


@cache
def _trusted() -> Authority:
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    return authority(Path(folder.name))


class Trusting(Scene):
    """A system that trusts the authority of the good server."""

    @asynccontextmanager
    async def resources(self, silent: bool) -> AsyncIterator[Resources]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", _trusted().path)  # where OpenSSL looks for what the system trusts
            async with super().resources(silent) as resources:
                yield resources


async def _good(servers: Servers) -> str:
    return f"127.0.0.1:{await servers.start(silence, _trusted().server('127.0.0.1'))}"


async def _silent(servers: Servers) -> str:
    return f"127.0.0.1:{await servers.start(silence)}"


async def _flood(servers: Servers) -> str:
    return f"127.0.0.1:{await servers.start(endless(b'', b'x' * 4096, servers.sent))}"


SCENE = Trusting(good=_good, silent=_silent, flood=_flood)
