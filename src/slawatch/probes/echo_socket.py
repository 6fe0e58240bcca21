"""The sockets of the ICMP echo: by which right, with how large a buffer, for which packets.

Datagram sockets (``net.ipv4.ping_group_range``) need no privilege and are taken where they are allowed, raw ones
(``CAP_NET_RAW``) else. Raw ones also see errors of routers, so that `unreachable` is known before the timeout.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from slawatch.probes.options import Family
from slawatch.runtime.errors import Unavailable

REMEDY = "grant CAP_NET_RAW, or allow a group of this process in the sysctl net.ipv4.ping_group_range"

REPLY = {4: 0, 6: 129}
ERRORS = {
    4: {3: "destination unreachable", 11: "time to live exceeded", 12: "parameter problem"},
    6: {1: "destination unreachable", 2: "packet too big", 3: "hop limit exceeded", 4: "parameter problem"},
}
"""ICMP types (RFC 792, RFC 4443)."""
_FILTER = {4: (socket.IPPROTO_RAW, 1), 6: (socket.IPPROTO_ICMPV6, 1)}
"""ICMP_FILTER (linux/icmp.h) and ICMP6_FILTER (linux/icmpv6.h); neither has a name in Python, nor has
SOL_RAW, which is IPPROTO_RAW."""
_BUFFER = 4 * 1024 * 1024
"""Bytes asked for: 5,000 replies fill about as much. Without CAP_NET_ADMIN it is net.core.rmem_max at most.

The other direction keeps the kernel's default, which a few hundred requests fill: then the socket says that it is full,
whereas a link whose queue overflows drops them without a word.
"""
_SO_RCVBUFFORCE, _SO_MEMINFO = 33, 55
"""asm-generic/socket.h; they have no names in Python."""
_MEMORY = struct.Struct("=9I")
"""SK_MEMINFO_… (linux/sock_diag.h), of which the last one counts what was dropped."""
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _IPV6_DONTFRAG, _IPV6_HOPLIMIT = 10, 23, 62, 52
_PMTUDISC_DONT, _PMTUDISC_PROBE = 0, 3
"""linux/in.h, linux/in6.h. Routers may cut a packet up, or must not, whatever is known of the path."""


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
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        with suppress(PermissionError):
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        if raw:
            opened.setsockopt(*_FILTER[family], _only(family, (REPLY[family], *ERRORS[family])))
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


def set_cutting(opened: socket.socket, family: Family, *, allowed: bool) -> None:
    """Whether routers (IPv4), or this machine (IPv6), may cut a packet into fragments."""
    how = _PMTUDISC_DONT if allowed else _PMTUDISC_PROBE
    if family == 4:
        opened.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, how)
    elif not allowed:
        opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, how)
        opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_DONTFRAG, 1)


def dropped(opened: socket.socket) -> int:
    """How many packets the kernel could not put into the socket's buffer, ever; 0 where it does not say."""
    try:
        return int(_MEMORY.unpack(opened.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMORY.size))[-1])
    except (OSError, struct.error):
        return 0


def hops(family: Family, ttl: int) -> tuple[int, int, bytes]:
    """What goes along with one packet so that it makes so many hops at most (cmsg(3))."""
    level, kind = (socket.IPPROTO_IP, socket.IP_TTL) if family == 4 else (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT)
    return level, kind, struct.pack("=i", ttl)
