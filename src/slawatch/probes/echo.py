"""ICMP echo over one shared socket per address family, however many pings are in flight.

Linux gives every raw ICMP socket a copy of every reply, so a socket for each ping costs the square of their number
and drops replies. Here one socket serves all: sixteen random bytes in each payload say whose reply it is. That is
stronger than identifier and sequence, which other processes share and outsiders can guess.

What fails on this side is told from silence. A request that the full queue of our own link does not take waits, and is
known not to have left; a reply that found our buffer full is counted by the kernel, and that count is looked at.

"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections import deque
from dataclasses import dataclass

from slawatch.probes.answer import Failure, fail
from slawatch.probes.echo_socket import ERRORS, REPLY, Opener, dropped, hops, open_socket, set_cutting
from slawatch.probes.options import Family
from slawatch.runtime.clock import Clock

NONCE = 16
"""Bytes of each payload that prove a reply."""
_REQUEST = {4: 8, 6: 128}
"""ICMP types (RFC 792, RFC 4443)."""
_TOO_BIG = ERRORS[6][2]
"""What IPv4 says by code 4 of type 3 (RFC 1191), in the words of IPv6."""
_HEADER = struct.Struct("!BBHHH")
_COUNTED_EVERY = 1_000_000
"""Microseconds between two looks at that count while pings leave. A ping is in doubt from the look before it on."""
_SENT_BETWEEN_READS = 64
"""Replies from near hosts arrive while we still send; a pause to read keeps the buffer from filling."""
_READ_AT_ONCE, _MOST_READS = 256, 64


def checksum(packet: bytes) -> int:
    """The Internet checksum (RFC 1071): sums modulo 0xFFFF are what its end-around carry computes."""
    padded = packet + b"\0" if len(packet) % 2 else packet
    return 0xFFFF - int.from_bytes(padded, "big") % 0xFFFF


@dataclass(slots=True, eq=False)
class Ping:
    """One request, and its reply to come."""

    address: str
    payload: bytes
    sequence: int
    ttl: int | None
    done: asyncio.Future[int]
    """Microseconds of the round trip; ``Failure`` ``unreachable`` where the network said so."""
    drops: int
    """Replies that this side had dropped when it was last looked, before this ping left."""
    sent: int | None = None
    """When it left, in monotonic microseconds. ``None``: it still waits for room in our own queue."""
    took: int | None = None
    """The round trip, once there is a reply; also after whoever waited for ``done`` was cancelled."""


class Echo:
    """All pings of one family. Make it inside a running loop; close it before that loop ends.

    ``whole``: no packet may be cut into fragments on its way.
    """

    def __init__(self, family: Family, clock: Clock, opener: Opener = open_socket, *, whole: bool = False) -> None:
        self._family, self._clock = family, clock
        self._socket, self._raw = opener(family)
        set_cutting(self._socket, family, allowed=not whole)
        self._loop = asyncio.get_running_loop()
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._sequence = int.from_bytes(os.urandom(2), "big")
        self._waiting: dict[int, Ping] = {}
        self._queue: deque[tuple[Ping, bytes]] = deque()
        self._drops, self._counted = 0, -_COUNTED_EVERY
        self._buffer = bytearray(65535)
        self._view = memoryview(self._buffer)
        self._random = b""
        self._unread = 0
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Free the socket. Pings still in flight are cancelled."""
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        for ping in self._waiting.values():
            ping.done.cancel()

    async def ping(self, address: str, size: int) -> int:
        """Microseconds until ``address`` answered with our ``size`` bytes of payload (at least ``NONCE``).

        Waits without end: the deadline is the caller's. Failures and errors are those of :meth:`send` and of the ping.
        """
        ping = self.send(address, size)
        try:
            return await ping.done
        finally:
            self.forget(ping)

    def send(self, address: str, size: int, ttl: int | None = None) -> Ping:
        """Send a request now, or as soon as our own queue takes it. Whoever sends must :meth:`forget`.

        ``Failure`` ``prober_fault`` where there are too many, or it is too large for our own link; ``OSError`` where
        the system does not let it out for another reason.
        """
        now = self._clock.monotonic()
        if now - self._counted >= _COUNTED_EVERY:
            self._drops, self._counted = dropped(self._socket), now
        sequence = self._free_sequence()
        payload = self._nonce() + bytes(size - NONCE)
        ping = Ping(address, payload, sequence, ttl, self._loop.create_future(), self._drops)
        packet = self._packet(sequence, payload)
        self._waiting[sequence] = ping
        try:
            if self._queue or not self._leaves(ping, packet, now):
                self._enqueue(ping, packet)
        except BaseException:
            self.forget(ping)
            raise
        self._unread += 1
        if self._unread >= _SENT_BETWEEN_READS:
            self._read()
        return ping

    def forget(self, ping: Ping) -> None:
        """Wait for it no longer: its reply, however late, counts for nothing."""
        if self._waiting.get(ping.sequence) is ping:
            del self._waiting[ping.sequence]

    def age(self, ping: Ping) -> int:
        """Microseconds since it left; -1 where it did not."""
        return -1 if ping.sent is None else self._clock.monotonic() - ping.sent

    def in_doubt(self, ping: Ping) -> bool:
        """Whether replies were lost on this side since it left, for want of room in our buffer; so one to it may be."""
        return dropped(self._socket) != ping.drops

    def _leaves(self, ping: Ping, packet: bytes, now: int) -> bool:
        """Hand it to the system; whether that took it."""
        ping.sent = now
        try:
            if ping.ttl is None:
                self._socket.sendto(packet, (ping.address, 0))
            else:
                self._socket.sendmsg([packet], [hops(self._family, ping.ttl)], 0, (ping.address, 0))
        except (BlockingIOError, InterruptedError):
            ping.sent = None
            return False
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            text = f"{len(packet)} bytes do not fit through this machine's own link in one piece"
            raise Failure("prober_fault", text) from None
        return True

    def _enqueue(self, ping: Ping, packet: bytes) -> None:
        if not self._queue:
            self._loop.add_writer(self._socket, self._flush)
        self._queue.append((ping, packet))

    def _flush(self) -> None:
        """There is room again: send what waits, in order."""
        while self._queue:
            ping, packet = self._queue[0]
            if self._waiting.get(ping.sequence) is ping:
                try:
                    if not self._leaves(ping, packet, self._clock.monotonic()):
                        return
                except (OSError, Failure) as error:
                    fail(ping.done, error)
            self._queue.popleft()
        self._loop.remove_writer(self._socket)

    def _packet(self, sequence: int, payload: bytes) -> bytes:
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

    def catch_up(self) -> None:
        """Take in every reply that is here already: for a deadline that comes before the loop got round to reading."""
        for _ in range(_MOST_READS):
            if self._read():
                return

    def _read(self) -> bool:
        """Take in a batch; whether that was all."""
        self._unread = 0
        receive = self._socket.recvfrom_into
        for _ in range(_READ_AT_ONCE):
            try:
                length, source = receive(self._buffer)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                continue  # an error of one earlier packet; the next read is a new one
            self.receive(self._view[:length], source[0])
        return False

    def receive(self, packet: memoryview, source: str) -> None:
        """Take one packet in, as the socket gave it. Whatever is not for a waiting ping is passed over."""
        if self._family == 4 and self._raw:
            if len(packet) < 20:
                return
            packet = packet[(packet[0] & 15) * 4 :]
        if len(packet) < 8:
            return
        kind, _, _, _, sequence = _HEADER.unpack_from(packet)
        if kind == REPLY[self._family]:
            ping = self._waiting.get(sequence)
            if ping is None or ping.sent is None or ping.took is not None:
                return
            # Some hosts send large payloads back shortened; nobody may send other bytes back.
            data = packet[8:]
            if source == ping.address and len(data) >= NONCE and data == ping.payload[: len(data)]:
                ping.took = self._clock.monotonic() - ping.sent
                if not ping.done.done():
                    ping.done.set_result(ping.took)
        elif kind in ERRORS[self._family] and self._raw:
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
        if socket.inet_pton(domain, ping.address) == destination and ping.payload.startswith(nonce):
            words = _TOO_BIG if (self._family, *packet[:2]) == (4, 3, 4) else ERRORS[self._family][packet[0]]
            fail(ping.done, Failure("unreachable", f"{source}: {words}"))
