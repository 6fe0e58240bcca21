"""ICMP echo over one shared socket per address family, however many pings are in flight.

Linux gives every raw ICMP socket a copy of every reply, so a socket for each ping costs the square of their number
and drops replies. Here one socket serves all: sixteen random bytes in each payload say whose reply it is. That is
stronger than identifier and sequence, which other processes share and outsiders can guess.

Datagram sockets (``net.ipv4.ping_group_range``) need no privilege and are taken where they are allowed, raw ones
(``CAP_NET_RAW``) else. Raw ones also see errors of routers, so that `unreachable` is known before the timeout.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from slawatch.probes.answer import Failure, fail
from slawatch.probes.options import Family
from slawatch.runtime.clock import Clock
from slawatch.runtime.errors import Unavailable

NONCE = 16
"""Bytes of each payload that prove a reply."""
REMEDY = "grant CAP_NET_RAW, or allow a group of this process in the sysctl net.ipv4.ping_group_range"

_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_ERRORS = {
    4: {3: "destination unreachable", 11: "time to live exceeded", 12: "parameter problem"},
    6: {1: "destination unreachable", 2: "packet too big", 3: "hop limit exceeded", 4: "parameter problem"},
}
"""ICMP types (RFC 792, RFC 4443)."""
_HEADER = struct.Struct("!BBHHH")
_FILTER = {4: (socket.IPPROTO_RAW, 1), 6: (socket.IPPROTO_ICMPV6, 1)}
"""ICMP_FILTER (linux/icmp.h) and ICMP6_FILTER (linux/icmpv6.h); neither has a name in Python, nor has
SOL_RAW, which is IPPROTO_RAW."""
_BUFFER = 4 * 1024 * 1024
"""Bytes asked for: 5,000 replies fill about as much. Without CAP_NET_ADMIN it is net.core.rmem_max at most."""
_SO_RCVBUFFORCE = 33
"""asm-generic/socket.h; it has no name in Python."""
_SENT_BETWEEN_READS = 64
"""Replies from near hosts arrive while we still send; a pause to read keeps the buffer from filling."""
_READ_AT_ONCE = 256

Opener = Callable[[Family], tuple[socket.socket, bool]]
"""Opens the socket for a family; the flag says whether it is a raw one."""


def open_socket(family: Family) -> tuple[socket.socket, bool]:
    """An ICMP socket that this process may have; ``Unavailable`` where it may have none."""
    for raw in (False, True):
        try:
            return _open(family, raw), raw
        except PermissionError:
            continue
    raise Unavailable(f"ICMP sockets are not permitted: {REMEDY}")


def icmp_rights() -> str:
    """For people: by which right this process can ping, or that it cannot and what would help."""
    try:
        opened, raw = open_socket(4)
    except Unavailable as error:
        return str(error)
    except OSError as error:
        return f"no ICMP socket: {error.strerror}"
    opened.close()
    return "raw sockets (CAP_NET_RAW)" if raw else "datagram sockets (net.ipv4.ping_group_range)"


def _open(family: Family, raw: bool) -> socket.socket:
    domain, protocol = (
        (socket.AF_INET, socket.IPPROTO_ICMP) if family == 4 else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
    )
    kind = socket.SOCK_RAW if raw else socket.SOCK_DGRAM
    opened = socket.socket(domain, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        with suppress(PermissionError):
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        if raw:
            opened.setsockopt(*_FILTER[family], _only(family, (_REPLY[family], *_ERRORS[family])))
    except BaseException:
        opened.close()
        raise
    return opened


def _only(family: Family, types: tuple[int, ...]) -> bytes:
    """A kernel filter that lets ``types`` in: 32 bits for IPv4, 256 for IPv6; a set bit keeps a type out."""
    mask = (1 << (32 if family == 4 else 256)) - 1
    for each in types:
        mask &= ~(1 << each)
    return struct.pack("=I" if family == 4 else "=8I", *(mask >> s & 0xFFFF_FFFF for s in _words(family)))


def _words(family: Family) -> range:
    return range(0, 32 if family == 4 else 256, 32)


def checksum(packet: bytes) -> int:
    """The Internet checksum (RFC 1071): sums modulo 0xFFFF are what its end-around carry computes."""
    padded = packet + b"\0" if len(packet) % 2 else packet
    return 0xFFFF - int.from_bytes(padded, "big") % 0xFFFF


@dataclass(slots=True)
class _Ping:
    nonce: bytes
    address: str
    sent: int
    done: asyncio.Future[int]


class Echo:
    """All pings of one family. Make it inside a running loop; close it before that loop ends."""

    def __init__(self, family: Family, clock: Clock, opener: Opener = open_socket) -> None:
        self._family, self._clock = family, clock
        self._socket, self._raw = opener(family)
        self._loop = asyncio.get_running_loop()
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._sequence = int.from_bytes(os.urandom(2), "big")
        self._waiting: dict[int, _Ping] = {}
        self._buffer = bytearray(65535)
        self._view = memoryview(self._buffer)
        self._random = b""
        self._unread = 0
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Free the socket. Pings still in flight are cancelled."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for ping in self._waiting.values():
            ping.done.cancel()

    async def ping(self, address: str, size: int) -> int:
        """Microseconds until ``address`` answered with our ``size`` bytes of payload (at least ``NONCE``).

        Waits without end: the deadline is the caller's. ``Failure`` ``unreachable`` where the network said so;
        ``OSError`` where the system did not let the request out.
        """
        sequence = self._free_sequence()
        nonce = self._nonce()
        ping = _Ping(nonce, address, self._clock.monotonic(), self._loop.create_future())
        self._waiting[sequence] = ping
        try:
            self._send(self._packet(sequence, nonce, size), address)
            return await ping.done
        finally:
            del self._waiting[sequence]

    def _send(self, packet: bytes, address: str) -> None:
        self._socket.sendto(packet, (address, 0))
        self._unread += 1
        if self._unread >= _SENT_BETWEEN_READS:
            self._read()

    def _packet(self, sequence: int, nonce: bytes, size: int) -> bytes:
        payload = nonce + bytes(size - NONCE)
        kind = _REQUEST[self._family]
        packet = _HEADER.pack(kind, 0, 0, self._identifier, sequence) + payload
        if self._family == 6 or not self._raw:
            return packet  # the kernel fills the checksum in
        return _HEADER.pack(kind, 0, checksum(packet), self._identifier, sequence) + payload

    def _free_sequence(self) -> int:
        if len(self._waiting) > 0xF000:
            raise Failure("prober_fault", "too many pings in flight")
        sequence = (self._sequence + 1) & 0xFFFF
        while sequence in self._waiting:
            sequence = (sequence + 1) & 0xFFFF
        self._sequence = sequence
        return sequence

    def _nonce(self) -> bytes:
        if not self._random:
            self._random = os.urandom(NONCE * 256)
        nonce, self._random = self._random[:NONCE], self._random[NONCE:]
        return nonce

    def _read(self) -> None:
        self._unread = 0
        receive = self._socket.recvfrom_into
        for _ in range(_READ_AT_ONCE):
            try:
                length, source = receive(self._buffer)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # an error of one earlier packet; the next read is a new one
            self.receive(self._view[:length], source[0])

    def receive(self, packet: memoryview, source: str) -> None:
        """Take one packet in, as the socket gave it. Whatever is not for a waiting ping is passed over."""
        if self._family == 4 and self._raw:
            if len(packet) < 20:
                return
            packet = packet[(packet[0] & 15) * 4 :]
        if len(packet) < 8:
            return
        kind, _, _, _, sequence = _HEADER.unpack_from(packet)
        if kind == _REPLY[self._family]:
            ping = self._waiting.get(sequence)
            if ping and not ping.done.done() and source == ping.address and packet[8 : 8 + NONCE] == ping.nonce:
                ping.done.set_result(self._clock.monotonic() - ping.sent)
        elif kind in _ERRORS[self._family] and self._raw:
            self._refuse(packet, source)

    def _refuse(self, packet: memoryview, source: str) -> None:
        """An error of a router about one of our requests, a part of which it quotes (RFC 792, RFC 4443)."""
        quoted = packet[8:]
        if self._family == 4:
            destination, offset = quoted[16:20], (quoted[0] & 15) * 4 if quoted else 0
        else:
            destination, offset = quoted[24:40], 40
        inner = quoted[offset:]
        if len(inner) < 8:
            return
        kind, _, _, identifier, sequence = _HEADER.unpack_from(inner)
        ping = self._waiting.get(sequence)
        if ping is None or ping.done.done() or (kind, identifier) != (_REQUEST[self._family], self._identifier):
            return
        domain = socket.AF_INET if self._family == 4 else socket.AF_INET6
        nonce = inner[8 : 8 + NONCE]
        if socket.inet_pton(domain, ping.address) == destination and ping.nonce.startswith(nonce):
            words = _ERRORS[self._family][packet[0]]
            fail(ping.done, Failure("unreachable", f"{source}: {words}"))
