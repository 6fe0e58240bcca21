"""`make install` on a Debian server, under its real systemd: ready, reloaded, watched, stopped, upgraded, removed."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from carrying.box import Box, box_python
from carrying.checkout import Checkout
from support.waiting import eventually

pytestmark = pytest.mark.server("nspawn", "box")

SLAWATCH = "/opt/slawatch/bin/slawatch"
DROP_INS = "/etc/systemd/system/slawatch.service.d"
CLONE = "/srv/slawatch"
TARGETS = ("192.0.2.1", "198.51.100.1", "203.0.113.1")
"""What the example pings. Here the box itself has these addresses, and no other way out."""

HARBOUR = """\
client: harbour
endpoints: {quay: {probe: icmp, target: 192.0.2.1, every: 1s, timeout: 500ms}}
services: {network: {kind: network, up_when: quay}}
contracts: {network: {service: network, standard: 99%, period: month}}
"""

STATUS = """\
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:9797/api/v1/status").read().decode())
"""

NET_RAW = 1 << 13


class Service:
    """The box with slawatch installed, enabled and started as the how-to says."""

    def __init__(self, box: Box, checkout: Checkout) -> None:
        self.box = box
        shutil.copytree(checkout.folder, box.at(CLONE))
        for address in TARGETS:
            box.must("ip", "address", "add", f"{address}/32", "dev", "lo")
        self.make("install")
        box.must("systemctl", "enable", "--now", "slawatch")

    def make(self, target: str) -> str:
        return self.box.must("make", "-C", CLONE, target, timeout=300)

    def shown(self, name: str) -> str:
        return self.box.properties("slawatch")[name]

    def ctl(self, verb: str) -> None:
        self.box.must("systemctl", verb, "slawatch")

    def write(self, path: str, text: str) -> None:
        self.box.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.box.at(path).write_text(text, encoding="utf-8")

    def restart(self) -> None:
        self.box.must("systemctl", "daemon-reload")
        self.ctl("restart")

    def journal(self) -> str:
        return self.box.must("journalctl", "--unit=slawatch", "--no-pager", "--output=cat")

    def history(self, endpoint: str) -> list[dict[str, Any]]:
        """Its changes of state, oldest first."""
        rows = [json.loads(line) for line in self.box.must(SLAWATCH, "history").splitlines()]
        states = [row for row in rows if row.get("endpoint") == endpoint and "state" in row]
        return [row for row in states if row.get("cause") != "no_further_data"]  # where the export ends

    def comes_up(self, endpoint: str) -> None:
        """Wait until an endpoint is up by the latest judgement."""
        eventually(lambda: self._states().get(endpoint) == "up", within=60)

    def _states(self) -> dict[str, str]:
        done = self.box.run("python3", "-c", STATUS)
        endpoints = json.loads(done.stdout)["endpoints"] if done.returncode == 0 else []
        return {item["endpoint"]: item["state"] for item in endpoints}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Running, with the example that `make install` puts there. A test that changes it puts it back."""
    folder = tmp_path_factory.mktemp("box")
    checkout = Checkout(folder / "slawatch")
    checkout.fill(box_python())
    with Box(folder / "box") as box:
        found = Service(box, checkout)
        yield found
        assert "Traceback" not in found.journal()


@pytest.fixture
def harbour(service: Service) -> Iterator[Service]:
    """With one more client, whose endpoint is pinged every second."""
    service.write("/etc/slawatch/clients/harbour.yaml", HARBOUR)
    service.ctl("reload")
    service.comes_up("quay")
    yield service
    service.box.must("rm", "/etc/slawatch/clients/harbour.yaml")
    service.ctl("reload")


def test_it_is_ready_and_says_what_it_does(service: Service) -> None:
    assert (service.shown("ActiveState"), service.shown("SubState")) == ("active", "running")
    assert re.fullmatch(r"5 endpoints \(\d down\), 2 contracts", service.shown("StatusText"))
    assert service.shown("NRestarts") == "0"


def test_its_user_is_its_own_and_has_one_right(service: Service) -> None:
    """DynamicUser, StateDirectory and the one capability that a ping needs."""
    main = service.shown("MainPID")
    status = dict(line.split(":\t", 1) for line in service.box.at(f"/proc/{main}/status").read_text().splitlines())
    user = int(status["Uid"].split()[0])
    assert 61184 <= user <= 65519
    assert (int(status["CapEff"], 16), int(status["CapBnd"], 16)) == (NET_RAW, NET_RAW)
    ledger = service.box.at("/var/lib/private/slawatch/slawatch.db").stat()
    assert (ledger.st_uid, ledger.st_mode & 0o077) == (user, 0)
    service.comes_up("router")


def test_a_reload_takes_a_changed_configuration(harbour: Service) -> None:
    main = harbour.shown("MainPID")
    assert re.match(r"6 endpoints \(\d down\), 3 contracts", harbour.shown("StatusText"))
    assert harbour.shown("MainPID") == main


@pytest.mark.parametrize("told", [("reload",), ("kill", "--signal=HUP")])
def test_a_mistake_keeps_the_old_configuration(harbour: Service, told: tuple[str, ...]) -> None:
    """By systemctl the reload itself fails; a bare signal is refused by the daemon."""
    refusals = harbour.journal().count("clients/harbour.yaml:2")
    harbour.write("/etc/slawatch/clients/harbour.yaml", HARBOUR.replace("probe: icmp", "probe: icpm"))
    done = harbour.box.run("systemctl", *told, "slawatch")
    assert (done.returncode == 0) == (told[0] == "kill")
    eventually(lambda: harbour.journal().count("clients/harbour.yaml:2") > refusals)
    assert harbour.shown("ActiveState") == "active"
    assert harbour.shown("StatusText").startswith("6 endpoints")
    before = len(harbour.journal())
    harbour.write("/etc/slawatch/clients/harbour.yaml", HARBOUR)
    harbour.ctl("reload")
    eventually(lambda: "configuration reloaded" in harbour.journal()[before:])


def test_a_daemon_that_hangs_is_killed_and_started_again(harbour: Service) -> None:
    """The watchdog's interval is shortened; the time in between is nobody's downtime."""
    harbour.write(f"{DROP_INS}/watchdog.conf", "[Service]\nWatchdogSec=2\n")
    harbour.restart()
    main = harbour.shown("MainPID")
    harbour.box.must("kill", "-STOP", main)
    eventually(lambda: harbour.shown("NRestarts") == "1")
    eventually(lambda: harbour.shown("ActiveState") == "active")
    assert harbour.shown("MainPID") != main
    assert "Watchdog timeout" in harbour.journal()
    harbour.comes_up("quay")
    states = [row["state"] for row in harbour.history("quay")]
    assert (states[-2:], "down" in states) == (["unknown", "up"], False)
    harbour.box.must("rm", f"{DROP_INS}/watchdog.conf")
    harbour.restart()


def test_it_stops_within_ten_seconds(harbour: Service) -> None:
    begun = time.monotonic()
    harbour.ctl("stop")
    assert time.monotonic() - begun < 10
    assert (harbour.shown("ActiveState"), harbour.shown("Result")) == ("inactive", "success")
    harbour.ctl("start")


def test_a_configuration_that_cannot_be_used_is_not_tried_again(service: Service) -> None:
    whole = service.box.at("/etc/slawatch/slawatch.yaml").read_text()
    service.write("/etc/slawatch/slawatch.yaml", "site: [hq]\n")
    assert service.box.run("systemctl", "restart", "slawatch").returncode != 0
    assert (service.shown("ActiveState"), service.shown("ExecMainStatus")) == ("failed", "78")
    service.write("/etc/slawatch/slawatch.yaml", whole)
    service.ctl("start")


def test_a_secret_comes_as_a_credential(service: Service) -> None:
    """The daemon learns where its database is from a file that root alone reads."""
    whole = service.box.at("/etc/slawatch/slawatch.yaml").read_text()
    url = "sqlite:////var/lib/slawatch/slawatch.db"
    service.write("/etc/slawatch/slawatch.yaml", whole.replace(url, "{credential: database}"))
    assert service.box.run("systemctl", "restart", "slawatch").returncode != 0
    service.write("/etc/slawatch/credentials/database", f"{url}\n")
    service.box.must("chmod", "0600", "/etc/slawatch/credentials/database")
    example = service.box.at(f"{DROP_INS}/credentials.conf").read_text()
    line = "LoadCredential=database:/etc/slawatch/credentials/database\n"
    service.write(f"{DROP_INS}/credentials.conf", example + line)
    service.restart()
    assert service.shown("ActiveState") == "active"
    known = ("env", "CREDENTIALS_DIRECTORY=/etc/slawatch/credentials")
    assert "router" in service.box.must(*known, SLAWATCH, "status")
    service.write("/etc/slawatch/slawatch.yaml", whole)
    service.restart()


def test_an_upgrade_keeps_history_configuration_and_secrets(harbour: Service) -> None:
    before = harbour.history("quay")
    kept = {
        "/etc/slawatch/slawatch.yaml": harbour.box.at("/etc/slawatch/slawatch.yaml").read_text() + "# ours\n",
        "/etc/slawatch/credentials/shop_key": "canary\n",
        f"{DROP_INS}/credentials.conf": harbour.box.at(f"{DROP_INS}/credentials.conf").read_text() + "# ours\n",
    }
    for path, text in kept.items():
        harbour.write(path, text)
    project = harbour.box.at(f"{CLONE}/pyproject.toml")
    project.write_text(re.sub(r'^version = ".*"', 'version = "99.0"', project.read_text(), flags=re.MULTILINE))
    harbour.make("install")
    assert harbour.box.must(SLAWATCH, "--version") == "slawatch 99.0\n"
    assert harbour.shown("ActiveState") == "active"
    harbour.ctl("restart")
    assert {path: harbour.box.at(path).read_text() for path in kept} == kept
    harbour.comes_up("quay")
    assert harbour.history("quay")[: len(before)] == before


def test_taking_it_away_keeps_what_was_measured(service: Service) -> None:
    service.make("uninstall")
    assert service.box.run("systemctl", "is-active", "slawatch").stdout.strip() == "inactive"
    assert not service.box.at("/opt/slawatch").exists()
    assert service.box.at("/var/lib/private/slawatch/slawatch.db").stat().st_size > 0
    assert service.box.at("/etc/slawatch/slawatch.yaml").exists()
