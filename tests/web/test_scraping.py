"""What scrapers get: everything, or one client's share, each with a token of its own."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from dataclasses import replace

import pytest

from slawatch.evaluation.board import Board, Snapshot
from slawatch.exposition.renderer import Renderer, render
from slawatch.exposition.self_metrics import SelfMetrics
from slawatch.web import scraping
from support.waiting import async_eventually
from web import samples
from web.conftest import Client, Face, Serve, text_of

ELSEWHERE = {"Host": "monitor.msp.example"}


def shown(token: str) -> dict[str, str]:
    return {**ELSEWHERE, "Authorization": f"Bearer {token}"}


async def test_a_clients_share_is_its_own(client: Client) -> None:
    text = await text_of(client, "/metrics/acme")
    series = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(series) > 20
    assert [line for line in series if 'client="acme"' not in line] == [
        "slawatch_evaluation_timestamp_seconds 1.7683884e+09"
    ]


async def test_there_is_no_share_of_nobody(client: Client) -> None:
    await text_of(client, "/metrics/nobody", status=404)
    await text_of(client, "/metrics/acme/more", status=404)


async def test_each_token_opens_its_own(face: Face, serve: Serve) -> None:
    face.token, face.client_tokens = "box", {"acme": "theirs", "other": "others"}
    client = await serve(face)
    await text_of(client, "/metrics/acme", shown("theirs"))
    await text_of(client, "/metrics/acme", shown("box"))
    await text_of(client, "/metrics", shown("box"))
    for path, token in (
        ("/metrics", "theirs"),  # a client's token opens no more than its share
        ("/metrics/acme", "others"),
        ("/metrics/acme", ""),
        ("/metrics/nobody", "theirs"),  # and does not tell who else is a client
        ("/metrics/acme/", "theirs"),
        ("/-/reload", "theirs"),
    ):
        await text_of(client, path, shown(token), status=401)
    await text_of(client, "/api/v1/status", shown("theirs"), status=403)


async def test_without_a_token_a_share_is_for_this_machine_alone(face: Face, serve: Serve) -> None:
    client = await serve(face)
    for token in ("", "None", "x"):
        await text_of(client, "/metrics/acme", shown(token), status=401)
    await text_of(client, "/metrics/acme", ELSEWHERE, status=403)


async def test_many_blocks_are_one_answer(face: Face, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is cut, and whether it is compressed or not."""
    whole = await text_of(await serve(face), "/metrics", {"Accept-Encoding": "identity"})
    monkeypatch.setattr(scraping, "BLOCK", 100)
    monkeypatch.setattr(scraping, "SLICE", 0.0)
    face.board = Board()
    face.board.publish(samples.estate())
    client = await serve(face)
    assert await text_of(client, "/metrics", {"Accept-Encoding": "identity"}) == whole
    packed = await client.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert await packed.text() == whole
    assert len(gzip.compress(whole.encode())) < len(whole) / 3


async def test_while_somebody_scrapes_what_changes_is_written_meanwhile(
    face: Face, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Second by second, so that the next scrape finds it done; and no longer than somebody scrapes."""
    followed: list[int] = []
    follow = Renderer.follow

    def following(self: Renderer, snapshot: Snapshot, site: str) -> Iterator[bytes]:
        followed.append(snapshot.generation)
        return follow(self, snapshot, site)

    monkeypatch.setattr(Renderer, "follow", following)
    monkeypatch.setattr(scraping, "KEEP_UP_EVERY", 0.0)
    client = await serve(face)
    await text_of(client, "/metrics/acme")
    assert "metrics" not in {task.get_name() for task in asyncio.all_tasks()}  # a share keeps nothing
    await text_of(client, "/metrics")
    await async_eventually(lambda: followed)
    later = replace(samples.estate(), generation=face.board.snapshot.generation + 1)
    face.board.publish(later)
    await async_eventually(lambda: later.generation in followed)
    assert await text_of(client, "/metrics") == render(later, SelfMetrics(site="hq", version="0.1.0"))[0].decode()
    monkeypatch.setattr(scraping, "KEEP_UP_FOR", 0.0)
    await text_of(client, "/metrics")
    await async_eventually(lambda: "metrics" not in {task.get_name() for task in asyncio.all_tasks()})


async def test_nothing_goes_on_when_the_server_ends(face: Face, serve: Serve) -> None:
    client = await serve(face)
    await text_of(client, "/metrics")
    assert "metrics" in {task.get_name() for task in asyncio.all_tasks()}
    await client.close()
    assert "metrics" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_head_has_no_body(client: Client) -> None:
    answer = await client.head("/metrics")
    assert (answer.status, await answer.read()) == (200, b"")
    await text_of(client, "/metrics")  # on the same connection
