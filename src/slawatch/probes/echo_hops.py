"""A ping on a socket of its own that also hears how many hops the reply could still have made.

The shared socket does not ask the kernel for it: a message of ancillary data with each of thousands of replies costs
more than the reply. This one is opened for a single probe and closed after it.
"""

from __future__ import annotations

import socket
import struct

from slawatch.probes.echo import Echo
from slawatch.probes.echo_socket import Opener, open_socket
from slawatch.probes.options import Family
from slawatch.runtime.clock import Clock

_IP_RECVTTL, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 12, 51, 52
"""linux/in.h, linux/in6.h."""
_ASK = {4: (socket.IPPROTO_IP, _IP_RECVTTL), 6: (socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT)}
_TOLD = {4: (socket.IPPROTO_IP, socket.IP_TTL), 6: (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT)}
_INT = struct.Struct("=i")
_ROOM = socket.CMSG_SPACE(_INT.size)


class HopEcho(Echo):
    """Pings of one family."""

    hop_limit: int | None = None
    """That of the reply that came last."""

    def __init__(self, family: Family, clock: Clock, opener: Opener = open_socket, *, whole: bool = False) -> None:
        super().__init__(family, clock, opener, whole=whole)
        self._socket.setsockopt(*_ASK[family], 1)

    def _read(self) -> bool:
        self._unread = 0
        while True:
            try:
                packet, told, _, source = self._socket.recvmsg(65535, _ROOM)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                continue  # an error of one earlier packet; the next read is a new one
            waiting = [ping for ping in self._waiting.values() if ping.took is None]
            self.receive(memoryview(packet), source[0])
            if any(ping.took is not None for ping in waiting):
                self.hop_limit = self._hops(told)

    def _hops(self, told: list[tuple[int, int, bytes]]) -> int | None:
        for level, kind, data in told:
            if (level, kind) == _TOLD[self._family] and len(data) >= _INT.size:
                return int(_INT.unpack(data[: _INT.size])[0])
        return None
