"""The views say what the tables hold: instants to the microsecond, outages and days as slow models count them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from slawatch.domain.facts import Blip, Change, Fact, State
from slawatch.domain.interval import DAY, MINUTE, SECOND, Instant, format_instant, parse_instant, to_instant
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.domain.outages import endpoint_outages
from slawatch.domain.state_machine import Cadence, EndpointState, blind, step
from slawatch.domain.timeline import HIGH, LOW, POINT, endpoint_timeline
from slawatch.runtime.clock import SystemClock
from slawatch.storage.entries import EndpointKey, Entry
from slawatch.storage.facts import contract_entry, entry_of
from slawatch.storage.ledger import Ledger
from slawatch.storage.migrations.views_0004 import NAMES
from storage.conftest import OpenLedger
from storage.history import ROUTER, WEBSITE, at, blip, down, seen, suspicion, unknown, up
from storage.test_recording import writer_of
from support.clock import START, FakeClock

CADENCE = Cadence(60 * SECOND, 5 * SECOND, 10 * SECOND)


async def rows(ledger: Ledger, query: str) -> list[dict[str, Any]]:
    """What the database answers once everything so far is on disk."""
    await ledger.flushed()
    async with ledger.reading.connect() as connection:
        return [dict(row._mapping) for row in await connection.execute(text(query))]


async def row(ledger: Ledger, query: str) -> dict[str, Any]:
    (only,) = await rows(ledger, query)
    return only


def instant(time: object) -> Instant:
    """The readable time of either database, as microseconds."""
    if isinstance(time, datetime):
        return to_instant(time)
    assert isinstance(time, str)
    assert len(time) == len("2026-01-05T00:00:00.000000Z")
    return parse_instant(time)


# --- Times -----------------------------------------------------------------------------------------------------------

EDGES = [
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00.000001Z",
    "1999-12-31T23:59:59.999999Z",
    "2000-02-29T12:00:00.5Z",
    "2024-02-29T23:59:59.999999Z",
    "2024-03-01T00:00:00Z",
    "2025-12-31T23:59:59.999999Z",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.000001Z",
    "2026-03-29T01:00:00.123456Z",
    "2038-01-19T03:14:08.000001Z",
    "2100-02-28T23:59:59.999999Z",
    "2100-03-01T00:00:00.000001Z",
    "2199-12-31T23:59:59.999999Z",
]


async def test_times_are_those_of_the_instants_to_the_microsecond(ledger: Ledger) -> None:
    dice = random.Random(4)
    last = parse_instant("2200-01-01T00:00:00Z")
    instants = sorted({*map(parse_instant, EDGES), *(dice.randrange(last) for _ in range(3_000))})
    await ledger.append([Entry("event", each, {"event": "reloaded", "end": each, "start": 0}) for each in instants])
    found = await rows(ledger, "SELECT at, time, ends, starts, epoch FROM v_events ORDER BY at")
    assert [each["at"] for each in found] == instants
    assert [instant(each["time"]) for each in found] == instants
    assert [instant(each["ends"]) for each in found] == instants
    assert [each["epoch"] for each in found] == [each // SECOND for each in instants]
    assert {instant(each["starts"]) for each in found} == {0}


async def test_readable_times_sort_and_compare_as_the_instants_do(ledger: Ledger) -> None:
    instants = [START, START + 1, START + 500_000, START + SECOND, START + DAY]
    await ledger.append([Entry("event", each, {"event": "reloaded"}) for each in instants])
    later = await rows(ledger, "SELECT at FROM v_events WHERE time > '2026-01-05T00:00:00' ORDER BY time DESC")
    if ledger.reading.dialect.name == "postgresql":
        later = await rows(ledger, "SELECT at FROM v_events WHERE time > '2026-01-05T00:00:00Z' ORDER BY time DESC")
        assert [each["at"] for each in later] == instants[:0:-1]
    else:
        assert [each["at"] for each in later] == instants[::-1]  # its own instant is longer than the bound
    assert len(await rows(ledger, "SELECT at FROM v_events WHERE time >= '2026-01-06'")) == 1


# --- Facts -----------------------------------------------------------------------------------------------------------


async def test_a_transition_has_its_bracket_its_end_and_its_words(ledger: Ledger) -> None:
    await ledger.append([entry_of(ROUTER, each) for each in (up(0), down(60, 30), unknown(100), up(200))])
    found = await rows(ledger, "SELECT * FROM v_transitions ORDER BY at")
    assert [(each["state_before"], each["state"]) for each in found] == [
        (None, "up"), ("up", "down"), ("down", "unknown"), ("unknown", "up"),
    ]  # fmt: skip
    assert [each["until_at"] for each in found] == [at(60), at(100), at(200), None]
    assert [None if each["seconds"] is None else float(each["seconds"]) for each in found] == [60, 40, 100, None]
    outage, silence = found[1], found[2]
    assert (outage["earliest_at"], outage["latest_at"], outage["confirmed_at"]) == (at(30), at(60), at(70))
    assert (instant(outage["earliest"]), instant(outage["confirmed"])) == (at(30), at(70))
    assert (outage["client"], outage["endpoint"], outage["reason"], outage["cause"]) == (*ROUTER, "timeout", None)
    assert (silence["cause"], silence["reason"], silence["confirmed"]) == ("monitor_stopped", None, None)
    assert (instant(outage["recorded"]), outage["site"]) == (START, "hq")


async def test_of_two_changes_at_one_instant_the_later_entry_is_shown(ledger: Ledger) -> None:
    await ledger.append([entry_of(ROUTER, each) for each in (up(0), down(60), unknown(60))])
    found = await rows(ledger, "SELECT state FROM v_transitions ORDER BY at")
    assert [each["state"] for each in found] == ["up", "unknown"]
    assert await rows(ledger, "SELECT * FROM v_outages") == []


async def test_a_blip_is_no_outage(ledger: Ledger) -> None:
    await ledger.append([entry_of(ROUTER, each) for each in (up(0), suspicion(60), blip(60, 50, 70))])
    found = await row(ledger, "SELECT * FROM v_blips")
    assert (found["state"], found["seen"], float(found["seconds"]), found["reason"]) == ("down", 1, 20, "timeout")
    assert (instant(found["time"]), instant(found["earliest"]), instant(found["latest"])) == (at(60), at(50), at(70))
    assert await rows(ledger, "SELECT * FROM v_outages") == []


async def test_an_observation_has_its_length_and_its_certificate(ledger: Ledger) -> None:
    ledger.observe(ROUTER, seen(1))
    ledger.observe(WEBSITE, Observation(at(2), 3, Verdict.VOID, "path", "", (), at(DAY // SECOND), Cause.PATH_LOST))
    await ledger.append([])
    first, second = await rows(ledger, "SELECT * FROM v_observations ORDER BY at")
    assert (first["duration_us"], float(first["seconds"]), first["certificate_expiry"]) == (1_500, 0.0015, None)
    assert (second["verdict"], second["cause"], second["endpoint"]) == ("void", "path_lost", "website")
    assert instant(second["certificate_expiry"]) == START + DAY


# --- Outages ---------------------------------------------------------------------------------------------------------


@dataclass
class Story:
    """What a daemon recorded of one endpoint."""

    changes: list[Change] = field(default_factory=list)
    blips: list[Blip] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)

    def take(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self.facts.append(fact)
            if isinstance(fact, Change):
                self.changes.append(fact)
            elif isinstance(fact, Blip):
                self.blips.append(fact)

    def last_failed(self) -> Instant | None:
        return max((each.started for each in self.observations if each.verdict is Verdict.DOWN), default=None)


def story(seed: int, mark: Instant) -> Story:
    """Probes of an endpoint that fails in runs, with void ones, silence and stops between, until ``mark``."""
    dice, told, state, now = random.Random(seed), Story(), EndpointState(), START + seed
    good = True
    while now < mark - MINUTE:
        good = good if dice.random() < 0.7 else not good
        verdict = Verdict.VOID if dice.random() < 0.08 else Verdict.UP if good else Verdict.DOWN
        verdict = Verdict.DEGRADED if verdict is Verdict.UP and dice.random() < 0.1 else verdict
        cause = Cause.PATH_LOST if verdict is Verdict.VOID else None
        observation = Observation(now, 1_000, verdict, f"r{now % 7}", f"at {now}", cause=cause)
        told.observations.append(observation)
        state, facts = step(state, observation, CADENCE)
        told.take(facts)
        now += CADENCE.retry_every if state.suspect else CADENCE.every
        now += dice.randrange(SECOND)
        if dice.random() < 0.03:
            state, facts = blind(state, now, Cause.MONITOR_STOPPED)
            told.take(facts)
            now += dice.randrange(1, 30) * MINUTE
    return told


def loose_story(seed: int, mark: Instant) -> Story:
    """Changes as an import makes them: the instant lies inside a bracket that may reach far, also over neighbours."""
    dice, told, now = random.Random(seed), Story(), START + seed
    while now < mark - 20 * MINUTE:
        state = dice.choice(list(State))
        spread = dice.choice([0, 0, MINUTE, 20 * MINUTE])
        told.take([Change(now, state, now - dice.randrange(spread + 1), now + dice.randrange(spread + 1))])
        if dice.random() < 0.1:
            told.take([Change(now, State.UNKNOWN, now, now, Cause.CLOCK_STEP)])
        now += dice.randrange(1, 15 * MINUTE)
    return told


class Outage(NamedTuple):
    start: Instant
    end: Instant | None
    low: int
    point: int
    high: int


def outages_of(told: Story, mark: Instant) -> Iterator[Outage]:
    """By walking along the changes; lengths by the timeline that contracts are judged by."""
    changes = sorted(told.changes, key=lambda change: change.at)  # stable: of two at an instant the later entry last
    effective = list({change.at: change for change in changes}.values())
    if effective and effective[-1].state is State.DOWN:
        failed = told.last_failed() or effective[-1].at
        changes.append(Change(mark, State.UNKNOWN, max(failed, effective[-1].at), mark, Cause.NO_FURTHER_DATA))
    line = endpoint_timeline(changes, [blip for blip in told.blips if blip.state is not State.DOWN])
    known, began = State.UNKNOWN, None
    for index, change in enumerate(effective):
        if change.state is State.DOWN and known is not State.DOWN:
            began = index
        if change.state in (State.UP, State.DEGRADED) and began is not None:
            yield _outage(line, effective, began, index, mark)
            began = None
        known = known if change.state is State.UNKNOWN else change.state
    if began is not None:
        yield _outage(line, effective, began, None, mark)


def _outage(line: Any, effective: Sequence[Change], began: int, ended: int | None, mark: Instant) -> Outage:
    start, end = effective[began].at, mark if ended is None else effective[ended].at
    opens, closes = start, end
    if began > 0 and effective[began - 1].state is not State.UNKNOWN:
        opens = min(start, max(effective[began].earliest, effective[began - 1].at))
    if ended is not None:
        following = effective[ended + 1].at if ended + 1 < len(effective) else effective[ended].latest
        closes = max(end, min(effective[ended].latest, following))
    lengths = (
        line.where(HIGH, State.DOWN, start, end).length,
        line.where(POINT, State.DOWN, start, end).length,
        line.where(POINT, State.DOWN, start, end).length + (start - opens) + (closes - end),
    )
    assert line.where(LOW, State.DOWN, opens, start).length == start - opens
    assert line.where(LOW, State.DOWN, end, closes).length == closes - end
    return Outage(start, None if ended is None else end, *lengths)


def told_by_history(told: Story, mark: Instant) -> Iterator[Outage]:
    """What ``slawatch history`` says of it."""
    changes = sorted(told.changes, key=lambda change: change.at)
    if changes[-1].state is not State.UNKNOWN:
        seen = max(told.last_failed() or 0, changes[-1].at)
        changes.append(Change(mark, State.UNKNOWN, seen, mark, Cause.NO_FURTHER_DATA))
    for each in endpoint_outages(changes, told.blips, mark):
        yield Outage(each.began.at, each.ended, each.low, each.point, each.high)


@pytest.mark.parametrize("tell", [story, loose_story])
async def test_outages_are_those_of_a_slow_model(ledger: Ledger, tell: Any) -> None:
    mark = START + DAY
    stories = {EndpointKey("acme", f"e{seed:02}"): tell(seed, mark) for seed in range(20)}
    for key, told in stories.items():
        await ledger.append([entry_of(key, fact) for fact in told.facts])
        for each in told.observations:
            ledger.observe(key, each)
    ledger.mark_alive(mark)
    found = await rows(ledger, "SELECT * FROM v_outages ORDER BY client, endpoint, at")
    expected = {(key.name, outage) for key, told in stories.items() for outage in outages_of(told, mark)}
    lengths = ("low_us", "point_us", "high_us")
    shown = {
        (each["endpoint"], Outage(each["at"], each["ended_at"], *(each[name] for name in lengths))) for each in found
    }
    assert shown == expected
    assert {(key.name, each) for key, told in stories.items() for each in told_by_history(told, mark)} == expected
    assert len(found) == len(expected) > 50
    assert any(outage.end is None for _, outage in expected)
    assert all(bool(each["open"]) == (each["ended"] is None) for each in found)
    for each in found:
        first = next(one for one in stories[EndpointKey("acme", each["endpoint"])].changes if one.at == each["at"])
        assert each["reason"] == (first.reason or None)
        assert round(float(each["seconds"]) * SECOND) == each["point_us"]


# --- Days ------------------------------------------------------------------------------------------------------------


async def test_days_are_those_of_any_window(ledger: Ledger) -> None:
    mark = START + 4 * DAY + 7 * 60 * MINUTE + 1
    stories = {EndpointKey("acme", f"e{seed}"): loose_story(seed * 17, mark - seed * DAY) for seed in range(3)}
    for key, told in stories.items():
        await ledger.append([entry_of(key, fact) for fact in told.facts])
    ledger.mark_alive(mark)
    found = await rows(ledger, "SELECT * FROM v_days ORDER BY endpoint, at")
    assert [(each["endpoint"], each["at"]) for each in found] == [
        (f"e{seed}", START + day * DAY) for seed in range(3) for day in range(5)
    ]
    for each in found:
        until = min(each["at"] + DAY, mark)
        expected = await ledger.time_in_states(EndpointKey("acme", each["endpoint"]), each["at"], until)
        assert [each[f"{name}_us"] for name in ("up", "degraded", "down", "unknown")] == [
            expected.up, expected.degraded, expected.down, expected.unknown,
        ]  # fmt: skip
        assert sum(each[f"{name}_us"] for name in ("up", "degraded", "down", "unknown")) == until - each["at"]
        assert (instant(each["time"]), instant(each["until"])) == (each["at"], until)
        assert str(each["day"]) == format_instant(each["at"])[:10]


async def test_days_begin_with_the_endpoints_first_and_what_came_before_is_unknown(ledger: Ledger) -> None:
    await ledger.append([entry_of(ROUTER, up(3_600)), entry_of(WEBSITE, up(86_400 + 60))])
    ledger.mark_alive(at(2 * 86_400))
    found = await rows(ledger, "SELECT endpoint, up_us, unknown_us FROM v_days ORDER BY endpoint, at")
    hour = 60 * MINUTE
    assert [tuple(each.values()) for each in found] == [
        ("router", 23 * hour, hour),
        ("router", 24 * hour, 0),
        ("website", 24 * hour - MINUTE, MINUTE),
    ]


# --- Endpoints -------------------------------------------------------------------------------------------------------


async def test_the_last_state_is_the_present_one_only_while_somebody_is_looking(ledger: Ledger) -> None:
    now = SystemClock().now()
    ledger.observe(ROUTER, Observation(now - SECOND, 1_000, Verdict.UP, "ok", certificate_expiry=now + DAY))
    await ledger.append([entry_of(ROUTER, Change(now - MINUTE, State.UP, now - MINUTE, now - MINUTE))])
    await ledger.ensure_endpoints({WEBSITE: None})
    query = "SELECT * FROM v_endpoints ORDER BY endpoint"
    for age, state, cause in ((90 * SECOND, "unknown", "monitor_stopped"), (SECOND, "up", None)):
        ledger.mark_alive(now - age)
        router, website = await rows(ledger, query)
        assert (router["state"], router["last_state"], router["cause"]) == (state, "up", cause)
        assert instant(router["watched_until"]) == now - age
    assert (instant(router["time"]), router["at"]) == (now - MINUTE, now - MINUTE)
    assert (instant(router["observed"]), router["last_verdict"]) == (now - SECOND, "up")
    assert instant(router["certificate_expiry"]) == now + DAY
    assert (website["state"], website["last_state"], website["time"]) == ("unknown", None, None)
    assert (website["cause"], website["observed"]) == ("never_observed", None)


# --- What was agreed, announced, corrected, and who recorded ----------------------------------------------------------


async def test_a_contract_version_has_its_terms_and_its_end(ledger: Ledger) -> None:
    terms = [{"standard": "99%", "period": "month", "service": "shop", "kind": "network", "n": n} for n in (1, 2)]
    await ledger.append([contract_entry("acme", "shop", each, at(60 * n)) for n, each in enumerate(terms)])
    first, second = await rows(ledger, "SELECT * FROM v_contracts ORDER BY at")
    assert (first["client"], first["contract"], first["standard"], first["period"]) == ("acme", "shop", "99%", "month")
    assert (instant(first["until"]), second["until"], second["timezone"]) == (at(60), None, None)
    assert first["terms"] == '{"kind":"network","n":1,"period":"month","service":"shop","standard":"99%"}'


def announced(identity: str, **document: object) -> Entry:
    return Entry("exclusion", START, {"document": document, "zone": "Europe/Berlin", "id": identity}, client="acme")


async def test_an_announcement_is_withdrawn_by_the_first_withdrawal_after_it(ledger: Ledger, clock: FakeClock) -> None:
    work = announced("aa", services=["shop"], start="2026-02-01 22:00", duration="4h", reason="firmware")
    other = announced("bb", **{"from": "2026-01-04 02:00", "rrule": "FREQ=MONTHLY", "type": "other", "zone": "UTC"})
    for entry in (work, other, Entry("exclusion", START, {"withdraws": "aa"}, client="acme"), work):
        await ledger.append([entry])
        clock.advance(SECOND)
    first, second, again = await rows(ledger, "SELECT * FROM v_exclusions ORDER BY id")
    assert (first["announcement"], first["type"], first["services"]) == ("aa", "maintenance", '["shop"]')
    assert (first["starts_local"], first["duration"], first["zone"]) == ("2026-02-01 22:00", "4h", "Europe/Berlin")
    assert (instant(first["time"]), instant(first["withdrawn"])) == (at(0), at(2))
    assert (second["type"], second["rrule"], second["zone"], second["withdrawn"]) == (
        "other",
        "FREQ=MONTHLY",
        "UTC",
        None,
    )
    assert (again["announcement"], again["withdrawn"]) == ("aa", None)


async def test_a_correction_has_its_span(ledger: Ledger) -> None:
    body = {"endpoint": "router", "start": at(1), "end": at(2), "state": "up", "reason": "ours", "by": "me"}
    await ledger.append([Entry("correction", at(9), body, client="acme")])
    found = await row(ledger, "SELECT * FROM v_corrections")
    assert (found["client"], found["endpoint"], found["state"]) == ("acme", "router", "up")
    assert (instant(found["starts"]), instant(found["ends"])) == (at(1), at(2))
    assert (found["entered_by"], found["approved_by"]) == ("me", None)


async def test_a_run_that_crashed_has_no_stop(ledger: Ledger, open_ledger: OpenLedger, clock: FakeClock) -> None:
    ledger.mark_alive(at(5))
    await ledger.flushed()
    await ledger.release()
    clock.advance(SECOND)
    again = await open_ledger()
    first, second = await rows(again, "SELECT * FROM v_boots ORDER BY id")
    assert (instant(first["time"]), instant(first["watched_until"]), first["stopped"]) == (at(0), at(5), None)
    assert (instant(second["time"]), second["watched_until"], second["boot"]) == (at(1), None, again.boot)


HARD = "\0 \ud800 \udfff\ud800x \\ud800 \\\0 \\\\u0000 \U0001f600 \ud83d\U0001f600 é"
SOFT = "\ufffd \ufffd \ufffd\ufffdx \\ud800 \\\ufffd \\\\u0000 \U0001f600 \ufffd\U0001f600 é"


async def test_what_no_database_reads_out_of_json_spoils_no_query_on_postgresql(ledger: Ledger) -> None:
    await ledger.append([entry_of(ROUTER, down(0)._replace(reason="timeout", detail=HARD)), entry_of(ROUTER, up(5))])
    found = await rows(ledger, "SELECT reason, detail FROM v_transitions ORDER BY at")
    shown = [(each["reason"], each["detail"]) for each in found]
    if ledger.reading.dialect.name == "sqlite":
        assert shown[0][0] == "timeout"  # it reads any text, up to the first NUL
    else:
        assert shown == [("timeout", SOFT), (None, None)]


# --- As many rows as there may be ------------------------------------------------------------------------------------

MANY = """
INSERT INTO entries (site, boot, sequence, kind, endpoint_id, client, state, at, recorded_at, body)
WITH RECURSIVE n (n) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
SELECT '{site}', '{boot}', 1000 + n * 4 + m, CASE WHEN m < 2 THEN 'state' WHEN m = 2 THEN 'blip' ELSE 'event' END,
  CASE WHEN m < 3 THEN 1 + n % 50 END, 'acme', CASE m WHEN 0 THEN 'down' WHEN 1 THEN 'up' WHEN 2 THEN 'down' END,
  {start} + n * 60000000 + m * 1000, 0,
  '{{"earliest":' || ({start} + n * 60000000 + m * 1000) || ',"latest":' || ({start} + n * 60000000 + m * 1000) || '}}'
FROM n, (SELECT 0 AS m UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) ms"""
MANY_TRANSITIONS = """
INSERT INTO transitions SELECT endpoint_id, at, state, 0, 0, 0, 0 FROM entries WHERE kind = 'state'"""
MANY_OBSERVATIONS = """
INSERT INTO observations (endpoint_id, started, duration, verdict, reason, detail)
SELECT endpoint_id, at, 1, state, '', '' FROM entries WHERE kind = 'state'"""

ONE = "client = 'acme' AND endpoint = 'e7'"
FEW = {
    f"SELECT * FROM v_transitions WHERE {ONE} AND at >= {{day}}",
    f"SELECT * FROM v_transitions WHERE {ONE} AND time >= '{{time}}'",
    f"SELECT * FROM v_blips WHERE {ONE} AND at >= {{day}}",
    f"SELECT * FROM v_observations WHERE {ONE} AND at >= {{day}}",
    f"SELECT * FROM v_outages WHERE {ONE} AND at >= {{day}}",
    f"SELECT * FROM v_endpoints WHERE {ONE}",
    f"SELECT * FROM v_days WHERE {ONE} AND at >= {{day}}",
    "SELECT * FROM v_transitions WHERE at >= {hour}",
    "SELECT * FROM v_outages WHERE at >= {hour}",
    "SELECT * FROM v_blips WHERE at >= {hour}",
    "SELECT * FROM v_events WHERE at >= {hour}",
}
"""Questions that read few rows, however many there are."""


async def test_a_question_for_one_endpoint_or_a_short_time_walks_over_no_table(ledger: Ledger) -> None:
    await ledger.append([])
    await ledger.ensure_endpoints({EndpointKey("acme", f"e{number}"): None for number in range(50)})
    ledger.mark_alive(START + 10_000 * MINUTE)
    await ledger.flushed()
    engine = writer_of(ledger).engine
    async with engine.begin() as connection:
        fill = MANY.format(site=ledger.site, boot=ledger.boot, start=START)
        for statement in (fill, MANY_TRANSITIONS, MANY_OBSERVATIONS):
            await connection.exec_driver_sql(statement)
        if engine.dialect.name == "postgresql":
            await connection.exec_driver_sql("ANALYZE")
    last = START + 10_000 * MINUTE
    bounds = {"day": last - DAY, "hour": last - 60 * MINUTE, "time": format_instant(last - DAY)}
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    for question in FEW:
        plan = [str(tuple(each.values())) for each in await rows(ledger, explain + question.format(**bounds))]
        walks = [line for line in plan if walks_over_a_table(line)]
        assert not walks, (question, "\n".join(plan))
        assert await rows(ledger, question.format(**bounds))


def walks_over_a_table(line: str) -> bool:
    tables = ("entries", "transitions", "observations")
    if "Seq Scan on" in line:
        return any(f"Seq Scan on {table}" in line for table in tables)
    return "SCAN" in line and not any(
        word in line for word in ("SCAN d", "SCAN bounds", "SCAN days", "SCAN k", "SCAN m", "SCAN CONSTANT ROW")
    )


@pytest.mark.parametrize("name", NAMES)
async def test_no_column_is_there_twice(ledger: Ledger, name: str) -> None:
    async with ledger.reading.connect() as connection:
        columns = list((await connection.execute(text(f"SELECT * FROM {name}"))).keys())
    assert len(columns) == len(set(columns))
    # An instant is in microseconds under its name with "_at", and to be read under the name alone.
    readable = {"at": "time"} | {each: each.removesuffix("_at") for each in columns if each.endswith("_at")}
    readable.pop("until_earliest_at", None)
    assert [each for each in readable if each in columns and readable[each] not in columns] == []


REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "sql-views.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
async def test_every_view_and_column_is_in_the_reference(ledger: Ledger, name: str) -> None:
    section = REFERENCE.partition(f"\n## `{name}`\n")[2].partition("\n## ")[0]
    async with ledger.reading.connect() as connection:
        columns = list((await connection.exec_driver_sql(f"SELECT * FROM {name} LIMIT 0")).keys())
    assert re.findall(r"^\| `(\w+)` \| .", section, re.MULTILINE) == columns


async def test_hours_and_addresses_are_shown(ledger: Ledger) -> None:
    """Ten good observations of 1,500 us, of which retention leaves the first and the latest."""
    ledger.append([entry_of(ROUTER, up(0))])
    for second in range(10):
        ledger.observe(ROUTER, replace(seen(second), address="192.0.2.1"))
    await ledger.flushed()
    await ledger.prune_observations(at(100))
    [hour] = await rows(ledger, "SELECT * FROM v_observation_hours")
    assert (hour["endpoint"], hour["up"], hour["mean_us"], hour["at"]) == ("router", 8, 1_500, at(0))
    assert (hour["first_at"], hour["last_at"]) == (at(1), at(8))
    kept = await rows(ledger, "SELECT address FROM v_observations")
    assert [each["address"] for each in kept] == ["192.0.2.1"] * 2
