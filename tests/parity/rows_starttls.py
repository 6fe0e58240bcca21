"""Rows of the kind ``tcp``: mail servers that are to turn to TLS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from parity.awkward import Contexts
from parity.row import CA, Ask, Place, Row, Serve
from parity.rows_tls import good
from probes.certificates import DAY, NOW
from probes.servers import end

_SCRIPT = [
    {"expect": "^220 "},
    {"send": "EHLO prober.example\r"},
    {"expect": "^250[ -]STARTTLS"},
    {"send": "STARTTLS\r"},
    {"expect": "^220 "},
    {"starttls": True},
    {"send": "QUIT\r"},
    {"expect": "^221 "},
]
STARTTLS = Ask(
    "tcp",
    "{}",
    "{}",
    "tcp",
    {"starttls": "smtp", "tls": {"ca": CA}},
    {"preferred_ip_protocol": "ip4", "query_response": _SCRIPT, "tls_config": {"ca_file": CA}},
)

Turn = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _waits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


async def _ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await end(writer)


async def _talks_noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    writer.write(b"250 what is this?\r\n")
    await end(writer)


def mail(
    tls: Contexts = good,
    *,
    greeting: bytes = b"220 mail.example ESMTP\r\n",
    offer: bytes = b"250-mail.example\r\n250 STARTTLS\r\n",
    consent: bytes = b"220 go ahead\r\n",
    instead: Turn | None = None,
) -> Serve:
    """A mail server that turns to TLS and says goodbye under it; ``instead`` is what it does in place of that."""

    async def serve(place: Place) -> int:
        context = tls(place.authority)

        async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(greeting)
            await reader.readline()
            writer.write(offer)
            await reader.readline()
            writer.write(consent)
            if instead is not None:
                await instead(reader, writer)
                return
            await writer.start_tls(context)
            await reader.readline()
            writer.write(b"221 bye\r\n")
            await end(writer)

        return await place.servers.start(behaviour)

    return serve


ROWS = [
    Row("STARTTLS, in order", STARTTLS, mail(), "answered", "up"),
    Row(
        "STARTTLS is not offered", STARTTLS, mail(offer=b"250 mail.example\r\n"), "starttls_refused", "down", hasty=True
    ),
    Row(
        "STARTTLS is refused",
        STARTTLS,
        mail(consent=b"454 later\r\n", instead=_waits),
        "starttls_refused",
        "down",
        hasty=True,
    ),
    Row("turns away at its greeting", STARTTLS, mail(greeting=b"421 too busy\r\n"), "unexpected", "down", hasty=True),
    Row("consents to TLS and closes", STARTTLS, mail(instead=_ends), "reset", "down"),
    Row("consents to TLS and talks on in the clear", STARTTLS, mail(instead=_talks_noise), "tls", "down"),
    Row("consents to TLS and stalls", STARTTLS, mail(instead=_waits), "timeout", "down", hasty=True),
    Row(
        "STARTTLS, its certificate expired",
        STARTTLS,
        mail(lambda a: a.server("127.0.0.1", ends=NOW - DAY)),
        "certificate_expired",
        "down",
    ),
    Row(
        "STARTTLS, its certificate for another host",
        STARTTLS,
        mail(lambda a: a.server("other.example")),
        "certificate_wrong_host",
        "down",
    ),
    Row(
        "words between its consent and the handshake",
        STARTTLS,
        mail(consent=b"220 go ahead\r\n221 injected\r\n"),
        "starttls_injection",
        "up",
        "Whoever sits on the way can put words there that look as if they had been said under TLS (CVE-2011-0411). The "
        "exporter happens to throw them away here, and does not see that somebody tried.",
    ),
]
