"""The contract's page explains every figure, and its parts add up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.facts import State
from slawatch.domain.grammar import ratio_text, spell_duration
from slawatch.domain.interval import DAY, HOUR, MINUTE, Interval
from slawatch.evaluation.board import ContractStatus
from web import samples
from web.conftest import Client, Face, Serve, text_of
from web.reading import Element, read


def table(page: Element, caption: str) -> dict[str, list[str]]:
    """The rows of the table whose caption begins so: heading → the other cells."""
    (found,) = [table for table in page.all("table") if any(c.text.startswith(caption) for c in table.all("caption"))]
    rows = found.one("tbody").all("tr")
    return {row.one("th").text: [cell.text for cell in row.all("td")] for row in rows}


async def page_of(face: Face, serve: Serve, status: ContractStatus, now: int = samples.NOON) -> Element:
    face.board.publish(samples.snapshot([status], [samples.endpoint_status()], at=now))
    contract = status.contract
    return read(await text_of(await serve(face), f"/contracts/{contract.client}/{contract.name}"))


def status_of(key: str) -> ContractStatus:
    (found,) = [status for status in samples.estate().contracts if status.contract.key == key]
    return found


@pytest.mark.parametrize("key", [status.contract.key for status in samples.estate().contracts])
async def test_the_figures_are_the_accounts(client: Client, key: str) -> None:
    account = status_of(key).compliance
    page = read(await text_of(client, f"/contracts/{key}"))
    figures = table(page, "Availability")
    for name, ratio in (
        ("Low", account.availability.low),
        ("Point", account.availability.point),
        ("High", account.availability.high),
        ("If unknown were down", account.if_unknown_down),
        ("If unknown were up", account.if_unknown_up),
        ("Without exclusions", account.without_exclusions),
        ("Coverage", account.coverage),
    ):
        assert ratio is not None
        assert figures[name][0] == ratio_text(ratio)[:14]
    budget = table(page, "The downtime")
    assert budget["Allowed"][0] == spell_duration(account.budget.allowed)
    assert budget["Used"][0] == spell_duration(account.budget.used)
    assert budget["Left"][0] == spell_duration(account.budget.left)


@pytest.mark.parametrize("key", [status.contract.key for status in samples.estate().contracts])
async def test_the_seven_classes_are_the_accounts(client: Client, key: str) -> None:
    account = status_of(key).compliance
    classes = table(read(await text_of(client, f"/contracts/{key}")), "Every moment has one class")
    known = account.classes
    lengths = [known.up, known.degraded, known.down, known.unknown]
    lengths += [account.excluded, account.outside_hours, account.outside_contract]
    assert [cells[0] for cells in classes.values()] == [spell_duration(length) for length in lengths]
    assert sum(lengths) == account.at - account.period.start


async def test_the_four_parts_of_the_agreement(client: Client) -> None:
    page = read(await text_of(client, "/contracts/acme/network"))
    terms = dict(zip([dt.text for dt in page.all("dt")], [dd.text for dd in page.all("dd")], strict=True))
    assert terms["Definition"] == "Ensure network up-time."
    assert terms["Measurement"] == "Availability, around the clock; up when router."
    assert terms["Standard and period"] == (
        "99 %, every 2 weeks from 2026-01-05, valid from Mon 5 Jan 2026 (Europe/Berlin)."
    )
    assert terms["Penalty"] == "10% of charges when the standard is missed. Charges: 1200.00 EUR per month."
    assert terms["Coverage"] == "at least 95 % of service time must be measured"


async def test_outages_with_what_they_cost(client: Client) -> None:
    """1 h 56 m of 3 h 20 m 24 s (6 960 s of 12 024 s) is 57.8 %."""
    page = read(await text_of(client, "/contracts/acme/network"))
    (row,) = page.one("table", "outages").one("tbody").all("tr")
    assert row.text == "Sun 11 Jan 05:00:00 Sun 11 Jan 06:56:00 1 h 56 m 57.8 % router"
    numbers = table(page, "In numbers")
    assert numbers["Outages"] == ["1", ""]
    assert numbers["Longest"][0] == numbers["MTRS"][0] == "1 h 56 m"


async def test_a_running_outage_is_still_down(client: Client) -> None:
    page = read(await text_of(client, "/contracts/globex/branch"))
    (row,) = page.one("table", "outages").one("tbody").all("tr")
    assert row.text == "11:40:00 still down 20 m 9.9 % vpn"


async def test_what_can_still_become_of_it(client: Client) -> None:
    status = status_of("acme/network")
    outlook = table(read(await text_of(client, "/contracts/acme/network")), "What can still")
    assert status.risk.best is not None
    assert status.risk.downtime_to_breach is not None
    assert outlook["Best"][0] == ratio_text(status.risk.best)[:14]
    assert outlook["Breach after"][0] == spell_duration(status.risk.downtime_to_breach)
    assert outlook["Burn rate"] == ["1.50", "", "of the latest 1d; 1 uses the budget up exactly"]


async def test_money_of_a_running_period(client: Client) -> None:
    """1200.00 EUR per month over 14 of the 31 days of January: 541.94 EUR, and 10 % of it."""
    money = table(read(await text_of(client, "/contracts/acme/network")), "What it costs")
    assert [cells[0] for cells in money.values()] == ["541.94 EUR", "0.00 EUR", "54.19 EUR"]


async def test_without_a_penalty_nothing_is_said_of_money(face: Face, serve: Serve) -> None:
    page = await page_of(face, serve, samples.contract_status(samples.terms(penalty="none")))
    assert "What it costs" not in page.text


async def test_unknown_time_has_its_cause(client: Client) -> None:
    page = read(await text_of(client, "/contracts/acme/network"))
    assert table(page, "Why time is unknown") == {"monitor stopped": ["2 h"]}


async def test_exclusions_and_how_they_were_ruled(face: Face, serve: Serve) -> None:
    span = Interval(samples.START + DAY, samples.START + DAY + 2 * HOUR)
    announcement = Announcement("m1", ExclusionKind.MAINTENANCE, (span,), reason="firmware", announced_at=samples.START)
    late = replace(announcement, identity="m2", spans=(Interval(span.start + 5 * DAY, span.end + 5 * DAY),))
    late = replace(late, announced_at=late.spans[0].end)
    page = await page_of(face, serve, samples.contract_status(announcements=(announcement, late)))
    assert table(page, "What was excluded") == {"maintenance": ["2 h"]}
    assert "maintenance (firmware): counts" in page.text
    assert "maintenance (firmware): announced too late" in page.text


async def test_one_strip_a_day_with_its_downtime(client: Client) -> None:
    page = read(await text_of(client, "/contracts/acme/network"))
    rows = page.one("table", "days").one("tbody").all("tr")
    assert [row.one("th").text for row in rows][::9] == ["Wed 14 Jan", "Mon 5 Jan"]
    assert len(rows) == 10
    assert {row.one("th").text: row.all("td")[1].text for row in rows if row.all("td")[1].text} == {
        "Sun 11 Jan": "1 h 56 m down"
    }


async def test_a_long_period_has_no_calendar(face: Face, serve: Serve) -> None:
    page = await page_of(face, serve, samples.contract_status(samples.terms(period="quarter")))
    assert not page.all("table", "days")


async def test_nothing_measured(face: Face, serve: Serve) -> None:
    nothing = samples.timeline((0, 20 * DAY, State.UNKNOWN))
    page = await page_of(face, serve, samples.contract_status(endpoints={"router": nothing}))
    assert table(page, "Availability")["Point"][0] == "not applicable"
    assert page.one(css="figure").text == "–"
    assert "None so far, as far as was measured." in page.text


async def test_a_tiny_outage_is_not_hidden(face: Face, serve: Serve) -> None:
    """One microsecond beyond what is allowed prints as less than the target (S10)."""
    allowed = 14 * DAY // 100
    line = samples.timeline((0, allowed + 1, State.DOWN), until=samples.START + 14 * DAY)
    status = samples.contract_status(endpoints={"router": line}, now=samples.START + 14 * DAY - MINUTE)
    page = await page_of(face, serve, status, samples.START + 14 * DAY - MINUTE)
    assert page.one(css="figure").text == "98.99 %"
    assert "overdrawn by 1 µs" in page.text


async def test_what_is_not_there(client: Client) -> None:
    for path in ("/contracts/acme/no", "/contracts/no/network", "/endpoints/acme/no"):
        page = read(await text_of(client, path, status=404))
        assert "no such" in page.one("h1").text
