"""An outage goes all the way: probe, ledger, metric, rule, Alertmanager, a webhook of the right client; and so does its
end."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from daemon.conftest import Slawatch
from daemon.test_real_input import client
from slawatch.exposition.rules.files import rules_text
from support.servers import Alertmanager, MakeNginx, MakePrometheus
from support.waiting import eventually

ROUTES = Path(__file__).parents[2] / "config" / "alertmanager" / "alertmanager.yml"


class Receivers:
    """What arrived, by the path that it was sent to."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._arrived: list[tuple[str, dict[str, Any]]] = []

    def take(self, path: str, message: dict[str, Any]) -> None:
        self._arrived += [(path.strip("/"), alert) for alert in message["alerts"]]

    def of(self, who: str, name: str) -> list[dict[str, Any]]:
        """The alerts of a name that somebody got, oldest first."""
        return [alert for alert in self.all_of(who) if alert["labels"]["alertname"] == name]

    def all_of(self, who: str) -> list[dict[str, Any]]:
        return [alert for path, alert in list(self._arrived) if path == who]


@contextmanager
def receivers() -> Iterator[Receivers]:
    """A server that takes Alertmanager's webhooks, as the configuration that we ship addresses them."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receivers(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def routes(port: int) -> str:
    """The routes that we ship, to this receiver and without waiting for more to send at once."""
    text = ROUTES.read_text(encoding="utf-8").replace("127.0.0.1:9098", f"127.0.0.1:{port}")
    for slow in ("group_wait: 30s", "group_interval: 5m"):
        assert slow in text
        text = text.replace(slow, slow.rpartition(" ")[0] + " 1s")
    return text


@pytest.mark.server("nginx")
@pytest.mark.server("prometheus")
@pytest.mark.server("alertmanager")
def test_an_outage_reaches_its_client_and_no_other(
    nginx: MakeNginx, prometheus: MakePrometheus, alertmanager: Callable[[str], Alertmanager], tmp_path: Path
) -> None:
    broken, whole, orders = nginx(), nginx(), nginx()
    daemon = Slawatch(tmp_path / "slawatch", client(broken.port, orders.port))
    other = client(whole.port, orders.port).replace("client: acme", "client: beta")
    (daemon.folder / "clients" / "beta.yaml").write_text(other, encoding="utf-8")
    rules = tmp_path / "rules" / "slawatch.rules.yml"
    rules.parent.mkdir()
    rules.write_text(rules_text(), encoding="utf-8")
    with receivers() as arrived, daemon:
        eventually(lambda: {each["state"] for each in daemon.status()["endpoints"]} == {"up"})
        manager = alertmanager(routes(arrived.port))
        found = prometheus([f"127.0.0.1:{daemon.port}"], rules=[rules], alertmanagers=[f"127.0.0.1:{manager.port}"])
        eventually(lambda: arrived.of("deadman", "Watchdog"))  # the way is open
        assert arrived.all_of("acme") == []
        broken.stop()
        (firing,) = eventually(lambda: arrived.of("acme", "SlaBreaching"))[:1]
        assert firing["status"] == "firing"
        assert firing["labels"] == {
            "alertname": "SlaBreaching", "client": "acme", "contract": "shop", "service": "shop", "severity": "page",
            "instance": f"127.0.0.1:{daemon.port}", "job": "slawatch",
        }  # fmt: skip
        # 1 % of a fortnight is 3 h 21 m 36 s; less what nobody saw of today, 3 h 7 m at least.
        assert firing["annotations"]["summary"].startswith("acme/shop breaches in 3h ")
        assert firing["annotations"]["runbook_url"].endswith("act-on-an-alert.md#slabreaching")
        eventually(lambda: arrived.of("page", "SlaBreaching"))
        (series,) = found.query('ALERTS{alertname="SlaBreaching",alertstate="firing"}')
        assert series["metric"]["client"] == "acme"
        broken.start()
        eventually(lambda: [alert for alert in arrived.of("acme", "SlaBreaching") if alert["status"] == "resolved"])
        eventually(lambda: arrived.of("page", "SlaBreaching")[-1]["status"] == "resolved")
        clients = {who: {alert["labels"].get("client") for alert in arrived.all_of(who)} for who in ("acme", "page")}
        assert clients == {"acme": {"acme"}, "page": {"acme"}}
