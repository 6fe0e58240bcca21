"""What programs read: metrics, health, reload, status."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from slawatch.domain.account_json import account_object
from slawatch.domain.interval import DAY, parse_instant
from slawatch.evaluation.board import Board, Vouched
from slawatch.web.openapi import document
from web import samples
from web.conftest import Client, Face, Serve, json_of, text_of


async def test_metrics_are_those_of_the_board(client: Client) -> None:
    text = await text_of(client, "/metrics")
    found = {
        sample.labels["contract"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "slawatch_sla_availability_ratio" and sample.labels["bound"] == "point"
    }
    expected = {status.contract.name: status.compliance.availability.point for status in samples.estate().contracts}
    assert found == {name: float(ratio) for name, ratio in expected.items() if ratio is not None}


@pytest.mark.parametrize(
    ("accept", "kind", "last"),
    [
        ("", "text/plain; version=0.0.4", ""),
        (
            "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
            "application/openmetrics-text; version=1.0.0",
            "# EOF",
        ),
    ],
)
async def test_the_scraper_chooses_the_format(client: Client, accept: str, kind: str, last: str) -> None:
    answer = await client.get("/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith(kind)
    assert (await answer.text()).split("\n")[-2].startswith(last)


async def test_metrics_are_compressed_where_that_is_accepted(client: Client) -> None:
    plain = await client.get("/metrics", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    packed = await client.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert await packed.text() == await plain.text()


async def test_ready_after_the_first_judgement(face: Face, serve: Serve) -> None:
    face.board = Board()
    client = await serve(face)
    await text_of(client, "/-/healthy")
    assert "judged" in await text_of(client, "/-/ready", status=503)
    face.board.publish(samples.quiet())
    await text_of(client, "/-/ready")
    face.ledger_open = False
    assert "ledger" in await text_of(client, "/-/ready", status=503)
    await text_of(client, "/-/healthy")


async def test_reload_says_what_came_of_it(client: Client, face: Face) -> None:
    answer = await client.post("/-/reload")
    assert (answer.status, await answer.text()) == (200, "taken up\n")
    face.reload_answer = (False, "clients/acme.yaml:3:1: period: wrong\n")
    answer = await client.post("/-/reload")
    assert (answer.status, await answer.text()) == (500, "clients/acme.yaml:3:1: period: wrong\n")
    assert (await client.get("/-/reload")).status == 405
    assert face.reloads == 2


async def test_status_is_the_account_and_more(client: Client) -> None:
    status = await json_of(client, "/api/v1/status")
    snapshot = samples.estate()
    assert parse_instant(status["at"]) == snapshot.at
    assert status["generation"] == snapshot.generation
    for printed, known in zip(status["contracts"], snapshot.contracts, strict=True):
        assert account_object(known.account).items() <= printed.items()
        assert printed["risk"]["level"] == known.risk.level.value
        breach = printed["risk"]["breach_at"]
        assert (None if breach is None else parse_instant(breach)) == known.risk.breach_at
        assert printed["service"]["state"] == known.state.word
        assert printed["witnessed"] is (known.vouched is Vouched.HOSTS)
        assert {name: Fraction(rate) for name, rate in printed["burn_rates"].items()} == known.burn_rates
    for printed, endpoint in zip(status["endpoints"], snapshot.endpoints, strict=True):
        assert (printed["client"], printed["endpoint"]) == (endpoint.client, endpoint.name)
        assert printed["state"] == endpoint.state.word
        assert (printed["last"] is None) == (endpoint.last is None)
        if endpoint.last is not None:
            assert printed["last"]["duration_us"] == endpoint.last.duration
            assert parse_instant(printed["last"]["started"]) == endpoint.last.started


async def test_status_tells_the_last_period_and_a_refused_configuration(face: Face, serve: Serve) -> None:
    later = samples.NOON + 14 * DAY
    status = samples.contract_status(now=later)
    face.board.publish(samples.snapshot([status], at=later, configuration_error="a.yaml:1:1: x: wrong"))
    printed = await json_of(await serve(face), "/api/v1/status")
    assert status.last is not None
    assert printed["contracts"][0]["last_period"] == account_object(status.last)
    assert printed["configuration"]["error"] == "a.yaml:1:1: x: wrong"


def conforms(schema: dict[str, Any], value: Any, path: str = "$") -> None:
    """Whether a value is as an OpenAPI schema says, for the keywords that ours uses; nothing may be undocumented."""
    kinds = schema.get("type", [])
    names = [kinds] if isinstance(kinds, str) else kinds
    types: dict[str, Any] = {
        "string": str, "integer": int, "object": dict, "array": list, "boolean": bool, "null": type(None)
    }  # fmt: skip
    assert isinstance(value, tuple(types[name] for name in names)), path
    if "enum" in schema:
        assert value in schema["enum"], path
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= set(value), path
        assert set(value) <= set(schema["properties"]), f"{path}: undocumented {set(value) - set(schema['properties'])}"
        for name, inner in value.items():
            conforms(schema["properties"][name], inner, f"{path}.{name}")
    elif isinstance(value, dict) and "additionalProperties" in schema:
        for name, inner in value.items():
            conforms(schema["additionalProperties"], inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            conforms(schema["items"], inner, f"{path}[{index}]")


async def test_the_status_is_as_the_document_says(client: Client) -> None:
    schema = document()["paths"]["/api/v1/status"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    conforms(schema, await json_of(client, "/api/v1/status"))


async def test_the_document_names_what_is_served(client: Client) -> None:
    served = await json_of(client, "/api/v1/openapi.json")
    assert served == document()
    assert client.app is not None
    routes = {route.resource.canonical for route in client.app.router.routes() if route.resource is not None}
    programs = {path for path in routes if path.startswith(("/api/", "/-/", "/metrics", "/probe"))}
    assert programs == set(served["paths"])
