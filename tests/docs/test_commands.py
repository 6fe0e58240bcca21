"""The command line's reference says every command and option as the program has them; documents name no others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from docs.reading import DOCUMENTS, ROOT, command_line, leaves, mentioned_commands, name, resolved, typed_commands

REFERENCE = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
_SECTION = re.compile(r"^## `(slawatch[^`]*)`\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `([^`]+)` \| (?:`([^`]*)`|\*([^*]+)\*|([^|`]*?)) ?\| ", re.MULTILINE)


def documented() -> dict[str, str]:
    return dict(_SECTION.findall(REFERENCE))


def rows(section: str) -> dict[str, str]:
    return {option.replace("\\|", "|"): plain or word or text for option, plain, word, text in _ROW.findall(section)}


def options(command: Any) -> dict[str, str]:
    """Each parameter as it is typed, with its default as the reference writes it."""
    found = {}
    for parameter in command.params:
        if "--help" in parameter.opts:
            continue
        if parameter.param_type_name == "argument":
            typed = (parameter.metavar or parameter.name.upper()).rstrip(".")
        else:
            typed = parameter.opts[-1]
        found[typed] = "required" if parameter.required else shown(parameter)
    return found


def shown(parameter: Any) -> str:
    default = getattr(parameter.default, "value", parameter.default)
    if default == "" and parameter.prompt:
        return "asked for"
    return "" if default in (None, False) else str(default)


def test_every_command_has_its_section_and_no_other() -> None:
    assert sorted(documented()) == sorted(["slawatch", *(path for path, _ in leaves(command_line()))])


@pytest.mark.parametrize(
    ("path", "command"), [("slawatch", command_line()), *leaves(command_line())], ids=lambda item: str(item)
)
def test_every_option_has_its_line_with_its_default(path: str, command: Any) -> None:
    assert rows(documented()[path]) == options(command)


def test_every_exit_status_has_its_line() -> None:
    from slawatch.cli import app

    used = {0, *(value for key, value in vars(app).items() if key.startswith("EXIT_"))}
    table = REFERENCE.partition("## Exit status")[2].partition("\n## ")[0]
    assert {int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == used


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_commands_to_type_are_taken_by_the_program(document: Path) -> None:
    for words in typed_commands(document):
        command, left = resolved(words)
        assert command is not command_line() or left, words
        assert not getattr(command, "commands", {}) or left == ["--version"], words
        for parameter in command.params:
            parameter.prompt = None  # what is left out is asked for, and nobody is here to answer
        command.make_context("slawatch", left)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_commands_that_are_mentioned_exist_with_their_options(document: Path) -> None:
    for words in mentioned_commands(document):
        command, left = resolved(words)
        assert command.name != "slawatch", words
        known = {spelling for parameter in command.params for spelling in parameter.opts} | {"--help"}
        assert {word for word in left if word.startswith("--")} <= known, words
