"""``probe_door`` in ``slawatch.yaml``: how modules are written, and what ``check-config`` refuses, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slawatch.config.configuration import Configuration
from slawatch.config.door_models import ProbeModule
from slawatch.config.loader import json_schema, load, render_findings
from slawatch.config.probe_door import COMMON
from slawatch.domain.interval import SECOND
from slawatch.operations.probe_modules import Module, built_in
from slawatch.probes.registry import kinds
from slawatch.runtime.errors import ConfigurationError

CLIENT = 'client: acme\nendpoints: {site: {probe: http, target: "https://acme.example/"}}\n'


def loaded(folder: Path, modules: str, box: str = "") -> Configuration:
    (folder / "clients").mkdir()
    (folder / "clients" / "acme.yaml").write_text(CLIENT, encoding="utf-8")
    (folder / "slawatch.yaml").write_text(f"{box}probe_door:\n  modules:\n{modules}", encoding="utf-8")
    return load(folder)


def test_modules_are_read(tmp_path: Path) -> None:
    text = (
        "    page: {probe: http, timeout: 5s, expect: {status: 200, body: Welcome}}\n"
        "    www: {probe: dns, query_name: www.acme.example, type: AAAA}\n"
        "    http_2xx: {probe: http, method: HEAD}\n"
    )
    modules = loaded(tmp_path, text).modules
    http, dns = kinds()["http"].options, kinds()["dns"].options
    assert modules == {
        "page": Module("http", http.model_validate({"expect": {"status": 200, "body": "Welcome"}}), 5 * SECOND),
        "www": Module("dns", dns.model_validate({"type": "AAAA"}), None, "www.acme.example"),
        "http_2xx": Module("http", http.model_validate({"method": "HEAD"})),
    }


def test_the_door_is_shut_to_what_is_not_configured(tmp_path: Path) -> None:
    """Without a word, and with nothing but modules."""
    assert loaded(tmp_path, "    page: {probe: http}\n").box.probe_door.open is False


@pytest.mark.parametrize(
    ("module", "found"),
    [
        ("{probe: gopher}", "3:17: probe_door.modules.it.probe: this version has no probe 'gopher': expected one of"),
        ("{timeout: 5s}", "3:5: probe_door.modules.it.probe: missing: expected kind of probe"),
        ("[http]", "3:9: probe_door.modules.it: a list stands here: expected a mapping with probe and its options"),
        ("{probe: http, expct: 1}", "3:23: probe_door.modules.it.expct: unknown key: did you mean expect?"),
        ("{probe: http, target: a}", "3:23: probe_door.modules.it.target: unknown key: expected one of auth, "),
        ("{probe: http, expect: {status: 999}}", "3:40: probe_door.modules.it.expect.status: expected a status"),
        ("{probe: http, timeout: 5}", "3:32: probe_door.modules.it.timeout: expected a duration with its unit"),
        ("{probe: http, timeout: 0s}", "3:32: probe_door.modules.it.timeout: "),
        ("{probe: icmp, count: 9, timeout: 1s}", "3:42: probe_door.modules.it.timeout: 1s is too short for these"),
        ("{probe: dns}", "3:5: probe_door.modules.it.query_name: missing: expected the name that is asked for"),
        ("{probe: dns, query_name: a..b}", "3:34: probe_door.modules.it.query_name: 'a..b' is no name to ask for"),
        ("{probe: http, query_name: a}", "3:23: probe_door.modules.it.query_name: only dns asks for a name"),
        (
            '{probe: http, proxy: "http://127.0.0.1:3128"}',
            "3:30: probe_door.modules.it.proxy: 127.0.0.1 is denied (loopback): expected another proxy",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, module: str, found: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, f"    it: {module}\n")
    [line] = render_findings(caught.value.findings).splitlines()
    assert line.startswith(f"{tmp_path}/slawatch.yaml:{found}"), line


def test_other_keys_and_values_are_refused_too(tmp_path: Path) -> None:
    (tmp_path / "slawatch.yaml").write_text('probe_door: {open: "yes", opened: true, modules: {"a b": {}}}\n', "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path)
    keys = {finding.key for finding in caught.value.findings}
    assert {"probe_door.open", "probe_door.opened", "probe_door.modules.a b"} <= keys


def test_a_secret_in_a_module_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, "    it: {probe: http, auth: {bearer: canary}}\n")
    assert "canary" not in render_findings(caught.value.findings)


def test_the_schema_has_every_kind_with_its_options() -> None:
    box = json_schema()["box"]
    alternatives: list[dict[str, Any]] = box["$defs"]["ProbeModule"]["oneOf"]
    assert [item["properties"]["probe"]["const"] for item in alternatives] == list(kinds())
    for item, kind in zip(alternatives, kinds().values(), strict=True):
        options = {field.alias or name for name, field in kind.options.model_fields.items()}
        assert not options.intersection(COMMON)
        assert set(item["properties"]) == options.union(COMMON) == options | set(ProbeModule.model_fields)
        assert ("query_name" in item["required"]) == (kind.name == "dns")


def test_what_is_built_in_is_documented() -> None:
    reference = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
    section = reference.read_text(encoding="utf-8").partition("### probe_door")[2].partition("### ")[0]
    assert [name for name in built_in() if f"`{name}`" not in section] == []


def test_all_mistakes_of_a_module_are_told_at_once(tmp_path: Path) -> None:
    """One in what every module has hides none in what is its kind's own."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, "    it: {probe: http, timeout: 5, expect: {staus: 200}}\n")
    keys = [finding.key for finding in caught.value.findings]
    assert keys == ["probe_door.modules.it.timeout", "probe_door.modules.it.expect.staus"]
