"""The image builds without a network and runs as its own user on a file system that it cannot write."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carrying.box import box_python
from carrying.checkout import Checkout
from carrying.image import Container, Image, Memory
from support.process import Server
from support.tree import PROJECT
from support.waiting import eventually

pytestmark = pytest.mark.server("buildah", "box")

USER = 9797


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Built from the Dockerfile, on Debian's own Python."""
    folder = tmp_path_factory.mktemp("image")
    checkout = Checkout(folder / "slawatch")
    checkout.fill(box_python())
    with Memory(folder / "memory") as memory:
        yield Image(memory, checkout)


@pytest.fixture
def watching(image: Image, tmp_path: Path) -> Iterator[Container]:
    """A container that watches port 8080 of itself, where nobody listens yet."""
    arguments = ("watch", "tcp://127.0.0.1:8080", "--every", "1s")
    with Container(image, tmp_path / "container", *arguments) as container:
        yield container


def test_it_is_built_from_the_wheels_and_holds_the_program_alone(image: Image) -> None:
    assert "pip fetches" not in image.said
    assert sorted(path.name for path in image.at("/opt").iterdir()) == ["slawatch"]
    assert not image.at("/source").exists()
    writable = [path for path in image.at("/opt").rglob("*") if not path.is_symlink() and path.stat().st_uid]
    assert writable == []


def test_it_says_how_it_runs(image: Image) -> None:
    settings = image.settings
    assert settings["User"] == "slawatch"
    assert settings["Entrypoint"] + settings["Cmd"] == [
        *("/opt/slawatch/bin/slawatch", "run", "--config", "/etc/slawatch")
    ]
    assert (list(settings["Volumes"]), list(settings["ExposedPorts"])) == (["/var/lib/slawatch"], ["9797/tcp"])


def test_doctor_examines_the_container(image: Image, tmp_path: Path) -> None:
    arguments = ("doctor", "--format", "jsonl")
    container = Container(image, tmp_path / "container", *arguments, configuration=PROJECT / "config")
    container.to_its_end()
    rows = {row["check"]: row["result"] for row in map(json.loads, container.said().splitlines())}
    assert (rows["python"], rows["configuration"], rows["disk"]) == ("fine", "fine", "fine")


def test_it_watches_as_a_user_who_may_not_write(watching: Container) -> None:
    status = Path(f"/proc/{watching.first}/status").read_text()
    assert f"Uid:\t{USER}\t{USER}\t{USER}\t{USER}\n" in status
    assert "CapBnd:\t0000000000000000\n" in status
    written = watching.run("sh", "-c", "touch /opt/slawatch/x; touch /etc/x; touch /var/lib/slawatch/x && echo good")
    assert (written.stdout, written.stderr.count("Read-only file system")) == ("good\n", 2)


def test_what_it_watches_goes_up(watching: Container, tmp_path: Path) -> None:
    target = watching.beside(sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "8080")
    with Server("target", target, tmp_path / "target.log", lambda: True):
        eventually(lambda: _state(watching) == "up")
    eventually(lambda: _state(watching) == "down")
    assert "Traceback" not in watching.said()


def test_the_check_of_health_notices_a_daemon_that_hangs(watching: Container) -> None:
    os.kill(watching.first, signal.SIGSTOP)
    assert not watching.is_healthy()
    os.kill(watching.first, signal.SIGCONT)
    eventually(watching.is_healthy)


def test_the_daemon_runs_and_stops_within_ten_seconds(image: Image, tmp_path: Path) -> None:
    """The image's own command, with the example as its configuration."""
    with Container(image, tmp_path / "container", configuration=PROJECT / "config") as container:
        begun = time.monotonic()
        assert container.end() == 0
        assert time.monotonic() - begun < 10
        assert "Traceback" not in container.said()
    assert (tmp_path / "container/volume/slawatch.db").stat().st_uid == USER


def _state(container: Container) -> str:
    code = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9797/api/v1/status').read().decode())"
    [endpoint] = json.loads(container.run("/opt/slawatch/bin/python", "-c", code).stdout)["endpoints"]
    return str(endpoint["state"])
