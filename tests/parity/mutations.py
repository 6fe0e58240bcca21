"""From a valid reply to one that is wrong somewhere: by its bytes, its parts, or altogether."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[Random, bytearray], None]


def _flip(random: Random, data: bytearray) -> None:
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _replace(random: Random, data: bytearray) -> None:
    data[random.randrange(len(data))] = random.choice(b"\0\xff\r\n\t :;,-+09azAZ\x7f\x80")


def _delete(random: Random, data: bytearray) -> None:
    start = random.randrange(len(data))
    del data[start : start + random.choice((1, 1, 2, 8, 64))]


def _repeat(random: Random, data: bytearray) -> None:
    start = random.randrange(len(data))
    piece = data[start : start + random.choice((1, 2, 8, 64))]
    data[start:start] = bytes(piece) * random.choice((1, 1, 2, 40))


def _insert(random: Random, data: bytearray) -> None:
    start = random.randrange(len(data) + 1)
    data[start:start] = random.randbytes(random.choice((1, 2, 8, 64)))


def _truncate(random: Random, data: bytearray) -> None:
    del data[random.randrange(len(data)) :]


def _move(random: Random, data: bytearray) -> None:
    start = random.randrange(len(data))
    piece = bytes(data[start : start + random.choice((2, 8, 64))])
    del data[start : start + len(piece)]
    place = random.randrange(len(data) + 1)
    data[place:place] = piece


def _count(random: Random, data: bytearray) -> None:
    """Another number where one is spelled: lengths and codes are what is believed most readily."""
    numbers = list(re.finditer(rb"[0-9]+", data))
    if numbers:
        number = random.choice(numbers)
        value = int(number[0][:9])
        other = random.choice((value + 1, value - 1, value * 10, 0, -value, 2**64))
        data[number.start() : number.end()] = str(other).encode()


BY_BYTES: Sequence[Mutation] = (_flip, _replace, _delete, _repeat, _insert, _truncate, _move, _count)


def mutated(random: Random, valid: bytes, words: Sequence[bytes] = ()) -> bytes:
    """One to four mutations of ``valid``; ``words`` of the protocol may come in between. Now and then mere noise."""
    if random.random() < 0.05:
        return random.randbytes(random.choice((0, 1, 7, 100, 2000)))
    data = bytearray(valid)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        if words and random.random() < 0.4:
            start = random.randrange(len(data) + 1)
            data[start:start] = random.choice(words)
        elif data:
            random.choice(BY_BYTES)(random, data)
    return bytes(data)


def in_pieces(random: Random, data: bytes) -> list[bytes]:
    """As it may come from a network: whole as a rule, else cut somewhere, else byte by byte."""
    way = random.random()
    if way < 0.7 or len(data) < 2:
        return [data]
    if way < 0.95 or len(data) > 300:
        cut = random.randrange(1, len(data))
        return [data[:cut], data[cut:]]
    return [bytes([byte]) for byte in data]
