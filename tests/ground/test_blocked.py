"""A test whose server cannot be had is BLOCKED: named, counted, and as root a failed run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.blocked import missing
from support.tree import STAMP

SUITE = """\
import pytest
@pytest.mark.server("nginx")
def test_by_marker(): pass
def test_by_fixture(nginx): pass
def test_by_another_name(postgres_url): pass
def test_plain(): pass
"""
SUPPORT = Path(__file__).resolve().parents[1]


def run_pytest(folder: Path, suite: str, *options: str, tree: Path) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text((SUPPORT / "conftest.py").read_text())
    (folder / "test_suite.py").write_text(suite)
    ini = f"[pytest]\npythonpath = {SUPPORT}\nmarkers = server(name): real\nasyncio_mode = auto\n"
    (folder / "pytest.ini").write_text(ini)
    environment = {**os.environ, "SLAWATCH_TEST_TREE": str(tree)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra", *options, str(folder)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


PROCESSES = pytest.mark.parametrize("options", [(), ("-n", "2", "--dist", "loadfile")], ids=["one", "several"])


@PROCESSES
def test_what_is_blocked_is_named_and_counted(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run_pytest(tmp_path, SUITE, *options, tree=tmp_path / "nowhere")
    names = "test_suite.py::test_by_marker, test_suite.py::test_by_fixture, test_suite.py::test_by_another_name"
    assert f"3 BLOCKED: {names}" in done.stdout
    assert "BLOCKED: nginx is not in the tests' Debian tree" in done.stdout
    assert "1 passed, 3 skipped" in done.stdout.splitlines()[-1]


@PROCESSES
def test_as_root_a_blocked_test_fails_the_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = run_pytest(tmp_path, SUITE, *options, tree=tmp_path / "nowhere")
    assert done.returncode == (1 if os.geteuid() == 0 else 0)


def test_nothing_blocked_says_nothing(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, SUITE, "-k", "plain", tree=tmp_path / "nowhere")
    assert (done.returncode, "BLOCKED" in done.stdout) == (0, False)


def test_an_unknown_server_is_an_error_not_blocked(tmp_path: Path) -> None:
    suite = 'import pytest\n@pytest.mark.server("ngnix")\ndef test_typo(): pass\n'
    done = run_pytest(tmp_path, suite, tree=tmp_path / "nowhere")
    assert done.returncode == 1
    assert "no server is named 'ngnix'" in done.stdout


def test_without_root_a_complete_tree_does_not_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/nginx").touch()
    (tmp_path / STAMP).touch()
    monkeypatch.setenv("SLAWATCH_TEST_TREE", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root to be started" in missing("nginx")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert missing("nginx") == ""
