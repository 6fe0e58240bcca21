"""Accounts of everything at once (``sample.py``): the same bytes on any machine and in any order of the rows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from determinism.sample import write

LOCALES = {
    "de_DE.UTF-8": ("de_DE", "UTF-8"),
    "de_DE.ISO-8859-1": ("de_DE", "ISO-8859-1"),
    "tr_TR.UTF-8": ("tr_TR", "UTF-8"),
}


def judge(folder: Path, environment: Mapping[str, str], *, backwards: bool = False) -> bytes:
    """What ``slawatch evaluate`` prints, with nothing of this process's own environment but its path."""
    command = write(folder, backwards=backwards)
    clean = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return judge(tmp_path_factory.mktemp("plain"), {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"})


def test_the_sample_has_something_of_everything(plain: bytes) -> None:
    """Equal bytes mean little where there is nothing to differ in."""
    accounts = json.loads(plain)
    assert {account["contract"] for account in accounts} == {"fortnight", "office", "island"}
    assert {"met", "breached", "open"} <= {account["verdict"] for account in accounts}
    for key in ("up", "degraded", "down", "unknown", "excluded", "outside_hours"):
        assert any(account["time_us"][key] for account in accounts), key
    assert {"maintenance", "force_majeure"} <= {kind for account in accounts for kind in account["excluded_us"]}
    assert any(account["suppressed_us"] for account in accounts)
    assert any(account["availability"]["low"] != account["availability"]["high"] for account in accounts)
    assert any((account["credit"] or {}).get("amount") not in (None, "0", "0.00") for account in accounts)


@pytest.mark.parametrize(
    ("zone", "seed"), [("America/New_York", "1"), ("Pacific/Apia", "4294967295"), ("Asia/Kathmandu", "random")]
)
def test_s2_the_machines_zone_and_the_hash_seed_do_not_matter(
    tmp_path: Path, plain: bytes, zone: str, seed: str
) -> None:
    """S2: only zones that the contract names are read."""
    assert judge(tmp_path, {"TZ": zone, "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": seed}) == plain


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "no_SUCH.UTF-8", "LANG": "nonsense"},
        {"TZ": ":/nowhere", "LC_ALL": "C.UTF-8"},
    ],
    ids=str,
)
def test_the_machines_language_and_character_set_do_not_matter(
    tmp_path: Path, plain: bytes, environment: Mapping[str, str]
) -> None:
    """S1: a file is UTF-8 and a number is written one way; an environment that is poor or wrong changes nothing."""
    assert judge(tmp_path, environment) == plain


@pytest.mark.parametrize("name", LOCALES)
def test_real_locales_do_not_matter(tmp_path: Path, plain: bytes, name: str) -> None:
    """German writes 0,99 and sorts umlauts, Turkish has its own i; a character set of one byte is no UTF-8."""
    program = shutil.which("localedef")
    if program is None:
        pytest.skip("localedef is not here, so no locale but C can be made")
    language, characters = LOCALES[name]
    made = subprocess.run(
        [program, "-i", language, "-f", characters, tmp_path / name], capture_output=True, check=False
    )
    assert (tmp_path / name).is_dir(), made.stderr.decode()
    assert judge(tmp_path, {"LOCPATH": str(tmp_path), "LC_ALL": name, "LANG": name}) == plain


def test_s17_the_order_of_the_rows_does_not_matter(tmp_path: Path, plain: bytes) -> None:
    """S17: no two rows of one endpoint share an instant, so any order says the same."""
    assert judge(tmp_path, {"TZ": "UTC", "LC_ALL": "C.UTF-8"}, backwards=True) == plain
