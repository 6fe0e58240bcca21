"""What ``run``, ``watch`` and ``demo`` ask of the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What ``watch`` was asked for, checked by whoever runs it."""

    urls: tuple[str, ...]
    standard: str
    period: str
    every: str
    listen: str
    save: Path | None
    database: Path | None


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """What ``demo`` was asked for. ``keep`` is the folder of its database; a temporary one when None."""

    listen: str
    keep: Path | None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What starts daemons: given by the composition root."""

    run: Callable[[Path, str], int]
    watch: Callable[[WatchRequest], int]
    demo: Callable[[DemoRequest], int]
