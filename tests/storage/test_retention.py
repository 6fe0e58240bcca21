"""Old observations go; those that bracket an outage or a blip stay for ever."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from slawatch.domain.interval import DISTANT_FUTURE, DISTANT_PAST, HOUR, MILLISECOND, SECOND, Instant
from slawatch.domain.observation import Verdict
from slawatch.domain.state_machine import Cadence, EndpointState, step
from slawatch.domain.summary import Summary
from slawatch.runtime.errors import StorageError
from slawatch.storage import retention
from slawatch.storage.entries import EndpointKey
from slawatch.storage.facts import entry_of
from slawatch.storage.ledger import Ledger
from storage.history import ROUTER, WEBSITE, at, seen, up
from storage.test_recording import writer_of
from support.clock import FakeClock

CADENCE = Cadence(every=10 * SECOND, timeout=SECOND, retry_every=10 * SECOND)

HISTORY = "uuuuudduuuuuduuuvuuuuuuuduuuuu"
"""u up, d down, v void; one every 10 s: an outage, a blip, an UNKNOWN, and another blip."""


_WORDS = {"u": Verdict.UP, "d": Verdict.DOWN, "v": Verdict.VOID, "g": Verdict.DEGRADED}
_numbers = itertools.count()


async def record(ledger: Ledger, history: str) -> None:
    state = EndpointState()
    for number, letter in enumerate(history):
        observation = seen(10 * number, _WORDS[letter])
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
    monkeypatch.setattr(retention, "_paced", lambda _rows, _took: rows_at_once)
    monkeypatch.setattr(retention.Pruning.__init__, "__defaults__", (rows_at_once,))
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


# --- A slow model: every row for ever -------------------------------------------------------------------------------

VERDICTS = st.sampled_from("uuuuuddvg")
STEPS = st.lists(st.integers(-200, 700), min_size=1, max_size=4)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=st.lists(VERDICTS, max_size=60), late=st.sets(st.integers(0, 59)), steps=STEPS, rows=st.integers(1, 9))
async def test_what_goes_is_counted_once(
    history: list[str], late: set[int], steps: list[int], rows: int, ledger: Ledger
) -> None:
    """However pruning is cut up, with rows that come late and a step whose answer is lost: kept and counted is all."""
    key = EndpointKey("acme", f"e{next(_numbers)}")
    seen_all = [seen(10 * number, _WORDS[letter]) for number, letter in enumerate(history)]
    state = EndpointState()
    for number, observation in enumerate(seen_all):
        state, facts = step(state, observation, CADENCE)
        ledger.append([entry_of(key, fact) for fact in facts])
        if number not in late:
            ledger.observe(key, observation)
    await ledger.flushed()
    pruning = retention.Pruning(writer_of(ledger).engine, writer_of(ledger).lock, FakeClock(), rows)
    for place, before in enumerate(steps):
        with suppress(ConnectionError):
            await pruning.run(at(before), thorough=place % 2 == 1)
        if place == 0:  # what was late comes now
            for number in sorted(late & set(range(len(seen_all)))):
                ledger.observe(key, seen_all[number])
            await ledger.flushed()
    await pruning.run(at(1_000), thorough=True)

    kept = await ledger.observations(key, at(0), at(10_000))
    named = await named_by_facts(ledger, key)
    good = [each.started for each in seen_all if each.verdict in (Verdict.UP, Verdict.DEGRADED)]
    named |= {max(good)} if good else set()
    stays = [each for each in seen_all if each.verdict is Verdict.DOWN or each.started in named]
    # whatever a step found kept, it stays; what is named by nothing is gone
    assert [each.started for each in kept if each.started in {one.started for one in stays}] == [
        each.started for each in stays
    ]
    hours = await ledger.summaries(key, at(0) - HOUR, at(10_000) + HOUR)
    whole = Summary.of([(each.started, each.verdict, each.duration) for each in seen_all])
    assert (sum(hours.values(), start=Summary(DISTANT_FUTURE, DISTANT_PAST)) if hours else None) == whole


async def named_by_facts(ledger: Ledger, key: EndpointKey) -> set[Instant | None]:
    """Every instant that a change or a blip of an endpoint names."""
    history = await ledger.endpoint_history(key, at(-999), at(99_999))
    named: set[Instant | None] = set()
    for change in history.changes:
        named |= {change.at, change.earliest, change.latest, change.confirmed_at}
    for blip in history.blips:
        named |= {blip.at, blip.earliest, blip.latest}
    return named


async def test_a_step_whose_answer_was_lost_counts_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database had carried it out: the next run finds nothing to do, and the summary has each row once."""
    await record(ledger, "uuuuuuuuuu")
    dialect: Any = writer_of(ledger).engine.sync_engine.dialect
    commit = dialect.do_commit
    lost: list[str] = []

    def commit_and_lose_the_answer(connection: object) -> None:
        commit(connection)
        if not lost:
            lost.append("answer")
            raise OperationalError("COMMIT", {}, OSError("the connection went away"))

    monkeypatch.setattr(dialect, "do_commit", commit_and_lose_the_answer)
    with pytest.raises(StorageError, match="cannot prune observations"):
        await ledger.prune_observations(at(1_000))
    assert await ledger.prune_observations(at(1_000), thorough=True) == 0
    hours = await ledger.summaries(ROUTER, at(0), at(1_000))
    assert {hour: (summary.up, summary.took.count) for hour, summary in hours.items()} == {at(0): (10, 10)}
    await ledger.close()


async def test_a_step_that_fails_leaves_rows_and_summary_as_they_were(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(ledger, "uuuuuuuuuu")

    async def fail(_connection: object, _hours: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(retention, "add_hours", fail)
        with pytest.raises(StorageError, match="no space left"):
            await ledger.prune_observations(at(1_000))
    assert len(await ledger.observations(ROUTER, at(0), at(999))) == 10
    assert await ledger.prune_observations(at(1_000)) == 8  # the first and the latest stay
    [summary] = (await ledger.summaries(ROUTER, at(0), at(1_000))).values()
    assert summary.up == 10


async def test_commits_go_between_the_steps(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_paced", lambda _rows, _took: 1)
    await record(ledger, "u" * 40)
    one_by_one = retention.Pruning(writer_of(ledger).engine, writer_of(ledger).lock, FakeClock(), 1)
    pruning = asyncio.create_task(one_by_one.run(at(1_000)))
    commits: list[int] = []
    while not pruning.done():
        await ledger.append([entry_of(ROUTER, up(2_000 + len(commits)))])
        commits.append(len(await ledger.observations(ROUTER, at(0), at(999))))
    assert await pruning == 38
    assert len({number for number in commits if 2 < number < 40}) > 3  # pruning was under way meanwhile


@pytest.mark.parametrize(
    ("rows", "took", "expected"),
    [
        (500, 20 * MILLISECOND, 626),  # in time: a quarter more and one
        (500, 20 * MILLISECOND + 1, 250),  # too long: half
        (60, SECOND, 50),
        (3_900, 0, 4_000),
    ],
)
def test_a_step_is_as_large_as_time_allows(rows: int, took: int, expected: int) -> None:
    assert retention._paced(rows, took) == expected
