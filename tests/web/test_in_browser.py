"""The pages in a real browser: live, without complaint, legible, on a desk and on a phone, by day and by night."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from playwright.async_api import ConsoleMessage, Page, expect

from slawatch.domain.facts import State
from slawatch.domain.interval import DAY
from web import samples
from web.conftest import Client, Face, Serve

pytestmark = pytest.mark.server("chromium")

PAGES = ["/", "/contracts/acme/network", "/endpoints/acme/router", "/contracts/no/such"]
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
WIDTHS = [390, 1280]

CONTRASTS = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = c => {
    const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('title, script, noscript, symbol')) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [one, other] = [rgb(element.closest('svg') ? style.fill : style.color), ground(element)].map(luminance);
    const ratio = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    if (ratio < 4.5) bad.push([walker.currentNode.data.trim(), ratio]);
  }
  return bad;
}"""
"""Every text with less than 4.5 to 1 against what lies behind it (WCAG 2.2, 1.4.3)."""


@pytest.fixture
async def complaints(page: Page) -> AsyncIterator[list[str]]:
    """What the browser's console says; a test ends in failure if it said anything that was not taken out."""
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield said
    assert said == []


def address(client: Client, path: str = "/") -> str:
    return str(client.make_url(path))


async def test_a_card_goes_from_on_track_to_at_risk_before_your_eyes(
    page: Page, face: Face, serve: Serve, complaints: list[str]
) -> None:
    face.board.publish(samples.quiet(8))
    await page.goto(address(await serve(face)))
    card = page.locator("article.card")
    await expect(card.locator(".word")).to_have_text("on track")
    await expect(page.locator("h1")).to_have_text("The one contract is on track.")
    await expect(card).not_to_have_class(re.compile("changed"))
    face.board.publish(samples.shaken(9))
    await expect(card.locator(".word")).to_have_text("at risk")
    await expect(card).to_have_class(re.compile("changed"))
    await expect(card).to_contain_text("54.19 EUR at stake")
    await expect(page.locator("h1")).to_have_text("1 contract is at risk.")
    await expect(page).to_have_title("▲ slawatch")
    await expect(card).not_to_have_class(re.compile("changed"), timeout=8_000)


async def test_lines_come_go_and_change_places(page: Page, face: Face, serve: Serve, complaints: list[str]) -> None:
    face.board.publish(samples.snapshot(generation=8))
    await page.goto(address(await serve(face)))
    await expect(page.locator("h1")).to_have_text("Nothing is being watched.")
    await expect(page.locator("section.endpoints")).to_be_hidden()
    one, other = samples.endpoint_status("a"), samples.endpoint_status("b")
    face.board.publish(samples.snapshot(endpoints=[one, other], generation=9))
    await expect(page.locator("#endpoints th a")).to_have_text(["a", "b"])
    down = samples.endpoint_status("b", samples.timeline((9 * DAY, DAY, State.DOWN)))
    face.board.publish(samples.snapshot(endpoints=[one, down], generation=10))
    await expect(page.locator("#endpoints th a")).to_have_text(["b", "a"])
    face.board.publish(samples.snapshot(endpoints=[one], generation=11))
    await expect(page.locator("#endpoints th a")).to_have_text(["a"])


async def test_the_keyboard_keeps_its_place_when_its_line_changes(
    page: Page, face: Face, serve: Serve, complaints: list[str]
) -> None:
    face.board.publish(samples.quiet(8))
    await page.goto(address(await serve(face)))
    link = page.locator("article.card h3 a")
    await link.focus()
    face.board.publish(samples.shaken(9))
    await expect(page.locator("article.card .word")).to_have_text("at risk")
    await expect(link).to_be_focused()


async def test_a_lost_connection_is_told_with_the_time_of_the_last_figure(
    page: Page, face: Face, serve: Serve, complaints: list[str]
) -> None:
    client = await serve(face)
    await page.goto(address(client))
    notice = page.locator("#connection")
    await expect(notice).to_be_hidden()
    await client.server.close()
    await expect(notice).to_contain_text("The connection to slawatch is lost")
    await expect(notice).to_contain_text("those of 12:00:00")
    complaints.clear()  # that nobody answers is what this test is about


async def test_without_script_everything_is_there(face: Face, serve: Serve, page: Page) -> None:
    client = await serve(face)
    assert page.context.browser is not None
    context = await page.context.browser.new_context(java_script_enabled=False)
    try:
        plain = await context.new_page()
        await plain.goto(address(client))
        await expect(plain.locator("article.card")).to_have_count(6)
        await expect(plain.locator("#endpoints tr")).to_have_count(7)
    finally:
        await context.close()


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_fits_and_is_legible(client: Client, page: Page, complaints: list[str], path: str) -> None:
    for width in WIDTHS:
        for scheme in SCHEMES:
            await page.set_viewport_size({"width": width, "height": 800})
            await page.emulate_media(color_scheme=scheme)
            await page.goto(address(client, path))
            await expect(page.locator("h1")).to_be_visible()
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} is {wide} wide on {width}"
            assert await page.evaluate(CONTRASTS) == [], f"{path} at {width}, {scheme}"
    if path == "/contracts/no/such":
        assert complaints
        complaints.clear()  # the browser notes the 404 that was asked for


async def test_a_page_prints(client: Client, page: Page, complaints: list[str]) -> None:
    await page.emulate_media(media="print", color_scheme="dark")
    await page.goto(address(client))
    await expect(page.locator("footer")).to_be_hidden()
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert await page.evaluate(CONTRASTS) == []


async def test_figures_lead_to_how_they_were_computed(client: Client, page: Page, complaints: list[str]) -> None:
    await page.goto(address(client))
    await page.locator("[id='contract/acme/network'] .figure a").click()
    await expect(page.get_by_role("heading", name="How the figures come about")).to_be_in_viewport()
    await page.get_by_role("link", name="router").first.click()
    await expect(page).to_have_url(re.compile(r"/endpoints/acme/router\?day=2026-01-11$"))
    await expect(page.get_by_role("heading", name="Sun 11 Jan 2026")).to_be_visible()
