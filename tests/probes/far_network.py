"""A network of its own behind a TUN device, whose hosts, routers, delays and losses are a thread of the test's own.

Everything that goes to 10.0.0.0/8 or to fd00::/16 comes to ``behave``, packet by packet, which says what comes back,
and when. Needs root.
"""

from __future__ import annotations

import fcntl
import heapq
import itertools
import os
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from probes.quiet_network import QuietNetwork
from slawatch.probes.echo import checksum
from support.waiting import eventually

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000
_SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFMTU, _SIOCSIFTXQLEN = 0x8916, 0x891C, 0x8922, 0x8943
_SIOCGIFINDEX, _SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8933, 0x8913, 0x8914, 1
_NAME = b"far0"

ROUTER = "10.255.255.254"
"""Who sends errors about packets."""


@dataclass(frozen=True)
class Seen:
    """A packet that went out, whole, and how many went to the same host before it."""

    packet: bytes
    number: int

    @property
    def version(self) -> int:
        return self.packet[0] >> 4

    @property
    def ttl(self) -> int:
        return self.packet[8] if self.version == 4 else self.packet[7]

    @property
    def whole(self) -> bool:
        """Whether it forbids to be cut up (IPv4)."""
        return bool(self.packet[6] & 0x40)

    @property
    def destination(self) -> bytes:
        return self.packet[16:20] if self.version == 4 else self.packet[24:40]

    def reply(self) -> bytes:
        """The echo reply to it."""
        if self.version == 4:
            header, request = self.packet[:20], self.packet[20:]
            swapped = header[:8] + b"\x40" + header[9:12] + header[16:20] + header[12:16]
            return swapped[:10] + _sum(swapped[:10] + b"\0\0" + swapped[12:]) + swapped[12:] + _summed(0, request)
        header, request = self.packet[:40], self.packet[40:]
        ends = header[24:40] + header[8:24]
        return header[:8] + ends + _summed(129, request, ends + struct.pack("!II", len(request), socket.IPPROTO_ICMPV6))

    def error(self, kind: int, code: int) -> bytes:
        """What a router says of it (RFC 792): it quotes the beginning."""
        body = struct.pack("!BBHI", kind, code, 0, 0) + self.packet[:28]
        body = body[:2] + _sum(body) + body[4:]
        ends = socket.inet_aton(ROUTER) + self.packet[12:16]
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, socket.IPPROTO_ICMP, 0) + ends
        return header[:10] + _sum(header) + header[12:] + body


def _sum(data: bytes) -> bytes:
    return checksum(data).to_bytes(2, "big")


def _summed(kind: int, request: bytes, pseudo: bytes = b"") -> bytes:
    reply = bytes([kind, 0, 0, 0]) + request[4:]
    return reply[:2] + _sum(pseudo + reply) + reply[4:]


Behaviour = Callable[[Seen], Iterable[tuple[float, bytes]]]
"""What comes back for a packet: packets, each after so many seconds."""


def at_once(seen: Seen) -> list[tuple[float, bytes]]:
    """Every host answers at once."""
    return [(0, seen.reply())]


class FarNetwork(QuietNetwork):
    """Behaves as ``behave`` says, which a test may set at any time. ``seen`` has every packet that went out."""

    def __init__(self, *, raw: bool = True, mtu: int = 1500) -> None:
        super().__init__("1 0" if raw else "0 2147483647")
        self.behave: Behaviour = at_once
        self.seen: list[Seen] = []
        self._count: Counter[bytes] = Counter()
        self._later: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._tun = self._run(lambda: _tun(mtu))
        self._run(lambda: eventually(_has_ipv6))
        self._ended, self._end = os.pipe()
        self._responder = threading.Thread(target=self._respond)
        self._responder.start()

    def close(self) -> None:
        os.close(self._end)
        self._responder.join()
        os.close(self._ended)
        os.close(self._tun)
        super().close()

    def _respond(self) -> None:
        while True:
            wait = max(0.0, self._later[0][0] - time.monotonic()) if self._later else None
            ready, _, _ = select.select([self._tun, self._ended], [], [], wait)
            if self._ended in ready:
                return
            if ready:
                self._take()
            while self._later and self._later[0][0] <= time.monotonic():
                os.write(self._tun, heapq.heappop(self._later)[2])

    def _take(self) -> None:
        for _ in range(64):
            try:
                packet = os.read(self._tun, 65535)
            except BlockingIOError:
                return
            if packet[0] >> 4 == 6 and (packet[6] != socket.IPPROTO_ICMPV6 or packet[40] != 128):
                continue  # IPv6 looks for routers and listeners by itself
            seen = Seen(packet, 0)
            seen = Seen(packet, self._count[seen.destination])
            self._count[seen.destination] += 1
            self.seen.append(seen)
            for after, back in self.behave(seen):
                heapq.heappush(self._later, (time.monotonic() + after, next(self._order), back))


def _has_ipv6() -> bool:
    """Whether our address is no longer a tentative one, from which nothing is sent."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind(("fd00::1", 0))
        except OSError:
            return False
    return True


def _tun(mtu: int) -> int:
    """An open TUN device that all of both networks is behind."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sh22x", _NAME, _IFF_TUN | _IFF_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as four, socket.socket(socket.AF_INET6) as six:
        for request, value in ((_SIOCSIFMTU, mtu), (_SIOCSIFTXQLEN, 20_000)):
            fcntl.ioctl(four, request, struct.pack("16si20x", _NAME, value))
        for request, text in ((_SIOCSIFADDR, "10.0.0.1"), (_SIOCSIFNETMASK, "255.0.0.0")):
            address = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
            fcntl.ioctl(four, request, struct.pack("16s16s8x", _NAME, address))
        (flags,) = struct.unpack_from("h", fcntl.ioctl(four, _SIOCGIFFLAGS, struct.pack("16s24x", _NAME)), 16)
        fcntl.ioctl(four, _SIOCSIFFLAGS, struct.pack("16sh22x", _NAME, flags | _IFF_UP))
        (index,) = struct.unpack_from("i", fcntl.ioctl(four, _SIOCGIFINDEX, struct.pack("16s24x", _NAME)), 16)
        address6 = socket.inet_pton(socket.AF_INET6, "fd00::1")
        fcntl.ioctl(six, _SIOCSIFADDR, struct.pack("=16sIi", address6, 16, index))
    return device
