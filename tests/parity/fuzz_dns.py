"""DNS replies good and bad, and an oracle that reads them with nothing of dnspython."""

from __future__ import annotations

import struct
from random import Random

from parity.mutations import mutated

NAME = "host.example"
QNAME = b"\4host\7example\0"
POINTER = b"\xc0\x0c"

WORDS = (
    POINTER, b"\xc0\x00", b"\xff\xff", QNAME, b"\0\1\0\1", b"\0\5\0\1", b"\0\4\xc0\0\2\1", b"\0\0\0\x3c",
    b"\0\0\x29\4\xd0\0\0\0\0\0\0", POINTER + b"\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1",
)  # fmt: skip


def _record(name: bytes, kind: int, data: bytes, family: int = 1) -> bytes:
    return name + struct.pack("!HHIH", kind, family, 60, len(data)) + data


ADDRESS = _record(POINTER, 1, b"\xc0\0\2\1")
ALIAS = _record(POINTER, 5, b"\5other" + b"\xc0\x11") + _record(b"\5other\xc0\x11", 1, b"\xc0\0\2\1")
TWO = ADDRESS + _record(POINTER, 1, b"\xc0\0\2\2")
OPT = b"\0\0\x29\4\xd0\0\0\0\0\0\0"
VALID = ((1, ADDRESS, 0, b""), (2, ALIAS, 0, b""), (2, TWO, 0, b""), (1, ADDRESS, 1, OPT))


def reply(random: Random, query: bytes) -> bytes:
    """One reply to ``query``, now and then a valid one."""
    number, answers, additional, more = random.choice(VALID)
    flags = 0x8180
    if random.random() < 0.1:
        flags ^= 1 << random.randrange(16)
    head = query[:2] + struct.pack("!HHHHH", flags, 1, number, 0, additional)
    valid = head + QNAME + b"\0\1\0\1" + answers + more
    if random.random() < 0.1:
        return valid
    if random.random() < 0.8:  # what has another number is soon done with: most keep it
        return query[:2] + mutated(random, valid[2:], WORDS)
    return mutated(random, valid, WORDS)


class _Wrong(Exception):
    """No message, or no answer to this."""


def is_good(wire: bytes, query: bytes) -> bool:
    """Whether ``wire`` answers ``query`` with an address of the name, at the end of its aliases."""
    try:
        return _is_good(wire, query)
    except (_Wrong, struct.error, IndexError):
        return False


def _is_good(wire: bytes, query: bytes) -> bool:
    number, flags, questions, answers, _, _ = struct.unpack_from("!HHHHHH", wire)
    # Response, opcode QUERY, not cut off, NOERROR.
    if number != int.from_bytes(query[:2], "big") or flags & 0xFA0F != 0x8000 or questions != 1:
        return False
    asked, place = _name(wire, 12)
    kind, family = struct.unpack_from("!HH", wire, place)
    if (asked, kind, family) != (NAME, 1, 1):
        return False
    place += 4
    addresses, aliases = set(), {}
    for _ in range(answers):
        name, place = _name(wire, place)
        kind, family, _, length = struct.unpack_from("!HHIH", wire, place)
        place += 10
        if place + length > len(wire):
            raise _Wrong
        if (kind, family, length) == (1, 1, 4):
            addresses.add(name)
        elif (kind, family) == (5, 1):
            aliases[name], _ = _name(wire, place)
        place += length
    name = NAME
    for _ in range(20):
        if name in addresses:
            return True
        name = aliases.get(name, "")
    return False


def _name(wire: bytes, place: int) -> tuple[str, int]:
    labels: list[str] = []
    after = jumps = 0
    while True:
        length = wire[place]
        if length >= 0xC0:
            after = after or place + 2
            place = (length & 0x3F) << 8 | wire[place + 1]
            jumps += 1
            if jumps > 100:
                raise _Wrong
            continue
        if length > 63:
            raise _Wrong
        place += 1
        if not length:
            return ".".join(labels), after or place
        label = wire[place : place + length]
        if len(label) < length:
            raise _Wrong
        labels.append(label.decode("latin-1").lower())
        place += length
