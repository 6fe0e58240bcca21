"""The kind `tcp`: dialogues of several steps, with peers that are true to the byte."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from probes.certificates import DAY, NOW, Authority, authority
from probes.driver import HASTY, Driver
from probes.servers import Behaviour, Servers, end, endless, silence
from slawatch.domain.interval import to_instant
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.conversation import MOST_BYTES
from support.waiting import async_eventually

LONG = HASTY * 5


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


def says(*parts: bytes, hear: bytes = b"") -> Behaviour:
    """Says the parts, each in a segment of its own, hears up to ``hear``, and closes."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if hear:
            await reader.readuntil(hear)
        await end(writer)

    return behaviour


async def _challenge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets with a number and a word in bytes that are no UTF-8; wants both back, the other way round."""
    writer.write(b"* hello\r\n* nonce 4711 of \xff\xfe!\r\n")
    answer = await reader.readline()
    writer.write(b"250 good\r\n" if answer == b"PONG \xff\xfe! 4711 $ ${1}\r\n" else b"550 bad\r\n")
    await reader.read()


CHALLENGE = [
    {"expect": r"^\* nonce (\d+) of (?P<word>.*)$", "send": "PONG ${word} ${1} $ \\x24{1}\\r\\n"},
    {"expect": "^250 good$", "refuse": "^5"},
]


async def test_groups_of_a_match_go_into_what_is_sent(observe: Driver, servers: Servers) -> None:
    seen = await observe("tcp", f"127.0.0.1:{await servers.start(_challenge)}", steps=CHALLENGE)
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.UP, "answered", "")
    assert [name for name, _ in seen.phases] == ["connect", "answer"]


STEPS: list[tuple[list[bytes], list[dict[str, Any]], str, str]] = [
    # Lines are judged whole, however they come.
    ([b"2", b"20 ", b"mail\r", b"\n250 x\n"], [{"expect": "^220 mail$"}, {"expect": "^250 x$"}], "answered", ""),
    ([b"22", b"0-x\r\n"], [{"expect": "^22$"}], "unexpected", "step 1: the server said '220-x\\r\\n' before it closed"),
    # What comes before the line is passed over, what was taken is gone.
    ([b"a\nb\nc\n"], [{"expect": "b"}, {"expect": "c"}], "answered", ""),
    (
        [b"a\nb\nc\n"],
        [{"expect": "b"}, {"expect": "a"}],
        "unexpected",
        "step 2: the server said 'c\\n' before it closed",
    ),
    # The last line needs no end.
    ([b"a\nlogin: "], [{"expect": "^login: $"}], "answered", ""),
    # A refusal ends it at once, and the detail shows the line.
    (
        [b"220-a\r\n554 no\r\n220 b\r\n"],
        [{"expect": "^220 ", "refuse": "^[45]"}],
        "unexpected",
        "step 1: the server said '554 no' which is refused",
    ),
    ([b"220 b\r\n554 no\r\n"], [{"expect": "^220 ", "refuse": "^[45]"}], "answered", ""),
    # Bytes come next or not at all.
    ([b"\x05", b"\x00x"], [{"expect_bytes": "\\x05\\0"}, {"expect_bytes": "x"}], "answered", ""),
    ([b"\x05\x01"], [{"expect_bytes": "\\x05\\0"}], "unexpected", "step 1: the server said '\\x05\\x01' instead"),
    ([b"\x05"], [{"expect_bytes": "\\x05\\0"}], "unexpected", "step 1: the server said '\\x05' before it closed"),
    ([b" x"], [{"expect_bytes": "x"}], "unexpected", "step 1: the server said ' x' instead"),
    ([], [{"expect": "x"}], "unexpected", "step 1: the server said nothing before it closed"),
    # More than 4 KiB for one thing that is waited for: lines without an end, and without sense.
    (
        [b"x" * MOST_BYTES],
        [{"expect": "x"}],
        "unexpected",
        "step 1: the server said '" + "x" * 60 + "' in its first 4 KiB",
    ),
    (
        [b"x\n" * 3000],
        [{"expect": "y"}],
        "unexpected",
        "step 1: the server said '" + "x\\n" * 30 + "' in its first 4 KiB",
    ),
    ([b"x\n" * 2040 + b"y\n" + b"x\n" * 2040 + b"z\n"], [{"expect": "y"}, {"expect": "z"}], "answered", ""),
]


@pytest.mark.parametrize(("parts", "steps", "reason", "detail"), STEPS)
async def test_steps(
    observe: Driver, servers: Servers, parts: list[bytes], steps: list[dict[str, Any]], reason: str, detail: str
) -> None:
    seen = await observe("tcp", f"127.0.0.1:{await servers.start(says(*parts))}", steps=steps)
    assert (seen.reason, seen.detail) == (reason, detail)


async def test_a_refusal_is_not_waited_out(observe: Driver, servers: Servers) -> None:
    """The server goes on listening; without `refuse` it would be a timeout."""
    port = await servers.start(says(b"554 no\r\n", hear=b"never"))
    target = f"127.0.0.1:{port}"
    assert (await observe("tcp", target, steps=[{"expect": "^220", "refuse": "^5"}])).reason == "unexpected"
    seen = await observe("tcp", target, HASTY, steps=[{"expect": "^220"}])
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "timeout")
    assert seen.detail == "not done within 80ms; last phase: answer; step 1: the server said '554 no\\r\\n'"


async def test_what_is_sent_last_arrives(observe: Driver, servers: Servers) -> None:
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(1) == b"?":
            writer.write(b"hello\n")
        heard.append(await reader.read())

    port = await servers.start(hear)
    ways: list[dict[str, Any]] = [{"send": "!bye"}, {"steps": [{"send": "?"}, {"expect": "hello", "send": "bye"}]}]
    for options in ways:
        assert (await observe("tcp", f"127.0.0.1:{port}", **options)).verdict is Verdict.UP
    await async_eventually(lambda: heard == [b"bye", b"bye"])


async def test_a_pattern_that_takes_for_ever_is_ended(observe: Driver, servers: Servers) -> None:
    port = await servers.start(says(b"a" * 64 + b"\n", hear=b"never"))
    for step in ({"expect": "(a+)+b"}, {"expect": "x", "refuse": "(a+)+b"}):
        seen = await observe("tcp", f"127.0.0.1:{port}", steps=[step])
        assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "pattern_too_slow", Cause.PROBER_FAULT)


async def test_a_flood_between_two_steps_is_not_drunk_up(observe: Driver, servers: Servers) -> None:
    port = await servers.start(endless(b"hello\n", b"x" * 1023 + b"\n", servers.sent))
    steps = [{"send": "x", "expect_bytes": None}, {"expect": "^hello"}, {"expect": "^y"}]
    seen = await observe("tcp", f"127.0.0.1:{port}", steps=steps)
    assert seen.reason == "unexpected"
    await async_eventually(lambda: servers.open == 0)
    assert sum(servers.sent) < 24 * 1024 * 1024


# --- Secrets ---------------------------------------------------------------------------------------------------------


async def _repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 x\r\n")
    while data := await reader.read(4096):
        writer.write(data)


async def test_a_secret_is_sent_and_never_shown(
    observe: Driver, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORD", "open sesame")
    target = f"127.0.0.1:{await servers.start(_repeat)}"
    send = ["PASS ", {"env": "WORD"}, "\\r\\n"]
    seen = await observe("tcp", target, steps=[{"send": send}, {"expect": "^PASS open sesame$"}])
    assert seen.verdict is Verdict.UP
    seen = await observe("tcp", target, steps=[{"send": send}, {"expect": "x", "refuse": "PASS"}])
    assert seen.detail == ""
    seen = await observe("tcp", target, steps=[{"send": send}, {"expect": "y", "refuse": "PASS"}])
    assert (seen.reason, seen.detail) == ("unexpected", "step 2: the server said something else which is refused")
    seen = await observe("tcp", target, LONG, send=send, expect="nothing like it")
    assert (seen.reason, seen.detail.endswith("answer; the server said something else")) == ("timeout", True)


async def test_a_secret_that_cannot_be_read(observe: Driver, servers: Servers, tmp_path: Path) -> None:
    target = f"127.0.0.1:{await servers.start(silence)}"
    seen = await observe("tcp", target, send=[{"file": str(tmp_path / "none")}])
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "secret_unavailable", Cause.PROBER_FAULT)


# --- STARTTLS --------------------------------------------------------------------------------------------------------

UPGRADE = [
    {"expect": "^220 "},
    {"send": "STARTTLS\\r\\n"},
    {"expect": "^220 ", "starttls": True},
    {"send": "NOOP\\r\\n"},
    {"expect": "^250 secure"},
]


def upgrading(tls: Any, consent: bytes = b"220 go\r\n", later: bytes = b"") -> Behaviour:
    """A server that turns to TLS when it is asked to; ``later`` follows its consent in a segment of its own."""

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(consent)
        if later:
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(later)
        await writer.start_tls(tls)
        if await reader.readline():
            writer.write(b"250 secure\r\n")
            await reader.read()

    return behaviour


async def test_starttls_as_a_step(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.start(upgrading(root.server("127.0.0.1")))
    seen = await observe("tcp", f"127.0.0.1:{port}", steps=UPGRADE, tls={"ca": root.path})
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.UP, "answered", "")
    assert seen.certificate_expiry == to_instant(NOW + 30 * DAY)
    assert [name for name, _ in seen.phases] == ["connect", "answer", "tls"]


@pytest.mark.parametrize("extra", [b"2", b"250 secure\r\n" * 3])
async def test_words_slipped_in_before_the_handshake_are_refused(
    observe: Driver, servers: Servers, root: Authority, extra: bytes
) -> None:
    """What came in the clear must never pass for what was said under TLS."""
    port = await servers.start(upgrading(root.server("127.0.0.1"), b"220 go\r\n" + extra))
    seen = await observe("tcp", f"127.0.0.1:{port}", steps=UPGRADE, tls={"ca": root.path})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "starttls_injection")
    assert seen.detail == f"step 3: {len(extra)} bytes came before the handshake"
    assert seen.certificate_expiry is None


async def test_words_slipped_in_a_little_later_break_the_handshake(
    observe: Driver, servers: Servers, root: Authority
) -> None:
    port = await servers.start(upgrading(root.server("127.0.0.1"), later=b"250 secure\r\n"))
    seen = await observe("tcp", f"127.0.0.1:{port}", steps=UPGRADE, tls={"ca": root.path})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "tls")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"ends": NOW - DAY / 24}, "certificate_expired"),
    ({"starts": NOW + DAY}, "certificate_not_yet_valid"),
    ({"self_signed": True}, "certificate_untrusted"),
]


@pytest.mark.parametrize("from_start", [True, False])
@pytest.mark.parametrize(("leaf", "reason"), BAD)
async def test_bad_certificates(
    observe: Driver, servers: Servers, root: Authority, leaf: dict[str, Any], reason: str, from_start: bool
) -> None:
    context = root.server("127.0.0.1", **leaf)
    how: dict[str, Any] = {"tls_from_start": True} if from_start else {"steps": UPGRADE}
    port = await (servers.start(silence, tls=context) if from_start else servers.start(upgrading(context)))
    seen = await observe("tcp", f"127.0.0.1:{port}", **how, tls={"ca": root.path})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, reason)
    assert seen.certificate_expiry == to_instant(leaf.get("ends", NOW + 30 * DAY))
    seen = await observe("tcp", f"127.0.0.1:{port}", **how, tls={"verify": False})
    assert seen.verdict is Verdict.UP


async def test_by_name_and_by_another_name(observe: Driver, servers: Servers, root: Authority) -> None:
    target = f"localhost:{await servers.start(upgrading(root.server('localhost', 'mx.example')))}"
    assert (await observe("tcp", target, steps=UPGRADE, tls={"ca": root.path})).verdict is Verdict.UP
    assert (
        await observe("tcp", target, steps=UPGRADE, tls={"ca": root.path, "name": "mx.example"})
    ).verdict is Verdict.UP
    seen = await observe("tcp", target, steps=UPGRADE, tls={"ca": root.path, "name": "x.example"})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "certificate_wrong_host")


async def test_without_its_authorities_nothing_is_asked(observe: Driver, servers: Servers) -> None:
    port = await servers.start(silence)
    seen = await observe("tcp", f"127.0.0.1:{port}", tls_from_start=True, tls={"ca": "/nonexistent"})
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "trust_unavailable", Cause.PROBER_FAULT)
    assert servers.connections == 0


async def test_tls_from_the_first_byte(observe: Driver, servers: Servers, root: Authority) -> None:
    port = await servers.start(says(b"+OK hello\r\n", hear=b"QUIT\r\n"), tls=root.server("127.0.0.1"))
    how: dict[str, Any] = {"tls_from_start": True, "tls": {"ca": root.path}}
    for more in ({}, {"expect": "+OK"}, {"steps": [{"expect": r"^\+OK", "send": "QUIT\\r\\n"}]}):
        seen = await observe("tcp", f"127.0.0.1:{port}", **how, **more)
        assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")
        assert seen.certificate_expiry == to_instant(NOW + 30 * DAY)
    assert (await observe("tcp", f"127.0.0.1:{port}", **how, expect="-ERR", send="QUIT\\r\\n")).reason == "unexpected"


async def test_a_server_that_falls_silent_in_the_handshake(observe: Driver, servers: Servers, root: Authority) -> None:
    target = f"127.0.0.1:{await servers.start(silence)}"
    for _ in range(2):  # the first one reads the system's authorities, which takes its time
        seen = await observe("tcp", target, LONG, tls_from_start=True)
    assert (seen.reason, seen.detail) == ("timeout", "not done within 400ms; last phase: tls")
