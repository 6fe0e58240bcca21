"""DNS servers on loopback that answer as a test tells them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from slawatch.probes.dns_exchange import Server

Query = dns.message.QueryMessage
Say = Callable[[Query], list[bytes]]
"""From a question to the datagrams that come back, in order."""


class Dns(asyncio.DatagramProtocol):
    """A DNS server over UDP and, on the same port, over TCP."""

    def __init__(self, say: Say, over_tcp: Say | None) -> None:
        self._say, self._over_tcp = say, over_tcp
        self.questions: list[str] = []
        self.tcp_questions = 0
        self._unanswered: list[tuple[Query, tuple[str, int]]] = []

    async def start(self, host: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._tcp = await asyncio.start_server(self._converse, host, 0)
            self.address: Server = self._tcp.sockets[0].getsockname()[:2]
            udp = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
            try:
                udp.bind(self.address)
                self._udp, _ = await loop.create_datagram_endpoint(lambda: self, sock=udp)
                break
            except OSError:
                udp.close()
                self._tcp.close()  # somebody has this port for UDP: another one
        if self._over_tcp is None:
            self._tcp.close()

    def stop(self) -> None:
        self._udp.close()
        self._tcp.close()

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        assert isinstance(query, Query)
        [question] = query.question
        self.questions.append(f"{question.name} {dns.rdatatype.to_text(question.rdtype)}")
        wires = self._say(query)
        if not wires:
            self._unanswered.append((query, peer))
        for wire in wires:
            self._udp.sendto(wire, peer)

    def from_now_on(self, say: Say) -> None:
        """Say something else, also to those that have been left without an answer."""
        self._say = say
        for query, peer in self._unanswered:
            for wire in say(query):
                self._udp.sendto(wire, peer)
        self._unanswered.clear()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._over_tcp is not None
        self.tcp_questions += 1
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        query = dns.message.from_wire(await reader.readexactly(length))
        assert isinstance(query, Query)
        for wire in self._over_tcp(query):
            writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()
        await writer.wait_closed()


class Farm:
    def __init__(self) -> None:
        self.servers: list[Dns] = []

    async def __call__(self, say: Say, over_tcp: Say | None = None, host: str = "127.0.0.1") -> Dns:
        server = Dns(say, over_tcp)
        await server.start(host)
        self.servers.append(server)
        return server


def answers(*records: str, ttl: int = 60) -> Say:
    """`A 192.0.2.1`, `AAAA 2001:db8::1`, `CNAME other.example.`: those of the type that was asked, and all CNAMEs."""

    def say(query: Query) -> list[bytes]:
        response = dns.message.make_response(query)
        [question] = query.question
        name = question.name
        for record in records:
            kind, value = record.split(" ")
            if kind in ("CNAME", dns.rdatatype.to_text(question.rdtype)):
                response.answer.append(dns.rrset.from_text(name, ttl, "IN", kind, value))
                name = dns.name.from_text(value) if kind == "CNAME" else name
        if not any(records.rdtype == question.rdtype for records in response.answer):
            response.authority.append(authority(name.parent() if name.labels[0] else name))
        return [response.to_wire(max_size=65535)]

    return say


def authority(zone: dns.name.Name) -> dns.rrset.RRset:
    """What stands behind a negative answer (RFC 2308)."""
    return dns.rrset.from_text(zone, 60, "IN", "SOA", "ns.example. admin.example. 1 3600 600 86400 60")


def missing(zone: str = "example.") -> Say:
    """NXDOMAIN with the word of a zone."""

    def say(query: Query) -> list[bytes]:
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.NXDOMAIN)
        response.authority.append(authority(dns.name.from_text(zone)))
        return [response.to_wire()]

    return say


def code(rcode: dns.rcode.Rcode) -> Say:
    def say(query: Query) -> list[bytes]:
        response = dns.message.make_response(query)
        response.set_rcode(rcode)
        return [response.to_wire()]

    return say


def silent(query: Query) -> list[bytes]:
    return []


def cut(query: Query) -> list[bytes]:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return [response.to_wire()]


def broken(query: Query) -> list[bytes]:
    return [b"\xff" * 7]


def forged_then(say: Say) -> Say:
    """First an answer to another question, then noise, then the right one."""

    def both(query: Query) -> list[bytes]:
        other = dns.message.make_response(query)
        other.id ^= 1
        other.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.66"))
        return [other.to_wire(), b"noise", *say(query)]

    return both
