"""Reading a document of terms: every mistake is told with the key where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

Path = tuple[str | int, ...]
_T = TypeVar("_T")
_Word = TypeVar("_Word", bound=StrEnum)


class TermsError(ValueError):
    """Terms that describe no contract. ``path`` leads to the key: ``("charges", 1, "amount")``."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{key_text(path)}: {problem}" if path else problem)


def key_text(path: Path) -> str:
    """A path as people write it: ``charges[1].amount``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


class Reader:
    """One mapping of the terms, its path, and its keys: all of ``known``, and no other."""

    def __init__(self, path: Path, document: object, known: Sequence[str]) -> None:
        if not isinstance(document, Mapping):
            raise TermsError(path, f"{document!r} is no mapping: expected the keys {', '.join(known)}")
        for key in document:
            if key not in known:
                raise TermsError((*path, key), f"unknown key: expected one of {', '.join(known)}")
        for key in known:
            if key not in document:
                raise TermsError((*path, key), "missing")
        self.path, self.document = path, document

    def value(self, key: str) -> object:
        """What stands at a key, as it is."""
        return self.document[key]

    def text(self, key: str) -> str:
        """The text at a key."""
        return text_of((*self.path, key), self.document[key])

    def one(self, key: str, parse: Callable[[str], _T]) -> _T:
        """What ``parse`` makes of the text at a key; its ``ValueError`` becomes a :class:`TermsError` there."""
        return read_by((*self.path, key), self.document[key], parse)

    def maybe(self, key: str, parse: Callable[[str], _T]) -> _T | None:
        """The same, or None for null."""
        return None if self.document[key] is None else self.one(key, parse)

    def word(self, key: str, words: type[_Word]) -> _Word:
        """One of some words."""
        return words(self.one(key, among(*words)))

    def inside(self, key: str, known: Sequence[str]) -> Reader:
        """The mapping at a key."""
        return Reader((*self.path, key), self.document[key], known)

    def items(self, key: str) -> Iterator[tuple[Path, object]]:
        """The items of the list at a key, each with its path."""
        value = self.document[key]
        if not isinstance(value, list):
            raise TermsError((*self.path, key), f"{value!r} is no list")
        return (((*self.path, key, index), item) for index, item in enumerate(value))


def text_of(path: Path, value: object) -> str:
    """A value that must be a text."""
    if not isinstance(value, str):
        raise TermsError(path, f"{value!r} is no text")
    return value


def read_by(path: Path, value: object, parse: Callable[[str], _T]) -> _T:
    """What ``parse`` makes of a value that must be a text."""
    try:
        return parse(text_of(path, value))
    except TermsError:
        raise
    except ValueError as problem:
        raise TermsError(path, str(problem)) from None


def texts_of(read: Reader, key: str) -> dict[str, str]:
    """The mapping of names to texts at a key."""
    value, path = read.value(key), (*read.path, key)
    if not isinstance(value, Mapping):
        raise TermsError(path, f"{value!r} is no mapping of names to texts")
    return {name: text_of((*path, name), text) for name, text in value.items()}


def among(*words: str) -> Callable[[str], str]:
    """A parser that takes one of some words as it is."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is not known: expected {', '.join(words[:-1])} or {words[-1]}")
        return text

    return parse
