"""Name servers that answer awkwardly, beyond those of ``probes.nameservers``."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

from parity.awkward import dripping
from parity.row import Place, Serve
from probes.nameservers import Query, Say, answers
from probes.servers import break_off, end

GOOD = answers("A 192.0.2.1")


def named(say: Say, over_tcp: Say | None = None) -> Serve:
    """A name server that says so over UDP, and over TCP where it listens there."""

    async def serve(place: Place) -> int:
        return (await place.names(say, over_tcp)).address[1]

    return serve


def wire(change: Callable[[bytes], bytes], say: Say = GOOD) -> Say:
    """The answers with their bytes changed."""
    return lambda query: [change(each) for each in say(query)]


def edited(edit: Callable[[dns.message.Message], None], say: Say = GOOD) -> Say:
    """The answers changed as messages."""

    def said(query: Query) -> list[bytes]:
        messages = [dns.message.from_wire(each) for each in say(query)]
        for message in messages:
            edit(message)
        return [message.to_wire(max_size=65535) for message in messages]

    return said


def to_another_question(query: Query) -> list[bytes]:
    """The right number, another question, and an answer to that."""
    other = dns.message.make_query("other.example.", "A", id=query.id)
    return GOOD(other)


def about_another_name(query: Query) -> list[bytes]:
    """The right question, and the address of another name."""
    response = dns.message.make_response(query)
    response.answer.append(dns.rrset.from_text("other.example.", 60, "IN", "A", "192.0.2.1"))
    return [response.to_wire()]


def aliases_in_a_circle(query: Query) -> list[bytes]:
    """Two names that stand for each other."""
    response = dns.message.make_response(query)
    name = query.question[0].name.to_text()
    response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", "other.example."))
    response.answer.append(dns.rrset.from_text("other.example.", 60, "IN", "CNAME", name))
    return [response.to_wire()]


def cut_off(query: Query) -> list[bytes]:
    """An answer without records that says that it was cut off (TC)."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return [response.to_wire()]


def wrong_number(query: Query) -> list[bytes]:
    """A right answer with another number."""
    [right] = GOOD(query)
    return [struct.pack("!H", query.id ^ 1) + right[2:]]


def loop_of_pointers(data: bytes) -> bytes:
    """The first record's name points to itself."""
    end = 12 + data[12:].index(b"\0") + 5
    return data[:end] + struct.pack("!H", 0xC000 | end) + data[end + 2 :]


def many(count: int) -> Say:
    """As many addresses as are asked of it, in one datagram."""
    return answers(*(f"A 192.0.2.{number % 256}" for number in range(count)))


def only_without_edns(query: Query) -> list[bytes]:
    """An old server: it does not know EDNS and says FORMERR, and answers a question without it."""
    if query.edns < 0:
        return GOOD(query)
    response = struct.pack("!HHHHHH", query.id, 0x8101, 0, 0, 0, 0)
    return [response]


def from_elsewhere(host: str) -> Serve:
    """Answers from another socket: another port, or another address."""

    async def serve(place: Place) -> int:
        loop = asyncio.get_running_loop()
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind((host, 0))
        place.servers.also(other.close)

        class Asked(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
                query = dns.message.from_wire(data)
                assert isinstance(query, dns.message.QueryMessage)
                for each in GOOD(query):
                    other.sendto(each, peer)

        transport, _ = await loop.create_datagram_endpoint(Asked, ("127.0.0.1", 0))
        place.servers.also(transport.close)
        return int(transport.get_extra_info("sockname")[1])

    return serve


async def nobody_over_udp(place: Place) -> int:
    """A port that is bound by nobody for UDP: the kernel says so."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    port = int(bound.getsockname()[1])
    bound.close()
    return port


def over_tcp(behaviour: Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], object]) -> Serve:
    """Cut off over UDP; over TCP it reads the question, then does as ``behaviour`` says."""

    async def serve(place: Place) -> int:
        server = await place.names(cut_off)

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            result = behaviour(reader, writer, await reader.readexactly(length))
            if asyncio.iscoroutine(result):
                await result
            if not writer.is_closing():
                await end(writer)

        return await place.servers.start(converse, port=server.address[1])

    return serve


async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, query: bytes) -> None:
    """Says nothing."""
    await reader.read()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, query: bytes) -> None:
    """One byte a second."""
    answer = _answer(query)
    await dripping(writer, len(answer).to_bytes(2, "big") + answer)


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, query: bytes) -> None:
    """Breaks off."""
    break_off(writer)


def says_over_tcp(change: Callable[[bytes], bytes]) -> Callable[..., None]:
    """The right answer with its bytes changed, its length included."""

    def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, query: bytes) -> None:
        answer = _answer(query)
        writer.write(change(len(answer).to_bytes(2, "big") + answer))

    return behaviour


def _answer(query: bytes) -> bytes:
    asked = dns.message.from_wire(query)
    assert isinstance(asked, dns.message.QueryMessage)
    [answer] = GOOD(asked)
    return answer
