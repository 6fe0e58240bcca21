"""How long an endpoint was in each state, by two look-ups, equals a walk over its changes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from sqlalchemy import select, text

from slawatch.domain.compliance import Classes, classes_of
from slawatch.domain.facts import Change, State
from slawatch.domain.interval import IntervalSet
from slawatch.domain.timeline import POINT, endpoint_timeline, totals
from slawatch.storage.entries import EndpointKey
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from slawatch.storage.migrations.versions.v0002_transitions import FILL
from slawatch.storage.schema import TRANSITIONS
from slawatch.storage.writer import Writer
from storage.history import ROUTER, WEBSITE, at, blip, down, event, suspicion, unknown, up


def walked(changes: Sequence[Change], start: int, end: int) -> Classes:
    """The same by the domain: sorted by instant, later entries after earlier ones, brackets left out."""
    exact = [change._replace(earliest=change.at, latest=change.at) for change in changes]
    line = endpoint_timeline(sorted(exact, key=lambda change: change.at))
    return classes_of(totals(line, IntervalSet.span(at(start), at(end))), POINT)


async def store(ledger: Ledger, endpoint: EndpointKey, groups: Sequence[Sequence[Change]]) -> None:
    """Each group in a commit of its own."""
    for group in groups:
        await ledger.append([entry_of(endpoint, change) for change in group])


WINDOWS = ((-10, 200), (0, 0), (0, 10), (5, 15), (10, 40), (25, 26), (60, 400), (-10, -5), (30, 20))


@pytest.mark.parametrize(
    "groups",
    [
        [[up(0)]],
        [[up(0), down(10), up(25)]],
        [[up(0)], [down(10)], [up(25)], [unknown(40)], [up(60)]],
        # one that comes late, before all, in the middle, and at the instant of another (S17)
        [[up(10)], [down(0)]],
        [[up(0), up(40)], [down(10), unknown(20)]],
        [[up(0), down(10)], [unknown(10)], [up(10)]],
        [[down(20), up(20)], [up(0), down(20)]],
    ],
    ids=str,
)
async def test_any_window_equals_a_walk(ledger: Ledger, groups: list[list[Change]]) -> None:
    await store(ledger, ROUTER, groups)
    changes = [change for group in groups for change in group]
    for start, end in WINDOWS:
        found = await ledger.time_in_states(ROUTER, at(start), at(end))
        assert found == walked(changes, start, end), (start, end)


@pytest.mark.parametrize("seed", range(5))
async def test_any_window_of_any_history_equals_a_walk(ledger: Ledger, seed: int) -> None:
    """Two endpoints in the same commits, now and then a change that comes late."""
    dice = random.Random(seed)
    stored: dict[EndpointKey, list[Change]] = {ROUTER: [], WEBSITE: []}
    now = 0
    for _ in range(12):
        entries = []
        for _ in range(dice.randrange(4)):
            now += dice.randrange(20)
            key, back = dice.choice([ROUTER, WEBSITE]), dice.choice([0, 0, 0, 0, 60])
            change = Change(at(now - back), dice.choice(list(State)), at(now - back), at(now - back))
            stored[key].append(change)
            entries.append(entry_of(key, change))
        await ledger.append(entries)
    for key, changes in stored.items():
        for _ in range(10):
            start = dice.randrange(-20, now + 20)
            end = start + dice.randrange(100)
            assert await ledger.time_in_states(key, at(start), at(end)) == walked(changes, start, end)


async def test_other_entries_say_nothing_of_states(ledger: Ledger) -> None:
    await ledger.append([event(0), *(entry_of(ROUTER, fact) for fact in (up(0), suspicion(5), blip(5, 4, 9)))])
    assert await ledger.time_in_states(ROUTER, at(0), at(10)) == walked([up(0)], 0, 10)


async def test_of_an_endpoint_that_is_not_known_all_is_unknown(ledger: Ledger) -> None:
    assert await ledger.time_in_states(ROUTER, at(0), at(10)) == Classes(unknown=at(10) - at(0))


async def test_more_endpoints_than_one_question_holds(ledger: Ledger) -> None:
    keys = [EndpointKey("acme", f"e{number}") for number in range(250)]
    await ledger.append([entry_of(key, change) for key in keys for change in (up(0), down(10))])
    for key in (keys[0], keys[99], keys[100], keys[249]):
        assert await ledger.time_in_states(key, at(0), at(15)) == walked([up(0), down(10)], 0, 15)


async def test_a_database_of_the_version_before_is_filled_as_if_it_had_always_been_so(ledger: Ledger) -> None:
    await store(ledger, ROUTER, [[up(0), down(10)], [unknown(10), up(25)], [down(5)]])
    await store(ledger, WEBSITE, [[down(3)], [up(30)]])
    await ledger.append([entry_of(ROUTER, blip(27, 26, 28)), event(40)])
    everything = select(TRANSITIONS).order_by(TRANSITIONS.c.endpoint_id, TRANSITIONS.c.at)
    writer = ledger._writer
    assert isinstance(writer, Writer)
    async with writer.lock, writer.engine.begin() as connection:
        recorded = (await connection.execute(everything)).all()
        await connection.execute(text("DELETE FROM transitions"))
        await connection.execute(text(FILL))
        assert (await connection.execute(everything)).all() == recorded
    assert len(recorded) == 6
