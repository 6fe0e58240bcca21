"""A rename keeps the history of an endpoint."""

from __future__ import annotations

import asyncio

import pytest

from slawatch.storage.endpoints import renames
from slawatch.storage.entries import EndpointKey
from slawatch.storage.facts import entry_of, fact_of
from slawatch.storage.ledger import Ledger
from storage.history import ROUTER, WEBSITE, down, recorded, seen, up

GATEWAY = EndpointKey("acme", "gateway")

CASES = [
    ("nothing is renamed without a former name", "a b", {"a": None, "b": None}, []),
    ("a rename", "a", {"b": "a"}, ["a>b"]),
    ("carried out before", "b", {"b": "a"}, []),
    ("both exist: the histories stay apart", "a b", {"b": "a"}, []),
    ("the old name is not there", "", {"b": "a"}, []),
    ("the old name is used again", "a", {"b": "a", "a": None}, ["a>b"]),
    ("a chain", "a b", {"b": "a", "c": "b"}, ["b>c", "a>b"]),
    ("a chain whose middle does not exist moves each endpoint once", "a", {"b": "a", "c": "b"}, ["a>b"]),
    ("two claim one: the first in order has it", "a", {"c": "a", "b": "a"}, ["a>b"]),
    ("a swap cannot be told from one carried out", "a b", {"a": "b", "b": "a"}, []),
]


@pytest.mark.parametrize(
    ("existing", "formerly", "moves"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_renames(existing: str, formerly: dict[str, str | None], moves: list[str]) -> None:
    keys = [EndpointKey("acme", name) for name in existing.split()]
    wanted = {EndpointKey("acme", new): old for new, old in formerly.items()}
    assert [f"{old.name}>{new.name}" for old, new in renames(keys, wanted)] == moves


def test_a_former_name_is_one_of_the_same_client() -> None:
    assert list(renames([EndpointKey("globex", "a")], {EndpointKey("acme", "b"): "a"})) == []


async def test_a_renamed_endpoint_keeps_its_history(ledger: Ledger) -> None:
    ledger.observe(ROUTER, seen(1))
    await ledger.append([entry_of(ROUTER, up(1)), entry_of(WEBSITE, up(2))])
    await ledger.ensure_endpoints({GATEWAY: "router", WEBSITE: None})
    await ledger.append([entry_of(GATEWAY, down(9))])
    entries = [entry async for entry in ledger.entries(endpoints=[GATEWAY])]
    assert [(entry.entry.endpoint, fact_of(entry)) for entry in entries] == [
        (GATEWAY, up(1)),
        (GATEWAY, down(9)),
    ]
    material = await ledger.resume_material(GATEWAY)
    assert (material.changes, material.last_good) == ((down(9),), seen(1).started)
    assert (await ledger.resume_material(ROUTER)).changes == ()


async def test_a_rename_takes_its_place_between_what_is_queued_before_and_after(ledger: Ledger) -> None:
    ledger.append([entry_of(ROUTER, up(1))])
    renamed = asyncio.ensure_future(ledger.ensure_endpoints({GATEWAY: "router", ROUTER: None}))
    await asyncio.sleep(0)  # the rename is queued now
    ledger.append([entry_of(ROUTER, up(2))])  # another endpoint, which has taken the name
    await ledger.append([entry_of(GATEWAY, down(3))])
    await renamed
    owners = [(entry.at, entry.entry.endpoint) for entry in await recorded(ledger)]
    assert owners == [(up(1).at, GATEWAY), (up(2).at, ROUTER), (down(3).at, GATEWAY)]


async def test_ensuring_twice_changes_nothing(ledger: Ledger) -> None:
    await ledger.append([entry_of(ROUTER, up(1))])
    for _ in range(2):
        await ledger.ensure_endpoints({GATEWAY: "router", ROUTER: None})
    assert [entry.entry.endpoint for entry in await recorded(ledger)] == [GATEWAY]
