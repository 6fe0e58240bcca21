"""The targets that people and machines call are there, explained, and do what their names say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from docs.reading import DOCUMENTS, blocks, name, prose
from support.tree import PROJECT

TARGETS = [
    "help",
    "clean",
    "lock",
    "uninstall",
    "demo",
    "test",
    "test-deep",
    "test-pythons",
    "lint",
    "bench",
    "tree",
    "mutants",
    "download",
    "wheel",
    "install",
]


def make(*arguments: str) -> str:
    done = subprocess.run(["make", *arguments], cwd=PROJECT, capture_output=True, text=True, check=True)
    return done.stdout


def test_make_alone_explains_every_target() -> None:
    explained = re.findall(r"^ *make ([a-z-]+)", make(), flags=re.MULTILINE)
    assert set(TARGETS) <= set(explained)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_targets_that_documents_name_exist(document: Path) -> None:
    typed = [block.text for block in blocks(document, "sh")] + re.findall(r"`([^`\n]+)`", prose(document))
    named = {target for text in typed for target in re.findall(r"^(?:sudo )?make ([a-z-]+)", text, flags=re.MULTILINE)}
    assert named <= set(TARGETS)


def test_make_test_lints_first_and_ends_with_pytest() -> None:
    lines = [line for line in make("-n", "test").splitlines() if line.startswith(".venv/bin/")]
    programs = [line.split()[0].removeprefix(".venv/bin/") for line in lines]
    assert programs[-5:] == ["ruff", "ruff", "mypy", "lint-imports", "python"]
    assert '-m pytest -q -m "not deep"' in lines[-1]


def test_continuous_integration_runs_make_test_and_nothing_else() -> None:
    lines = (PROJECT / ".ci" / "run").read_text().splitlines()
    assert lines[:2] == ["#!/usr/bin/env bash", "set -euo pipefail"]
    assert lines[-1] == "exec make test"
