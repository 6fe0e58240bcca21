"""What the repository may and may not hold: a lock that pins and proves everything, and nobody's own machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from support.tree import PROJECT

LOCK = PROJECT / "requirements.lock"
PARTS = [PROJECT / "requirements-run.lock", PROJECT / "requirements-build.lock"]
"""What the daemon needs, and what building its wheel needs."""

MACHINE = re.compile(
    r"(?<![\w./-])/(?:root|home/\w+|Users/\w+|builds|workspace)/"  # somebody's own folders
    r"|--(?:extra-)?index-url[ =]|https?://\S+/simple/|file:///(?:root|home)"  # where somebody's packages come from
)


def tracked_files() -> list[Path]:
    """Every text file that git knows; the source tree as it lies there where this is no checkout."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [PROJECT / name for name in done.stdout.split("\0") if name and (PROJECT / name).is_file()]


def pins(lock: Path = LOCK) -> dict[str, str]:
    """Each name in the lock with its whole entry."""
    entries = re.split(r"^(?=[a-z0-9])", lock.read_text(), flags=re.MULTILINE)
    return {entry.partition("==")[0]: entry for entry in entries if "==" in entry}


def proven(lock: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Each name in the lock with its version and its hashes."""
    found = pins(lock)
    return {name: (entry.split()[0], frozenset(re.findall(r"sha256:\w+", entry))) for name, entry in found.items()}


def requirement_names(requirements: Iterable[str]) -> set[str]:
    """The names that requirements of pyproject.toml begin with, as locks write them."""
    return {re.split(r"[\[<>=!~; ]", item)[0].lower().replace("_", "-") for item in requirements}


def test_every_pin_has_a_hash() -> None:
    assert len(pins()) > 50
    assert [name for name, entry in pins().items() if "--hash=sha256:" not in entry] == []


def test_the_lock_names_no_index() -> None:
    lines = [line for lock in (LOCK, *PARTS) for line in lock.read_text().splitlines()]
    assert [line for line in lines if "://" in line or line.startswith("-")] == []


def test_the_lock_covers_what_pyproject_asks_for() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    extras = project["project"]["optional-dependencies"]
    for extra in extras.values():
        wanted += extra
    assert sorted(requirement_names(wanted) - {"slawatch"} - set(pins())) == []
    run, build = map(pins, PARTS)
    daemon = [*project["project"]["dependencies"], *extras["postgres"], *extras["fast"]]
    assert sorted(requirement_names(daemon) - set(run)) == []
    assert sorted(requirement_names(project["build-system"]["requires"]) - set(build)) == []


@pytest.mark.parametrize("part", PARTS, ids=lambda path: path.name)
def test_a_part_of_the_lock_says_what_the_lock_says(part: Path) -> None:
    """`make lock` writes them together."""
    whole = proven(LOCK)
    assert proven(part)
    assert {name: entry for name, entry in proven(part).items() if whole.get(name) != entry} == {}


def test_no_machine_is_named() -> None:
    found = []
    for path in tracked_files():
        if path == Path(__file__) or path.stat().st_size > 2_000_000:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(PROJECT)}: {match[0]}" for match in MACHINE.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["see /root/notes", "in /home/ann/x", "pip --index-url x", "https://pypi.example/simple/x", "--extra-index-url=x"],
)
def test_a_machine_would_be_noticed(text: str) -> None:
    assert MACHINE.search(text)
