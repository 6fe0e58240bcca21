"""What another monitor saw, in the ledger: whole, once, marked, and apart from what slawatch measured itself."""

from __future__ import annotations

import pytest

from slawatch.domain.facts import Blip, Change, State, Suspicion
from slawatch.domain.interval import HOUR, MINUTE, SECOND
from slawatch.domain.observation import Cause
from slawatch.operations.importing import Importing
from slawatch.runtime.errors import InputError
from slawatch.storage.entries import IMPORTED, EndpointKey
from slawatch.storage.facts import entry_of
from slawatch.storage.imports import Imported
from slawatch.storage.ledger import Ledger
from storage.conftest import OpenLedger
from support.clock import START, FakeClock

SHOP = EndpointKey("acme", "shop")
NOW = START + 10 * HOUR
PAST = (
    Change(START, State.UP, START, START, source="other"),
    Change(START + HOUR, State.DOWN, START + HOUR - MINUTE, START + HOUR, source="other"),
    Change(START + 2 * HOUR, State.UP, START + 2 * HOUR - MINUTE, START + 2 * HOUR, source="other"),
    Change(START + 3 * HOUR, State.UNKNOWN, START + 3 * HOUR, START + 3 * HOUR, Cause.NO_FURTHER_DATA, source="other"),
    Blip(START + 2 * HOUR + MINUTE, State.DOWN, START + 2 * HOUR, START + 2 * HOUR + 2 * MINUTE, 1, "", "", "other"),
)
FOUND = Imported(SHOP, "other", "d1", PAST)


async def present(clock: FakeClock, open_ledger: OpenLedger) -> Ledger:
    """Own knowledge from the fifth hour on, five hours up, and a suspicion that is open."""
    ledger = await open_ledger()
    clock.advance(NOW - clock.now())
    own = Change(START + 5 * HOUR, State.UP, START + 5 * HOUR, START + 5 * HOUR)
    await ledger.append([entry_of(SHOP, own), entry_of(SHOP, Suspicion(NOW - SECOND, NOW - MINUTE))])
    return ledger


def door(ledger: Ledger) -> Importing:
    return Importing(ledger, FakeClock(NOW), {SHOP: 5 * SECOND})


async def test_a_past_comes_before_what_is_known(clock: FakeClock, open_ledger: OpenLedger) -> None:
    """Up 1 h + 1 h + 5 h, down 1 h, unknown 2 h (and 1 h before it): the roll-up of later changes grows with it."""
    ledger = await present(clock, open_ledger)
    assert await door(ledger).windows("acme") == {SHOP: START + 5 * HOUR}
    assert await door(ledger).take(FOUND)
    found = await ledger.endpoint_history(SHOP, START - HOUR, NOW)
    assert list(found.changes[:4]) == list(PAST[:4])
    assert found.changes[4].source == ""
    assert found.blips == PAST[4:]
    times = await ledger.time_in_states(SHOP, START - HOUR, NOW)
    assert (times.up, times.down, times.unknown) == (7 * HOUR, HOUR, 3 * HOUR)
    later = Change(NOW + HOUR, State.DOWN, NOW + HOUR, NOW + HOUR)
    await ledger.append([entry_of(SHOP, later)])
    times = await ledger.time_in_states(SHOP, START - HOUR, NOW + HOUR)
    assert (times.up, times.down, times.unknown) == (8 * HOUR, HOUR, 3 * HOUR)


async def test_the_same_import_is_stored_once(clock: FakeClock, open_ledger: OpenLedger) -> None:
    ledger = await present(clock, open_ledger)
    assert await door(ledger).take(FOUND)
    assert not await door(ledger).take(FOUND)
    assert not await ledger.take_import(FOUND)
    entries = [entry async for entry in ledger.entries()]
    assert [entry.sequence for entry in entries if entry.site == IMPORTED] == [1, 2, 3, 5, 4]
    assert len(entries) == 7


async def test_a_past_changes_nothing_of_the_present(clock: FakeClock, open_ledger: OpenLedger) -> None:
    """What a restart would resume with is the same, the open suspicion included, and so is the earlier run."""
    ledger = await present(clock, open_ledger)
    before = await ledger.resume_material(SHOP)
    assert before.suspicion is not None
    await door(ledger).take(FOUND)
    assert await ledger.resume_material(SHOP) == before
    assert await ledger.latest_boot(IMPORTED) is None


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((), "0 facts"),
        (PAST[:2], "has no end"),
        ((PAST[1], PAST[0], PAST[3]), "run backwards"),
        ((PAST[0], PAST[3]._replace(source="")), "names another source"),
        ((PAST[0], PAST[3]._replace(at=START + 6 * HOUR, latest=START + 6 * HOUR)), "from when on slawatch knows"),
    ],
    ids=["empty", "open", "backwards", "unmarked", "over what is known"],
)
async def test_what_is_no_past_is_refused_whole(
    clock: FakeClock, open_ledger: OpenLedger, facts: tuple[Change | Blip, ...], words: str
) -> None:
    ledger = await present(clock, open_ledger)
    with pytest.raises(InputError, match=words):
        await door(ledger).take(Imported(SHOP, "other", "d2", facts))
    assert [entry async for entry in ledger.entries() if entry.site == IMPORTED] == []


async def test_only_configured_endpoints_have_a_past(clock: FakeClock, open_ledger: OpenLedger) -> None:
    ledger = await present(clock, open_ledger)
    with pytest.raises(InputError, match="acme/else: is no endpoint"):
        await door(ledger).take(Imported(EndpointKey("acme", "else"), "other", "d1", PAST))


async def test_a_second_export_adds_what_is_older(clock: FakeClock, open_ledger: OpenLedger) -> None:
    ledger = await present(clock, open_ledger)
    await door(ledger).take(FOUND)
    assert await door(ledger).windows("acme") == {SHOP: START}
    older = [fact._replace(at=fact.at - 4 * HOUR, earliest=fact.earliest - 4 * HOUR, latest=fact.latest - 4 * HOUR)
             for fact in PAST[:4]]  # fmt: skip
    assert await door(ledger).take(Imported(SHOP, "other", "d0", older))
    times = await ledger.time_in_states(SHOP, START - 4 * HOUR, START)
    assert (times.up, times.down, times.unknown) == (2 * HOUR, HOUR, HOUR)
