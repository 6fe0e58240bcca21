"""Kinds under fuzz: their servers, and their replies."""

from __future__ import annotations

import asyncio
import ssl
import struct
from contextlib import suppress
from random import Random
from typing import Any

from parity import fuzz_dns, fuzz_http
from parity.fuzzing import Stream
from parity.mutations import in_pieces, mutated
from probes.certificates import Authority

HANGS = 0.02
"""How many replies leave the connection open instead of closing it."""


PATIENCE = 0.02
"""Seconds for which a dialogue's server waits for the next line before it closes."""


class _OverTcp:
    """What subjects over TCP have in common: one reply, in pieces, and an end."""

    kind: str
    options: dict[str, Any]
    prefix, suffix = "", ""

    def __init__(self) -> None:
        self.said = b""
        self._pieces: list[bytes] = []
        self._hangs = False

    async def serve(self) -> str:
        self._stream = Stream(self.converse)
        return f"{self.prefix}127.0.0.1:{await self._stream.start()}{self.suffix}"

    async def stop(self) -> None:
        await self._stream.stop()

    def spelled(self) -> str:
        return repr(self.said)

    def arm(self, random: Random) -> None:
        self.said = self.draw(random)
        self._pieces, self._hangs = in_pieces(random, self.said), random.random() < HANGS

    def draw(self, random: Random) -> bytes:
        raise NotImplementedError

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await self.say(reader, writer)

    async def say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in self._pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if self._hangs:
            await reader.read()
        writer.close()
        await writer.wait_closed()


class Http(_OverTcp):
    """Replies to a request for a page that must hold a text."""

    kind, prefix, suffix = "http", "http://", "/"
    options = fuzz_http.OPTIONS

    def draw(self, random: Random) -> bytes:
        return fuzz_http.reply(random)

    def is_good(self) -> bool:
        return fuzz_http.is_good(self.said)


GREETING = b"220-mail.example\r\n220 ready\r\n"


class Tcp(_OverTcp):
    """Greetings, of which the first 4 KiB must hold a text."""

    kind = "tcp"
    options = {"expect": "220 ready\\r\\n"}

    def draw(self, random: Random) -> bytes:
        padding = b"x" * random.choice((0, 0, 0, 4000, 4090, 5000))
        return padding + (GREETING if random.random() < 0.1 else mutated(random, GREETING, (b"\r\n", b"\0", b"220 ")))

    def is_good(self) -> bool:
        return b"220 ready\r\n" in self.said[:4096]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.say(reader, writer)


LDAP = bytes.fromhex("300c02010178070a010004000400")
DIALOGUES: dict[str, tuple[bytes, ...]] = {
    "smtp": (b"220 mail.example ESMTP\r\n", b"250-mail.example\r\n250 STARTTLS\r\n", b"220 go ahead\r\n"),
    "imap": (b"* OK ready\r\n", b"a1 OK begin\r\n"),
    "pop3": (b"+OK ready\r\n", b"+OK begin\r\n"),
    "ftp": (b"220 ready\r\n", b"234 go ahead\r\n"),
    "sieve": (b'"STARTTLS"\r\nOK\r\n', b"OK begin\r\n"),
    "postgres": (b"", b"S"),
    "ldap": (b"", LDAP),
}
"""What a server says by turns until TLS begins."""


class Dialogue(_OverTcp):
    """Servers that are to turn to TLS, and whose TLS is noise: whatever they say, none of them is up."""

    kind = "tcp"

    def draw(self, random: Random) -> bytes:
        protocol = random.choice(list(DIALOGUES))
        self.options = {"starttls": protocol, "tls": {"verify": False}}
        words = (b"\r\n", b"250 ", b"220 ", b"OK ", b"a1 OK", b"S", LDAP)
        self._turns = [
            each if random.random() < 0.6 else mutated(random, each or b"\0", words) for each in DIALOGUES[protocol]
        ]
        return b"|".join([protocol.encode(), *self._turns])

    def is_good(self) -> bool:
        return False

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(PATIENCE):
            for turn in self._turns:
                writer.write(turn)
                await reader.read(65536)
        writer.write(b"\x16\x03\x03\0\x2a\x02" + bytes(41))
        writer.close()
        await writer.wait_closed()


class Tls(_OverTcp):
    """A server's first flight, mutated; and certificates that were changed after they were signed.

    TLS is made so that nothing of it can be changed unseen. What may: where one record ends and the next begins is
    the record layer's own affair, the record that once changed ciphers means nothing in TLS 1.3, nor do versions of
    records in the clear; and whatever comes after a whole flight comes after the handshake.
    """

    kind = "tls"

    def __init__(self, authority: Authority) -> None:
        super().__init__()
        self.options = {"ca": authority.path}
        self._authority = authority
        self._leaf = authority.leaf("127.0.0.1").read_bytes()
        self._context = authority.server("127.0.0.1")
        self._forged = False
        self._random = Random(0)
        self.genuine = b""

    def draw(self, random: Random) -> bytes:
        self._random = random
        self._forged = random.random() < 0.2 and self._forge(random)
        return b""

    def _forge(self, random: Random) -> bool:
        """Change the certificate after it was signed; whether OpenSSL still takes it for one, and for this key's."""
        key, mark, leaf = self._leaf.partition(b"-----BEGIN CERTIFICATE-----")
        signed = ssl.PEM_cert_to_DER_cert((mark + leaf).decode())
        changed = mutated(random, signed)
        path = self._authority.folder / "forged.pem"
        path.write_bytes(key + ssl.DER_cert_to_PEM_cert(changed).encode())
        self._forgery = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            self._forgery.load_cert_chain(path)
        except ssl.SSLError:
            return False
        return not changed.startswith(signed)

    def is_good(self) -> bool:
        return not self._forged and _bare(self.said).startswith(_bare(self.genuine))

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = self._forgery if self._forged else self._context
        session = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(await reader.read(65536))
        with suppress(ssl.SSLWantReadError):
            session.do_handshake()
        self.genuine = outgoing.read()
        random = self._random
        if self._forged or random.random() < 0.1:
            self.said = self.genuine
        elif random.random() < 0.3:
            self.said = _records_changed(random, self.genuine)
        else:
            self.said = mutated(
                random, self.genuine, (b"\x15\x03\x03\0\x02\x02\x28", b"\x16\x03\x03\0\0", b"\x14\x03\x03\0\1\1")
            )
        self._pieces = in_pieces(random, self.said)
        await self.say(reader, writer)


def _records(flight: bytes) -> list[bytes]:
    found = []
    while len(flight) >= 5:
        (length,) = struct.unpack_from("!H", flight, 3)
        found.append(flight[: 5 + length])
        flight = flight[5 + length :]
    return [*found, flight] if flight else found


def _records_changed(random: Random, flight: bytes) -> bytes:
    records = _records(flight)
    way = random.randrange(4)
    if way == 0:
        random.shuffle(records)
    elif way == 1:
        del records[random.randrange(len(records))]
    elif way == 2:
        records.insert(random.randrange(len(records)), random.choice(records))
    else:
        place = random.randrange(len(records))
        records[place] = mutated(random, records[place])
    return b"".join(records)


def _bare(flight: bytes) -> bytes:
    """A flight without what means nothing: empty records, those that change ciphers, and versions in the clear."""
    return b"".join(
        each[:1] + each[3:] if each[:1] == b"\x16" else each
        for each in _records(flight)
        if each[:1] != b"\x14" and len(each) > 5
    )


class Dns:
    """Replies to a question for an address."""

    kind = "dns"
    options: dict[str, Any] = {}

    def __init__(self) -> None:
        self._random = Random(0)
        self.said: list[bytes] = []
        self.query = b""

    async def serve(self) -> str:
        loop = asyncio.get_running_loop()
        subject = self

        class Server(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
                subject.query = data
                for each in subject.replies(data):
                    subject.said.append(each)
                    subject._transport.sendto(each, peer)

        self._transport, _ = await loop.create_datagram_endpoint(Server, ("127.0.0.1", 0))
        return f"127.0.0.1:{self._transport.get_extra_info('sockname')[1]}/{fuzz_dns.NAME}"

    def replies(self, query: bytes) -> list[bytes]:
        random = self._random
        several = [fuzz_dns.reply(random, query) for _ in range(random.choice((1, 1, 1, 1, 2, 3)))]
        # What is passed over leaves the probe waiting: a last word that ends it saves that time.
        end = query[:2] + b"\x81\x82" + bytes(8) if random.random() > HANGS else b""
        return [*several, end] if end else several

    async def stop(self) -> None:
        self._transport.close()

    def arm(self, random: Random) -> None:
        self._random, self.said = random, []

    def is_good(self) -> bool:
        return any(fuzz_dns.is_good(each, self.query) for each in self.said)

    def spelled(self) -> str:
        return f"{self.query!r} → {self.said!r}"
