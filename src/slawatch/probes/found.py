"""What a probe comes upon beyond its observation, for whoever looks closely: statuses, lengths, chains, counts.

A scheduled probe keeps none of it: its trace has no collector, and that is all that it costs. Nothing here holds a text
that the other side chose, but for the names in a certificate that it showed.
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

import dns.message
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.SOA import SOA

from slawatch.domain.interval import Duration
from slawatch.probes.shown_chain import encoded_chain

if TYPE_CHECKING:
    import ssl

MOST_UNPACKED = 2 * 1024 * 1024
"""Bytes of a compressed body that are unpacked to learn its length: a page of 50 MB in 50 kB is an attack."""
_NOT_A_LENGTH = -1
_WITHOUT_BODY = frozenset({204, 304})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def wrapping(body: bytes, encoding: str) -> int:
    """What zlib calls ``wbits``: which wrapping a compressed body has, by its first byte."""
    # "deflate" is zlib's format by RFC 9110, and raw deflate by what some servers do; the first byte tells.
    raw = encoding == "deflate" and body[:1] and body[0] & 15 != 8
    return -15 if raw else 47


class HttpFound:
    """The last answer of an HTTP probe, and how it came there. All zero where there was none."""

    __slots__ = (
        "_counts",
        "_unpacker",
        "content_length",
        "last_modified",
        "length",
        "redirects",
        "secure",
        "status",
        "version",
    )

    def __init__(self) -> None:
        self.redirects = 0
        """Redirects that were met; one that is not to be followed counts as well."""
        self.ask(secure=False)

    def ask(self, *, secure: bool) -> None:
        """Forget the answer before: the next one is asked for, over TLS or in the clear."""
        self.status = 0
        self.version = 0.0
        self.content_length = 0
        """What the headers say, in bytes; -1 where they say nothing."""
        self.length = 0
        """Bytes of the body that came, without its chunk framing, and unpacked where compression was asked for."""
        self.last_modified: int | None = None
        """Seconds since 1970, by the header of that name."""
        self.secure = secure
        self._unpacker: _Unpacker | None = None
        self._counts = True

    def answered(self, status: int, version: str, headers: Mapping[str, str], *, head: bool, unpack: bool) -> None:
        """The head of the answer is whole. ``head``: it answers a HEAD; ``unpack``: compression was asked for."""
        self.status = status
        self.version = float(version)
        self.content_length = _content_length(status, headers, head=head)
        self.last_modified = _instant(headers.get("last-modified", ""))
        encoding = headers.get("content-encoding", "").strip(" \t").lower()
        self._unpacker = _Unpacker(encoding) if unpack and encoding in ("gzip", "x-gzip", "deflate") else None
        self._counts = status not in _REDIRECTS or "location" not in headers
        if not self._counts:
            self.redirects += 1

    def came(self, data: bytes) -> None:
        """A piece of the body. That of a redirect is nobody's answer, whether it is followed or not."""
        if self._counts:
            self.length += len(data) if self._unpacker is None else self._unpacker.length(data)


def _content_length(status: int, headers: Mapping[str, str], *, head: bool) -> int:
    if status in _WITHOUT_BODY and not head:
        return 0
    text = headers.get("content-length", "").strip(" \t")
    if "transfer-encoding" in headers or not (text.isascii() and text.isdigit() and len(text) <= 18):
        return _NOT_A_LENGTH
    return int(text)


def _instant(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None


class _Unpacker:
    """Counts what a compressed body holds, up to ``MOST_UNPACKED``."""

    __slots__ = ("_decoder", "_encoding", "_room")

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._decoder: zlib._Decompress | None = None
        self._room = MOST_UNPACKED

    def length(self, data: bytes) -> int:
        if self._room <= 0:
            return 0
        if self._decoder is None:
            self._decoder = zlib.decompressobj(wrapping(data, self._encoding))
        try:
            count = len(self._decoder.decompress(data, self._room))
        except zlib.error:
            self._room = 0
            return 0
        self._room -= count
        return count


class TlsFound:
    """A handshake that came to its end."""

    __slots__ = ("sent", "trusted", "version")

    def __init__(self, session: ssl.SSLObject, *, verified: bool) -> None:
        self.version = session.version() or ""
        """As OpenSSL writes it: ``TLSv1.3``."""
        self.sent = encoded_chain(session, "get_unverified_chain")
        """The certificates as the server sent them, its own first, as DER."""
        self.trusted = encoded_chain(session, "get_verified_chain") if verified else []
        """Those from its own up to the trusted one; empty where nothing is verified."""


class DnsFound:
    """An answer to a DNS question: how many records in each part, and the zone's serial number."""

    __slots__ = ("additional", "answer", "authority", "serial")

    def __init__(self, response: dns.message.Message, *, of_zone: bool) -> None:
        self.answer, self.authority, self.additional = (
            sum(len(records) or 1 for records in section)
            for section in (response.answer, response.authority, response.additional)
        )
        self.serial: int | None = _serial(response) if of_zone else None
        """Where the question was for the record SOA; 0 where the answer has none. ``None``: another question."""


def _serial(response: dns.message.Message) -> int:
    found = 0
    for records in response.answer:
        if records.rdtype == dns.rdatatype.SOA and records.rdclass == dns.rdataclass.IN:
            found = [int(cast("SOA", each).serial) for each in records][-1]
    return found


class Found:
    """Everything that one probe came upon. Those parts of which it is no probe stay as they are."""

    __slots__ = ("before", "connected", "dns", "hop_limit", "http", "setup", "tls", "unfinished")

    def __init__(self) -> None:
        self.http = HttpFound()
        self.tls: TlsFound | None = None
        """The last handshake; ``None`` where there was none, or none that came to its end."""
        self.dns: DnsFound | None = None
        self.hop_limit: int | None = None
        """How many hops the reply to a ping could still have made."""
        self.setup: Duration = 0
        """Time to open a socket for the ping."""
        self.connected: Duration = 0
        """Time to connect with a name server over TCP."""
        self.before: Mapping[str, Duration] = {}
        """The phases of requests that were redirected."""
        self.unfinished = ""
        """The phase in which the probe failed; empty where it came through all of them."""

    def ask(self, *, secure: bool, before: Sequence[tuple[str, Duration]]) -> None:
        """One more request of HTTP: of the one before nothing stays but that it redirected, and its phases."""
        self.http.ask(secure=secure)
        self.tls = None
        self.before = dict(before)


def note_answer(found: Found | None, response: dns.message.Message, *, of_zone: bool) -> None:
    """A name server answered, cut off or whole. ``of_zone``: the question was for the record SOA."""
    if found is not None:
        found.dns = DnsFound(response, of_zone=of_zone)


def note_connection(found: Found | None, spent: Callable[[], Duration]) -> Callable[[], None] | None:
    """To be called once there is a connection with a name server; ``None`` where nobody asks for the time it took.

    ``spent`` says how much time the probe has taken so far.
    """
    if found is None:
        return None
    begun = spent()

    def note() -> None:
        found.connected = spent() - begun

    return note


def hash_of(address: str) -> int:
    """FNV-1a over the bytes of a literal address, 32 bits (draft-eastlake-fnv): to notice another one."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = 0x811C9DC5
    for byte in socket.inet_pton(family, address):
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return found
