"""The newcomer's walk names files, functions and classes that are there, and floors as import-linter has them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from docs.reading import ROOT

WALK = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
SOURCE = ROOT / "src" / "slawatch"

_FILE = re.compile(r"`([\w/]+\.py)`((?::\s+`[\w.]+`(?:,\s+`[\w.]+`)*)?)")


def named() -> list[tuple[str, str]]:
    """Each file with one name that the walk says is in it; an empty name where the file alone is named."""
    found = []
    for file, names in _FILE.findall(WALK):
        found += [(file, each) for each in re.findall(r"`([\w.]+)`", names) or [""]]
    return found


@cache
def definitions(file: Path) -> frozenset[str]:
    return frozenset(_defined(ast.parse(file.read_text(encoding="utf-8")).body, ""))


def _defined(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield prefix + node.name
            yield from _defined(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (prefix + target.id for target in targets if isinstance(target, ast.Name))


@pytest.mark.parametrize(("file", "name"), named())
def test_what_the_walk_names_is_there(file: str, name: str) -> None:
    path = SOURCE / file
    assert path.is_file()
    assert not name or name in definitions(path)


def test_every_step_names_a_file_and_what_is_in_it() -> None:
    steps = re.findall(r"^\*\*(\d+)\. (.*?)(?=^\*\*\d|^## |^`slawatch)", WALK, re.MULTILINE | re.DOTALL)
    assert [int(number) for number, _ in steps] == list(range(1, 13))
    assert all(_FILE.search(text) for _, text in steps)


def test_every_py_file_is_named_in_a_way_that_is_checked() -> None:
    assert len(re.findall(r"\.py`", WALK)) == len(_FILE.findall(WALK))


def test_the_floors_are_those_that_are_held() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    told = [sorted(re.findall(r"`(\w+)`", row)) for row in re.findall(r"^\| (`[^|]+) \|", WALK, re.MULTILINE)]
    built = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    held = [sorted(set(re.findall(r"\w+", layer)) & built) for layer in layers]
    assert told == [floor for floor in held if floor]
