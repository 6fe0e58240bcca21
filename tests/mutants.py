"""Mutation testing of the domain, by mutmut: ``make mutants``, or ``python -m tests.mutants``.

What is committed (HEAD) is copied to ``.cache/mutants`` and changed there, one small change at a time; the tests that
reach the changed function must then fail. Of all mutants a sample is tried that depends on the seed and on the mutants'
names alone. An interrupted run goes on where it stopped, until the commit's sources or tests differ.

It passes when at least ``LEAST`` of the sample is killed and each survivor is judged in the reference,
``docs/reference/mutation-testing.md``, in a line that begins with what :func:`spelled` makes of it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
WORK = PROJECT / ".cache" / "mutants"
REFERENCE = PROJECT / "docs" / "reference" / "mutation-testing.md"

SEED = "slawatch"
SAMPLE = 500
LEAST = Fraction(9, 10)
"""The share of the sample that must be killed."""

SUITES = ("tests/domain", "tests/properties", "tests/evaluation")
"""The tests that mutants are tried with, as far as they are there; of these, each mutant gets those that reach it."""

COPIED = ("src", "tests", "config", "docs", "pyproject.toml", "requirements.lock", "README.md")
"""What the tests may read. Results are those of these files."""

SETTINGS = """\
[mutmut]
source_paths=src
only_mutate=src/slawatch/domain/*.py
process_isolation=forkserver
timeout_multiplier=3
timeout_constant=5
also_copy=
    config
    docs
    README.md
pytest_add_cli_args=
    -m
    not deep
pytest_add_cli_args_test_selection=
    {suites}
"""

FIRST = "slawatch.domain.interval.x_parse_instant__mutmut_1"
"""mutmut makes its mutants when it tries one; this one is there as long as instants are read."""

SURVIVED = {0: "survived", 5: "no test reaches it", 33: "no test reaches it"}
"""mutmut's exit codes of mutants that live. 2 was interrupted, None not tried; all others are kills or time limits."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test noticed: its function, the lines that went, the lines that came."""

    function: str
    before: str
    after: str
    how: str


def spelled(survivor: Survivor) -> str:
    """The survivor in one line of Markdown, the same whatever the line or the number of the mutant."""
    return f"`{survivor.function}`: `{survivor.before}` → `{survivor.after}`"


def prepare() -> None:
    """Copy HEAD to where it is mutated, unless its copy is there."""
    listed = _git("ls-tree", "HEAD", "--", "src/slawatch", *SUITES, "tests/support", "tests/conftest.py", COPIED[5])
    fingerprint = sha256(listed + SETTINGS.encode()).hexdigest()
    stamp = WORK / "of"
    if stamp.exists() and stamp.read_text(encoding="ascii") == fingerprint:
        return
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "HEAD", *COPIED))) as archive:
        archive.extractall(WORK, filter="data")
    suites = "\n    ".join(suite for suite in SUITES if (WORK / suite).is_dir())
    (WORK / "setup.cfg").write_text(SETTINGS.format(suites=suites), encoding="ascii")
    stamp.write_text(fingerprint, encoding="ascii")


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=PROJECT, stdout=subprocess.PIPE, check=True).stdout


def mutate(names: Sequence[str], processes: int) -> None:
    """Try the mutants of these names. Raises CalledProcessError when the tests fail without any change."""
    program = Path(sys.executable).parent / "mutmut"
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "mutants"}
    command = [str(program), "run", "--max-children", str(processes), *names]
    subprocess.run(command, cwd=WORK, env=environment, check=True)


def results() -> dict[str, int | None]:
    """The exit code of every mutant's tests by its name; None where it was not tried."""
    found: dict[str, int | None] = {}
    for path in sorted((WORK / "mutants" / "src").rglob("*.meta")):
        found |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def sampled(names: Sequence[str], size: int, seed: str = SEED) -> list[str]:
    """So many of the names, the same ones for the same seed; others' names change nothing."""
    return sorted(names, key=lambda name: sha256(f"{seed} {name}".encode()).digest())[:size]


def _waiting(names: Sequence[str]) -> list[str]:
    codes = results()
    return [name for name in names if codes[name] in (None, 2)]


def survivor(name: str, how: str) -> Survivor:
    """What mutmut changed under a name."""
    program = Path(sys.executable).parent / "mutmut"
    shown = subprocess.run([program, "show", name], cwd=WORK, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    function = name.removeprefix("slawatch.domain.").partition("__mutmut_")[0]
    return Survivor(_plain(function), _joined(lines, "-"), _joined(lines, "+"), how)


def _plain(mangled: str) -> str:
    """``risk.x_judge`` is ``risk.judge``; ``tickets.xǁ_Clockǁruns`` is ``tickets._Clock.runs``."""
    module, _, name = mangled.partition(".")
    return f"{module}.{name.removeprefix('xǁ').replace('ǁ', '.') if 'ǁ' in name else name.removeprefix('x_')}"


def _joined(lines: Sequence[str], sign: str) -> str:
    return " ".join(line[1:].strip() for line in lines if line.startswith(sign)) or "nothing"


def report(codes: Mapping[str, int | None]) -> int:
    """Print the score, and each survivor with whether it is judged; the exit status."""
    alive = [survivor(name, SURVIVED[code]) for name, code in codes.items() if code is not None and code in SURVIVED]
    judged = REFERENCE.read_text(encoding="utf-8")
    killed = len(codes) - len(alive)
    modules = Counter(each.function.partition(".")[0] for each in alive)
    late = sum(code != 1 and code not in SURVIVED for code in codes.values())
    print(f"\n{killed} of {len(codes)} mutants killed: {killed / len(codes):.1%} (at least {LEAST} are to be)")
    print(f"of these {late} without a failed test: past the time limit, or with the process")
    print(f"survivors by module: {dict(modules.most_common())}")
    unjudged = 0
    for each in sorted(alive, key=spelled):
        known = spelled(each) in judged
        unjudged += not known
        print(f"{'judged    ' if known else 'NOT JUDGED'} {spelled(each)} ({each.how})")
    return 0 if Fraction(killed, len(codes)) >= LEAST and not unjudged else 1


def main() -> int:
    """Exit status 0 when enough are killed and every survivor is judged."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"how many mutants (default {SAMPLE})")
    parser.add_argument("--seed", default=SEED, help=f"which ones (default {SEED})")
    parser.add_argument("--processes", type=int, default=1, help="how many at a time (default 1)")
    arguments = parser.parse_args()
    prepare()
    if not (WORK / "mutants" / "mutmut-stats.json").exists():
        mutate([FIRST], arguments.processes)
    names = sampled(list(results()), arguments.sample, arguments.seed)
    if waiting := _waiting(names):
        mutate(waiting, arguments.processes)
    if waiting := _waiting(names):
        print(f"\n{len(waiting)} of {len(names)} mutants are not tried yet: call it again to go on")
        return 1
    codes = results()
    return report({name: codes[name] for name in names})


if __name__ == "__main__":
    sys.exit(main())
