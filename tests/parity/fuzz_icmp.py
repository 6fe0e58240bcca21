"""ICMP packets good and bad, given to the shared socket as the kernel would, and an oracle."""

from __future__ import annotations

import socket
import struct
from random import Random
from typing import Any, cast

from parity.mutations import mutated
from slawatch.probes.echo import NONCE
from slawatch.probes.options import Family

TARGET, OTHER = "127.0.0.1", "127.0.0.9"
HEADER = b"\x45\0\0\x54\0\0\0\0\x40\1\0\0" + socket.inet_aton(TARGET) + socket.inet_aton(TARGET)


def answer(request: bytes) -> bytes:
    """The whole packet of a host that answers."""
    return HEADER + b"\0\0" + request[2:]


def unreachable(request: bytes, kind: int = 3) -> bytes:
    """A router's error about the request, which it quotes."""
    return HEADER + struct.pack("!BBHHH", kind, 1, 0, 0, 0) + HEADER + request[:28]


def reply(random: Random, request: bytes) -> tuple[bytes, str]:
    """A packet and whom it comes from."""
    way = random.random()
    if way < 0.1:
        return answer(request), TARGET
    if way < 0.2:
        return answer(request), OTHER
    valid = answer(request) if way < 0.7 else unreachable(request, random.choice((3, 11, 12, 5)))
    if random.random() < 0.5:  # its head stays whole: what follows is what matters
        return HEADER + mutated(random, valid[20:], (request[8:24],)), TARGET
    return mutated(random, valid, (request[8:24],)), TARGET


def is_good(packet: bytes, source: str, request: bytes) -> bool:
    """Whether the packet proves that the host got ``request``: its number, and its bytes or the first of them."""
    if len(packet) < 20 or source != TARGET:
        return False
    inner = packet[(packet[0] & 15) * 4 :]
    returned = inner[8:]
    proven = len(returned) >= NONCE and request[8:].startswith(returned)
    return inner[:1] == b"\0" and inner[6:8] == request[6:8] and proven


class Wire:
    """Takes a raw ICMP socket's place: what is sent is answered, and the answers are read as packets come."""

    def __init__(self, subject: Icmp) -> None:
        self._subject = subject
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ours.setblocking(False)

    def fileno(self) -> int:
        return self._ours.fileno()

    def setsockopt(self, *_: object) -> None:
        """Fragments and hops are nothing here."""

    def getsockopt(self, _: int, __: int, size: int) -> bytes:
        """No packet is ever dropped here."""
        return bytes(size)

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()

    def sendto(self, request: bytes, _: tuple[str, int]) -> int:
        for packet, source in self._subject.replies(request):
            self._theirs.send(socket.inet_aton(source) + packet)
        return len(request)

    def recvfrom_into(self, buffer: bytearray) -> tuple[int, tuple[str, int]]:
        data = self._ours.recv(len(buffer))
        buffer[: len(data) - 4] = data[4:]
        return len(data) - 4, (socket.inet_ntoa(data[:4]), 0)


class Icmp:
    """Replies to a ping."""

    kind = "icmp"
    options: dict[str, Any] = {}

    def __init__(self) -> None:
        self._random = Random(0)
        self.said: list[tuple[bytes, str]] = []
        self.request = b""

    async def serve(self) -> str:
        return TARGET

    async def stop(self) -> None:
        pass

    def opener(self, family: Family) -> tuple[socket.socket, bool]:
        """As :func:`slawatch.probes.echo.open_socket`."""
        return cast("socket.socket", Wire(self)), True

    def arm(self, random: Random) -> None:
        self._random, self.said = random, []

    def replies(self, request: bytes) -> list[tuple[bytes, str]]:
        """What comes back, and a last word that ends the wait for what was passed over."""
        random, self.request = self._random, request
        self.said = [reply(random, request) for _ in range(random.choice((1, 1, 2, 3)))]
        return self.said if random.random() < 0.02 else [*self.said, (unreachable(request), TARGET)]

    def is_good(self) -> bool:
        return any(is_good(packet, source, self.request) for packet, source in self.said)

    def spelled(self) -> str:
        return f"{self.request!r} → {self.said!r}"
