"""Every query of every dashboard on a real Prometheus that has read the real exposition of a scripted estate.

Variables are filled in as Grafana does it. No Grafana is run: what it draws of the answers is not seen here.
"""

from __future__ import annotations

import json
import math
import re
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from grafana.estate import ENOUGH, Estate, served
from grafana.reading import (
    OVER_PROMETHEUS,
    Query,
    annotation_queries,
    filled_in,
    name_of,
    panel_queries,
    panels,
    text_of,
    variable_queries,
)
from slawatch.domain.risk import Level
from slawatch.exposition import metrics as m
from slawatch.exposition.grafana import look
from slawatch.exposition.grafana.contract import contract
from slawatch.exposition.grafana.dashboard import Dashboard
from slawatch.exposition.grafana.endpoints import endpoints
from slawatch.exposition.grafana.selectors import cut
from support.servers import Prometheus, fetch
from support.waiting import eventually

pytestmark = pytest.mark.server("prometheus")

CHOSEN = {
    "client": "acme",
    "contract": "network",
    "__rate_interval": "1s",
    "datasource": "slawatch-prometheus",
}
"""What is chosen in a dashboard of one contract; the rate interval is Grafana's for a scrape each 200 ms and more."""

SEVERAL = {**CHOSEN, "client": "(acme|globex)", "endpoint": ".*", "site": ".*"}
"""Several clients chosen, as Grafana joins them, and all of the rest."""

Rows = list[dict[str, Any]]


class Read(NamedTuple):
    """A Prometheus that has seen the whole script, and when it began and ended."""

    server: Prometheus
    start: float
    end: float
    estate: Estate

    def ask(self, path: str, **parameters: object) -> Any:
        answer = json.loads(fetch(f"{self.server.url}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"))
        assert answer["status"] == "success"
        return answer["data"]

    def over_time(self, expression: str) -> Rows:
        rows: Rows = self.ask("query_range", query=expression, start=self.start, end=self.end, step=0.2)["result"]
        return rows

    def at_the_end(self, expression: str) -> Rows:
        rows: Rows = self.ask("query", query=expression, time=self.end)["result"]
        return rows

    def rows(self, query: Query) -> Rows:
        values = CHOSEN if query.dashboard == "contract" else SEVERAL
        expression = filled_in(query.text, values)
        return self.at_the_end(expression) if query.instant else self.over_time(expression)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    start = time.time()
    with served() as (estate, address):
        folder = tmp_path_factory.mktemp("prometheus")
        with Prometheus(folder, [address], interval="200ms") as server:
            scrapes = f"max(count_over_time({m.EVALUATION_TIME.name}[1h])) > {ENOUGH}"
            eventually(lambda: server.query(scrapes), within=40)
            yield Read(server, start, time.time(), estate)


PANELS = [query for dashboard in OVER_PROMETHEUS for query in panel_queries(dashboard)]
ANNOTATIONS = [query for dashboard in OVER_PROMETHEUS for query in annotation_queries(dashboard)]
VARIABLES = [query for dashboard in OVER_PROMETHEUS for query in variable_queries(dashboard)]


def test_there_is_much_to_ask() -> None:
    assert (len(PANELS), len(ANNOTATIONS), len(VARIABLES)) == (90, 6, 7)


@pytest.mark.parametrize("query", PANELS, ids=lambda query: query.place)
def test_every_panel_has_data(query: Query, read: Read) -> None:
    """Numbers, that is: a quantile of nothing is no number, and would not be drawn."""
    rows = read.rows(query)
    values = [float(value) for row in rows for _, value in row.get("values", [row.get("value")])]
    assert any(math.isfinite(value) for value in values), filled_in(query.text, SEVERAL)


@pytest.mark.parametrize("query", ANNOTATIONS, ids=lambda query: query.place)
def test_every_annotation_marks_a_part_of_the_time_and_not_all_of_it(query: Query, read: Read) -> None:
    rows = read.rows(query)
    assert rows
    marked = {when for row in rows for when, _ in row["values"]}
    if query.where not in ("annotation Down", "annotation Blind paths"):  # these lasted from the first scrape on
        assert len(marked) < (read.end - read.start) / 0.2 * 0.9


@pytest.mark.parametrize("query", VARIABLES, ids=lambda query: query.place)
def test_every_variable_has_values_by_the_series_that_it_names(query: Query, read: Read) -> None:
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", query.text, re.DOTALL)
    assert asked is not None
    selector, label = filled_in(asked[1], CHOSEN if query.dashboard == "contract" else SEVERAL), asked[2]
    found = {row[label] for row in read.ask("series", **{"match[]": selector, "start": read.start, "end": read.end})}
    assert found
    assert found == set(read.ask(f"label/{label}/values", **{"match[]": selector}))


# --- What the answers say --------------------------------------------------------------------------------------------


def _labels(row: dict[str, Any]) -> set[str]:
    return set(row["metric"])


def test_every_table_gives_exactly_its_keys_so_that_rows_can_be_merged(read: Read) -> None:
    tables = 0
    for dashboard in OVER_PROMETHEUS:
        for panel in panels(dashboard.json()):
            organized = [each["options"] for each in panel["transformations"] if each["id"] == "organize"]
            for options in organized:
                tables += 1
                keys = {name for name in options["renameByName"] if not name.startswith("Value")}
                for target in panel["targets"]:
                    rows = read.at_the_end(filled_in(text_of(target), SEVERAL))
                    assert all(_labels(row) == keys for row in rows), (panel["title"], target["refId"])
                    assert len({tuple(sorted(row["metric"].items())) for row in rows}) == len(rows)
    assert tables == 9


@pytest.mark.parametrize("dashboard", OVER_PROMETHEUS, ids=name_of)
def test_every_curve_has_a_name_of_its_own(dashboard: Dashboard, read: Read) -> None:
    """The legend tells apart what the panel draws, and whatever is given a colour is there under that name."""
    values = CHOSEN if dashboard.name == "contract" else SEVERAL
    for panel in panels(dashboard.json()):
        if panel["type"] not in ("timeseries", "state-timeline"):
            continue
        names = [
            _legend(target["legendFormat"], row["metric"])
            for target in panel["targets"]
            for row in read.over_time(filled_in(text_of(target), values))
        ]
        assert len(set(names)) == len(names), panel["title"]
        for each in panel["fieldConfig"]["overrides"]:
            pattern = each["matcher"]["options"]
            if each["matcher"]["id"] == "byName":
                pattern = f"^{re.escape(pattern)}$"
            assert any(re.search(pattern.strip("/"), name) for name in names), (panel["title"], pattern)


def _legend(template: str, labels: dict[str, str]) -> str:
    """As Grafana writes it."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels[match[1]], template)


def _by(rows: Rows, label: str) -> dict[str, list[float]]:
    return {row["metric"][label]: [float(value) for _, value in row["values"]] for row in rows}


def _expression(dashboard: Any, title: str) -> str:
    (panel,) = [each for each in panels(dashboard.json()) if each["title"] == title]
    return filled_in(text_of(panel["targets"][0]), CHOSEN if dashboard.name == "contract" else SEVERAL)


def test_unknown_is_its_own_state_and_never_down(read: Read) -> None:
    states = _by(read.over_time(_expression(endpoints(), "State")), "endpoint")
    codes = look.STATES
    assert len(set(codes.values())) == 4, "down is 0, and nothing else is"
    assert codes["down"] == 0
    assert set(states["store"]) == {codes["unknown"]}
    assert set(states["website"]) == {codes["up"]}
    assert set(states["vpn"]) == {codes["degraded"]}
    first, *_, last = states["router"]
    assert (first, last) == (codes["unknown"], codes["down"])
    up = read.over_time(f'{m.ENDPOINT_UP.name}{{endpoint="store"}}')
    assert up == [], "absent, not 0"


def test_the_outage_is_marked_while_it_lasts_and_the_unknown_time_before_it(read: Read) -> None:
    marks = {query.where: read.rows(query) for query in annotation_queries(contract())}
    spans = {name: [when for row in rows for when, _ in row["values"]] for name, rows in marks.items()}
    assert max(spans["annotation Unknown"]) < max(spans["annotation Outages"])
    assert min(spans["annotation Unknown"]) < min(spans["annotation Outages"])
    assert len(spans["annotation Periods"]) < 10, "a moment, not a span"
    versions = {row["metric"]["version"] for row in marks["annotation Terms"]}
    assert len(versions) == 2
    assert len(spans["annotation Terms"]) < 20


def test_state_words_are_those_of_the_snapshot(read: Read) -> None:
    (row,) = read.at_the_end(_expression(contract(), "State"))
    (status,) = [each for each in read.estate.board.snapshot.contracts if each.contract.client == "acme"]
    assert status.risk.level is Level.BREACHING
    assert float(row["value"][1]) == look.LEVELS[Level.BREACHING]


def test_the_breach_is_a_date_in_milliseconds(read: Read) -> None:
    (row,) = read.at_the_end(_expression(contract(), "Breaches at"))
    (status,) = [each for each in read.estate.board.snapshot.contracts if each.contract.client == "acme"]
    assert status.risk.breach_at is not None
    assert float(row["value"][1]) == pytest.approx(status.risk.breach_at / 1000, abs=1)


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [
        ("0.99", 0.99),
        ("0.9999999", 0.999999),
        ("0.99999949", 0.999999),
        ("1", 1.0),
        ("0.57", 0.57),
        ("0.999999", 0.999999),
        ("0", 0.0),
        ("0.8571428571428571", 0.857142),
    ],
)
def test_figures_are_cut_and_never_rounded_up(ratio: str, shown: float, read: Read) -> None:
    (row,) = read.at_the_end(cut(f"vector({ratio})"))
    assert float(row["value"][1]) == pytest.approx(shown, abs=1e-12)


def test_every_thousandth_comes_back_as_it_is(read: Read) -> None:
    together = " or ".join(
        f'label_replace({cut(f"vector({n / 1000})")}, "n", "{n}", "", "")' for n in range(0, 1001, 13)
    )
    found = {int(row["metric"]["n"]): float(row["value"][1]) for row in read.at_the_end(together)}
    assert all(value == pytest.approx(n / 1000, abs=1e-12) for n, value in found.items())
    assert len(found) == 77


def test_counts_are_nought_where_there_is_nothing_to_count(read: Read) -> None:
    counts = {
        query.where.removesuffix(" A"): float(read.rows(query)[0]["value"][1])
        for query in PANELS
        if query.dashboard == "contracts" and query.instant and "count(" in query.text
    }
    assert counts == {
        "Contracts": 2,
        "Breaching or lost": 1,
        "At risk": 0,
        "Endpoints down": 1,
        "Endpoints unknown": 1,
    }


def test_a_second_scraper_changes_nothing(tmp_path: Path) -> None:
    """Two jobs read the same slawatch: contracts and money are not counted twice."""
    with served() as (_, address):
        folder = tmp_path / "twice"
        folder.mkdir()
        with Prometheus(folder, [address, address.replace("127.0.0.1", "localhost")], interval="200ms") as server:
            eventually(lambda: len(server.query(f'{m.SLA_TARGET.name}{{client="acme"}}')) == 2)
            for query in PANELS:
                if query.instant and query.dashboard in ("contracts", "business"):
                    rows = server.query(filled_in(query.text, SEVERAL))
                    labels = [tuple(sorted(row["metric"].items())) for row in rows]
                    assert len(set(labels)) == len(labels), query.place
                    assert not {"job", "instance"} & {name for row in rows for name in row["metric"]}, query.place
            (money,) = server.query(f'sum(max by (contract) ({m.SLA_CREDIT_AT_STAKE.name}{{client="acme"}}))')
            stake = next(query for query in PANELS if query.where == "Money by client and currency A")
            (row,) = [r for r in server.query(filled_in(stake.text, SEVERAL)) if r["metric"]["client"] == "acme"]
            assert row["value"][1] == money["value"][1]
