"""Reading the document of a penalty: every refusal names the key where it stands.

Each function takes the path to a value and the value itself, and raises :class:`PenaltyError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from slawatch.domain.grammar import Money, parse_duration, parse_money
from slawatch.domain.interval import Duration

Path = tuple[str | int, ...]
"""Keys and list positions that lead to a value."""

_T = TypeVar("_T")
_Words = TypeVar("_Words", bound=StrEnum)
_FACTOR = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_COUNT = re.compile(r"[1-9][0-9]{0,2}")


class PenaltyError(ValueError):
    """A penalty that cannot be read. ``path`` leads to the key inside the penalty: ``("tiers", 1, "credit")``.

    Its text is the path, what is wrong, and what is expected.
    """

    def __init__(self, path: tuple[str | int, ...], problem: str) -> None:
        self.path, self.problem = path, problem
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        super().__init__(f"{''.join(('penalty', *steps))}: {problem}")


class Reader:
    """One mapping of the document, with the path that leads to it; keys not in ``known`` are refused."""

    def __init__(self, path: Path, value: object, known: Sequence[str]) -> None:
        if not isinstance(value, Mapping):
            raise PenaltyError(path, f"{value!r} is no mapping: expected the keys {', '.join(known)}")
        self.path, self.mapping = path, value
        for key in value:
            if key not in known:
                raise PenaltyError((*path, str(key)), f"unknown key: expected one of {', '.join(known)}")

    def __contains__(self, key: str) -> bool:
        return key in self.mapping

    def path_of(self, key: str) -> Path:
        """The path to one of its keys."""
        return (*self.path, key)

    def value(self, key: str) -> object:
        """What stands at a key that is there."""
        return self.mapping[key]

    def need(self, key: str, parse: Callable[[Path, object], _T]) -> _T:
        """What ``parse`` makes of a key that must be there."""
        if key not in self.mapping:
            raise PenaltyError(self.path_of(key), "missing")
        return parse(self.path_of(key), self.mapping[key])

    def get(self, key: str, parse: Callable[[Path, object], _T], default: _T) -> _T:
        """What ``parse`` makes of a key, or ``default`` without it."""
        return parse(self.path_of(key), self.mapping[key]) if key in self.mapping else default


def text_of(path: Path, value: object) -> str:
    """A value as text. A float is refused: it may no longer be the number that was written."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise PenaltyError(path, f"{value!r} is no text: expected it in quotes")


def read_by(path: Path, value: object, parse: Callable[[str], _T]) -> _T:
    """What ``parse`` makes of the text; its ``ValueError`` is told with the path."""
    try:
        return parse(text_of(path, value))
    except PenaltyError:
        raise
    except ValueError as problem:
        raise PenaltyError(path, str(problem)) from None


def factor_of(path: Path, value: object) -> Fraction:
    """A number more than 0, exact."""
    text = text_of(path, value)
    if not _FACTOR.fullmatch(text) or not Fraction(text):
        raise PenaltyError(path, f"{text!r} is no factor: expected a number more than 0, as 10 or 2.5")
    return Fraction(text)


def money_of(path: Path, value: object) -> Money:
    """An amount of money."""
    return read_by(path, value, parse_money)


def duration_of(path: Path, value: object) -> Duration:
    """A duration in microseconds."""
    return read_by(path, value, parse_duration)


def word_of(path: Path, value: object, words: type[_Words]) -> _Words:
    """One of some words."""
    text = text_of(path, value)
    if text not in set(words):
        raise PenaltyError(path, f"{text!r} is not known: expected {' or '.join(words)}")
    return words(text)


def flag_of(path: Path, value: object) -> bool:
    """True or false, as such or as a text."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise PenaltyError(path, f"{value!r} is neither: expected true or false")


def count_of(path: Path, value: object) -> int:
    """A whole number from 1 to 999."""
    text = text_of(path, value)
    if not _COUNT.fullmatch(text):
        raise PenaltyError(path, f"{text!r} is no count: expected a whole number from 1 to 999")
    return int(text)
