"""The resolver of ours goes away and comes back under a real daemon: nobody's downtime, and seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon.conftest import MakeSlawatch, Slawatch
from support.servers import Knot, MakeNginx, fetch
from support.waiting import eventually

pytestmark = [pytest.mark.server("nginx"), pytest.mark.server("knot")]

CLIENT = """\
client: acme
name: Acme Logistics
endpoints:
  shop: {{probe: tcp, target: "shop.acme.test:{port}", every: 1s, retry_every: 1s}}
  gone: {{probe: tcp, target: "gone.acme.test:{port}", every: 1s, retry_every: 1s}}
  plain: {{probe: tcp, target: "127.0.0.1:{port}", every: 1s, retry_every: 1s}}
services:
  web: {{kind: applications, up_when: shop}}
contracts:
  web: {{service: web, standard: 99%, period: month}}
"""
ZONE = "@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\nshop 0 A 127.0.0.1\n"


def states(daemon: Slawatch) -> dict[str, tuple[str, str | None]]:
    return {item["endpoint"]: (item["state"], item["cause"]) for item in daemon.status()["endpoints"]}


def figures(daemon: Slawatch, name: str) -> dict[str, float]:
    """The metric's values by server, and by result where it has one."""
    families = text_string_to_metric_families(fetch(f"{daemon.url}/metrics"))
    samples = [sample for family in families for sample in family.samples if sample.name == f"slawatch_{name}"]
    return {" ".join(s.labels[key] for key in ("server", "result") if key in s.labels): s.value for s in samples}


def test_a_dead_resolver_of_ours_is_nobodys_downtime(
    slawatch: MakeSlawatch, nginx: MakeNginx, knot: Callable[[str], Knot]
) -> None:
    """S11: unknown with the cause while it is gone. And what its zone says does not exist is down while it is there."""
    web, names = nginx(), knot(ZONE)
    place = f"127.0.0.1:{names.port}"
    daemon = slawatch(CLIENT.format(port=web.port))
    box = daemon.folder / "slawatch.yaml"
    box.write_text(box.read_text(encoding="utf-8").replace("[127.0.0.1]", f'["{place}"]'), encoding="utf-8")
    daemon.start()
    there = {"shop": ("up", None), "gone": ("down", None), "plain": ("up", None)}
    eventually(lambda: states(daemon) == there)
    assert figures(daemon, "resolver_up") == {place: 1}
    assert figures(daemon, "resolver_questions_total")[f"{place} answered"] > 0

    names.stop()
    lost = ("unknown", "resolver_lost")
    eventually(lambda: states(daemon) == {"shop": lost, "gone": lost, "plain": ("up", None)})
    eventually(lambda: figures(daemon, "resolver_up") == {place: 0})
    names.start()
    eventually(lambda: states(daemon) == there)
    assert figures(daemon, "resolver_up") == {place: 1}

    shop = [row for row in daemon.history("--client", "acme", "--endpoint", "shop") if row["type"] in ("state", "blip")]
    assert [row["state"] for row in shop if row["type"] == "state"][:3] == ["up", "unknown", "up"]
    assert "down" not in {row.get("state") for row in shop}
    log = daemon.log.read_text(encoding="utf-8")
    assert log.count("names cannot be resolved") == log.count("names can be resolved again") == 1
