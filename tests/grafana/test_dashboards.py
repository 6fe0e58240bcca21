"""What is committed is what the builder makes; every panel explains itself, and every name that it uses exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from grafana.reading import ALL, OVER_PROMETHEUS, Json, name_of, panels, queries, text_of, variables_in
from slawatch.cli.app import application
from slawatch.cli.running import Hooks
from slawatch.domain.facts import State
from slawatch.domain.risk import Level
from slawatch.exposition.grafana import look
from slawatch.exposition.grafana.dashboard import Dashboard
from slawatch.exposition.grafana.files import files
from slawatch.exposition.grafana.selectors import coded, cut
from slawatch.exposition.metrics import METRICS, PROBE_LATENESS, SLA_BUDGET_USED, SLA_RISK, SLA_TARGET, Kind
from slawatch.exposition.promql import buckets, series
from slawatch.web import words as of_pages

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "config" / "grafana"

GRAFANAS_OWN = {"__all", "__rate_interval", "__interval_ms", "__from", "__to", "__data", "__url_time_range"}
"""Variables that Grafana itself fills in."""


# --- Files -----------------------------------------------------------------------------------------------------------


def test_what_is_committed_is_what_the_builder_makes() -> None:
    there = {
        str(path.relative_to(COMMITTED)): path.read_text("utf-8") for path in COMMITTED.rglob("*") if path.is_file()
    }
    assert there == dict(files()), "slawatch dashboards --write-to config/grafana"


def test_the_command_writes_the_same_files(tmp_path: Path) -> None:
    _run("dashboards", "--write-to", str(tmp_path / "new"))
    there = {str(path.relative_to(tmp_path / "new")): path for path in (tmp_path / "new").rglob("*") if path.is_file()}
    assert {name: path.read_text("utf-8") for name, path in there.items()} == dict(files())


def test_the_command_prints_one_dashboard_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    _run("dashboards")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [each.json() for each in ALL]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    from slawatch.runtime.errors import UsageError

    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UsageError, match=r"provisioning/datasources/slawatch\.yaml cannot be written: Not a directory"):
        _run("dashboards", "--write-to", str(tmp_path / "file"))


def _run(*arguments: str) -> None:
    nobody: Any = None
    application(Hooks(nobody, nobody, nobody))(args=arguments, standalone_mode=False)


def test_provisioning_files_name_the_sources_that_dashboards_ask() -> None:
    made = {name: yaml.safe_load(text) for name, text in files().items() if name.endswith(".yaml")}
    sources = [source for document in made.values() for source in document.get("datasources", ())]
    assert {source["type"] for source in sources} == {dashboard.source for dashboard in ALL}
    assert len({source["uid"] for source in sources}) == len({source["name"] for source in sources}) == 3
    (provider,) = made["provisioning/dashboards/slawatch.yaml"]["providers"]
    assert (provider["type"], provider["folder"]) == ("file", "slawatch")


# --- Dashboards ------------------------------------------------------------------------------------------------------


def test_addresses_are_stable_and_short_enough_for_grafana() -> None:
    uids = [dashboard.uid for dashboard in ALL]
    assert uids == [
        "slawatch-contracts",
        "slawatch-contract",
        "slawatch-endpoints",
        "slawatch-business",
        "slawatch-monitor",
        "slawatch-history-postgresql",
        "slawatch-history-sqlite",
    ]
    assert all(len(uid) <= 40 for uid in uids)


@pytest.mark.parametrize("dashboard", ALL, ids=name_of)
def test_every_panel_explains_itself(dashboard: Dashboard) -> None:
    found = panels(dashboard.json())
    assert len({panel["title"] for panel in found}) == len(found)
    for panel in found:
        assert re.fullmatch(r"[A-Z].{20,}\.", panel["description"], re.DOTALL), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        source = {"type": dashboard.source, "uid": "${datasource}"}
        assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [source] * (
            1 + len(panel["targets"])
        )
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGHIJKL")[: len(panel["targets"])]


@pytest.mark.parametrize("dashboard", ALL, ids=name_of)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(dashboard: Dashboard) -> None:
    document = dashboard.json()
    ids = [panel["id"] for panel in document["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("dashboard", ALL, ids=name_of)
def test_lines_of_panels_have_no_holes(dashboard: Dashboard) -> None:
    """Side by side means: equally high, and the whole width together."""
    lines: dict[int, list[Json]] = {}
    for panel in panels(dashboard.json()):
        lines.setdefault(panel["gridPos"]["y"], []).append(panel["gridPos"])
    for places in lines.values():
        assert len({place["h"] for place in places}) == 1, places
        assert sum(place["w"] for place in places) == 24, places


@pytest.mark.parametrize("dashboard", ALL, ids=name_of)
def test_nothing_is_a_gauge_a_pie_or_three_dimensional(dashboard: Dashboard) -> None:
    assert {panel["type"] for panel in panels(dashboard.json())} <= {
        "table",
        "timeseries",
        "stat",
        "state-timeline",
        "heatmap",
    }


@pytest.mark.parametrize("dashboard", ALL, ids=name_of)
def test_what_is_coloured_has_a_word(dashboard: Dashboard) -> None:
    for mapping in _of_key(dashboard.json(), "mappings"):
        for each in mapping:
            assert all(re.fullmatch(r"[a-z ]+", result["text"]) for result in each["options"].values())


def _of_key(value: Any, key: str) -> list[Any]:
    """Everything under ``key``, and every override of it, anywhere below."""
    if isinstance(value, list):
        return [found for each in value for found in _of_key(each, key)]
    if not isinstance(value, dict):
        return []
    here = [value[key]] if key in value else [value["value"]] if value.get("id") == key and "value" in value else []
    return here + [found for each in value.values() for found in _of_key(each, key)]


def test_levels_and_states_have_the_words_of_the_pages() -> None:
    assert set(look.LEVELS) == set(Level)
    for level, code in look.LEVELS.items():
        assert look.level_words()[0]["options"][str(code)]["text"] == of_pages.spoken(level.value)
    assert set(look.STATES) == {state.word for state in State}


# --- Names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dashboard", ALL, ids=name_of)
def test_every_variable_that_is_used_is_defined_and_every_defined_one_used(dashboard: Dashboard) -> None:
    document = dashboard.json()
    defined = [variable["name"] for variable in document["templating"]["list"]]
    assert len(set(defined)) == len(defined)
    used = {name for text in _texts(document) for name in variables_in(text)}
    assert used - GRAFANAS_OWN == set(defined)
    for index, variable in enumerate(document["templating"]["list"]):
        asked = variables_in(json.dumps(variable["query"]))
        assert asked <= set(defined[:index]), "a variable depends on those before it alone"


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for child in children for text in _texts(child)]


@pytest.mark.parametrize("dashboard", ALL, ids=name_of)
def test_links_of_panels_lead_to_dashboards_with_variables_that_they_have(dashboard: Dashboard) -> None:
    there = {each.uid: each for each in ALL}
    for links in _of_key(dashboard.json()["panels"], "links"):
        for link in links:
            parts = urlsplit(link["url"])
            target = there[parts.path.removeprefix("/d/")]
            assert target.source == dashboard.source
            chosen = {key.removeprefix("var-") for key, _ in parse_qsl(parts.query) if key.startswith("var-")}
            assert chosen <= {variable.name for variable in target.variables}, link["url"]
            assert "${datasource:queryparam}" in link["url"]
            assert "${__url_time_range}" in link["url"]


@pytest.mark.parametrize("dashboard", ALL, ids=name_of)
def test_links_at_the_top_take_along_what_the_other_can_show(dashboard: Dashboard) -> None:
    """Several clients at once are nothing to a dashboard of one; and by the dropdown nothing goes along."""
    *links, others = dashboard.json()["links"]
    assert (others["type"], others["tags"], others["includeVars"]) == ("dashboards", ["slawatch"], False)
    there = {each.uid: each for each in ALL}
    several = {variable.name: variable.every for variable in dashboard.variables}
    for link in links:
        target = there[urlsplit(link["url"]).path.removeprefix("/d/")]
        assert target.source == dashboard.source
        assert target is not dashboard
        carried = variables_in(link["url"]) - {"datasource"}
        takes = {variable.name: variable.every for variable in target.variables}
        assert all(takes[name] or not several[name] for name in carried), link["title"]


def test_every_dashboard_of_prometheus_is_reached_from_another() -> None:
    reached = set()
    for dashboard in OVER_PROMETHEUS:
        urls = [link["url"] for link in dashboard.json()["links"]]
        urls += [link["url"] for links in _of_key(dashboard.json()["panels"], "links") for link in links]
        reached |= {urlsplit(url).path.removeprefix("/d/") for url in urls if url}
    assert reached == {dashboard.uid for dashboard in OVER_PROMETHEUS}


def test_links_name_columns_that_stand_in_their_table() -> None:
    linked = 0
    for dashboard in ALL:
        for panel in panels(dashboard.json()):
            named = set(re.findall(r"__data\.fields\.(\w+)", json.dumps(panel)))
            linked += len(named)
            headings = {name for each in _of_key(panel["transformations"], "renameByName") for name in each.values()}
            assert named <= headings, panel["title"]
    assert linked


_WORDS = {"by", "on", "ignoring", "max", "sum", "avg", "count", "rate", "increase", "delta", "changes", "time", "floor"}
_WORDS |= {"histogram_quantile", "or", "unless", "offset", "label_values"}
_LABELS = {label for metric in METRICS for label in metric.labels} | {"le"}
_SERIES = {metric.name: set(metric.labels) for metric in METRICS if metric.kind is not Kind.HISTOGRAM} | {
    f"{metric.name}_bucket": {*metric.labels, "le"} for metric in METRICS if metric.kind is Kind.HISTOGRAM
}
_SELECTOR = re.compile(r"(slawatch_\w+)(?:\{([^}]*)\})?")
_GROUPS = re.compile(r"\b(?:by|on|ignoring) \(([^)]*)\)")


@pytest.mark.parametrize("dashboard", OVER_PROMETHEUS, ids=name_of)
def test_every_metric_and_label_of_a_query_exists(dashboard: Dashboard) -> None:
    for query in queries(dashboard):
        names = _SELECTOR.findall(query.text)
        assert names, query.place
        for name, matchers in names:
            labels = set(re.findall(r'(\w+)(?:=~|!=|!~|=)"', matchers))
            assert labels <= _SERIES[name], query.place
        shared = set.intersection(*(_SERIES[name] for name, _ in names))
        for group in _GROUPS.findall(query.text):
            assert set(group.split(", ")) <= shared, query.place
        bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\{[^}]*\}|\$\w+', "", query.text)
        words = set(re.findall(r"\b[a-z_]{2,}\b", bare)) - _SERIES.keys()
        assert words <= _WORDS | _LABELS, query.place


NOT_DRAWN = {SLA_BUDGET_USED.name}
"""Metrics that no panel shows: what is used is the rest of what is left."""


def test_no_metric_is_forgotten() -> None:
    texts = [query.text for dashboard in OVER_PROMETHEUS for query in queries(dashboard)]
    shown = {name for text in texts for name, _ in _SELECTOR.findall(text)}
    assert _SERIES.keys() - shown == NOT_DRAWN


@pytest.mark.parametrize("dashboard", OVER_PROMETHEUS, ids=name_of)
def test_legends_name_labels_that_the_query_leaves(dashboard: Dashboard) -> None:
    for panel in panels(dashboard.json()):
        for target in panel["targets"]:
            left = {label for group in _GROUPS.findall(text_of(target)) for label in group.split(", ")}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= left, panel["title"]


@pytest.mark.parametrize("dashboard", OVER_PROMETHEUS, ids=name_of)
def test_the_up_series_is_never_taken_for_unknown(dashboard: Dashboard) -> None:
    """What is absent stays absent: nothing fills it with a number, but for the states' own code of unknown."""
    for query in queries(dashboard):
        assert "absent" not in query.text
        assert not re.search(r"\bor (vector|on)\b", query.text), query.place


# --- The builder refuses ---------------------------------------------------------------------------------------------


def test_a_label_that_a_metric_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="slawatch_sla_target_ratio has no label endpoint; it has client, service"):
        series(SLA_TARGET, {"endpoint": "x"})


def test_a_histogram_has_buckets_and_nothing_else_has() -> None:
    assert buckets(PROBE_LATENESS, {"le": "+Inf"}) == 'slawatch_probe_lateness_seconds_bucket{le="+Inf"}'
    with pytest.raises(ValueError, match="is a histogram"):
        series(PROBE_LATENESS)
    with pytest.raises(ValueError, match="has no buckets"):
        buckets(SLA_TARGET)


def test_operators_and_quotes_of_a_matcher() -> None:
    assert series(SLA_TARGET, {"client": "=~a|b"}) == 'slawatch_sla_target_ratio{client=~"a|b"}'
    assert series(SLA_TARGET, {"client": "!=a"}) == 'slawatch_sla_target_ratio{client!="a"}'
    assert series(SLA_TARGET, {"client": 'a"\\'}) == 'slawatch_sla_target_ratio{client="a\\"\\\\"}'


def test_codes_and_cutting() -> None:
    assert coded({"lost": 6, "at_risk": 4}, SLA_RISK, "level", {"client": "acme"}) == (
        '6 * (slawatch_sla_risk{client="acme", level="lost"} == 1)'
        ' or 4 * (slawatch_sla_risk{client="acme", level="at_risk"} == 1)'
    )
    assert cut("x") == "floor(1000000 * x + 0.000001) / 1000000"
