"""Rows of the kinds ``tcp`` and ``icmp``."""

from __future__ import annotations

import asyncio
import ssl

from parity.awkward import (
    breaks_off_after,
    drips,
    floods,
    full,
    greets,
    mute,
    nobody,
    nobody_on_ipv6,
    pieces,
    serving,
)
from parity.row import Ask, Place, Row, Serve
from probes.certificates import Authority
from probes.servers import end, silence

TCP = Ask("tcp", "{}", "{}", "tcp", {}, {"preferred_ip_protocol": "ip4"})
GREETING = TCP.but({"expect": "220 ready"}, {"query_response": [{"expect": "^220 ready"}]})
DIALOGUE = TCP.but(
    {"send": "PING\\r\\n", "expect": "PONG"}, {"query_response": [{"send": "PING\r"}, {"expect": "^PONG"}]}
)
ICMP = Ask("icmp", "{}", "{}", "icmp", {}, {"preferred_ip_protocol": "ip4"})


async def _answers_after_the_question(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\n")
    writer.write(b"PONG\r\n")
    await end(writer)


async def unspecified(place: Place) -> str:
    return f"0.0.0.0:{await place.servers.start(silence)}"


def _tls(authority: Authority) -> ssl.SSLContext:
    return authority.server("127.0.0.1")


def at(text: str) -> Serve:
    """No server of ours: the kernel answers."""

    async def serve(place: Place) -> str:
        return text

    return serve


TCP_ROWS = [
    Row("accepts, and nothing more is asked", TCP, mute(), "answered", "up"),
    Row("closes at once, and nothing more is asked", TCP, greets(), "answered", "up"),
    Row("nothing listens", TCP, nobody, "refused", "down"),
    Row("does not even accept: its queue is full", TCP, full, "timeout", "down", hasty=True),
    Row("listens on IPv6", TCP, greets(host="::1"), "answered", "up"),
    Row("asked on IPv6, nothing listens there", TCP, nobody_on_ipv6, "refused", "down"),
    Row(
        "0.0.0.0, which is no host",
        TCP,
        unspecified,
        "address_denied",
        "up",
        "The kernel takes 0.0.0.0 for this very machine, and an answer of the monitor's own box is nobody's service.",
    ),
    Row("greets as agreed", GREETING, greets(b"220 ready\r\n", hang=True), "answered", "up"),
    Row("greets byte by byte", GREETING, greets(*pieces(b"220 ready\r\n", 1), hang=True), "answered", "up"),
    Row("greets in several lines", GREETING, greets(b"220-wait\r\n220-wait\r\n220 ready\r\n"), "answered", "up"),
    Row("accepts and never greets", GREETING, mute(), "timeout", "down", hasty=True),
    Row("closes without a greeting", GREETING, greets(), "unexpected", "down"),
    Row("resets instead of a greeting", GREETING, breaks_off_after(asked=False), "reset", "down"),
    Row("resets within its greeting", GREETING, breaks_off_after(b"220 re", asked=False), "reset", "down"),
    Row("closes within its greeting", GREETING, greets(b"220 re"), "unexpected", "down"),
    Row("greets otherwise and closes", GREETING, greets(b"554 go away\r\n"), "unexpected", "down"),
    Row(
        "greets otherwise and falls silent",
        GREETING,
        greets(b"554 go away\r\n", hang=True),
        "timeout",
        "down",
        hasty=True,
    ),
    Row("greets one byte a second", GREETING, drips(b"220 ready\r\n"), "timeout", "down", hasty=True),
    Row(
        "greets without a line end",
        GREETING,
        greets(b"220 ready", hang=True),
        "answered",
        "down",
        "The text that was agreed on came. The exporter looks at whole lines only and waits for a line end.",
        hasty=True,
    ),
    Row("an endless line", GREETING, floods(b"", b"x" * 4096, asked=False), "unexpected", "down", hasty=True),
    Row(
        "endless lines",
        GREETING,
        floods(b"", (b"x" * 78 + b"\r\n") * 50, asked=False),
        "unexpected",
        "down",
        hasty=True,
    ),
    Row(
        "greets after 8 KiB of something else",
        GREETING,
        greets(b"250-filler\r\n" * 700 + b"220 ready\r\n"),
        "unexpected",
        "up",
        "A greeting comes first. slawatch looks at 4 KiB of what a stranger says, and says so in its reference.",
    ),
    Row(
        "NUL bytes and Latin-1 before its greeting", GREETING, greets(b"\0\xff\xfe\r\n220 ready\r\n"), "answered", "up"
    ),
    Row("answers a question", DIALOGUE, serving(_answers_after_the_question), "answered", "up"),
    Row("never answers a question", DIALOGUE, mute(), "timeout", "down", hasty=True),
    Row("resets at a question", DIALOGUE, breaks_off_after(), "reset", "down"),
    Row("speaks TLS where a greeting is expected", GREETING, mute(_tls), "timeout", "down", hasty=True),
]

ICMP_ROWS = [
    Row("this machine", ICMP, at("127.0.0.1"), "answered", "up"),
    Row("this machine, by another address", ICMP, at("127.9.8.7"), "answered", "up"),
    Row("this machine over IPv6", ICMP, at("::1"), "answered", "up"),
    Row(
        "a payload larger than most packets",
        ICMP.but({"size": 9000}, {"payload_size": 9000}),
        at("127.0.0.1"),
        "answered",
        "up",
    ),
]
