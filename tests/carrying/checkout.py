"""A checkout as a person carries it to a machine: the files that installing needs, and wheels, and no network."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.tree import PROJECT

CARRIED = (
    "Makefile",
    "Dockerfile",
    ".dockerignore",
    "LICENSE",
    "README.md",
    "config",
    "packaging",
    "pyproject.toml",
    "requirements-build.lock",
    "requirements-run.lock",
    "src",
    "systemd",
)

KEPT = PROJECT / ".cache" / "wheels"
"""What `make download` fetched for the tests, kept between runs; its hashes are checked whenever it is installed."""

NOWHERE = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/",
    "PIP_RETRIES": "0",
    "PIP_NO_COMPILE": "1",
}
"""Settings under which pip reaches no index, as nobody listens at port 9, and leaves compiling to those who run it."""


class Checkout:
    """One at ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in CARRIED:
            source = PROJECT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, folder / name)

    def fill(self, version: str) -> None:
        """Get the wheels for one version of Python: `make download` with the machine's own settings of pip."""
        wheels = self.folder / "wheels"
        if (KEPT / version).is_dir():
            shutil.copytree(KEPT / version, wheels / version)
        before = _names(wheels / version)
        self.make("download", f"BOX_PYTHON={version}", environment=os.environ)
        if _names(wheels / version) != before:
            shutil.rmtree(KEPT / version, ignore_errors=True)
            shutil.copytree(wheels / version, KEPT / version)

    def try_make(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``make`` here, without a network unless the environment is given; does not raise."""
        if environment is None:
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")} | NOWHERE
        kept = {name: value for name, value in environment.items() if not name.startswith("MAKE")}
        command = ["make", "--no-print-directory", *arguments]
        return subprocess.run(command, cwd=self.folder, env=kept, capture_output=True, text=True, check=False)

    def make(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """As ``try_make``; what it printed, on either stream. It must succeed."""
        done = self.try_make(*arguments, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
