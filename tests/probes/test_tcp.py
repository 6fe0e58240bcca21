"""The kind `tcp` against real ports."""

from __future__ import annotations

import asyncio
import errno
import resource
from typing import Any

import pytest
from pydantic import ValidationError

from probes.driver import HASTY, Driver
from probes.scene import Scene
from probes.servers import Servers, end, endless, reset, silence
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.conversation import MOST_BYTES
from slawatch.probes.kinds.tcp import Options, target


async def test_a_port_that_accepts_is_up(observe: Driver, servers: Servers) -> None:
    port = await servers.start(silence)
    seen = await observe("tcp", f"127.0.0.1:{port}")
    assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")
    assert [name for name, _ in seen.phases] == ["connect"]


async def test_over_ipv6(observe: Driver, servers: Servers) -> None:
    port = await servers.start(silence, host="::1")
    assert (await observe("tcp", f"[::1]:{port}")).verdict is Verdict.UP


async def test_a_name_is_resolved_in_a_phase_of_its_own(observe: Driver, servers: Servers) -> None:
    port = await servers.start(silence)
    seen = await observe("tcp", f"tcp://localhost:{port}", ip=4)
    assert seen.verdict is Verdict.UP
    assert [name for name, _ in seen.phases] == ["resolve", "connect"]


async def test_a_port_on_which_nothing_listens(observe: Driver, servers: Servers) -> None:
    seen = await observe("tcp", f"127.0.0.1:{servers.unused()}")
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.DOWN, "refused", None)


async def test_a_port_that_drops_what_comes(observe: Driver, servers: Servers) -> None:
    seen = await observe("tcp", f"127.0.0.1:{servers.full()}", HASTY)
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "timeout")
    assert seen.detail == "not done within 80ms; last phase: connect"
    assert HASTY * 3 // 4 <= seen.duration < 20 * HASTY  # uvloop counts whole milliseconds


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESM")
    await writer.drain()
    writer.write(b"TP\r\n")
    line = await reader.readline()
    writer.write(b"250 " + line.upper())
    await reader.read()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"expect": "220 "}, "answered"),
        ({"expect": "ESMTP\\r\\n"}, "answered"),
        ({"send": "ehlo \\x41\\\\\\r\\n", "expect": "EHLO A\\\\\\r\\n"}, "answered"),
        ({"send": "ä\\n", "expect": "ä"}, "answered"),
        ({"send": "no answer is waited for"}, "answered"),
        ({"expect": "554"}, "timeout"),
    ],
)
async def test_what_is_said(observe: Driver, servers: Servers, options: dict[str, str], reason: str) -> None:
    port = await servers.start(_greet)
    assert (await observe("tcp", f"127.0.0.1:{port}", HASTY * 5, **options)).reason == reason


async def _bye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"554 go\x07 away\r\n")
    await writer.drain()


async def test_the_wrong_words_and_then_the_end(observe: Driver, servers: Servers) -> None:
    seen = await observe("tcp", f"127.0.0.1:{await servers.start(_bye)}", expect="220 ")
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "unexpected")
    assert seen.detail == "the server said '554 go\\x07 away\\r\\n' before it closed"


async def test_no_more_than_4_kib_are_heard(observe: Driver, servers: Servers) -> None:
    port = await servers.start(endless(b"", b"x" * 1024))
    seen = await observe("tcp", f"127.0.0.1:{port}", send="a", expect="y")
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "unexpected")
    assert seen.detail.endswith("in its first 4 KiB")


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"x" * (MOST_BYTES - 2) + b"yes")
    await writer.drain()
    await reader.read()


async def test_a_text_across_the_4_kib_border_is_not_heard(observe: Driver, servers: Servers) -> None:
    port = await servers.start(_late)
    assert (await observe("tcp", f"127.0.0.1:{port}", send="a", expect="xy")).reason == "answered"
    assert (await observe("tcp", f"127.0.0.1:{port}", send="a", expect="yes")).reason == "unexpected"


async def test_a_reset(observe: Driver, servers: Servers) -> None:
    seen = await observe("tcp", f"127.0.0.1:{await servers.start(reset)}", send="hello", expect="x")
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "reset")


async def test_slow_is_degraded_and_says_by_how_much(observe: Driver, servers: Servers) -> None:
    seen = await observe("tcp", f"127.0.0.1:{await servers.start(silence)}", slow="1us")
    assert (seen.verdict, seen.reason) == (Verdict.DEGRADED, "slow")
    assert seen.detail.endswith("more than 1us")


async def test_without_descriptors_nothing_can_be_said(observe: Driver, servers: Servers) -> None:
    port = await servers.start(silence)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        seen = await observe("tcp", f"127.0.0.1:{port}")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "prober_fault", Cause.PROBER_FAULT)
    assert seen.detail == "Too many open files"


@pytest.mark.parametrize(
    "text",
    [
        "host",
        "host:",
        "host:0",
        "host:65536",
        "host:²",
        "::1:25",
        "[::1]",
        "[::1]25",
        "a b:1",
        "a\r\nb:1",
        "127.1:1",
        ":1",
    ],
)
def test_targets_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|contains|ambiguous|decimal"):
        target(text)


def test_targets() -> None:
    assert str(target("tcp://Host.Example.:25")) == "host.example:25"
    assert str(target("[2001:DB8::0:1]:25")) == "[2001:db8::1]:25"
    assert str(target("bücher.example:1")) == "xn--bcher-kva.example:1"


@pytest.mark.parametrize("value", ["\\q", "end\\", "", 5, "\\x4"])
def test_texts_that_are_none(value: object) -> None:
    with pytest.raises(ValidationError, match="send"):
        Options.model_validate({"send": value})


LOCAL: list[tuple[int, str]] = [
    (errno.ENOBUFS, "prober_fault"),
    (errno.ENOMEM, "prober_fault"),
    (errno.EACCES, "prober_fault"),
    (errno.EPERM, "prober_fault"),
    (errno.EMFILE, "prober_fault"),
    (errno.ENFILE, "prober_fault"),
    (errno.EADDRNOTAVAIL, "prober_fault"),
    (errno.ENETDOWN, "prober_fault"),
    (errno.EHOSTUNREACH, "unreachable"),
    (errno.ENETUNREACH, "unreachable"),
    (errno.ETIMEDOUT, "timeout"),
    (errno.ECONNREFUSED, "refused"),
    (errno.ECONNRESET, "reset"),
    (errno.EPIPE, "reset"),
]


@pytest.mark.parametrize(("number", "reason"), LOCAL)
async def test_errors_of_the_system(observe: Driver, monkeypatch: pytest.MonkeyPatch, number: int, reason: str) -> None:
    """S11: what the network did is DOWN, what this machine lacks is VOID."""

    async def refuse(*_: object) -> None:
        raise OSError(number, "as the kernel says it")

    monkeypatch.setattr("slawatch.probes.kinds.tcp.connect", refuse)
    seen = await observe("tcp", "127.0.0.1:9")
    assert seen.reason == reason
    assert seen.verdict is (Verdict.VOID if reason == "prober_fault" else Verdict.DOWN)


async def _good(servers: Servers) -> str:
    return f"127.0.0.1:{await servers.start(_greet)}"


async def _silent(servers: Servers) -> str:
    return f"127.0.0.1:{await servers.start(silence)}"


async def _flood(servers: Servers) -> str:
    return f"127.0.0.1:{await servers.start(endless(b'', b'x' * 4096, servers.sent))}"


class Secretive(Scene):
    """A secret in the short form and in a step, before a server that repeats what it hears."""

    async def secretive(self, servers: Servers, secret: dict[str, str]) -> tuple[str, list[dict[str, Any]]]:
        said = ["PASS ", secret, "\\r\\n"]
        variants: list[dict[str, Any]] = [
            {"send": said, "expect": "PASS"},
            {"send": said, "expect": "nothing like it\\n"},
            {"steps": [{"send": said}, {"expect": "PASS (.*)", "send": "${1}"}], "send": None, "expect": None},
            {"steps": [{"send": said}, {"expect": "x", "refuse": "PASS"}], "send": None, "expect": None},
            {"steps": [{"send": said}, {"expect_bytes": "x"}], "send": None, "expect": None},
        ]
        return f"127.0.0.1:{await servers.start(_repeat)}", variants


async def _repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readline())
    await end(writer)


SCENE = Secretive(good=_good, silent=_silent, flood=_flood, options={"send": "hello", "expect": "220 "})
