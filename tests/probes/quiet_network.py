"""A network of its own, with a loopback that a test can keep from answering pings, in this very process.

A socket belongs for ever to the network namespace in which it was opened. So a thread moves into a new one, opens
sockets there, and hands them over. Needs root, as raw sockets do.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from slawatch.probes.echo_socket import open_socket
from slawatch.probes.options import Family

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


class QuietNetwork:
    """An ICMP opener whose loopback answers only while ``answers`` is written true."""

    def __init__(self, ping_groups: str = "1 0") -> None:
        self._thread = ThreadPoolExecutor(1)
        self._run(self._enter)
        self._set("ping_group_range", ping_groups)
        self.answers(False)

    def opener(self, family: Family) -> tuple[socket.socket, bool]:
        """As :func:`slawatch.probes.echo.open_socket`, inside."""
        return self._run(lambda: open_socket(family))

    def answers(self, whether: bool) -> None:
        """Whether the hosts inside answer echo requests."""
        self._set("icmp_echo_ignore_all", "0" if whether else "1")

    def close(self) -> None:
        self._thread.shutdown()

    def _set(self, name: str, value: str) -> None:
        self._run(lambda: Path("/proc/sys/net/ipv4", name).write_text(value))

    def _run(self, work: Callable[[], T]) -> T:
        return self._thread.submit(work).result()

    @staticmethod
    def _enter() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            request = struct.pack("16sh", b"lo", 0).ljust(40, b"\0")
            answer = fcntl.ioctl(control, _SIOCGIFFLAGS, request)
            (flags,) = struct.unpack_from("h", answer, 16)
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP).ljust(40, b"\0"))
