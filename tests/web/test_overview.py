"""The operators' page says what the snapshot says, worst first, and never more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slawatch.domain.compliance import display_ratio
from slawatch.domain.facts import State
from slawatch.domain.interval import DAY, HOUR, MINUTE, SECOND
from slawatch.domain.observation import Cause
from slawatch.evaluation.board import PathStatus, Snapshot
from slawatch.web.views import overview
from web import samples
from web.conftest import Client, Face, Serve, text_of
from web.reading import Element, read


async def page_of(face: Face, serve: Serve, snapshot: Snapshot, path: str = "/") -> Element:
    face.board.publish(snapshot)
    return read(await text_of(await serve(face), path))


async def test_every_contract_has_its_card_with_the_snapshots_numbers(client: Client) -> None:
    page = read(await text_of(client, "/"))
    for status in samples.estate().contracts:
        card = page.by_id(f"contract/{status.contract.key}")
        account = status.compliance
        assert account.availability.point is not None
        figure = display_ratio(account.availability.point, account.target)
        assert card.one(css="figure").text == f"{figure} %"
        assert status.client_name in card.text
        assert status.contract.name in card.text
        assert "Mon 5 Jan – Sun 18 Jan 2026" in card.text
        assert "4 d 12 h left" in card.text


@pytest.mark.parametrize(
    ("contract", "word", "texts"),
    [
        ("initech/website", "lost", ["99.70 %", "promised 99.9 %", "overdrawn by 19 m 51 s: used 40 m of 20 m 9 s"]),
        ("initech/website", "lost", ["costs 54.19 EUR"]),
        # 3 h 21 m 36 s allowed; 20 min used since 11:40, first failed probe; at 11:40 + 3 h 21 m 36 s it breaches
        ("globex/branch", "breaches at 15:01", ["3 h 1 m of 3 h 21 m left", "service down for 20 m, since 11:40:00"]),
        ("globex/branch", "breaches at 15:01", ["54.19 EUR at stake"]),
        # 2 h unknown: allowed is 1 % of 334 h = 3 h 20 m 24 s; 1 h 56 m used
        ("acme/network", "at risk", ["1 h 24 m of 3 h 20 m left", "of the 99.1 % that was measured"]),
        ("acme/network", "at risk", ["judged without a witness", "between 99.142 – 99.145 %"]),
        # 6 of 9.5 days unknown
        ("globex/backup", "disputable", ["of the 36.8 % that was measured", "less than the agreed 95 %"]),
        # 10 h a day on Mon-Fri but for the holidays of Hamburg: none within; 100 h, 1 h allowed, 13 m used
        ("acme/terminals", "on track", ["47 m of 1 h left"]),
        ("umbrella/email", "on track", ["100.00 %", "3 h 21 m of 3 h 21 m left"]),
    ],
)
async def test_a_card_in_words(client: Client, contract: str, word: str, texts: list[str]) -> None:
    card = read(await text_of(client, "/")).by_id(f"contract/{contract}")
    assert card.one(css="word").text == word
    for text in texts:
        assert text in card.text


async def test_worst_first(client: Client) -> None:
    page = read(await text_of(client, "/"))
    cards = [card.attributes["id"] for card in page.all("article", "card")]
    assert cards == [
        "contract/initech/website",
        "contract/globex/branch",
        "contract/acme/network",
        "contract/globex/backup",
        "contract/acme/terminals",
        "contract/umbrella/email",
    ]
    rows = [row.attributes["data-state"] for row in page.by_id("endpoints").all("tr")]
    assert rows == ["down", "unknown", "degraded", "up", "up", "up", "up"]
    assert "being checked again" in page.by_id("endpoints").all("tr")[3].text


async def test_money_is_shown_where_it_matters_only(client: Client) -> None:
    page = read(await text_of(client, "/"))
    for key in ("acme/terminals", "umbrella/email", "globex/backup"):
        assert "EUR" not in page.by_id(f"contract/{key}").text


async def test_the_summary_in_words(client: Client) -> None:
    page = read(await text_of(client, "/"))
    assert page.one("h1").text == (
        "1 contract is lost, 1 breaches if its outage goes on, 1 is at risk, 1 is disputable and 2 are on track."
    )
    assert "Of 7 endpoints 1 is down, 1 is degraded and 1 is unknown." in page.text
    assert page.by_id("summary").attributes["data-state"] == "bad"


async def test_all_is_well(face: Face, serve: Serve) -> None:
    page = await page_of(face, serve, samples.quiet())
    assert page.one("h1").text == "The one contract is on track."
    assert "The one endpoint is up." in page.by_id("summary").text
    assert page.by_id("summary").attributes["data-state"] == "calm"
    assert "judged without" not in page.text


async def test_an_empty_page_says_what_to_do_next(face: Face, serve: Serve) -> None:
    page = await page_of(face, serve, samples.snapshot())
    assert page.one("h1").text == "Nothing is being watched."
    assert "slawatch new client" in page.by_id("summary").text
    assert all("hidden" in section.attributes for section in page.all("section", "contracts"))


async def test_before_the_first_judgement(face: Face, serve: Serve) -> None:
    page = await page_of(face, serve, Snapshot(at=0, generation=0))
    assert page.one("h1").text == "Nothing has been judged yet."
    assert "new client" not in page.text


async def test_an_endpoints_line(client: Client) -> None:
    rows = read(await text_of(client, "/")).by_id("endpoints")
    down = rows.by_id("endpoint/globex/vpn")
    assert down.one(css="state").text == "down"
    assert down.one("td", "since").text == "11:40:00 20 m"
    assert down.one("td", "last").text == "timeout after 5 s 11:59:56 no echo reply from 192.0.2.1"
    assert rows.by_id("endpoint/globex/store").one(css="state").text == "unknown: monitor stopped"
    assert rows.by_id("endpoint/globex/store").one("td", "last").text == "not probed yet"
    assert rows.by_id("endpoint/acme/isp_a").one("td", "since").text == "Mon 5 Jan 00:00 9 d 12 h"


async def test_what_was_not_measured_has_no_figure(face: Face, serve: Serve) -> None:
    nothing = samples.timeline((0, 20 * DAY, State.UNKNOWN))
    status = samples.contract_status(endpoints={"router": nothing})
    page = await page_of(face, serve, samples.snapshot([status]))
    card = page.by_id("contract/acme/network")
    assert card.one(css="word").text == "no data"
    assert card.one(css="figure").text == "–"
    assert not card.all(css="whisker")
    assert "100" not in card.one(css="figures").text


async def test_a_period_that_is_over(face: Face, serve: Serve) -> None:
    at = samples.START + 14 * DAY
    over = samples.contract_status(samples.terms(valid={"from": "2026-01-05", "to": "2026-01-19"}), now=at - 1)
    page = await page_of(face, serve, samples.snapshot([over], at=at - 1))
    assert "0 s left" in page.by_id("contract/acme/network").text


async def test_the_last_period_is_told_where_it_went_wrong(face: Face, serve: Serve) -> None:
    later = samples.NOON + 14 * DAY
    line = samples.timeline((0, 4 * HOUR, State.DOWN), until=later)
    status = samples.contract_status(endpoints={"router": line}, now=later)
    page = await page_of(face, serve, samples.snapshot([status], at=later))
    assert "last period breached at 98.80 %, credit 54.19 EUR" in page.by_id("contract/acme/network").text


async def test_another_zone_is_named_on_its_card(face: Face, serve: Serve) -> None:
    far = samples.contract_status(samples.terms("globex", "east", timezone="America/New_York"), now=samples.NOON)
    snapshot = samples.snapshot([samples.contract_status(), samples.contract_status(samples.terms(name="b")), far])
    page = await page_of(face, serve, snapshot)
    assert page.one(css="zone").text == "Europe/Berlin"
    assert "(America/New_York)" in page.by_id("contract/globex/east").text
    assert "(Europe/Berlin)" not in page.by_id("contract/acme/network").text


HOSTILE = """"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}&amp;'"""


@pytest.mark.parametrize("path", ["/", "/contracts/acme/network", "/endpoints/acme/router"])
async def test_hostile_text_stays_text(face: Face, serve: Serve, path: str) -> None:
    """From the configuration, from an endpoint's answer, and in a refused configuration's message."""
    status = samples.contract_status(samples.terms(definition=HOSTILE, owner=HOSTILE), client_name=HOSTILE)
    endpoint = samples.endpoint_status(target=HOSTILE, path=HOSTILE, behind=HOSTILE)
    assert endpoint.last is not None
    endpoint = replace(endpoint, last=replace(endpoint.last, detail=HOSTILE, phases=((HOSTILE, 5),)))
    names = {"acme": HOSTILE}
    snapshot = samples.snapshot([status], [endpoint], client_names=names, configuration_error=HOSTILE)
    page = await page_of(face, serve, snapshot, path)
    assert " ".join(HOSTILE.split()) in page.text
    scripts = page.all("script")
    assert all(script.attributes["src"].startswith("/static/") for script in scripts)
    assert not page.all("img")
    assert "49" not in page.one("h1").text


async def test_a_refused_configuration_is_told(face: Face, serve: Serve) -> None:
    page = await page_of(face, serve, samples.snapshot(configuration_error="clients/acme.yaml:3:5: every: wrong"))
    assert "clients/acme.yaml:3:5: every: wrong" in page.by_id("summary").text
    assert "refused" in page.by_id("summary").text


async def test_many_endpoints_are_cut_to_the_worst_and_can_all_be_had(face: Face, serve: Serve) -> None:
    down = samples.endpoint_status("zz", samples.timeline((9 * DAY, DAY, State.DOWN)))
    many = [samples.endpoint_status(f"e{number:03}") for number in range(250)]
    face.board.publish(samples.snapshot(endpoints=[*many, down]))
    client = await serve(face)
    page = read(await text_of(client, "/"))
    rows = page.by_id("endpoints").all("tr")
    assert len(rows) == 200
    assert rows[0].attributes["id"] == "endpoint/acme/zz"
    assert "51 more" in page.text
    assert "Of 251 endpoints 1 is down." in page.text
    everything = read(await text_of(client, "/?endpoints=all"))
    assert len(everything.by_id("endpoints").all("tr")) == 251


async def test_strips_are_told_in_words_and_drawn_to_scale(client: Client) -> None:
    page = read(await text_of(client, "/"))
    for strip in page.all("svg", "strip"):
        if "swatch" not in strip.attributes["class"]:
            assert strip.attributes["role"] == "img"
            assert strip.attributes["aria-label"]
    strip = page.by_id("contract/globex/backup").one("svg", "period")
    assert strip.attributes["aria-label"].endswith("up 3 d 12 h; unknown 6 d")
    unknown = strip.one("rect", "unknown")
    assert (unknown.attributes["x"], unknown.attributes["width"]) == ("14.28%", "42.86%")  # 2 of 14 days, 6 of 14
    assert unknown.attributes["fill"] == "url(#fill-unknown)"
    assert strip.all("line", "now")[0].attributes["x1"] == "67.80%"  # 9.5 of 14 days = 67.85 %, in full thousandths


async def test_no_class_of_time_is_told_by_colour_alone(client: Client) -> None:
    """In a strip each class has a place and height or a hatching of its own; elsewhere a word stands beside it."""
    legend = read(await text_of(client, "/")).one("ul", "legend")
    looks = set()
    for swatch in legend.all("rect"):
        at = swatch.attributes
        outlined = at["class"] == "excluded"
        looks.add((at["y"], at["height"], at.get("fill", ""), outlined))
    assert len(looks) == len(legend.all("rect")) == 6


async def test_landmarks_and_names(client: Client) -> None:
    for path in ("/", "/contracts/acme/network", "/endpoints/acme/router"):
        page = read(await text_of(client, path))
        assert page.one("html").attributes["lang"] == "en"
        assert len(page.all("main")) == len(page.all("h1")) == 1
        assert page.one("header", "top")
        assert page.one("footer")
        for figure in page.all("svg"):
            named = figure.attributes.get("role") == "img" and figure.attributes.get("aria-label")
            assert named or figure.attributes.get("aria-hidden") == "true" or figure.attributes.get("xmlns")
        for heading in page.all("th"):
            assert heading.attributes["scope"] in ("row", "col")
        ids = {element.attributes.get("id") for element in page.walk()}
        for section in page.all("section"):
            assert section.attributes.get("aria-labelledby") in ids | {None}


async def test_without_script_the_page_can_be_loaded_again(client: Client) -> None:
    text = await text_of(client, "/")
    assert "<noscript>" in text
    assert 'http-equiv="refresh"' not in text


async def test_addresses_lead_somewhere(client: Client) -> None:
    page = read(await text_of(client, "/"))
    addresses = {a.attributes["href"].partition("#")[0] for a in page.all("a")}
    addresses |= {link.attributes["href"] for link in page.all("link")}
    for address in sorted(addresses - {""}):
        assert (await client.get(address)).status == 200, address


def test_a_view_stands_still_while_nothing_happens() -> None:
    """A second later no card and no line is another, so that nothing is rendered or sent."""
    one, other = samples.NOON + 10 * SECOND, samples.NOON + 11 * SECOND
    last = samples.endpoint_status().last
    views = [
        overview(
            samples.snapshot(
                [samples.contract_status(now=now)],
                [replace(samples.endpoint_status(now=now), last=last)],
                at=now,
            )
        )
        for now in (one, other)
    ]
    assert views[0].cards == views[1].cards
    assert views[0].rows == views[1].rows
    assert views[0].at != views[1].at


def test_a_running_outage_shows_at_once() -> None:
    """Ten seconds in a fortnight are a hundred-thousandth of the strip, and still drawn."""
    now = samples.NOON
    line = samples.timeline((9 * DAY + 12 * HOUR - 10 * SECOND, HOUR, State.DOWN))
    card = overview(samples.snapshot([samples.contract_status(endpoints={"router": line}, now=now)])).cards[0]
    (mark,) = [mark for mark in card.strip.marks if mark.kind == "down"]
    assert float(mark.width.rstrip("%")) > 0
    assert mark.title == "down since 11:59:50"


async def test_a_blind_path_is_told_once_however_many_lie_on_it(face: Face, serve: Serve) -> None:
    lost = [
        replace(samples.endpoint_status(name=f"e{n}", path="internet"), state=State.UNKNOWN, cause=Cause.PATH_LOST)
        for n in range(3)
    ]
    blind = PathStatus("internet", 2, 0, True, samples.NOON - 12 * MINUTE)
    seen = PathStatus("lan", 2, 2, False, samples.NOON - DAY)
    page = await page_of(face, serve, replace(samples.snapshot([], lost), paths=(blind, seen)))
    [line] = page.by_id("summary").all(css="notice")
    assert line.text == (
        "The path internet has been blind since 10:48:00 (12 m): none of its 2 witnesses answers. "
        "Failures on it count as unknown until one does."
    )
    assert page.by_id("summary").attributes["data-state"] == "warn"
    assert page.by_id("endpoints").by_id("endpoint/acme/e0").one(css="state").text == "unknown: path lost"


async def test_what_lies_behind_something_that_is_down_says_so(face: Face, serve: Serve) -> None:
    router = replace(samples.endpoint_status(name="router"), state=State.DOWN)
    behind = replace(samples.endpoint_status(name="isp", behind="router"), state=State.DOWN)
    alone = replace(samples.endpoint_status(name="nas"), state=State.DOWN)
    rows = (await page_of(face, serve, samples.snapshot([], [router, behind, alone]))).by_id("endpoints")
    words = {name: rows.by_id(f"endpoint/acme/{name}").one(css="state").text for name in ("router", "isp", "nas")}
    assert words == {"router": "down", "isp": "down, unreachable behind router", "nas": "down"}
