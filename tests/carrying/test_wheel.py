"""The wheel is whole: every file of the package, its program and its licence; and pipx makes a command of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from carrying.checkout import Checkout
from support.tree import PROJECT


@pytest.fixture(scope="module")
def wheel(filled: Checkout, this_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`make wheel`, without a network."""
    checkout = Checkout(tmp_path_factory.mktemp("wheel") / "slawatch")
    shutil.copytree(filled.folder / "wheels", checkout.folder / "wheels")
    checkout.make("wheel", this_python)
    [built] = (checkout.folder / "dist").iterdir()
    return built


def sources() -> set[str]:
    """Every file of the package, as the wheel names it."""
    files = [path for path in (PROJECT / "src/slawatch").rglob("*") if path.is_file()]
    return {str(path.relative_to(PROJECT / "src")) for path in files if path.suffix != ".pyc"}


def test_every_file_of_the_package_is_in_it_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert packed == sources()
    kinds = {Path(name).suffix for name in packed}
    assert {".py", ".html", ".css", ".js", ".svg", ".mako"} <= kinds
    assert any(name.startswith("slawatch/storage/migrations/versions/") for name in packed)


def test_it_says_what_it_is_and_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
        metadata = Parser().parsestr(archive.read(names["METADATA"]).decode())
        programs = archive.read(names["entry_points.txt"]).decode()
        assert archive.read(names["LICENSE"]) == (PROJECT / "LICENSE").read_bytes()
    assert programs.split() == ["[console_scripts]", "slawatch", "=", "slawatch.main:main"]
    assert (metadata["Name"], metadata["Requires-Python"]) == ("slawatch", ">=3.11")
    assert wheel.name == f"slawatch-{metadata['Version']}-py3-none-any.whl"


@pytest.fixture(scope="module")
def pipx() -> Path:
    """pipx, in an environment of its own that is kept between runs."""
    folder = PROJECT / ".cache" / "pipx"
    program = folder / "bin" / "pipx"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "pipx"], check=True)
    return program


def test_pipx_makes_a_command_of_it(pipx: Path, wheel: Path, tmp_path: Path) -> None:
    """With the machine's own settings of pip, as a person has them."""
    environment = {
        **os.environ,
        "PIP_NO_COMPILE": "1",
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
    }
    command = [str(pipx), "install", str(wheel)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    made, only_here = tmp_path / "bin" / "slawatch", {"PATH": "/usr/bin:/bin"}
    said = subprocess.run(
        [str(made), "--version"], cwd=tmp_path, env=only_here, capture_output=True, text=True, check=True
    )
    assert said.stdout == f"slawatch {wheel.name.split('-')[1]}\n"
