"""A network in which every address is this very machine: what is sent there never leaves, and is seen.

Its only interface is `lo`, and local routes for everything (AnyIP) lead to it. So a probe that should never have been
sent to 169.254.169.254 reaches a listener of the test's own, whatever address it was sent to. Needs root.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import NamedTuple

from support.tree import Tree, location

_CLONE_NEWNET = 0x40000000
_ALL_PROTOCOLS = 0x0003
_IPV4 = 0x0800
_OUTGOING = 4
_SETUP = """set -e
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo
"""


class Packet(NamedTuple):
    """One packet that was sent. The ports are 0 where the protocol has none."""

    protocol: int
    source_port: int
    address: str
    port: int


@dataclass
class Nowhere:
    """Enter it with :meth:`entered`, from the thread whose sockets shall be inside."""

    namespace: int

    @classmethod
    def make(cls) -> Nowhere:
        """A new one. The calling thread stays where it is."""
        outside = _namespace()
        try:
            _must(_libc.unshare(_CLONE_NEWNET))
            done = Tree(location()).run(["sh", "-c", _SETUP])
            assert done.returncode == 0, done.stderr
            return cls(_namespace())
        finally:
            _must(_libc.setns(outside, _CLONE_NEWNET))
            os.close(outside)

    def close(self) -> None:
        """It goes with its last socket."""
        os.close(self.namespace)

    @contextmanager
    def entered(self) -> Iterator[Wire]:
        """Sockets that this thread opens are inside; what they send is on the wire that is returned."""
        outside = _namespace()
        try:
            _must(_libc.setns(self.namespace, _CLONE_NEWNET))
            assert socket.if_nameindex() == [(1, "lo")], "not alone: what is sent here could leave this machine"
            with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS)) as tap:
                tap.setblocking(False)
                tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
                yield Wire(tap)
        finally:
            _must(_libc.setns(outside, _CLONE_NEWNET))
            os.close(outside)


@dataclass
class Wire:
    """What was sent since it was last asked."""

    tap: socket.socket

    def sent(self) -> list[Packet]:
        """Every packet, in order."""
        packets = []
        with suppress(BlockingIOError):
            while True:
                data, (_, protocol, direction, *_) = self.tap.recvfrom(65535)
                if direction == _OUTGOING:
                    packets.append(_packet(data, old=protocol == _IPV4))
        return packets


def _packet(data: bytes, *, old: bool) -> Packet:
    if old:
        protocol, address, rest = data[9], str(IPv4Address(data[16:20])), data[(data[0] & 15) * 4 :]
    else:
        protocol, address, rest = data[6], str(IPv6Address(data[24:40])), data[40:]
    with_ports = protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP)
    ports = (int.from_bytes(rest[at : at + 2], "big") if with_ports else 0 for at in (0, 2))
    return Packet(protocol, next(ports), address, next(ports))


_libc = ctypes.CDLL(None, use_errno=True)


def _must(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _namespace() -> int:
    return os.open(Path("/proc/thread-self/ns/net"), os.O_RDONLY | os.O_CLOEXEC)
