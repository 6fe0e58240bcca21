"""What the history answers, on every database: outages with what they cost, filters, pages, days, latency."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.counted_cases import on_time
from domain.plain_terms import terms
from slawatch.domain.facts import Fact
from slawatch.domain.interval import DAY, format_instant
from slawatch.domain.observation import Verdict
from slawatch.domain.terms import contract_of
from slawatch.evaluation.asking import ClientFace, question
from slawatch.evaluation.history_answers import answer
from slawatch.evaluation.history_export import Cut
from slawatch.storage.entries import EndpointKey
from slawatch.storage.facts import contract_entry, entry_of
from slawatch.storage.ledger import Ledger
from storage.conftest import OpenLedger
from storage.history import ROUTER, WEBSITE, at, blip, down, event, seen, unknown, up

TERMS = terms(up_when="router", valid={"from": "2026-01-05", "to": None})
"""99 % of a day around the clock: 864 s may be lost. 10 % of 100.00 EUR."""
FACES = {"acme": ClientFace(ZoneInfo("UTC"), {"network": ("router",)}, (contract_of(TERMS),), {"website": "router"})}
NOW = at(2 * 86_400)
UNTIL_NOW = Cut(NOW)


@pytest.fixture
async def filled(ledger: Ledger) -> Ledger:
    """Two days of a router that was down for 100 + 40 s (60 s of them unwatched) and for 800 s, and of a website."""
    ledger.append([contract_entry("acme", "network", TERMS, at(0))])
    router: list[Fact] = [up(0), blip(500, 490, 510), down(1_000, 990), unknown(1_100), down(1_160), up(1_200)]
    ledger.append([entry_of(ROUTER, fact) for fact in [*router, down(5_000), up(5_800)]])
    ledger.append([entry_of(WEBSITE, fact) for fact in [up(0), down(1_010), up(1_070), down(170_000)]])
    ledger.append([event(10, "started"), event(90_000)])
    for second, verdict in ((980, Verdict.UP), (1_000, Verdict.DOWN), (1_170, Verdict.DOWN), (1_200, Verdict.UP)):
        ledger.observe(ROUTER, seen(second, verdict))
    await ledger.flushed()
    return ledger


async def ask(ledger: Ledger, cut: Cut = UNTIL_NOW, /, **parameters: str) -> list[dict[str, Any]]:
    """The rows; parameters as the API takes them, ``from_`` standing for ``from``."""
    asked = question([(key.rstrip("_"), text) for key, text in parameters.items()], FACES)
    rows = [row async for row in answer(ledger, asked, cut, FACES)]
    json.dumps(rows)
    return rows


async def test_an_outage_tells_all_that_is_known_of_it(filled: Ledger) -> None:
    """Point 100 + 40 s. At most 10 s more before the first failure. Its identity is the fact's natural key."""
    rows = await ask(filled, show="outages", client="acme", endpoint="router")
    assert [row["start"] for row in rows] == [format_instant(at(1_000)), format_instant(at(5_000))]
    first = rows[0]
    assert first["id"] == f"hq:{filled.boot}:4"  # after the contract, a state and a blip
    assert first["confirmed_at"] == format_instant(at(1_010))
    assert first["end"] == format_instant(at(1_200))
    assert first["length_us"] == {"low": 140_000_000, "point": 140_000_000, "high": 150_000_000}
    assert (first["unknown_us"], first["cause"]) == (60_000_000, "monitor_stopped")
    assert (first["reason"], first["last_reason"]) == ("timeout", "timeout")


async def test_what_an_outage_cost(filled: Ledger) -> None:
    """940 s of 864 were lost, a breach; without either of the two outages 800 or 140 s, which is met. So each alone
    decides the 10.00 EUR."""
    rows = await ask(filled, show="outages", client="acme", endpoint="router")
    costs = [cost for row in rows for cost in row["cost"]]
    assert [cost["downtime_us"] for cost in costs] == [140_000_000, 800_000_000]
    # 60 s of the day were unknown: floor of 1 % of 86 340 s
    assert [cost["allowed_us"] for cost in costs] == [863_400_000] * 2
    assert [(cost["verdict"], cost["verdict_without"]) for cost in costs] == [("breached", "met")] * 2
    assert [cost["credit"]["amount"] for cost in costs] == ["10.00"] * 2
    website = await ask(filled, show="outages", client="acme", endpoint="website")
    assert [row["cost"] for row in website] == [[], []]
    assert "cost" not in (await ask(filled, show="outages", client="acme", cost="no"))[0]


async def test_without_an_outage_means_up(filled: Ledger) -> None:
    """Where degraded time is worth nothing, the 140 s of the first outage are gained whole."""
    strict = contract_of(terms({"degraded": "0"}, contract="strict", up_when="router", valid=TERMS["valid"]))
    faces = {"acme": ClientFace(ZoneInfo("UTC"), {}, (strict,), {})}
    asked = question([("show", "outages"), ("client", "acme"), ("endpoint", "router"), ("limit", "1")], faces)
    first, _ = [row async for row in answer(filled, asked, UNTIL_NOW, faces)]  # and where it goes on
    (cost,) = first["cost"]
    assert cost["used_us"] == 140_000_000


async def test_an_outage_behind_one(filled: Ledger) -> None:
    """The website was down from 1010 to 1070 while its router was, and from 170000 on by itself: it goes on."""
    rows = await ask(filled, show="outages", client="acme", endpoint="website")
    assert [row["behind"]["unreachable_us"] for row in rows] == [60_000_000, 0]
    assert [(row["end"], row["ongoing"]) for row in rows] == [(format_instant(at(1_070)), False), (None, True)]
    assert rows[1]["length_us"]["point"] == (2 * 86_400 - 170_000) * 1_000_000


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [1_000, 1_010, 5_000, 170_000]),
        ({"sort": "-at"}, [170_000, 5_000, 1_010, 1_000]),
        ({"sort": "length"}, [1_010, 1_000, 5_000, 170_000]),  # 60, 140, 800, 2800 s
        ({"longer_than": "140s"}, [5_000, 170_000]),
        ({"ongoing": "yes"}, [170_000]),
        ({"ongoing": "no"}, [1_000, 1_010, 5_000]),
        ({"cause": "monitor_stopped"}, [1_000]),
        ({"reason": "refused"}, []),
        ({"client": "acme", "service": "network"}, [1_000, 5_000]),
        ({"client": "acme", "contract": "network"}, [1_000, 5_000]),
        ({"client": "nobody"}, []),
        ({"from": format_instant(at(1_200)), "to": format_instant(at(5_001))}, [5_000]),  # one ended at its start
        ({"from": format_instant(at(1_199))}, [1_000, 5_000, 170_000]),
        ({"to": format_instant(at(5_000))}, [1_000, 1_010]),
    ],
)
async def test_filters_and_orders(filled: Ledger, parameters: Mapping[str, str], expected: list[int]) -> None:
    """Windows are half-open; what overlaps them is in."""
    rows = await ask(filled, show="outages", cost="no", **parameters)
    assert [row["start"] for row in rows] == [format_instant(at(second)) for second in expected]


@pytest.mark.parametrize("show", ["outages", "transitions", "blips", "events", "observations", "days", "latency"])
@pytest.mark.parametrize("sort", ["at", "-at"])
async def test_pages_together_are_the_whole(filled: Ledger, show: str, sort: str) -> None:
    """Two rows a page, by the cursor that ends each, give what one answer gives."""
    window = {} if show in ("days", "events") else {"client": "acme"}
    order = {"sort": sort} if show in ("outages", "transitions", "blips", "events") else {}
    wanted = {"show": show, "from_": format_instant(at(0)), **window, **order}
    whole, pages = await ask(filled, **wanted), []
    page = await ask(filled, **wanted, limit="2")
    while page[-1]["type"] == "next":
        assert len(page) == 3
        pages += page[:-1]
        page = await ask(filled, **wanted, limit="2", cursor=page[-1]["cursor"])
    assert pages + page == whole
    assert whole


async def test_facts_one_by_one(filled: Ledger) -> None:
    """Transitions and blips by state, events of the box, observations by verdict."""
    downs = await ask(filled, show="transitions", client="acme", endpoint="router", state="down")
    assert [row["at"] for row in downs] == [format_instant(at(second)) for second in (1_000, 1_160, 5_000)]
    assert [row["count"] for row in await ask(filled, show="blips")] == [1]
    assert [row["event"] for row in await ask(filled, show="events")] == ["started", "reloaded"]
    assert [row["event"] for row in await ask(filled, show="events", event="reloaded")] == ["reloaded"]
    failed = await ask(filled, show="observations", from_=format_instant(at(0)), state="down")
    assert [row["at"] for row in failed] == [format_instant(at(1_000)), format_instant(at(1_170))]


async def test_days_weeks_months(filled: Ledger) -> None:
    """Monday: 940 s down of 86 340 known; between 10 s before the first failure, and the blip's 20 s, at the worst."""
    first, second = await ask(filled, show="days", client="acme", endpoint="router")
    assert first["time_us"] == {"up": 85_400_000_000, "degraded": 0, "down": 940_000_000, "unknown": 60_000_000}
    assert first["availability"]["point"] == "0.989112809821635394"  # 85400 / 86340
    assert first["availability"]["low"] == "0.988765346305304609"  # 85370 / 86340
    assert first["coverage"] == "0.999305555555555555"  # 86340 / 86400
    assert (second["availability"]["point"], second["end"]) == ("1", format_instant(NOW))
    own = await ask(filled, show="days", client="acme", contract="network")
    assert [row["availability"] for row in own] == [first["availability"], second["availability"]]
    assert len(await ask(filled, show="weeks", client="acme", endpoint="router")) == 1
    (month,) = await ask(filled, show="months", client="acme", endpoint="router")
    assert month["time_us"]["down"] == 940_000_000
    assert month["start"] == "2026-01-01T00:00:00Z"


async def test_latency_by_the_hour(filled: Ledger) -> None:
    """Four probes in the first hour, two of them good, of 1.5 ms each."""
    (hour,) = await ask(filled, show="latency", from_=format_instant(at(0)))
    assert hour["probes"] == {"up": 2, "degraded": 0, "down": 2, "void": 0}
    assert (hour["min_us"], hour["mean_us"], hour["max_us"]) == (1_500, 1_500, 1_500)
    assert abs(hour["p50_us"] - 1_500) <= 30  # within a fiftieth


async def test_an_outage_keeps_its_name(filled: Ledger, open_ledger: OpenLedger) -> None:
    """After a restart and a rename it is the same one."""
    before = {row["start"]: row["id"] for row in await ask(filled, show="outages", cost="no")}
    await filled.close()
    again = await open_ledger()
    await again.ensure_endpoints({EndpointKey("acme", "gateway"): "router", WEBSITE: None})
    rows = await ask(again, show="outages", cost="no")
    assert {row["start"]: row["id"] for row in rows} == before
    assert {row["endpoint"] for row in rows} == {"gateway", "website"}


async def test_nothing_that_was_not_known(filled: Ledger) -> None:
    """A cut before the second outage, by this run's own count of entries, knows one, which ended."""
    rows = await ask(filled, Cut(at(5_100), {}, filled.boot, 7), show="outages", client="acme", endpoint="router")
    assert [row["start"] for row in rows] == [format_instant(at(1_000))]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"show": "everything"}, "show: 'everything': expected one of all, transitions"),
        ({"show": "outages", "state": "up"}, "state: unknown with show=outages"),
        ({"limit": "3"}, "limit: unknown with show=all"),
        ({"show": "outages", "limit": "0"}, "limit: '0': expected a whole number from 1 to 10000"),
        ({"show": "outages", "sort": "name"}, "sort: 'name': expected one of at, -at, length, -length"),
        ({"show": "outages", "ongoing": "perhaps"}, "ongoing: 'perhaps': expected yes or no"),
        ({"show": "outages", "longer_than": "long"}, "longer_than: "),
        ({"show": "transitions", "state": "sick"}, "state: 'sick' is no state"),
        ({"endpoint": "router"}, "endpoint: needs one client beside it"),
        ({"client": "acme", "service": "mail"}, "service: acme has no service 'mail'"),
        ({"client": "acme", "contract": "mail"}, "contract: acme has no contract 'mail'"),
        ({"from": "yesterday"}, "from: "),
        ({"from": "2026-01-06T00:00:00Z", "to": "2026-01-05T00:00:00Z"}, "to: is not after from"),
        ({"show": "outages", "cursor": "bm9uZQ"}, "cursor: is none of this question's"),
        ({"show": "outages", "cursor": "\udcff"}, "cursor: is none of this question's"),
        ({"show": "transitions", "cursor": "WyJkIiwxXQ"}, "cursor: is none of this question's"),
    ],
)
def test_what_is_wrong_is_said(parameters: Mapping[str, str], words: str) -> None:
    """Which parameter, and what is expected."""
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        question(parameters.items(), FACES)


async def test_a_cursor_belongs_to_its_question(filled: Ledger) -> None:
    """With another filter it is refused: the place would mean something else."""
    *_, last = await ask(filled, show="outages", limit="1")
    with pytest.raises(ValueError, match="none of this question's"):
        await ask(filled, show="outages", sort="-at", limit="1", cursor=last["cursor"])


async def test_everything_as_before(filled: Ledger) -> None:
    """Without ``show`` it is the export that ``evaluate`` reads, to its last row."""
    rows = await ask(filled)
    assert {row["type"] for row in rows} == {"contract", "state", "blip", "until"}
    assert rows[-1] == {"type": "until", "at": format_instant(at(0) + 2 * DAY)}


def test_a_contract_that_counts_events_has_no_days() -> None:
    """It has no time to tell of; its endpoints' outages can be asked for all the same."""
    nightly = contract_of(on_time(contract="nightly"))
    assert nightly.counting is not None
    faces = {"acme": ClientFace(ZoneInfo("UTC"), {}, (nightly,), {})}
    asked = [("client", "acme"), ("contract", "nightly")]
    with pytest.raises(ValueError, match=r"^contract: acme/nightly counts events"):
        question([*asked, ("show", "days")], faces)
    assert question([*asked, ("show", "outages")], faces).contracts == [nightly]
