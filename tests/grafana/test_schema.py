"""The dashboards have the types that Grafana publishes, for the oldest and the newest that they are made for.

TypeScript checks the JSON as literals, so that a name that Grafana does not know is as wrong as a value of another
type: see ``schema/checked.ts``. This stands in for an import:
no Grafana server can be had here, and none has drawn them.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grafana.reading import ALL, Json
from support import npm
from support.process import free_port

pytestmark = pytest.mark.server("grafana_schema")

RELEASES = ("10", "13")

Mistake = Callable[[Json], None]


def _panel(document: Json, title: str) -> Json:
    (found,) = [panel for panel in document["panels"] if panel["title"] == title]
    assert isinstance(found, dict)
    return found


def _at(title: str, *path: str | int, value: object) -> Mistake:
    """Put a value where it does not belong, or under a name that does not exist."""

    def plant(document: Json) -> None:
        place: Any = _panel(document, title) if title else document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return plant


MISTAKES: dict[str, Mistake] = {
    "a field that a dashboard does not have": _at("", "refreshed", value="1m"),
    "a cursor that there is not": _at("", "graphTooltip", value=7),
    "a kind of variable that there is not": _at("", "templating", "list", 1, "type", value="qurey"),
    "a field that a variable does not have": _at("", "templating", "list", 1, "multy", value=False),
    "a field that an annotation does not have": _at("", "annotations", "list", 1, "colour", value="red"),
    "a kind of panel that nobody checked": _at("State", "type", value="gauge"),
    "a place that is no number": _at("State", "gridPos", "w", value="4"),
    "a query under another name": _at("State", "targets", 0, "expression", value="up"),
    "a format that there is not": _at("State", "targets", 0, "format", value="tabel"),
    "an option that a figure does not have": _at("State", "options", "colourMode", value="value"),
    "a value that an option does not have": _at("State", "options", "colorMode", value="text"),
    "an option that curves do not have": _at("Coverage", "options", "legends", value={}),
    "a place where no legend can be": _at("Coverage", "options", "legend", "placement", value="left"),
    "a look that lines do not have": _at("Coverage", "fieldConfig", "defaults", "custom", "lineWidht", value=2),
    "a style that lines do not have": _at("Coverage", "fieldConfig", "defaults", "custom", "drawStyle", value="lines"),
    "thresholds of an unknown mode": _at(
        "Burn rate by window", "fieldConfig", "defaults", "thresholds", "mode", value="absolut"
    ),
    "a threshold that is text": _at(
        "Burn rate by window", "fieldConfig", "defaults", "thresholds", "steps", 1, "value", value="0.95"
    ),
    "a mapping of an unknown type": _at("State", "fieldConfig", "defaults", "mappings", 0, "type", value="valeu"),
    "an override of nothing": _at(
        "Coverage", "fieldConfig", "overrides", 0, "properties", 0, "id", value="custom.fillBelow"
    ),
    "an override of another type": _at(
        "Coverage", "fieldConfig", "overrides", 0, "properties", 0, value={"id": "custom.lineWidth", "value": "2"}
    ),
}
"""What a slip of the hand makes of the dashboard of one contract."""


def _planted(mistake: Mistake) -> Json:
    (document,) = [dashboard.json() for dashboard in ALL if dashboard.name == "contract"]
    document = copy.deepcopy(document)
    mistake(document)
    return document


@pytest.fixture(scope="module", params=RELEASES)
def complaints(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What TypeScript says of each file, by its name; one run for all, since it takes seconds to begin."""
    folder = tmp_path_factory.mktemp("schema")
    shutil.copy(npm.SCHEMA / "checked.ts", folder)
    (folder / "node_modules").symlink_to(npm.modules())
    for dashboard in ALL:
        _write(folder / f"{dashboard.uid}.ts", dashboard.json())
    for number, mistake in enumerate(MISTAKES.values()):
        _write(folder / f"mistake-{number}.ts", _planted(mistake))
    (folder / "tsconfig.json").write_text(json.dumps(_configuration(request.param)), "utf-8")
    done = npm.node(npm.modules() / "typescript" / "lib" / "tsc.js", "-p", folder, cwd=folder)
    found: dict[str, list[str]] = {path.stem: [] for path in folder.glob("*.ts")}
    for name, complaint in re.findall(r"^([^\s(][^(\n]*)\.ts\(\d+,\d+\): error (.*)$", done.stdout, re.MULTILINE):
        found[name].append(complaint)
    assert done.returncode == 2, done.stdout + done.stderr  # the mistakes
    return found


def _write(path: Path, document: Json) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False)
    head = "import type { CheckedDashboard } from './checked';\n\nexport const dashboard: CheckedDashboard = "
    path.write_text(f"{head}{text};\n", "utf-8")


def _configuration(release: str) -> Json:
    """For TypeScript, which finds the newest release by itself. Prometheus's query is in the oldest alone."""
    esm = npm.modules() / "grafana-schema-10" / "dist" / "esm"
    query = "raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen"
    paths = {f"@grafana/schema/dist/esm/{query}": [f"{esm}/{query}"]}
    if release == "10":
        paths |= {"@grafana/schema/dist/esm/*": [f"{esm}/*"], "@grafana/schema": [f"{esm}/index"]}
    return {
        "compilerOptions": {
            "strict": True,
            "exactOptionalPropertyTypes": True,
            "noEmit": True,
            "skipLibCheck": True,
            "module": "esnext",
            "moduleResolution": "bundler",
            "target": "es2022",
            "types": [],
            "paths": paths,
        },
        "include": ["*.ts"],
    }


@pytest.mark.parametrize("name", [dashboard.uid for dashboard in ALL])
def test_grafanas_own_types_take_the_dashboard(name: str, complaints: dict[str, list[str]]) -> None:
    assert complaints["checked"] == []
    assert complaints[name] == []


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=list(MISTAKES))
def test_a_planted_mistake_is_caught(number: int, complaints: dict[str, list[str]]) -> None:
    """It alone: each gives one complaint."""
    assert len(complaints[f"mistake-{number}"]) == 1


def test_the_lock_file_has_hashes_and_no_addresses() -> None:
    text = (npm.SCHEMA / "package-lock.json").read_text("utf-8")
    assert "resolved" not in text
    assert "://" not in text
    locked = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert len(locked) == 4
    assert all(re.fullmatch(r"sha512-[\w+/]{86}==", entry["integrity"]) for entry in locked.values())


# --- Where the packages cannot be had --------------------------------------------------------------------------------


def _project(folder: Path, change: Callable[[str], str] = str) -> Path:
    shutil.copy(npm.SCHEMA / "package.json", folder)
    (folder / "package-lock.json").write_text(
        change((npm.SCHEMA / "package-lock.json").read_text("utf-8")) + "\n", "utf-8"
    )
    return folder


def test_a_package_with_another_hash_is_refused(tmp_path: Path) -> None:
    project = _project(tmp_path, lambda text: re.sub(r"sha512-.{8}", "sha512-AAAAAAAA", text))
    assert "EINTEGRITY" in npm.missing(project)
    assert not npm.modules(project).exists()


def test_without_the_registry_it_is_said_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the report of BLOCKED tests then says."""
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{free_port()}/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "empty"))
    assert re.match("npm cannot fetch what the lock file names: .*ECONNREFUSED", npm.missing(_project(tmp_path)))
    assert not npm.modules(tmp_path).exists()
