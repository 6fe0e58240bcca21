"""What the ledger answers about endpoints, contracts, and the run before."""

from __future__ import annotations

import pytest

from slawatch.domain.facts import Change, Fact, State
from slawatch.domain.interval import DISTANT_FUTURE, DISTANT_PAST, MINUTE, SECOND
from slawatch.domain.observation import Cause, Verdict
from slawatch.domain.state_machine import Cadence, EndpointState, blind, expire, resume, step
from slawatch.storage.entries import EndpointKey, Kind, canonical
from slawatch.storage.facts import contract_entry, digest_of, entry_of, fact_of
from slawatch.storage.ledger import Ledger
from slawatch.storage.reader import EndpointHistory, ResumeMaterial
from storage.conftest import OpenLedger
from storage.history import ROUTER, WEBSITE, at, blip, down, event, recorded, seen, suspicion, unknown, up
from support.clock import FakeClock

DISK = EndpointKey("globex", "disk")


async def record(ledger: Ledger, *facts: Fact, endpoint: EndpointKey = ROUTER) -> None:
    await ledger.append([entry_of(endpoint, fact) for fact in facts])


# --- Entries ------------------------------------------------------------------------------------------------


async def test_entries_are_chosen_by_kind_endpoint_client_and_window(ledger: Ledger) -> None:
    await record(ledger, up(1), blip(5, 4, 6))
    await record(ledger, up(2), endpoint=WEBSITE)
    await record(ledger, up(3), endpoint=DISK)
    await ledger.append([event(4)])

    async def instants(**choice: object) -> list[int]:
        return [(entry.at - at(0)) // SECOND async for entry in ledger.entries(**choice)]  # type: ignore[arg-type]

    assert await instants() == [1, 2, 3, 4, 5]
    assert await instants(kinds=[Kind.STATE]) == [1, 2, 3]
    assert await instants(kinds=["blip", "event"]) == [4, 5]
    assert await instants(endpoints=[ROUTER, DISK]) == [1, 3, 5]
    assert await instants(clients=["globex"]) == [3]
    assert await instants(start=at(2), end=at(4)) == [2, 3]
    assert await instants(kinds=["state"], clients=["acme"], start=at(2)) == [2]
    assert await instants(endpoints=[]) == []


async def test_an_empty_ledger_has_no_entries(ledger: Ledger) -> None:
    assert await recorded(ledger) == []


async def test_reading_twice_gives_the_same_bytes(ledger: Ledger, open_ledger: OpenLedger) -> None:
    await record(ledger, up(1), suspicion(20), down(20, 10), unknown(40))

    async def read(source: Ledger) -> list[tuple[object, ...]]:
        return [(one.id, one.sequence, one.at, canonical(one.entry.body)) for one in await recorded(source)]

    assert await read(ledger) == await read(ledger) == await read(await open_ledger(read_only=True))


# --- The history of an endpoint -----------------------------------------------------------------------------


async def test_a_history_begins_with_the_latest_change_before_it(ledger: Ledger) -> None:
    await record(ledger, up(1), down(5), up(8), down(20))
    history = await ledger.endpoint_history(ROUTER, at(10), at(15))
    assert history == EndpointHistory((up(8),), ())


async def test_of_two_changes_at_one_instant_the_later_entry_stands_last_and_alone_before_the_window(
    ledger: Ledger,
) -> None:
    await record(ledger, down(5), up(5), unknown(12), up(12))
    history = await ledger.endpoint_history(ROUTER, at(10), at(20))
    assert history.changes == (up(5), unknown(12), up(12))


async def test_a_window_holds_its_start_and_not_its_end(ledger: Ledger) -> None:
    await record(ledger, up(1), down(10), up(20))
    assert (await ledger.endpoint_history(ROUTER, at(10), at(20))).changes == (up(1), down(10))


async def test_the_next_change_belongs_to_a_window_when_its_bracket_reaches_back_into_it(
    ledger: Ledger,
) -> None:
    await record(ledger, up(1), down(25, earliest=19), up(40))
    assert (await ledger.endpoint_history(ROUTER, at(10), at(20))).changes == (up(1), down(25, earliest=19))
    assert (await ledger.endpoint_history(ROUTER, at(10), at(19))).changes == (up(1),)


async def test_a_blip_belongs_to_every_window_that_its_bracket_overlaps(ledger: Ledger) -> None:
    windows = {(0, 10): False, (0, 11): True, (12, 14): True, (19, 30): True, (20, 30): False, (0, 99): True}
    await record(ledger, up(0), blip(15, 10, 20))
    for (start, end), found in windows.items():
        assert (await ledger.endpoint_history(ROUTER, at(start), at(end))).blips == (blip(15, 10, 20),) * found


async def test_histories_of_many_endpoints_are_those_of_each(ledger: Ledger) -> None:
    names = [EndpointKey("acme", f"host{number}") for number in range(1_001)]
    for number, key in enumerate(names):
        ledger.append([entry_of(key, up(number)), entry_of(key, blip(number + 5, number + 4, number + 6))])
    await ledger.flushed()
    histories = await ledger.endpoint_histories([*names, ROUTER], at(0), at(2_000))
    assert histories.pop(ROUTER) == EndpointHistory()
    assert histories == {
        key: EndpointHistory((up(number),), (blip(number + 5, number + 4, number + 6),))
        for number, key in enumerate(names)
    }
    materials = await ledger.resume_materials([*names, ROUTER])
    assert materials.pop(ROUTER) == ResumeMaterial()
    assert materials == {key: ResumeMaterial((up(number),)) for number, key in enumerate(names)}


# --- What a new run resumes with ----------------------------------------------------------------------------

RESUMED: list[tuple[str, list[Fact], list[Fact], Fact | None]] = [
    ("nothing recorded", [], [], None),
    ("up", [up(1)], [up(1)], None),
    ("only the latest known state", [up(1), down(5), up(9)], [up(9)], None),
    ("unknown since up", [down(1), up(5), unknown(9)], [up(5), unknown(9)], None),
    (
        "unknown for changing causes",
        [down(1), unknown(5), unknown(6, Cause.PAUSED)],
        [down(1), unknown(5), unknown(6, Cause.PAUSED)],
        None,
    ),
    ("never known", [unknown(1), unknown(2, Cause.PAUSED)], [unknown(1), unknown(2, Cause.PAUSED)], None),
    ("two at one instant", [up(5), unknown(5)], [up(5), unknown(5)], None),
    ("entries out of time order", [up(9), down(5)], [up(9)], None),
    ("suspect", [up(1), suspicion(9)], [up(1)], suspicion(9)),
    ("suspect, confirmed", [up(1), suspicion(9), down(9)], [down(9)], None),
    ("suspect, a blip after all", [up(1), suspicion(9), blip(9, 8, 10)], [up(1)], None),
    ("suspect again", [up(1), suspicion(9), blip(9, 8, 10), suspicion(20)], [up(1)], suspicion(20)),
    (
        "suspect and then blind: still suspect (S12)",
        [up(1), suspicion(9), unknown(10)],
        [up(1), unknown(10)],
        suspicion(9),
    ),
    (
        "a newer suspicion of an earlier instant, after a clock step",
        [up(1), suspicion(90), blip(90, 89, 91), suspicion(5)],
        [up(1)],
        suspicion(5),
    ),
]


async def test_what_a_run_left_of_an_endpoint(ledger: Ledger, subtests: pytest.Subtests) -> None:
    keys = [EndpointKey("acme", f"case{number}") for number in range(len(RESUMED))]
    for key, (_, facts, _, _) in zip(keys, RESUMED, strict=True):
        ledger.append([entry_of(key, fact) for fact in facts])
    await ledger.flushed()
    for key, (case, _, changes, suspected) in zip(keys, RESUMED, strict=True):
        with subtests.test(case):
            material = await ledger.resume_material(key)
            assert list(material.changes) == changes
            assert material.suspicion == suspected


async def test_the_latest_good_and_failed_observations_are_found(ledger: Ledger) -> None:
    for second, verdict in [(1, "down"), (2, "up"), (3, "degraded"), (4, "void"), (5, "down"), (6, "void")]:
        ledger.observe(ROUTER, seen(second, Verdict(verdict)))
    ledger.observe(WEBSITE, seen(7))
    await ledger.flushed()
    material = await ledger.resume_material(ROUTER)
    assert (material.last_good, material.last_failed) == (at(3), at(5))
    other = await ledger.resume_material(WEBSITE)
    assert (other.last_good, other.last_failed) == (at(7), None)


async def test_an_outage_goes_on_over_a_crash_as_if_there_had_been_none_but_for_the_time_away(
    ledger: Ledger, open_ledger: OpenLedger
) -> None:
    cadence = Cadence(every=10 * SECOND, timeout=SECOND, retry_every=10 * SECOND)
    state = EndpointState()
    for second, verdict in [(0, "up"), (10, "down"), (20, "down"), (30, "down")]:
        state, facts = step(state, seen(second, Verdict(verdict)), cadence)
        ledger.observe(ROUTER, seen(second, Verdict(verdict)))
        ledger.append([entry_of(ROUTER, fact) for fact in facts])
    ledger.mark_alive(at(31))
    await ledger.flushed()
    await ledger.release()

    second_run = await open_ledger()
    before = await second_run.previous_boot()
    assert before is not None
    material = await second_run.resume_material(ROUTER)
    resumed = resume(material.changes, material.suspicion, material.last_good, material.last_failed, cadence)
    assert (resumed.state, resumed.since, resumed.last_failed) == (state.state, state.since, state.last_failed)
    resumed, expired = expire(resumed, before.alive_until)
    resumed, facts = blind(resumed, before.alive_until, Cause.MONITOR_STOPPED)
    assert expired == []
    assert facts == [Change(at(31), State.UNKNOWN, at(30), at(31), Cause.MONITOR_STOPPED)]


# --- Contracts, runs ----------------------------------------------------------------------------------------


async def test_the_versions_of_a_contract_come_in_order(ledger: Ledger) -> None:
    first, second = {"standard": "99%"}, {"standard": "99.5%"}
    await ledger.append([contract_entry("acme", "network", second, at(9))])
    await ledger.append([contract_entry("acme", "network", first, at(1)), event(2)])
    await ledger.append([contract_entry("acme", "mail", first, at(3))])
    versions = await ledger.contract_versions("acme", "network")
    assert [(version.at, version.terms, version.sha256) for version in versions] == [
        (at(1), first, digest_of(first)),
        (at(9), second, digest_of(second)),
    ]
    assert await ledger.contract_versions("globex", "network") == ()


async def test_the_previous_run_is_the_latest_one_that_lived_to_a_mark(
    open_ledger: OpenLedger, clock: FakeClock
) -> None:
    first = await open_ledger()
    assert await first.previous_boot() is None
    first.mark_alive(at(10))
    first.mark_alive(at(20))
    await first.flushed()
    await first.release()  # killed
    clock.advance(MINUTE)
    barren = await open_ledger()
    await barren.append([event(60)])
    await barren.release()  # killed before its first mark: it proved nothing
    elsewhere = await open_ledger(site="branch")
    elsewhere.mark_alive(at(70))
    await elsewhere.close()
    third = await open_ledger()
    before = await third.previous_boot()
    assert before is not None
    assert (before.boot, before.started_at, before.alive_until, before.stopped_at) == (
        first.boot,
        at(0),
        at(20),
        None,
    )
    assert await third.latest_boot("nowhere") is None


async def test_a_clean_stop_is_on_record(open_ledger: OpenLedger, clock: FakeClock) -> None:
    first = await open_ledger(boot="first")
    first.append([event(1)])
    first.observe(ROUTER, seen(2))
    clock.advance(MINUTE)
    await first.close()
    second = await open_ledger()
    before = await second.previous_boot()
    assert before is not None
    assert (before.boot, before.alive_until, before.stopped_at) == ("first", at(60), at(60))
    assert len(await recorded(second)) == 1
    assert await second.observations(ROUTER, DISTANT_PAST, DISTANT_FUTURE) == (seen(2),)


async def test_a_mark_comes_with_all_that_was_handed_in_before_it(ledger: Ledger, open_ledger: OpenLedger) -> None:
    reader = await open_ledger(read_only=True)
    for second in range(1, 40):
        ledger.append([entry_of(ROUTER, up(second))])
        ledger.observe(ROUTER, seen(second))
        ledger.mark_alive(at(second))
        if second % 7 == 0:
            await ledger.flushed()
        boot = await reader.latest_boot("hq")
        if boot is not None:
            stored = [entry.at async for entry in reader.entries()]
            observed = await reader.observations(ROUTER, at(0), at(99))
            assert boot.alive_until in stored
            assert boot.alive_until in [one.started for one in observed]


async def test_facts_are_read_back_as_they_were(ledger: Ledger) -> None:
    facts: list[Fact] = [up(1), suspicion(20), down(20, 10), unknown(40), blip(50, 49, 51)]
    await record(ledger, *facts)
    assert [fact_of(entry) for entry in await recorded(ledger)] == facts
