"""The endpoint's page tells one local day exactly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slawatch.domain.facts import State
from slawatch.domain.interval import DAY, HOUR, parse_instant
from web import samples
from web.conftest import Client, Face, Serve, text_of
from web.reading import read


async def test_what_happened_exactly(client: Client) -> None:
    page = read(await text_of(client, "/endpoints/acme/router"))
    rows = [row.text for row in page.one("table", "events").one("tbody").all("tr")]
    assert rows == [
        "11:00:00 1 probe failed, not confirmed within 20 s timeout",
        "09:06:50 up and still is up to 10 s earlier answered",
        "09:00:20 down for 6 m 30 s up to 10 s earlier timeout, no echo reply, confirmed 09:00:30",
    ]


async def test_the_ledger_is_asked_for_the_local_day(client: Client, face: Face) -> None:
    await text_of(client, "/endpoints/acme/router?day=2026-01-13")
    start, end = parse_instant("2026-01-12T23:00:00Z"), parse_instant("2026-01-13T23:00:00Z")
    assert face.asked == [("acme", "router", start, end)]


async def test_a_day_with_a_change_of_clocks_has_its_own_length(face: Face, serve: Serve) -> None:
    """29 March 2026 has 23 hours in Berlin."""
    later = parse_instant("2026-04-01T10:00:00Z")
    status = samples.contract_status(now=later)
    face.board.publish(samples.snapshot([status], [samples.endpoint_status(now=later)], at=later))
    await text_of(await serve(face), "/endpoints/acme/router?day=2026-03-29")
    ((_, _, start, end),) = face.asked
    assert end - start == 23 * HOUR


@pytest.mark.parametrize("day", ["2026-01-15", "tomorrow", "2026-13-01", "0001-01-01", "2026-01-14T00:00"])
async def test_a_day_that_has_not_begun_or_is_none(client: Client, face: Face, day: str) -> None:
    page = read(await text_of(client, f"/endpoints/acme/router?day={day}", status=400))
    assert "2026-01-05" in page.one("h1").text
    assert face.asked == []


async def test_days_are_linked(client: Client) -> None:
    page = read(await text_of(client, "/endpoints/acme/router"))
    assert [a.attributes["href"] for a in page.all("a") if "rel" in a.attributes] == ["?day=2026-01-13"]
    page = read(await text_of(client, "/endpoints/acme/router?day=2026-01-13"))
    links = {a.attributes["rel"]: a.attributes["href"] for a in page.all("a") if "rel" in a.attributes}
    assert links == {"prev": "?day=2026-01-12", "next": "?day=2026-01-14"}


async def test_a_day_without_events(client: Client) -> None:
    page = read(await text_of(client, "/endpoints/acme/router?day=2026-01-12"))
    assert "Nothing changed on this day." in page.text
    assert page.one("svg", "period").attributes["aria-label"] == "acme/router, Mon 12 Jan 2026: up 24 h"


async def test_what_is_asked_and_answered(face: Face, serve: Serve) -> None:
    status = samples.endpoint_status(probe="http", target="https://acme.example/", behind="fw", path="internet")
    assert status.last is not None
    last = replace(status.last, phases=(("connect", 1_500), ("tls", 12_000)), certificate_expiry=samples.NOON + 9 * DAY)
    face.board.publish(samples.snapshot([samples.contract_status()], [replace(status, last=last)]))
    page = read(await text_of(await serve(face), "/endpoints/acme/router"))
    terms = dict(zip([dt.text for dt in page.all("dt")], [dd.text for dd in page.all("dd")], strict=True))
    assert terms == {
        "Probe": "http https://acme.example/ , every 10 s",
        "Path": "internet, behind fw",
        "Witnesses": "judged without a witness",
        "Counts in": "network",
        "Certificate": "expires Fri 23 Jan 12:00",
        "Since the start": "77,760 up, 12 down",
        "connect": "1.5 ms",
        "tls": "12.0 ms",
    }
    (link,) = [a for a in page.all("a") if a.text == "network"]
    assert link.attributes["href"] == "/contracts/acme/network"


async def test_an_endpoint_that_was_never_probed(face: Face, serve: Serve) -> None:
    nothing = samples.timeline((0, 20 * DAY, State.UNKNOWN))
    face.board.publish(samples.snapshot(endpoints=[samples.endpoint_status(line=nothing, last=None)]))
    page = read(await text_of(await serve(face), "/endpoints/acme/router"))
    assert "It has not been probed yet." in page.text
    assert page.one(css="zone").text == "UTC"


async def test_names_are_quoted_in_addresses(face: Face, serve: Serve) -> None:
    odd = samples.endpoint_status("a b/c?d#e", client="x&y")
    face.board.publish(samples.snapshot(endpoints=[odd]))
    client = await serve(face)
    page = read(await text_of(client, "/"))
    (link,) = page.by_id("endpoints").all("a")
    answer = await client.get(link.attributes["href"])
    assert answer.status == 200
    assert "a b/c?d#e" in read(await answer.text()).one("h1").text
