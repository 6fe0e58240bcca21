"""`make install` from a folder of wheels, without a network: whole, again and again, and away again."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from carrying.checkout import Checkout
from carrying.conftest import HOST_PYTHON
from support.process import Server, free_port
from support.servers import answers, fetch


class Installed:
    """The result of `make install DESTDIR=…`."""

    def __init__(self, checkout: Checkout, root: Path, python: str) -> None:
        self.root = root
        checkout.make("install", f"DESTDIR={root}", python)

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def program(self, *arguments: str) -> list[str]:
        """The command that runs it where it lies: its first line names the interpreter at the final place."""
        return [str(self.at("/opt/slawatch/bin/python")), str(self.at("/opt/slawatch/bin/slawatch")), *arguments]


LEFT_OVER = "/opt/slawatch/lib/old.py"


@pytest.fixture(scope="module")
def installed(filled: Checkout, this_python: str, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Installed once, where an older version's program was; tests may add to what lies there."""
    root = tmp_path_factory.mktemp("root")
    for path in ("/opt/slawatch/bin/slawatch", LEFT_OVER):
        (root / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / path.lstrip("/")).write_text("x = 1\n")
    return Installed(filled, root, this_python)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Outside any checkout, with nothing of the tests' in the environment."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_everything_has_its_place(installed: Installed, filled: Checkout) -> None:
    unit = installed.at("/etc/systemd/system/slawatch.service").read_text()
    assert "ExecStart=/opt/slawatch/bin/slawatch run --config /etc/slawatch\n" in unit
    assert installed.at("/etc/slawatch/slawatch.yaml").is_file()
    assert installed.at("/etc/slawatch/clients/acme.yaml").is_file()
    credentials = installed.at("/etc/slawatch/credentials")
    assert (stat.S_IMODE(credentials.stat().st_mode), list(credentials.iterdir())) == (0o700, [])
    drop_in = installed.at("/etc/systemd/system/slawatch.service.d/credentials.conf").read_text()
    assert "#LoadCredential=NAME:/etc/slawatch/credentials/NAME" in drop_in.splitlines()
    assert not (filled.folder / "dist").exists()


def test_nothing_names_the_place_where_it_was_made(installed: Installed) -> None:
    programs = installed.at("/opt/slawatch/bin")
    texts = [path for path in (*programs.iterdir(), programs.parent / "pyvenv.cfg") if not path.is_symlink()]
    assert (programs / "slawatch").read_text().splitlines()[0] == "#!/opt/slawatch/bin/python"
    assert [path.name for path in texts if str(installed.root) in path.read_text()] == []
    assert not programs.parent.with_name("slawatch.new").exists()


def test_it_runs_away_from_the_checkout(installed: Installed, tmp_path: Path) -> None:
    version = run(installed.program("--version"), tmp_path)
    assert version.stdout.startswith("slawatch ")
    examined = run(installed.program("doctor", "--format", "jsonl", "--config", str(tmp_path)), tmp_path)
    assert '"python"' in examined.stdout, examined.stderr
    assert "Traceback" not in examined.stderr


def test_its_demonstration_serves_pages_with_what_belongs_to_them(installed: Installed, tmp_path: Path) -> None:
    """Migrations, templates, styles and scripts have come along."""
    address = f"127.0.0.1:{free_port()}"
    command = installed.program("demo", "--listen", address)
    with Server("demo", command, tmp_path / "log", lambda: answers(f"http://{address}/-/ready")) as demo:
        page = fetch(f"http://{address}/")
        for name in ("href", "src"):
            files = [part.partition('"')[0] for part in page.split(f' {name}="')[1:]]
            assert any("/static/" in file for file in files), page
            assert all(fetch(f"http://{address}{file}") for file in files if "/static/" in file)
        assert "Traceback" not in demo.said()


def test_nothing_of_an_older_program_is_left(installed: Installed) -> None:
    assert not installed.at(LEFT_OVER).exists()
    assert sorted(path.name for path in installed.at("/opt").iterdir()) == ["slawatch"]


def test_an_installation_that_fails_changes_nothing(
    installed: Installed, filled: Checkout, this_python: str, tmp_path: Path
) -> None:
    broken = Checkout(tmp_path / "slawatch")
    shutil.copytree(filled.folder / "wheels", broken.folder / "wheels")
    next((broken.folder / "wheels").rglob("aiohappyeyeballs-*.whl")).write_bytes(b"damaged on the way")
    before = sorted(installed.at("/opt").rglob("*"))
    done = broken.try_make("install", f"DESTDIR={installed.root}", this_python)
    assert done.returncode != 0
    assert "aiohappyeyeballs" in done.stderr
    assert sorted(installed.at("/opt").rglob("*")) == before


def test_wheels_of_another_lock_are_refused(filled: Checkout, this_python: str, tmp_path: Path) -> None:
    older = Checkout(tmp_path / "slawatch")
    shutil.copytree(filled.folder / "wheels", older.folder / "wheels")
    with (older.folder / "requirements-run.lock").open("a") as lock:
        lock.write("# a later one\n")
    done = older.try_make("install", f"DESTDIR={tmp_path}", this_python)
    assert done.returncode != 0
    assert f"wheels/{HOST_PYTHON} was filled for other versions" in done.stderr
    assert "make download" in done.stderr


def test_without_wheels_it_asks_for_them_and_says_so(this_python: str, tmp_path: Path) -> None:
    """Nobody answers here, so that it fails."""
    done = Checkout(tmp_path / "slawatch").try_make("install", f"DESTDIR={tmp_path}", this_python)
    assert done.returncode != 0
    assert f"wheels/{HOST_PYTHON} is not filled (make download)" in done.stderr
    assert not (tmp_path / "opt/slawatch").exists()


def test_a_folder_that_holds_something_else_is_left_alone(filled: Checkout, this_python: str, tmp_path: Path) -> None:
    (tmp_path / "opt/slawatch").mkdir(parents=True)
    (tmp_path / "opt/slawatch/thesis.txt").write_text("years of work")
    done = filled.try_make("install", f"DESTDIR={tmp_path}", this_python)
    assert done.returncode != 0
    assert "left alone" in done.stderr
    assert (tmp_path / "opt/slawatch/thesis.txt").exists()


def test_taking_it_away_keeps_what_was_measured_unless_told(installed: Installed, filled: Checkout) -> None:
    ledger = installed.at("/var/lib/slawatch/slawatch.db")
    ledger.parent.mkdir(parents=True, exist_ok=True)
    ledger.write_text("facts")
    for _ in range(2):
        filled.make("uninstall", f"DESTDIR={installed.root}")
        assert not installed.at("/opt/slawatch").exists()
        assert not installed.at("/etc/systemd/system/slawatch.service").exists()
        assert installed.at("/etc/slawatch/slawatch.yaml").exists()
        assert ledger.exists()
    filled.make("uninstall", f"DESTDIR={installed.root}", "PURGE=yes")
    assert [path for path in installed.root.rglob("*") if path.is_file()] == []
