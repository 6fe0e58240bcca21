"""Pages in a real browser: Chromium from the tests' Debian tree, driven by Playwright.

One browser serves the whole run; every test gets a fresh context, as if it were a new profile. The browser knows no
name but ``localhost`` and loads nothing by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, ViewportSize, async_playwright

from support.process import Server
from support.servers import TREE

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # as root it knows no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE [::1], EXCLUDE localhost",
    "--remote-debugging-port=0",
)

VIEWPORT = ViewportSize(width=1280, height=800)


class Chromium(Server):
    """A headless browser that waits for orders on a loopback port of its own choice."""

    def __init__(self, folder: Path) -> None:
        self._orders = folder / "profile" / "DevToolsActivePort"
        command = ["/usr/lib/chromium/chromium", *FLAGS, f"--user-data-dir={folder}/profile", "about:blank"]
        environment = {"HOME": str(folder), "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
        inside = TREE.command(command, bind=[folder], environment=environment)
        super().__init__("chromium", inside, folder / "chromium.log", lambda: "\n" in self._said_port())

    @property
    def address(self) -> str:
        """Where Playwright connects: ``http://127.0.0.1:…``."""
        return f"http://127.0.0.1:{int(self._said_port().splitlines()[0])}"

    def _said_port(self) -> str:
        return self._orders.read_text(encoding="ascii") if self._orders.exists() else ""


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """The run's one browser."""
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
async def page(chromium: Chromium) -> AsyncIterator[Page]:
    """A new page of a fresh context. A test that uses it is a coroutine function."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium.address)
        context = await browser.new_context(viewport=VIEWPORT)
        try:
            yield await context.new_page()
        finally:
            await context.close()
            await browser.close()
