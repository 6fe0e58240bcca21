"""Secrets that can be recognised wherever they turn up."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote


@dataclass
class Secrets:
    """Canaries by place, each written where one of the three kinds of secrets has it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "credentials").mkdir(parents=True)
        self.environment["CREDENTIALS_DIRECTORY"] = str(self.folder / "credentials")

    def put(self, kind: str, place: str, *, before: str = "", after: str = "") -> str:
        """A new canary as the configuration names it; ``before`` and ``after`` stand around it where it is kept."""
        name = f"{kind}_{place}"
        self.values[name] = value = f"Canary{len(self.values):02}{kind}{place}".replace("_", "").ljust(24, "Q")
        whole = before + value + after
        if kind == "env":
            self.environment[f"SLAWATCH_{name}".upper()] = whole
            return f"{{env: {f'SLAWATCH_{name}'.upper()}}}"
        path = self.folder / "credentials" / name if kind == "credential" else self.folder / name
        path.write_text(whole + "\n", encoding="utf-8")
        return f"{{credential: {name}}}" if kind == "credential" else f"{{file: {path}}}"

    def shown_in(self, text: bytes) -> list[str]:
        """Names of the canaries that stand in a text, as they are or as Base64, hexadecimal digits or percent-codes."""
        lower = text.lower()
        return [
            name
            for name, value in self.values.items()
            if any(trace in text for trace in _base64s(value.encode()))
            or any(trace.encode().lower() in lower for trace in (value, value.encode().hex(), quote(value)))
        ]


def _base64s(value: bytes) -> Iterator[bytes]:
    """What is the same in the Base64 of every text that holds ``value``, wherever it begins there."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + value)
        yield coded[(shift * 8 + 5) // 6 : (shift + len(value)) * 8 // 6]
