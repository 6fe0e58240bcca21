"""The domain and its evaluation on every supported Python of this machine: ``make test-pythons``.

Interpreters come from PATH and from pyenv. Each gets a virtual environment of its own, with the locked versions, in
``.cache/pythons``. A version that is not installed is named; none at all is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from support.tree import PROJECT

VERSIONS = ("3.11", "3.12", "3.13")

FOLDERS = ("tests/domain", "tests/evaluation", "tests/determinism", "tests/ground/test_loop.py")
"""What runs on each of them, as far as it is there: what must give the same bytes everywhere."""

ACCOUNTS = "determinism.sample"
"""Run as a module, it prints accounts of a client and a history; on every Python they must be the same bytes."""


def candidates(version: str) -> Iterable[Path]:
    """Where an interpreter of ``version`` (such as ``3.12``) may be."""
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    program = shutil.which("pyenv")
    beside = Path(program).parents[1] if program else Path.home() / ".pyenv"
    root = Path(os.environ.get("PYENV_ROOT") or beside)
    yield from sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)


def interpreter(version: str) -> Path | None:
    """An interpreter of ``version`` that starts (a pyenv shim may not), or None."""
    for path in candidates(version):
        question = "import sys; print('%d.%d' % sys.version_info[:2])"
        answer = subprocess.run([path, "-c", question], capture_output=True, text=True, check=False)
        if answer.stdout.strip() == version:
            return path
    return None


def environment(version: str, python: Path) -> Path:
    """The virtual environment's interpreter, made if it is not there or older than the lock."""
    folder = PROJECT / ".cache" / "pythons" / version
    stamp, lock = folder / ".ok", PROJECT / "requirements.lock"
    inside = folder / "bin" / "python"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--clear", "--python", str(python), str(folder)], check=True)
        install = [*uv, "pip", "install", "-q", "--python", str(inside)]
        subprocess.run([*install, "--require-hashes", "-r", str(lock)], check=True)
        subprocess.run([*install, "--no-deps", "--no-build-isolation", "-e", str(PROJECT)], check=True)
        stamp.touch()
    return inside


def accounts(inside: Path) -> bytes:
    """What ``slawatch evaluate`` prints under an environment's interpreter. Raises CalledProcessError if it fails."""
    paths = {**os.environ, "PYTHONPATH": str(PROJECT / "tests")}
    return subprocess.run([inside, "-m", ACCOUNTS], env=paths, cwd=PROJECT, stdout=subprocess.PIPE, check=True).stdout


def main() -> int:
    """Exit status 0 when every interpreter that is here passes, there is one, and all print the same accounts."""
    found = {version: interpreter(version) for version in VERSIONS}
    failed: list[str] = []
    printed: dict[str, str] = {}
    for version, python in found.items():
        if python is None:
            print(f"Python {version}: not installed here", flush=True)
            continue
        print(f"Python {version}: {python}", flush=True)
        folders = [folder for folder in FOLDERS if (PROJECT / folder).exists()]
        inside = environment(version, python)
        printed[version] = sha256(accounts(inside)).hexdigest()
        print(f"accounts: SHA-256 {printed[version]}", flush=True)
        command = [str(inside), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not deep"]
        if subprocess.run([*command, *folders], cwd=PROJECT, check=False).returncode != 0:
            failed.append(version)
    alike = len(set(printed.values())) == 1
    print(f"ran on {', '.join(printed) or 'none'}; failed on {', '.join(failed) or 'none'}")
    print(f"accounts are {'the same bytes' if alike else 'NOT the same bytes'} on all of them")
    return 1 if failed or not alike else 0


if __name__ == "__main__":
    sys.exit(main())
