"""What is compared, forecast and credited follows the point figure, wherever low and high lie (S8)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.explained_cases import agreed, instant, recorded, row, scene_of
from slawatch.domain.account import Account
from slawatch.domain.client_accounts import with_client_terms
from slawatch.domain.flattery import views
from slawatch.domain.forecast import History, forecast
from slawatch.domain.interval import DAY, HOUR, MINUTE, parse_instant
from slawatch.domain.other_engines import engine_views, hardened
from slawatch.domain.outlook import outlook
from slawatch.evaluation.offline import Offline


def edges(low: str, high: str) -> dict[str, Any]:
    return {"edges": {"low": instant(low), "high": instant(high)}}


def test_windows_lie_where_the_longest_outage_of_the_point_figure_began() -> None:
    """By point the first has 2 h and the second 1 h 30 min; by high the first has only 1 h."""
    history = recorded(
        row("01-01", "up"),
        row("01-06 10:00", "down", **edges("01-06 10:00", "01-06 11:00")),
        row("01-06 12:00", "up"),
        row("01-14 10:00", "down"),
        row("01-14 11:30", "up"),
    )
    day = next(view for view in views(scene_of(agreed(), history)) if view.name == "a day")
    assert day.account.compliance.classes.down == 2 * HOUR


def test_views_come_in_their_groups() -> None:
    found = views(scene_of(agreed(), recorded(row("01-01", "up"))))
    groups = {view.name: view.group for view in found}
    assert {groups["with exclusions"], groups["without exclusions"]} == {"exclusions"}
    assert {group for name, group in groups.items() if name.startswith("a ")} == {"period"}
    assert groups["around the clock"] == "hours"


def test_hard_states_have_no_edges() -> None:
    """The failure lay between 09:59 and 10:01 and was confirmed at 10:02: hard from 10:02, certainly."""
    failed = row("01-06 10:00", "down", confirmed_at=instant("01-06 10:02"), **edges("01-06 09:59", "01-06 10:01"))
    history = recorded(row("01-01", "up"), failed, row("01-06 11:00", "up", **edges("01-06 10:50", "01-06 11:00")))
    moved = hardened(history, None).changes["router"]
    assert all(change.earliest == change.at == change.latest for change in moved)
    assert [change.at for change in moved][1] == parse_instant(instant("01-06 10:02"))
    for view in engine_views(scene_of(agreed(), history)):
        found = view.account.compliance.availability
        assert found.low == found.point == found.high


def test_s33_the_outlook_looks_at_what_remains_of_the_period() -> None:
    """One outage of 1 h each week; the founding contract's third fortnight has two days left and 2 h 21 m 36 s."""
    down = ("01-06 10:00", "01-13 10:00", "01-20 10:00", "01-27 10:00", "02-03 10:00")
    rows = [row("01-05", "up")]
    for begin in down:
        rows += [row(begin, "down"), row(begin.replace("10:00", "11:00"), "up")]
    history = recorded(*rows, until="02-13 23:00")
    now = parse_instant(instant("02-13 23:00"))
    contract = agreed()
    timeline = history.timeline("router")
    known = History(now - parse_instant(instant("01-05")), (HOUR,) * 5)
    left = 3 * HOUR + 21 * MINUTE + 36_000_000 - HOUR
    expected = forecast(known, service_time=14 * DAY, ahead=2 * DAY, left=left)
    assert expected is not None
    assert outlook(contract, timeline, (), now) == expected


def test_s34_outages_are_the_same_incident_by_the_point_figure() -> None:
    """Two contracts; by point their outages overlap for a minute, by high they do not."""
    common: dict[str, Any] = {
        "same_incident": "highest",
        "period": "every 2 weeks from 2026-01-05",
        "standard": "99.99%",
    }
    contracts = [agreed(**common, contract="one"), agreed(**common, contract="two", up_when="isp")]
    history = recorded(
        row("01-01", "up"),
        row("01-01", "up") | {"endpoint": "isp"},
        row("01-06 10:00", "down"),
        row("01-06 12:00", "up", **edges("01-06 11:30", "01-06 12:00")),
        row("01-06 11:59", "down") | {"endpoint": "isp"},
        row("01-06 14:00", "up") | {"endpoint": "isp"},
        until="01-19",
    )
    now = parse_instant(instant("01-19"))
    accounts = Offline(contracts, (), history).accounts(now, "last")
    amounts = {account.contract.name: _amount(account) for account in with_client_terms(accounts)}
    assert amounts == {"one": Decimal("120.00"), "two": Decimal("0.00")}


def _amount(account: Account) -> Decimal | None:
    assert account.settlement is not None
    return None if account.settlement.amount is None else account.settlement.amount.amount
