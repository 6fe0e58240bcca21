"""Uptime Kuma's file: its monitors become endpoints, its heartbeats a past that claims no more than they show."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moving.acme import box, rows_of, slawatch
from moving.kuma import DOWN, MAINTENANCE, PENDING, UP, beats_of, build, row, text_of
from moving.worlds import Monitor, as_premised, check_bounds, check_coverage, some_absences, some_world, timeline_of
from slawatch.config.loader import load_client_text
from slawatch.domain.facts import Change
from slawatch.domain.interval import DISTANT_FUTURE, HOUR, MINUTE, SECOND
from slawatch.moving import uptime_kuma
from slawatch.moving.carried import client_file, endpoint_names
from slawatch.moving.series import Tally
from slawatch.runtime.errors import InputError
from support.clock import START

MONITORS: list[dict[str, Any]] = [
    {"name": "Shop", "type": "http", "url": "https://shop.example/", "interval": 60, "maxretries": 2,
     "retry_interval": 20},
    {"name": "Shop", "type": "keyword", "url": "https://shop.example/", "keyword": 'Wel"come', "maxredirects": 0},
    {"name": "Router 1", "type": "ping", "hostname": "192.0.2.1", "interval": 20, "timeout": 5.5},
    {"name": "Büro: Mail", "type": "port", "hostname": "2001:db8::5", "port": 25, "active": 0},
    {"name": "Zone", "type": "dns", "hostname": "acme.example", "dns_resolve_server": "192.0.2.53",
     "dns_resolve_type": "MX"},
    {"name": "Login", "type": "http", "url": "https://a.example/", "basic_auth_user": "me",
     "basic_auth_pass": "canary-pw", "auth_method": "basic", "headers": '{"X": "canary-header"}',
     "accepted_statuscodes_json": '["200", "301-302"]'},
    {"name": "Job", "type": "push", "push_token": "canary-token"},
    {"name": "Box", "type": "docker"},
]  # fmt: skip


def test_monitors_become_a_client_file_that_is_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = build(tmp_path / "kuma.db", MONITORS)
    assert slawatch("import", "uptime-kuma", path, "--client", "acme", "--write-to", tmp_path / "clients") == 0
    text = (tmp_path / "clients" / "acme.yaml").read_text(encoding="utf-8")
    client = load_client_text(text, "acme.yaml")
    found = {each.name: (each.kind, each.target, each.cadence) for each in client.endpoints}
    assert list(found) == ["shop", "shop_2", "router_1", "buro_mail", "zone", "login"]
    assert found["shop"][:2] == ("http", "https://shop.example/")
    pace = found["shop"][2]
    assert (pace.every, pace.confirm, pace.retry_every, pace.timeout) == (60 * SECOND, 3, 20 * SECOND, 48 * SECOND)
    assert found["router_1"][2].timeout == 5_500_000
    assert found["buro_mail"][:2] == ("tcp", "[2001:db8::5]:25")
    assert found["zone"][:2] == ("dns", "192.0.2.53:53/acme.example")
    said = capsys.readouterr().err
    assert "canary" not in text + said
    for name, note in (
        ("Job", "type push has no counterpart"),
        ("Box", "type docker"),
        ("Login", "credentials are not"),
    ):
        assert any(name in line and note in " ".join(said.split()) for line in said.splitlines()), note
    assert slawatch("import", "uptime-kuma", path, "--client", "acme", "--write-to", tmp_path / "clients") == 2
    assert "left alone" in capsys.readouterr().err


def test_names_of_endpoints() -> None:
    assert endpoint_names(["A b", "a-b", "9 lives", "…", "A b"]) == ["a_b", "a_b_2", "e_9_lives", "endpoint", "a_b_3"]


def at(seconds: float) -> str:
    return text_of(START + round(seconds * SECOND))


def test_heartbeats_become_a_past(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Up; two retries, down; up; within maintenance; away for an hour; up."""
    beats = [
        (1, UP, at(0), "200 - OK"),
        (1, UP, at(60), "200 - OK"),
        (1, PENDING, at(120), "timeout"),
        (1, PENDING, at(140), "timeout"),
        (1, DOWN, at(160), "timeout"),
        (1, DOWN, at(220), "timeout"),
        (1, UP, at(280), "200 - OK"),
        (1, MAINTENANCE, at(340), "Monitor under maintenance"),
        (1, UP, at(400), "200 - OK"),
        (1, UP, at(4_000), "200 - OK"),
        (1, UP, at(4_000), "200 - OK"),
        (1, 7, at(4_010), "?"),
        (1, UP, "2099-01-01 00:00:00.000", "of the future"),
    ]
    path = build(tmp_path / "kuma.db", [MONITORS[0] | {"name": "website"}], beats)
    before = path.read_bytes()
    config = box(tmp_path / "box")
    arguments = ("import", "uptime-kuma", path, "--client", "acme", "--config", config, "--format", "jsonl")
    assert slawatch(*arguments) == 0
    [result] = rows_of(capsys.readouterr().out)
    assert (result["result"], result["outages"], result["samples"]) == ("imported", 1, 10)
    assert "1 heartbeats that stand there twice" in result["note"]
    assert "2 heartbeats with a time or a status that cannot be" in result["note"]
    assert "no alibi" in result["note"]
    assert slawatch("history", "--config", config, "--format", "jsonl") == 0
    rows = [each for each in rows_of(capsys.readouterr().out) if each["type"] == "state"]
    assert {each["source"] for each in rows} == {"uptime-kuma"}
    states = [(each["state"], each.get("cause")) for each in rows]
    assert states == [
        ("up", None), ("down", None), ("up", None), ("unknown", "paused"), ("up", None),
        ("unknown", "monitor_stopped"), ("up", None), ("unknown", "no_further_data"),
    ]  # fmt: skip
    # the point figure begins at the first retry; the bracket at the last success
    assert rows[1]["at"].startswith("2026-01-05T00:02:00")
    assert rows[1]["edges"]["low"].startswith("2026-01-05T00:01:00")
    assert "timeout" in rows[1]["detail"]
    assert slawatch(*arguments) == 0
    assert rows_of(capsys.readouterr().out)[0]["result"] == "nothing"  # slawatch knows it by now
    assert path.read_bytes() == before


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32))
def test_bounds_hold_the_truth_that_made_the_heartbeats(seed: int, tmp_path: Path) -> None:
    """S8, through the file itself: whatever was, with its retries, its jitter, its absences and its pruning."""
    chance = random.Random(seed)
    length = chance.choice([HOUR, 6 * HOUR])
    world = some_world(chance, length, chance.choice([2 * MINUTE, HOUR]))
    monitor = Monitor(
        60 * SECOND, chance.randrange(4), chance.choice([20, 60]) * SECOND, 5 * SECOND, some_absences(chance, length)
    )
    state = chance.getstate()
    beats = beats_of(world, monitor, START, START + length, chance)
    chance.setstate(state)
    looks = monitor.looks(world, START, START + length, chance)
    pruned = chance.randrange(len(beats) // 2 + 1)  # the oldest are gone
    path = tmp_path / "kuma.db"
    path.unlink(missing_ok=True)
    build(path, [row(monitor)], beats[pruned:])
    [series] = uptime_kuma.read_series(path)
    assert series.cadence is not None
    timeline = timeline_of(series.facts(series.cadence, DISTANT_FUTURE, Tally()))
    check_coverage(timeline, looks[pruned:], series.cadence.speaks_for)
    premised = as_premised(world, looks)
    for _ in range(10):
        start, end = sorted(START - HOUR + chance.randrange(length + 2 * HOUR) for _ in range(2))
        check_bounds(timeline, premised, start, end + 1)


def test_a_gap_is_no_uptime(tmp_path: Path) -> None:
    """Red where silence were taken for the last state: of 10,000 s two minutes are known."""
    path = build(
        tmp_path / "kuma.db", [MONITORS[0]], [(1, UP, at(0), ""), (1, UP, at(120), ""), (1, UP, at(10_000), "")]
    )
    [series] = uptime_kuma.read_series(path)
    assert series.cadence is not None
    facts = [each for each in series.facts(series.cadence, DISTANT_FUTURE, Tally()) if isinstance(each, Change)]
    known = [(each.state.word, (each.at - START) // SECOND) for each in facts]
    assert known == [("up", 0), ("unknown", 120), ("up", 10_000), ("unknown", 10_000)]


@pytest.mark.parametrize("kind", ["text", "another", "torn", "none"])
def test_other_files_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "kuma.db"
    if kind == "text":
        path.write_text("monitor: no" * 1_000, encoding="utf-8")
    elif kind == "another":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE monitor (id, name)")
    elif kind == "torn":
        build(path, MONITORS, [(1, UP, at(number), "x" * 500) for number in range(2_000)])
        path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(InputError, match=r"kuma\.db: "):
        read_all(path)


def read_all(path: Path) -> None:
    for series in uptime_kuma.read_series(path):
        assert series.cadence is not None
        list(series.facts(series.cadence, DISTANT_FUTURE, Tally()))


def test_nothing_to_carry_over(tmp_path: Path) -> None:
    text = client_file("acme", "Uptime Kuma", uptime_kuma.read_configuration(build(tmp_path / "k.db", MONITORS[-2:])))
    assert load_client_text(text, "acme.yaml").endpoints == ()


def test_a_login_in_a_url_is_not_copied(tmp_path: Path) -> None:
    monitor = {"name": "A", "type": "http", "url": "https://me:canary@a.example/x?y=1"}
    text = client_file("acme", "Uptime Kuma", uptime_kuma.read_configuration(build(tmp_path / "k.db", [monitor])))
    assert "canary" not in text
    assert load_client_text(text, "acme.yaml").endpoints[0].target == "https://a.example/x?y=1"
    assert "the login in its URL is not copied" in text
