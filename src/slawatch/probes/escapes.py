"""Texts of a configuration that stand for bytes on a wire: escapes, groups of a match, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter, WithJsonSchema

from slawatch.runtime.secrets import Secret

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[rnt0\\]|)", re.DOTALL)
_PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}
_GROUP = re.compile(r"\$\{([^}]*)\}")

_SECRET = TypeAdapter(Secret)

MOST_GROUPS = 16
"""Groups in one text: each stands for up to 4 KiB of what the other side said."""


def unescape(value: object) -> bytes:
    """UTF-8 of a text in which `\\r \\n \\t \\0 \\xHH \\\\` stand for single bytes."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a text that is not empty")
    return _ESCAPE.sub(_byte, value.encode())


def _byte(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if not code:
        raise ValueError("holds a backslash that starts no escape: write \\r, \\n, \\t, \\0, \\xHH or \\\\")
    return bytes.fromhex(code[1:].decode()) if code.startswith(b"x") else _PLAIN[code]


def escape(data: bytes) -> str:
    """A text that :func:`unescape` reads back as ``data``."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in data)


Escaped = Annotated[
    bytes,
    BeforeValidator(unescape),
    PlainSerializer(escape),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
"""An option that is a text with escapes."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the match before, by number or name."""

    name: str


@dataclass(frozen=True, slots=True)
class Wire:
    """What to send: bytes, groups of a match, and secrets, one after the other."""

    parts: tuple[bytes | Group | Secret, ...]

    @property
    def secret(self) -> bool:
        """Whether a secret is a part of it."""
        return any(isinstance(part, Secret) for part in self.parts)

    def groups(self) -> Iterator[str]:
        """The names of the groups that it holds."""
        return (part.name for part in self.parts if isinstance(part, Group))

    def filled(self, match: re.Match[str] | None) -> bytes:
        """As it is sent. ``Unavailable`` where a secret cannot be read."""
        return b"".join(_filled(part, match) for part in self.parts)


def _filled(part: bytes | Group | Secret, match: re.Match[str] | None) -> bytes:
    if isinstance(part, bytes):
        return part
    if isinstance(part, Secret):
        return part.reveal().encode()
    assert match is not None, "a group without a match is refused with the configuration"
    found: str | None = match[int(part.name) if part.name.isdigit() else part.name]
    return (found or "").encode("utf-8", "surrogateescape")


def _wire(value: object) -> Wire:
    """A text, or a list of texts and secrets."""
    items = value if isinstance(value, list) else [value]
    parts: list[bytes | Group | Secret] = []
    for item in items:
        parts += [Secret.parse(item)] if isinstance(item, dict) else _parts(item)
    wire = Wire(tuple(parts))
    if not parts:
        raise ValueError("expected a text, or a list of texts and secrets")
    if sum(len(part) for part in parts if isinstance(part, bytes)) > 4096:
        raise ValueError("expected at most 4096 bytes")
    if len(list(wire.groups())) > MOST_GROUPS:
        raise ValueError(f"expected at most {MOST_GROUPS} groups")
    return wire


def _parts(text: object) -> Iterator[bytes | Group]:
    if not isinstance(text, str) or not text:
        raise ValueError("expected a text that is not empty, or a list of texts and secrets")
    for number, piece in enumerate(_GROUP.split(text)):
        if number % 2:
            yield Group(piece)
        elif piece:
            yield unescape(piece)


def _written(wire: Wire) -> list[Any]:
    return [_written_part(part) for part in wire.parts]


def _written_part(part: bytes | Group | Secret) -> Any:
    if isinstance(part, bytes):
        return escape(part).replace("${", "\\x24{")
    return f"${{{part.name}}}" if isinstance(part, Group) else _SECRET.dump_python(part)


_TEXT = {"type": "string", "minLength": 1}
WireText = Annotated[
    Wire,
    BeforeValidator(_wire),
    PlainSerializer(_written),
    WithJsonSchema(
        {"anyOf": [_TEXT, {"type": "array", "items": {"anyOf": [_TEXT, _SECRET.json_schema()]}, "minItems": 1}]}
    ),
]
"""An option that says what to send."""
