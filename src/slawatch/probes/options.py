"""What kinds need to declare options and targets: durations, address families, hosts and ports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Literal

import idna
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from slawatch.domain.grammar import format_duration, parse_duration

Family = Literal[4, 6]


def _duration(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("expected a duration with its unit, as 250ms, 10s, 5m or 4h")
    return parse_duration(value)


DurationText = Annotated[
    int,
    BeforeValidator(_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(us|ms|s|m|h|d|w))+$", "examples": ["250ms", "10s", "5m"]}),
]
"""A length in microseconds, written ``250ms``, ``10s``, ``5m``; a bare number is refused."""


def _ip(value: object) -> object:
    return str(value) if value in (4, 6) and not isinstance(value, bool) else value


IpChoice = Annotated[Literal["any", "4", "6"], BeforeValidator(_ip)]


class ProbeOptions(BaseModel):
    """The base of every kind's ``Options``: frozen, exact in its types, no unknown key, no echo of what was given."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    def least(self) -> int:
        """Microseconds that a probe with these options takes at least: its ``timeout`` must not be shorter."""
        return 0

    def on_the_way(self) -> Mapping[str, HostPort]:
        """Hosts that a probe goes through, a proxy, by the option that names each."""
        return {}


class NetworkOptions(ProbeOptions):
    """Options that every kind has that speaks over the network."""

    ip: IpChoice = Field(
        default="any",
        description="Address family: `4`, `6`, or `any`: IPv4 where the name has such an address, else IPv6; "
        "what it is first, it stays.",
    )
    slow: DurationText | None = Field(
        default=None,
        description="An answer that takes longer is `degraded`; the time of our own name resolution does not count.",
    )


@dataclass(frozen=True, slots=True)
class Host:
    """A host as it was configured: a literal address (``family`` 4 or 6) or a name (``family`` ``None``).

    ``text`` is canonical: an address in its shortest form, a name in lower-case ASCII without a final dot.
    """

    text: str
    family: Family | None

    @property
    def bracketed(self) -> str:
        """As it stands in a URL."""
        return f"[{self.text}]" if self.family == 6 else self.text

    def __str__(self) -> str:
        return self.text


_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def refuse_controls(text: str) -> str:
    """``text`` itself; ``ValueError`` where it holds a line end, another control character or a space."""
    if not text.isprintable() or " " in text:
        raise ValueError("contains a space, a line end or another character that cannot be printed")
    return text


def quoted(text: str) -> str:
    """A target as a message names it. What stands before an ``@`` may be a password and is left out."""
    _, at, rest = text.rpartition("@")
    return repr(f"…@{rest}" if at else text)


def parse_host(text: str) -> Host:
    """A literal address, with or without brackets, or a DNS name; ``ValueError`` says what is wrong."""
    refuse_controls(text)
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ip_address(bare)
    except ValueError:
        if bare != text or ":" in text:
            raise ValueError(f"{quoted(text)} is no address: expected one like 192.0.2.1 or [2001:db8::1]") from None
        return Host(_name(text), None)
    if isinstance(address, IPv6Address) and address.scope_id:
        raise ValueError(f"{quoted(text)} has a zone: link-local addresses cannot be probed")
    return Host(str(address), 4 if isinstance(address, IPv4Address) else 6)


def _name(text: str) -> str:
    name = text.removesuffix(".").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise ValueError(f"{quoted(text)} is no host name") from None
    labels = name.split(".")
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(f"{quoted(text)} is no host: expected a name like host.example or an address like 192.0.2.1")
    # Some programs read 127.1 or 2130706433 as an address. Here it is neither an address nor a name.
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        raise ValueError(f"{quoted(text)} is no host: an IPv4 address is written in four decimal parts")
    return name


def parse_port(text: str) -> int:
    """A port from 1 to 65535."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ValueError(f"{quoted(text)} is no port: expected a number from 1 to 65535")
    return int(text)


def split_port(text: str) -> tuple[str, str]:
    """``host:port`` or ``[address]:port`` in its two parts; the port is empty where there is none."""
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{quoted(text)} is no address and port: expected one like [2001:db8::1]:25")
        return host + bracket, rest[1:]
    if text.count(":") > 1:
        raise ValueError(f"{quoted(text)} is ambiguous: an IPv6 address stands in brackets, as in [2001:db8::1]:25")
    host, _, port = text.partition(":")
    return host, port


@dataclass(frozen=True, slots=True)
class HostPort:
    """A host and a port, the target of kinds that need no more. Port 0: the kind has none."""

    host: Host
    port: int

    @property
    def destination(self) -> HostPort:
        """Where a probe goes first: every kind's target says it."""
        return self

    def __str__(self) -> str:
        return f"{self.host.bracketed}:{self.port}"


def parse_host_port(text: str, scheme: str) -> HostPort:
    """`host:port`, `[address]:port`, or the same after ``scheme://``; ``ValueError`` says what is wrong."""
    host, port = split_port(text.removeprefix(f"{scheme}://").removesuffix("/"))
    if not port:
        raise ValueError(f"{quoted(text)} names no port: expected host:port")
    return HostPort(parse_host(host), parse_port(port))
