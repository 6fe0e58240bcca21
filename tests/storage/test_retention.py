"""Old observations go; those that bracket an outage or a blip stay for ever."""

from __future__ import annotations

import pytest

from slawatch.domain.interval import SECOND
from slawatch.domain.observation import Verdict
from slawatch.domain.state_machine import Cadence, EndpointState, step
from slawatch.storage import retention
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from storage.history import ROUTER, WEBSITE, at, seen

CADENCE = Cadence(every=10 * SECOND, timeout=SECOND, retry_every=10 * SECOND)

HISTORY = "uuuuudduuuuuduuuvuuuuuuuduuuuu"
"""u up, d down, v void; one every 10 s: an outage, a blip, an UNKNOWN, and another blip."""


async def record(ledger: Ledger, history: str) -> None:
    state = EndpointState()
    words = {"u": Verdict.UP, "d": Verdict.DOWN, "v": Verdict.VOID}
    for number, letter in enumerate(history):
        observation = seen(10 * number, words[letter])
        state, facts = step(state, observation, CADENCE)
        ledger.observe(ROUTER, observation)
        ledger.append([entry_of(ROUTER, fact) for fact in facts])
    await ledger.flushed()


async def left(ledger: Ledger) -> str:
    """The history with a dot for each observation that is gone."""
    letters = dict.fromkeys(range(len(HISTORY)), ".")
    for one in await ledger.observations(ROUTER, at(0), at(999)):
        letters[(one.started - at(0)) // (10 * SECOND)] = one.verdict.value[0]
    return "".join(letters.values())


@pytest.mark.parametrize("rows_at_once", [1, 3, 1_000])
async def test_what_brackets_a_change_or_a_blip_is_kept(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(retention, "_ROWS_AT_ONCE", rows_at_once)
    await record(ledger, HISTORY)
    assert await left(ledger) == HISTORY
    assert await ledger.prune_observations(at(220)) == 11
    assert await left(ledger) == "u...uddu...udu.uvu....uuduuuuu"
    assert await ledger.prune_observations(at(220)) == 0
    assert await ledger.prune_observations(at(260)) == 1


async def test_pruning_goes_on_where_it_ended(ledger: Ledger) -> None:
    await record(ledger, HISTORY)
    assert await ledger.prune_observations(at(30)) == 2
    assert await ledger.prune_observations(at(100)) == 3
    assert await left(ledger) == "u...uddu..uuduuuvuuuuuuuduuuuu"


async def test_the_latest_good_observation_of_an_endpoint_is_kept(ledger: Ledger) -> None:
    ledger.observe(WEBSITE, seen(1))
    ledger.observe(WEBSITE, seen(2))
    ledger.observe(WEBSITE, seen(3, Verdict.VOID))
    await ledger.flushed()
    assert await ledger.prune_observations(at(100)) == 2
    assert (await ledger.resume_material(WEBSITE)).last_good == at(2)
