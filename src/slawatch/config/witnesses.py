"""How the witnesses of a path are written (S15)."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from slawatch.config.values import Identifier, shown
from slawatch.probes.witness import Witness, parse_witness

_FORM = "expected an address to ping, as 192.0.2.10, or one with a port to connect to, as 192.0.2.10:53"


def _witness(value: object) -> Witness:
    if isinstance(value, dict):
        unknown = set(value) - {"host", "behind"}
        if unknown or not isinstance(value.get("host"), str) or not isinstance(value.get("behind", ""), str):
            raise ValueError("expected {host: 192.0.2.10, behind: client/endpoint}")
        return parse_witness(value["host"], value.get("behind"))
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} stands here: {_FORM}")
    return parse_witness(value)


def _several(witnesses: list[Witness]) -> list[Witness]:
    addresses = [witness.address for witness in witnesses]
    twice = next((address for address in addresses if addresses.count(address) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} stands here twice: expected different hosts")
    if len(witnesses) < 2:
        raise ValueError("a path whose one witness fails by itself is blind for nothing: expected two hosts or more")
    return witnesses


Hosts = Annotated[
    list[
        Annotated[
            Witness,
            BeforeValidator(_witness),
            PlainSerializer(str),
            WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object", "required": ["host"]}]}),
        ]
    ],
    AfterValidator(_several),
]
WitnessesByPath = dict[Identifier, Hosts]
