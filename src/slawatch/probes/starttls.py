"""Ready-made dialogues up to TLS on a port that begins without it, and a farewell under TLS.

Where a protocol answers the farewell, that is waited for: with TLS 1.3 a server judges the handshake after its client
already thinks it done, so only an answer under TLS shows that the server goes along.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from slawatch.probes.answer import Failure
from slawatch.probes.conversation import MOST_BYTES, Conversation

Hello = Callable[[Conversation], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """``opening`` comes before the handshake, ``farewell`` after it where nothing else is said."""

    opening: Hello
    farewell: Hello
    answered: bool = True
    """Whether the farewell waits for an answer; else the handshake is all that is known of the server."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """A protocol of lines: patterns for the last line of each answer, and what is said."""

    greeting: str
    busy: str
    """A greeting that turns us away."""
    command: bytes
    consent: str
    refusal: str
    farewell: bytes
    goodbye: str
    hello: Hello | None = None
    """Said between the greeting and the command."""
    again: str = ""
    """What the server says first under TLS, unasked."""

    def dialogue(self) -> Dialogue:
        return Dialogue(self._open, self._leave)

    async def _open(self, talk: Conversation) -> None:
        talk.place = "greeting: "
        await talk.line(_one(self.greeting, self.busy, talk))
        if self.hello is not None:
            await self.hello(talk)
        talk.place = "starttls: "
        talk.say(self.command)
        await talk.line(_one(self.consent, self.refusal, talk, "starttls_refused"))

    async def _leave(self, talk: Conversation) -> None:
        talk.place = "under TLS: "
        if self.again:
            await talk.line(_one(self.again, self.refusal, talk))
        talk.say(self.farewell)
        await talk.line(_one(self.goodbye, self.refusal, talk))


def _one(wanted: str, refused: str, talk: Conversation, reason: str = "unexpected") -> Callable[[str], str | None]:
    """Judges lines by two patterns of our own; they take a time that is linear in the line."""

    def judge(line: str) -> str | None:
        if re.match(refused, line, re.IGNORECASE):
            answer = talk.unexpected("which is a refusal", line).answer
            raise Failure(reason, answer.detail)
        return line if re.match(wanted, line, re.IGNORECASE) else None

    return judge


async def _ehlo(talk: Conversation) -> None:
    """RFC 5321, 4.1.4: a client without a name of its own says its address. The answer must offer STARTTLS."""
    talk.place = "ehlo: "
    offered: list[str] = []

    def judge(line: str) -> str | None:
        offered.append(line[4:].strip().upper())
        return _one(r"250(?: |$)", r"[45]\d\d", talk)(line)

    talk.say(f"EHLO [{'IPv6:' if ':' in talk.host else ''}{talk.host}]\r\n".encode())
    await talk.line(judge)
    if "STARTTLS" not in offered:
        raise Failure("starttls_refused", "the server does not offer STARTTLS")


async def _postgres(talk: Conversation) -> None:
    """SSLRequest, a length and a number; the answer is one byte (PostgreSQL, Message Flow, SSL Session Encryption)."""
    talk.place = "starttls: "
    talk.say(bytes.fromhex("00000008 04d2162f"))
    answer = await talk.take(1)
    if answer == b"N":
        raise Failure("starttls_refused", "the server does not offer TLS")
    if answer != b"S":
        raise Failure("unexpected", "starttls: what answers is no PostgreSQL")


_OID = b"1.3.6.1.4.1.1466.20037"
_EXTENDED = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + _OID
_UNBIND = b"\x30\x05\x02\x01\x02\x42\x00"


async def _ldap(talk: Conversation) -> None:
    """The extended operation StartTLS (RFC 4511, 4.14), as message 1; its answer must be a success."""
    talk.place = "starttls: "
    talk.say(_EXTENDED)
    content = await _element(talk, 0x30)
    number, rest = _split(content, 0x02)
    response, _ = _split(rest, 0x78)
    code, _ = _split(response, 0x0A)
    if number != b"\x01":
        raise _no_ldap()
    if code != b"\0":
        raise Failure("starttls_refused", f"the server refuses StartTLS: result code {code.hex()}")


async def _unbind(talk: Conversation) -> None:
    """There is no answer to this one."""
    talk.say(_UNBIND)


def _no_ldap() -> Failure:
    return Failure("unexpected", "starttls: what answers is no LDAP")


async def _element(talk: Conversation, tag: int) -> bytes:
    """The content of the next BER element that comes, which is of this type."""
    head = await talk.take(2)
    if head[0] != tag:
        raise _no_ldap()
    if head[1] >= 0x80:
        head += await talk.take(min(head[1] & 0x7F, 4))
    length = _length(head)
    if length > MOST_BYTES - len(head):
        raise _no_ldap()
    return await talk.take(length)


def _split(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the first BER element in ``data``, which is of this type, and what follows it."""
    size = 2 + (data[1] & 0x7F if len(data) > 1 and data[1] >= 0x80 else 0)
    if len(data) < size or data[0] != tag:
        raise _no_ldap()
    end = size + _length(data[:size])
    return data[size:end], data[end:]


def _length(head: bytes) -> int:
    """What the head of a BER element says, in its short or its long form."""
    return head[1] if head[1] < 0x80 else int.from_bytes(head[2:], "big")


async def _nothing(talk: Conversation) -> None:
    """No farewell: this protocol knows none before somebody signed in."""


DIALOGUES: Mapping[str, Dialogue] = {
    "smtp": _Lines(
        greeting=r"220(?: |$)",
        busy=r"[45]\d\d",
        hello=_ehlo,
        command=b"STARTTLS\r\n",
        consent=r"220(?: |$)",
        refusal=r"[45]\d\d",
        farewell=b"QUIT\r\n",
        goodbye=r"221(?: |$)",
    ).dialogue(),  # RFC 3207
    "imap": _Lines(
        greeting=r"\* OK\b",
        busy=r"\* (BYE|PREAUTH)\b",
        command=b"a1 STARTTLS\r\n",
        consent=r"a1 OK\b",
        refusal=r"a\d (NO|BAD)\b",
        farewell=b"a2 LOGOUT\r\n",
        goodbye=r"a2 OK\b",
    ).dialogue(),  # RFC 9051, 6.2.1
    "pop3": _Lines(
        greeting=r"\+OK\b",
        busy=r"-ERR\b",
        command=b"STLS\r\n",
        consent=r"\+OK\b",
        refusal=r"-ERR\b",
        farewell=b"QUIT\r\n",
        goodbye=r"\+OK\b",
    ).dialogue(),  # RFC 2595
    "ftp": _Lines(
        greeting=r"220(?: |$)",
        busy=r"[45]\d\d",
        command=b"AUTH TLS\r\n",
        consent=r"234(?: |$)",
        refusal=r"[45]\d\d",
        farewell=b"QUIT\r\n",
        goodbye=r"221(?: |$)",
    ).dialogue(),  # RFC 4217
    "sieve": _Lines(
        greeting=r"OK\b",
        busy=r"(NO|BYE)\b",
        command=b"STARTTLS\r\n",
        consent=r"OK\b",
        refusal=r"(NO|BYE)\b",
        again=r"OK\b",
        farewell=b"LOGOUT\r\n",
        goodbye=r"OK\b",
    ).dialogue(),  # RFC 5804
    "ldap": Dialogue(_ldap, _unbind, answered=False),
    "postgres": Dialogue(_postgres, _nothing, answered=False),
}
"""By the name that `starttls` takes."""
