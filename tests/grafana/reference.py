"""The reference of dashboards, made from the dashboards themselves.

``PYTHONPATH=tests .venv/bin/python -m grafana.reference`` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from grafana.reading import ALL, panels, text_of
from slawatch.exposition.grafana.dashboard import PROMETHEUS, Dashboard

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "dashboards.md"

HEAD = """\
# Dashboards

What `slawatch dashboards` prints and `config/grafana` holds: which panel answers what, and by which query. To have
them in Grafana: [From nothing to a panel](../how-to/grafana.md). The series are explained in [Metrics](metrics.md), the
views in [SQL views](sql-views.md).

`$client` and the like are chosen at the top of a dashboard; `$__rate_interval`, `$__from`, `$__to` and `$__interval_ms`
are filled in by Grafana. Where several queries stand below a panel it shows them together.
"""


def reference() -> str:
    """The whole document."""
    return HEAD + "".join(part for dashboard in ALL for part in _dashboard(dashboard))


def _dashboard(dashboard: Dashboard) -> Iterator[str]:
    document = dashboard.json()
    yield f"\n## {dashboard.title}\n\n{dashboard.description} Address `/d/{dashboard.uid}`.\n"
    variables = [variable for variable in document["templating"]["list"] if variable["type"] == "query"]
    if variables:
        names = ", ".join(f"`{variable['name']}`{' (or all)' if variable['multi'] else ''}" for variable in variables)
        yield f"\nChosen at the top: {names}.\n"
    language = "promql" if dashboard.source == PROMETHEUS else "sql"
    for annotation in document["annotations"]["list"]:
        if not annotation.get("builtIn"):
            text = annotation["target"]["expr"]
            yield f"\nMarked in every curve, **{annotation['name']}**:\n\n```{language}\n{text}\n```\n"
    for panel in panels(document):
        texts = "\n".join(text_of(target) for target in panel["targets"])
        yield f"\n**{panel['title']}.** {panel['description']}\n\n```{language}\n{texts}\n```\n"


if __name__ == "__main__":
    DOCUMENT.write_text(reference(), encoding="utf-8")
