"""The door of a whole daemon: what its configuration opens, what a reload changes, and that nothing is written."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import pytest
import yaml

from daemon.conftest import LOOPBACK, MakeSlawatch, Slawatch
from daemon.test_real_input import state_of
from support.servers import MakeNginx, MakePrometheus, Prometheus
from support.waiting import eventually

pytestmark = pytest.mark.server("nginx")


def client(port: int) -> str:
    """One endpoint that is probed once, within 20 s of the start, and then not for 20 s."""
    return (
        f'client: acme\nendpoints: {{site: {{probe: http, target: "http://127.0.0.1:{port}/", every: 20s, confirm: 1,'
        " expect: {body: Welcome}}}\n"
        "services: {shop: {kind: applications, up_when: site}}\n"
        "contracts: {shop: {service: shop, standard: 99%, period: month}}\n"
    )


def asked(daemon: Slawatch, target: str, **more: str) -> str:
    return daemon.get("/probe?" + "&".join(f"{key}={quote(each)}" for key, each in {"target": target, **more}.items()))


def written(daemon: Slawatch) -> dict[str, int]:
    """How many rows each table of the ledger has."""
    path = daemon.database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}


def test_a_probe_answers_and_never_writes(slawatch: MakeSlawatch, nginx: MakeNginx) -> None:
    """Not even where it finds the endpoint down: only the scheduler's probes are history."""
    web = nginx()
    daemon = slawatch(client(web.port))
    daemon.start()
    eventually(lambda: state_of(daemon, "site") == "up", within=40)
    eventually(lambda: len(daemon.observations("site")) == 1)
    before, status = written(daemon), daemon.endpoint("site")
    url = f"http://127.0.0.1:{web.port}/"
    for question in ({"target": "acme/site"}, {"target": url}, {"target": url, "module": "http_2xx"}):
        assert "\nprobe_success 1\n" in asked(daemon, **question)
    web.stop()
    for _ in range(5):
        assert "\nverdict: down, refused" in asked(daemon, "acme/site", debug="true")
    assert daemon.endpoint("site") == status
    assert written(daemon) == before
    daemon.stop()
    assert len(daemon.observations("site")) == 1
    rows = daemon.history("--show", "outages", "--client", "acme")
    assert [row for row in rows if row["type"] == "outage"] == []


def test_a_reload_opens_the_door_and_brings_modules(slawatch: MakeSlawatch, nginx: MakeNginx) -> None:
    web, other = nginx(), nginx()
    daemon = slawatch(client(web.port))
    daemon.start()
    target = f"127.0.0.1:{other.port}"
    for question, status in (({"target": target}, 403), ({"target": target, "module": "farewell"}, 400)):
        with pytest.raises(HTTPError, match=str(status)):
            asked(daemon, **question)
    box = daemon.folder / "slawatch.yaml"
    text = box.read_text(encoding="utf-8")
    assert LOOPBACK in text
    modules = "modules: {farewell: {probe: http, expect: {body: Farewell}}}"
    box.write_text(f"{text}probe_door: {{open: true, {modules}}}\n", encoding="utf-8")
    daemon.hang_up()
    eventually(lambda: daemon.status()["configuration"]["generation"] == 2)
    assert "\nprobe_success 1\n" in asked(daemon, target)
    assert "\nprobe_failed_due_to_regex 1\n" in asked(daemon, target, module="farewell")


HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "move-from-blackbox-exporter.md"


def documented_job(port: int, target: str) -> dict[str, Any]:
    """The scrape job of the how-to, with the daemon's own port and a target of the test's."""
    [block] = re.findall(r"```yaml\n(scrape_configs:.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    assert "127.0.0.1:9797" in block
    assert "https://acme.example/" in block
    text = block.replace("127.0.0.1:9797", f"127.0.0.1:{port}").replace("https://acme.example/", target)
    job: dict[str, Any] = yaml.safe_load(text)["scrape_configs"][0]
    return job


def value(server: Prometheus, expression: str) -> str | None:
    found = server.query(expression)
    return str(found[0]["value"][1]) if found else None


@pytest.mark.server("prometheus")
def test_the_documented_job_scrapes_it(slawatch: MakeSlawatch, nginx: MakeNginx, prometheus: MakePrometheus) -> None:
    """A real Prometheus, by the lines that the how-to shows: the target is relabelled, as with the exporter."""
    web = nginx()
    target = f"http://127.0.0.1:{web.port}/"
    daemon = slawatch(client(web.port))
    daemon.start()
    server = prometheus([], jobs=[documented_job(daemon.port, target)])
    series = f'{{instance="{target}", job="blackbox"}}'
    eventually(lambda: value(server, f"probe_success{series}") == "1")
    assert value(server, f"probe_http_status_code{series}") == "200"
    assert value(server, f"up{series}") == "1"
    web.stop()
    eventually(lambda: value(server, f"probe_success{series}") == "0")
    assert value(server, f"up{series}") == "1"
