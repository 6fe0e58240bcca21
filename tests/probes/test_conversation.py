"""What is waited for on a connection is found, or not, by what was said and not by how it came in pieces."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from slawatch.probes.answer import Failure, Trace
from slawatch.probes.conversation import Conversation
from slawatch.probes.starttls import DIALOGUES
from support.clock import FakeClock


class _Deaf(asyncio.Transport):
    """Takes everything, and lets nothing through while it is told to pause."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 1)})
        self.paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


def _first_digit(line: str) -> str | None:
    found = re.search(r"\d", line)
    return found[0] if found else None


Way = Callable[[Conversation], Awaitable[object]]
WAYS: list[Way] = [
    lambda talk: talk.line(_first_digit),
    lambda talk: talk.text(b"22"),
    lambda talk: talk.exactly(b"22"),
    lambda talk: talk.take(3),
]


async def outcome(data: bytes, cuts: list[int], ways: Sequence[Way]) -> list[object]:
    """What comes of waiting in these ways when ``data`` comes in pieces, and then the end."""
    talk, transport = Conversation(Trace(FakeClock())), _Deaf()
    talk.connection_made(transport)

    async def wait() -> list[object]:
        found: list[object] = []
        try:
            for way in ways:
                found.append(await way(talk))
        except Failure as failure:
            found.append(failure.answer.reason)
        return found

    task = asyncio.create_task(wait())
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    for start, stop in pairwise(edges):
        for _ in range(8):
            await asyncio.sleep(0)
        if not transport.paused:
            talk.data_received(data[start:stop])
    for _ in range(8):
        await asyncio.sleep(0)
    talk.eof_received()
    talk.connection_lost(None)
    return await task


_PIECE = st.sampled_from([b"22", b"2", b"\n", b"\r\n", b"220 x\r\n", b"x", b"\xff", b"y" * 2000, b""])


@given(
    st.lists(_PIECE, max_size=8).map(b"".join),
    st.lists(st.integers(0, 8000), max_size=6),
    st.lists(st.sampled_from(WAYS), min_size=1, max_size=4),
)
def test_it_is_the_same_however_it_comes(data: bytes, cuts: list[int], ways: list[Way]) -> None:
    with asyncio.Runner() as runner:
        whole = runner.run(outcome(data, [], ways))
        assert runner.run(outcome(data, cuts, ways)) == whole


_WORDS = [
    *(b"220 x\r\n", b"250-STARTTLS\r\n", b"250 x\r\n", b"234 x\r\n", b"5", b"+OK\r\n", b"-ERR\r\n", b"* OK\r\n"),
    *(b"a1 OK\r\n", b"a1 NO\r\n", b"OK\r\n", b"BYE\r\n", b"S", b"N", b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01", b"\0"),
    *(b"\x30\x84", b"\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\0", b"\x04\0\x04\0", b"\xff" * 9),
]


@given(
    st.sampled_from(sorted(DIALOGUES)),
    st.lists(st.one_of(st.sampled_from(_WORDS), st.binary(max_size=6)), max_size=8).map(b"".join),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_no_words_break_a_dialogue(protocol: str, data: bytes, cuts: list[int]) -> None:
    """Whatever is said before TLS, it comes to consent or to a reason, and to the same one however it comes."""
    dialogue = DIALOGUES[protocol]
    for way in (dialogue.opening, dialogue.farewell):
        with asyncio.Runner() as runner:
            whole = runner.run(outcome(data, [], [way]))
            assert whole in ([None], ["unexpected"], ["starttls_refused"])
            assert runner.run(outcome(data, cuts, [way])) == whole
