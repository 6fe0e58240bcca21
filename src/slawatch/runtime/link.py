"""By which interface this machine would reach an address, and whether that interface has a link.

Asked of the kernel by rtnetlink, so that its answer is the one that packets get: policy rules, the network namespace of
this process and all. Neither needs a privilege. Files below ``/sys`` would show the namespace that mounted them.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
from ipaddress import ip_address
from typing import NamedTuple

_HEADER = struct.Struct("=IHHII")
"""nlmsghdr (linux/netlink.h): length, type, flags, sequence, port."""
_ROUTE = struct.Struct("=BBBBBBBBI")
"""rtmsg (linux/rtnetlink.h): family, lengths of destination and source, tos, table, protocol, scope, type, flags."""
_ATTRIBUTE = struct.Struct("=HH")
_ERROR, _NEW_ROUTE, _GET_ROUTE = 2, 24, 26
_REQUEST = 1
_DESTINATION, _OUT_INTERFACE = 1, 4
_FLAGS_OF = 0x8913
"""SIOCGIFFLAGS (linux/sockios.h)."""
_UP_AND_RUNNING = 0x1 | 0x40
"""IFF_UP and IFF_RUNNING (linux/if.h): somebody switched it on, and the other end of the cable answers."""
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL, errno.ESRCH})
"""What a look-up ends with where there is no route, or one that refuses (unreachable, prohibit, blackhole)."""


class Way(NamedTuple):
    """The interface towards an address; ``interface`` is empty where this machine has no route there."""

    interface: str
    linked: bool
    """Whether it is switched on and has a carrier."""


def way_to(address: str) -> Way:
    """How the kernel would send to a literal address now. ``OSError`` where it does not say."""
    index = _interface_to(address)
    if index is None:
        return Way("", linked=False)
    name = socket.if_indextoname(index)
    return Way(name, linked=_flags(name) & _UP_AND_RUNNING == _UP_AND_RUNNING)


def _interface_to(address: str) -> int | None:
    destination = ip_address(address)
    family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    packed = destination.packed
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(packed), _DESTINATION) + packed
    body = _ROUTE.pack(family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0) + attribute
    message = _HEADER.pack(_HEADER.size + len(body), _GET_ROUTE, _REQUEST, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(1)  # the kernel answers within the call that sends; this is for kernels that do not
        netlink.sendto(message, (0, 0))
        return _read_answer(netlink.recv(65536))


def _read_answer(answer: bytes) -> int | None:
    length, kind, _, _, _ = _HEADER.unpack_from(answer)
    if kind == _ERROR:
        (code,) = struct.unpack_from("=i", answer, _HEADER.size)
        if -code in _NO_WAY:
            return None
        raise OSError(-code, "rtnetlink gives no route")
    if kind != _NEW_ROUTE:
        raise OSError(errno.EPROTO, "rtnetlink gives another answer")
    place = _HEADER.size + _ROUTE.size
    while place + _ATTRIBUTE.size <= min(length, len(answer)):
        size, what = _ATTRIBUTE.unpack_from(answer, place)
        if what == _OUT_INTERFACE:
            (index,) = struct.unpack_from("=i", answer, place + _ATTRIBUTE.size)
            return int(index)
        place += max(_ATTRIBUTE.size, -(-size // 4) * 4)
    return None


def _flags(interface: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        request = struct.pack("16sh14x", interface.encode(), 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, _FLAGS_OF, request))
    return int(flags)
