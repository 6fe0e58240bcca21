"""What the terms and rows say, read without slawatch. Instants are whole seconds since 1970."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

DOWN, DEGRADED, UP, UNKNOWN = 0, 1, 2, 3
NAMES = ["down", "degraded", "up", "unknown"]
LOW, POINT, HIGH = 0, 1, 2
RANKS = ["maintenance", "force_majeure", "client_fault", "third_party", "other"]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Row = dict[str, Any]
Three = list[bytearray]
"""What holds in each second of the world, in the low, the point and the high version."""

Tree = str | tuple[Any, ...]
"""A name, or ("and", …), ("or", …), ("of", k, …), ("weighted", share, (tree, weight), …)."""


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def seconds_of(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([smhd])", text).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


def percent(text: str) -> Fraction:
    return Fraction(text.removesuffix("%")) / 100


def weight_of(text: str) -> Fraction:
    return percent(text) if text.endswith("%") else Fraction(text)


@dataclass
class World:
    """The seconds from ``start`` to ``end``; outside of it nothing is known of anything."""

    start: int
    end: int

    def all(self, state: int) -> Three:
        return [bytearray([state]) * (self.end - self.start) for _ in range(3)]

    def inside(self, start: int, end: int) -> range:
        """The places of the seconds from ``start`` to ``end`` that are in the world."""
        first = max(start, self.start) - self.start
        return range(first, max(min(end, self.end) - self.start, first))
