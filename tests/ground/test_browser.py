"""The real browser shows real pages, and each test has one of its own."""

from __future__ import annotations

import pytest
from playwright.async_api import Error, Page, expect

from support.servers import MakeNginx

COUNTER = """location / { default_type text/html; return 200
  '<!doctype html><title>Count</title><p id=n></p><script>
   localStorage.n = 1 + Number(localStorage.n || 0); document.getElementById("n").textContent = localStorage.n
   </script>'; }"""


@pytest.mark.server("chromium", "nginx")
async def test_a_page_runs_its_script(page: Page, nginx: MakeNginx) -> None:
    await page.goto(nginx(COUNTER).url)
    await expect(page.locator("#n")).to_have_text("1")
    await page.reload()
    await expect(page.locator("#n")).to_have_text("2")


@pytest.mark.server("chromium", "nginx")
async def test_nothing_is_left_from_the_test_before(page: Page, nginx: MakeNginx) -> None:
    await page.goto(nginx(COUNTER).url)
    await expect(page.locator("#n")).to_have_text("1")


@pytest.mark.server("chromium")
async def test_the_browser_knows_no_names(page: Page) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        await page.goto("http://acme.example/")
