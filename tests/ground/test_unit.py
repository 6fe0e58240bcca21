"""The systemd unit is understood by systemd, and exposes next to nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.servers import Run
from support.tree import PROJECT

UNIT = PROJECT / "systemd" / "slawatch.service"
EXPOSURE_LIMIT = 16
"""Tenths of systemd's exposure level (0 to 100): 1.6."""

pytestmark = pytest.mark.server("systemd")


def place(folder: Path, text: str) -> Path:
    """The unit as it is, except that the program it starts is there."""
    program = folder / "slawatch"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = folder / "slawatch.service"
    unit.write_text(text.replace("/opt/slawatch/bin/slawatch", str(program)))
    return unit


def test_verify_is_silent(systemd_analyze: Run, tmp_path: Path) -> None:
    done = systemd_analyze("verify", place(tmp_path, UNIT.read_text()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verify_would_speak_of_an_unknown_key(systemd_analyze: Run, tmp_path: Path) -> None:
    text = UNIT.read_text().replace("ProtectHome=yes", "ProtectHomes=yes")
    done = systemd_analyze("verify", place(tmp_path, text))
    assert "ProtectHomes" in done.stderr


def test_exposure_is_at_most_1_6(systemd_analyze: Run, tmp_path: Path) -> None:
    unit = place(tmp_path, UNIT.read_text())
    done = systemd_analyze("security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", "--no-pager", unit)
    level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert level is not None, done.stderr
    assert round(float(level[1]) * 10) <= EXPOSURE_LIMIT
    assert done.returncode == 0


def test_a_bad_configuration_is_not_started_again() -> None:
    assert "RestartPreventExitStatus=78" in UNIT.read_text().splitlines()
