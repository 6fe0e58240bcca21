"""The documents as the tests read them: files, blocks of code, and the commands that they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer.main

from slawatch.cli.app import application
from slawatch.cli.running import Hooks

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:\S+/)?slawatch [a-z][^`\n]*)`")


class Block(NamedTuple):
    """One fenced block: where it stands, its language (empty when none is named) and its text."""

    document: Path
    language: str
    text: str


def name(path: Path) -> str:
    """A document's path inside the repository."""
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def blocks(path: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a document, of these languages only."""
    found = _FENCE.findall(path.read_text(encoding="utf-8"))
    return [Block(path, language, text) for language, text in found if language in languages]


def typed_commands(path: Path) -> Iterator[list[str]]:
    """The arguments of each ``slawatch …`` that a reader would type: from blocks of shell."""
    for block in blocks(path, "sh"):
        for line in block.text.replace("\\\n", " ").splitlines():
            yield from _commands_in(line)


def _commands_in(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    simple: list[str] = []
    for word in [*words, ";"]:
        if set(word) <= set("();<>|&"):
            yield from _after_program(simple)
            simple = []
        else:
            simple.append(word)


def _after_program(words: Sequence[str]) -> Iterator[list[str]]:
    """What follows ``slawatch``, when this is the program that the words start: by itself or by sudo."""
    left = list(words)
    while left and (left[0] == "sudo" or re.match(r"\w+=", left[0])):
        left.pop(0)
    if left and (left[0] == "slawatch" or left[0].endswith("bin/slawatch")):
        yield left[1:]


def mentioned_commands(path: Path) -> list[list[str]]:
    """The words of each ``slawatch …`` that stands inline; places to fill in are in them as they are written."""
    return [mention.split()[1:] for mention in _INLINE.findall(prose(path))]


def command_line() -> Any:
    """The command line's root command."""

    def nothing(*_: object) -> int:
        return 0

    return typer.main.get_command(application(Hooks(run=nothing, watch=nothing, demo=nothing)))


def leaves(command: Any, path: str = "slawatch") -> Iterator[tuple[str, Any]]:
    """Every command that does something, by what is typed to reach it."""
    children = getattr(command, "commands", {})
    for child, below in children.items():
        yield from leaves(below, f"{path} {child}")
    if not children:
        yield path, command


def resolved(words: Sequence[str]) -> tuple[Any, list[str]]:
    """The command that these words reach, and the words that are left for it."""
    command, left = command_line(), list(words)
    while left and left[0] in getattr(command, "commands", {}):
        command = command.commands[left.pop(0)]
    return command, left
