"""What is served is documented, and what the documents show can be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slawatch.exposition.metrics import METRICS
from support.servers import Run
from web.conftest import Client

DOCS = Path(__file__).parents[2] / "docs"
HTTP = DOCS / "reference" / "http.md"
PROMETHEUS = DOCS / "how-to" / "prometheus.md"


async def test_every_address_is_documented(client: Client) -> None:
    assert client.app is not None
    served = {route.resource.canonical for route in client.app.router.routes() if route.resource is not None}
    served -= {"/static/{tag}/{name}", "/favicon.ico"}
    rows = re.findall(r"^\| `(?:GET |POST )?(/[^`]*)` \|", HTTP.read_text(encoding="utf-8"), re.MULTILINE)
    written = {row.replace("<", "{").replace(">", "}") for row in rows}
    assert written == served


def test_the_queries_name_metrics_that_exist() -> None:
    known = {metric.name for metric in METRICS}
    for name in re.findall(r"slawatch_\w+", PROMETHEUS.read_text(encoding="utf-8")):
        assert name in known, name


@pytest.mark.server("promtool")
def test_the_configuration_is_sound(promtool: Run, tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PROMETHEUS.read_text(encoding="utf-8"), re.DOTALL)
    scrapes = [block for block in blocks if "scrape_configs:" in block]
    for number, block in enumerate(scrapes):
        path = tmp_path / f"prometheus{number}.yml"
        path.write_text(block, encoding="utf-8")
        checked = promtool("check", "config", "--syntax-only", path)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert len(scrapes) == 2
