"""The rows of a history file (S5, S17, S27): every type, every mistake, and what they come to."""

from __future__ import annotations

from typing import Any

import pytest

from domain.small_cases import changes, s, span, spell
from slawatch.domain.exclusions import Announcement, ExclusionKind
from slawatch.domain.facts import Blip, Change, State
from slawatch.domain.history import (
    History,
    add_row,
    blip_row,
    exclusion_rows,
    read_rows,
    state_row,
)
from slawatch.domain.interval import Interval, format_instant
from slawatch.domain.observation import Cause
from slawatch.domain.timeline import HIGH, LOW, cause_of


def at(seconds: int) -> str:
    return format_instant(s(seconds))


def state(seconds: int, word: str, endpoint: str = "a", **more: Any) -> dict[str, Any]:
    return {"endpoint": endpoint, "at": at(seconds), "state": word, **more}


def sealed(*rows: dict[str, Any], until: int | None = None) -> History:
    history = read_rows(rows)
    history.seal(None if until is None else s(until))
    return history


def point(*rows: dict[str, Any], until: int | None = None, version: int | None = None) -> str:
    timeline = sealed(*rows, until=until).timeline("a")
    return spell(timeline) if version is None else spell(timeline, version)


def test_s5_unknown_before_the_first_row_and_after_the_last() -> None:
    """S5: the history ends at its last row; nothing turns the end of a file into up."""
    assert point(state(100, "up"), state(200, "down"), state(300, "up")) == "0 unknown, 100 up, 200 down, 300 unknown"


def test_s5_until_lets_the_last_state_hold_longer() -> None:
    """A row of type until, or the option, which goes before it."""
    rows = state(100, "up"), {"type": "until", "at": at(500)}
    assert point(*rows) == "0 unknown, 100 up, 500 unknown"
    assert point(*rows, until=700) == "0 unknown, 100 up, 700 unknown"
    assert point(state(100, "up"), state(200, "down"), until=150) == "0 unknown, 100 up, 150 unknown"


def test_s5_the_end_of_the_history_has_a_cause() -> None:
    """S5: `no_further_data`, `never_observed` and what the rows say."""
    timeline = sealed(state(100, "up"), state(200, "unknown", cause="path_lost"), state(300, "up"), until=400).timeline(
        "a"
    )
    found = [cause_of(timeline.at(s(second))) for second in (0, 200, 400)]
    assert found == [Cause.NEVER_OBSERVED, Cause.PATH_LOST, Cause.NO_FURTHER_DATA]


def test_s5_an_endpoint_ends_with_the_whole_history() -> None:
    """The end is that of the file, not of each endpoint: another endpoint's row at 500 is a later row."""
    assert point(state(100, "up"), state(500, "up", endpoint="b")) == "0 unknown, 100 up, 500 unknown"
    assert spell(sealed(state(0, "up")).timeline("nobody")) == "0 unknown"


def test_s17_rows_come_in_any_order() -> None:
    """S17: order matters only between two states of one endpoint at one instant, where the later row wins."""
    rows = [state(300, "up"), state(100, "up"), state(200, "down")]
    assert (
        point(*rows, until=400)
        == point(*reversed(rows), until=400)
        == "0 unknown, 100 up, 200 down, 300 up, 400 unknown"
    )
    assert point(state(100, "up"), state(100, "down"), until=200) == "0 unknown, 100 down, 200 unknown"
    assert point(state(100, "down"), state(100, "up"), until=200) == "0 unknown, 100 up, 200 unknown"


def test_s8_edges_say_where_a_change_lies() -> None:
    """S8: down at 200, changed between 150 and 210."""
    rows = [
        state(100, "up"),
        state(200, "down", edges={"low": at(150), "high": at(210)}),
        {"type": "until", "at": at(300)},
    ]
    assert point(*rows, version=LOW) == "0 unknown, 100 up, 150 down, 300 unknown"
    assert point(*rows, version=HIGH) == "0 unknown, 100 up, 210 down, 300 unknown"


def test_s8_a_history_cut_inside_a_bracket_keeps_it() -> None:
    """S8: it failed at 200 after it was last seen good at 150; cut at 180, low is still not up from 150 on."""
    rows = [state(100, "up"), state(200, "down", edges={"low": at(150), "high": at(200)})]
    assert point(*rows, until=180) == "0 unknown, 100 up, 180 unknown"
    assert point(*rows, until=180, version=LOW) == "0 unknown, 100 up, 150 down, 180 unknown"
    assert point(*rows, until=140, version=LOW) == "0 unknown, 100 up, 140 unknown"
    gone = [state(100, "down"), state(200, "unknown", edges={"low": at(150), "high": at(200)})]
    assert point(*gone, until=180, version=HIGH) == "0 unknown, 100 down, 150 up, 180 unknown"


def test_s8_the_last_row_of_a_history_keeps_its_edges() -> None:
    """S8: the history ends with the failure at 200, which may have begun at 150."""
    rows = [state(100, "up"), state(200, "down", edges={"low": at(150), "high": at(200)})]
    assert point(*rows) == "0 unknown, 100 up, 200 unknown"
    assert point(*rows, version=LOW) == "0 unknown, 100 up, 150 down, 200 unknown"


def test_s12_blips() -> None:
    """S8, S12: an unconfirmed failure lowers low; `down` when the row does not say."""
    blip = {"type": "blip", "endpoint": "a", "at": at(150), "edges": {"low": at(140), "high": at(160)}}
    rows = [state(100, "up"), {"type": "until", "at": at(300)}]
    assert point(*rows, blip) == "0 unknown, 100 up, 300 unknown"
    assert point(*rows, blip, version=LOW) == "0 unknown, 100 up, 140 down, 160 up, 300 unknown"
    outage = [state(100, "down"), {"type": "until", "at": at(300)}]
    assert point(*outage, blip | {"state": "up"}, version=HIGH) == "0 unknown, 100 down, 140 up, 160 down, 300 unknown"


def test_s5_a_cause_row_explains_unknown_time() -> None:
    """S5: from its instant on, until the next row; over known time it says nothing."""
    rows = [
        state(100, "up"),
        state(200, "unknown"),
        state(400, "up"),
        {"type": "cause", "endpoint": "a", "at": at(300), "cause": "paused"},
        {"type": "cause", "endpoint": "a", "at": at(150), "cause": "path_lost"},
    ]
    timeline = sealed(*rows, until=500).timeline("a")
    assert [cause_of(timeline.at(s(second))) for second in (150, 200, 300, 400)] == [
        None,
        Cause.STATED,
        Cause.PAUSED,
        None,
    ]
    assert spell(timeline) == "0 unknown, 100 up, 200 unknown, 400 up, 500 unknown"
    same = [state(100, "unknown"), {"type": "cause", "endpoint": "a", "at": at(100), "cause": "paused"}]
    assert cause_of(sealed(*same).timeline("a").at(s(100))) is Cause.PAUSED


def correction(start: int, end: int, word: str, **more: Any) -> dict[str, Any]:
    row = {"type": "correction", "endpoint": "a", "start": at(start), "end": at(end), "state": word}
    return row | {"reason": "seen by camera", "approved_by": "client"} | more


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([correction(200, 250, "up")], "0 unknown, 100 up, 250 down, 300 up, 500 unknown"),
        # in the order of their entry: the later one wins
        (
            [correction(200, 250, "up"), correction(220, 230, "down")],
            "0 unknown, 100 up, 220 down, 230 up, 250 down, 300 up, 500 unknown",
        ),
        (
            [correction(220, 230, "down"), correction(200, 250, "up")],
            "0 unknown, 100 up, 250 down, 300 up, 500 unknown",
        ),
        # to unknown
        ([correction(250, 350, "unknown")], "0 unknown, 100 up, 200 down, 250 unknown, 350 up, 500 unknown"),
        # without a reason or an approver it is only a wish
        ([correction(200, 250, "up", approved_by="")], "0 unknown, 100 up, 200 down, 300 up, 500 unknown"),
        ([correction(200, 250, "up", reason="")], "0 unknown, 100 up, 200 down, 300 up, 500 unknown"),
        # of another endpoint
        ([correction(200, 250, "up", endpoint="b")], "0 unknown, 100 up, 200 down, 300 up, 500 unknown"),
    ],
)
def test_s27_corrections_are_later_entries(rows: list[dict[str, Any]], expected: str) -> None:
    """S27; edge case 13: append-only, applied in the order of entry, approved."""
    states = [state(100, "up"), state(200, "down"), state(300, "up")]
    assert point(*states, *rows, until=500) == expected


def test_s27_the_rows_themselves_are_never_changed() -> None:
    """S27: judging leaves what was read as it was."""
    row = state(100, "unknown")
    history = sealed(row, correction(100, 200, "up"), until=300)
    assert row == state(100, "unknown")
    assert history.changes["a"] == [Change(s(100), State.UNKNOWN, s(100), s(100))]


def test_exclusions_of_a_history() -> None:
    """An exclusion row says what an announcement knows."""
    row = {
        "type": "exclusion",
        "id": "m1",
        "kind": "third_party",
        "start": at(100),
        "end": at(200),
        "services": ["network"],
        "contracts": ["net"],
        "reason": "r",
        "approved_by": "c",
        "announced_at": at(50),
    }
    assert sealed(row).announcements == [
        Announcement(
            "m1",
            ExclusionKind.THIRD_PARTY,
            (span(100, 200),),
            None,
            frozenset({"network"}),
            frozenset({"net"}),
            "r",
            "c",
            s(50),
        )
    ]
    plain = sealed({"type": "exclusion", "start": at(100), "end": at(200)}).announcements[0]
    assert (plain.kind, plain.announced_at, plain.services) == (ExclusionKind.MAINTENANCE, None, frozenset())


def test_s29_versions_of_terms() -> None:
    """S29: the terms in force at an instant; before the first version, the first."""
    history = sealed(
        {"type": "contract", "contract": "net", "at": at(300), "terms": {"v": "2"}},
        {"type": "contract", "contract": "net", "at": at(100), "terms": {"v": "1"}},
        {"type": "contract", "contract": "mail", "at": at(50), "terms": {"v": "m"}},
    )
    assert [history.terms_at("net", s(second)) for second in (0, 100, 299, 300)] == [
        {"v": "1"},
        {"v": "1"},
        {"v": "1"},
        {"v": "2"},
    ]
    assert history.first_seen("net") == s(100)
    assert history.first_seen("web") is None
    assert history.terms_at("web", s(0)) is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"type": "states"}, "type: 'states' is unknown: expected one of state, blip"),
        ({"at": at(0), "state": "up"}, "endpoint: missing"),
        ({"endpoint": "", "at": at(0), "state": "up"}, "endpoint: missing"),
        ({"endpoint": "a", "state": "up"}, "at: missing: expected an instant"),
        ({"endpoint": "a", "at": 5, "state": "up"}, "at: missing"),
        ({"endpoint": "a", "at": "2026-01-05 10:00", "state": "up"}, "at: .* has no zone"),
        ({"endpoint": "a", "at": at(0)}, "state: None is no state: expected up, degraded"),
        ({"endpoint": "a", "at": at(0), "state": "UP!"}, "is no state"),
        ({"endpoint": "a", "at": at(0), "state": 1}, "is no state"),
        ({"endpoint": "a", "at": at(0), "state": "up", "edges": [1, 2]}, "edges: expected"),
        ({"endpoint": "a", "at": at(0), "state": "up", "edges": {"low": at(0)}}, "high: missing"),
        ({"endpoint": "a", "at": at(5), "state": "up", "edges": {"low": at(9), "high": at(7)}}, "low is after high"),
        # a change lies inside its own edges
        ({"endpoint": "a", "at": at(5), "state": "up", "edges": {"low": at(6), "high": at(7)}}, "edges: do not hold"),
        ({"endpoint": "a", "at": at(8), "state": "up", "edges": {"low": at(6), "high": at(7)}}, "edges: do not hold"),
        ({"endpoint": "a", "at": at(0), "state": "unknown", "cause": "aliens"}, "cause: 'aliens' is unknown"),
        ({"type": "cause", "endpoint": "a", "at": at(0)}, "cause: missing"),
        ({"type": "blip", "endpoint": "a", "at": at(0), "state": "unknown"}, "state: a blip is up, degraded or down"),
        ({"type": "blip", "endpoint": "a", "at": at(0), "count": "many"}, "count: 'many' is no number of observations"),
        ({"type": "exclusion", "start": at(5), "end": at(5)}, "end: is not after start"),
        ({"type": "exclusion", "start": at(5), "end": at(9), "kind": "holiday"}, "kind: 'holiday' is unknown"),
        ({"type": "exclusion", "start": at(5), "end": at(9), "services": "x"}, "services: expected a list"),
        ({"type": "exclusion", "end": at(9)}, "start: missing"),
        ({"type": "correction", "endpoint": "a", "start": at(5), "end": at(4), "state": "up"}, "end: is not after"),
        ({"type": "correction", "endpoint": "a", "start": at(5), "end": at(9)}, "is no state"),
        ({"type": "contract", "contract": "net", "at": at(5)}, "terms: missing"),
        ({"type": "contract", "at": at(5), "terms": {}}, "contract: missing"),
        ({"type": "until"}, "at: missing"),
        ({"type": ["state"]}, "type: .* is unknown"),
    ],
)
def test_every_mistake_says_which_key_and_what_is_expected(row: dict[str, Any], words: str) -> None:
    """A history that cannot be understood is refused, never guessed."""
    with pytest.raises(ValueError, match=words):
        add_row(History(), row)


def test_rows_that_are_written_read_back() -> None:
    """What `history` writes is what `evaluate` reads."""
    facts = changes("up 0, down 100 [60..100], unknown 200 [150..200] path_lost, degraded 300")
    blips = [Blip(s(50), State.DOWN, s(40), s(60), 2, "timeout", "no answer")]
    rows = [*(state_row("acme", "a", fact) for fact in facts), *(blip_row("acme", "a", blip) for blip in blips)]
    history = read_rows(rows)
    assert history.changes == {"a": facts}
    assert history.blips == {"a": blips}


def test_exclusions_that_are_written_read_back() -> None:
    """One row for each occurrence inside the window, each with the announcement's own name."""
    entry = Announcement(
        "m1",
        ExclusionKind.OTHER,
        (span(100, 200), span(300, 400), span(900, 950)),
        None,
        frozenset({"network"}),
        frozenset(),
        "r",
        "c",
        s(50),
    )
    found = read_rows(exclusion_rows("acme", entry, Interval(s(150), s(350)))).announcements
    assert [(one.identity, one.spans[0], one.kind, one.announced_at) for one in found] == [
        ("m1", span(100, 200), ExclusionKind.OTHER, s(50)),
        ("m1", span(300, 400), ExclusionKind.OTHER, s(50)),
    ]
    assert {(one.services, one.reason, one.approved_by) for one in found} == {(frozenset({"network"}), "r", "c")}


def test_an_empty_history_has_no_end() -> None:
    """Nothing was ever there."""
    history = sealed()
    assert history.end is None
    assert history.first is None
    assert spell(history.timeline("a")) == "0 unknown"
