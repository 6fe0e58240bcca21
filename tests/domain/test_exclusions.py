"""Maintenance, other exclusions and their overlaps (S25, S26, S28). The period is 0-1000 s."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from domain.small_cases import agreement, judged, maintenance, options, s, seconds, span, spell_set, timeline_of
from slawatch.domain.exclusions import Announcement, ExclusionKind, Ruling, effective_exclusions
from slawatch.domain.interval import HOUR, SECOND, Duration, Interval, parse_instant
from slawatch.domain.recurrence import Recurrence


def ruled(
    *entries: Announcement, notice: int = 0, limit: int | None = None, start: int = 0, end: int = 1000
) -> list[tuple[int, int, str]]:
    """What was ruled about each span, in order of time."""
    allowance: Duration | None = None if limit is None else limit * SECOND
    found = effective_exclusions(entries, span(start, end), notice * SECOND, allowance)
    return [
        ((item.span.start - s(0)) // SECOND, (item.span.end - s(0)) // SECOND, item.ruling.name)
        for item in found.rulings
    ]


def booked(*entries: Announcement, notice: int = 0, limit: int | None = None) -> dict[str, str]:
    """Which seconds each kind took."""
    allowance: Duration | None = None if limit is None else limit * SECOND
    found = effective_exclusions(entries, span(0, 1000), notice * SECOND, allowance)
    return {kind.value: spell_set(intervals) for kind, intervals in found.by_kind}


@pytest.mark.parametrize(
    ("announced", "notice", "approved", "ruling"),
    [
        # entered at 100, starts at 500: 400 s of notice are enough for 400 s, not for 401 s
        (100, 400, False, Ruling.COUNTS),
        (100, 401, False, Ruling.TOO_LATE),
        # no notice asked for: entered before it starts, or at its start
        (500, 0, False, Ruling.COUNTS),
        # entered afterwards it is a correction
        (501, 0, False, Ruling.TOO_LATE),
        # a correction counts with a reason and an approver
        (501, 0, True, Ruling.APPROVED),
        (100, 401, True, Ruling.APPROVED),
        (100, 400, True, Ruling.COUNTS),
        # nobody knows when it was announced: enough where no notice is asked for
        (None, 0, False, Ruling.COUNTS),
        (None, 0, True, Ruling.COUNTS),
        (None, 1, False, Ruling.NO_RECORD),
        (None, 1, True, Ruling.APPROVED),
    ],
)
def test_s25_notice(announced: int | None, notice: int, approved: bool, ruling: Ruling) -> None:
    """S25; edge case 2: notice runs from the instant at which the ledger first had it."""
    entry = maintenance(500, 600, announced=announced)
    if approved:
        entry = replace(entry, reason="power", approved_by="client")
    assert ruled(entry, notice=notice) == [(500, 600, ruling.name)]


@pytest.mark.parametrize(("reason", "approved_by"), [("", "client"), ("power", ""), ("", "")])
def test_s25_a_correction_needs_both(reason: str, approved_by: str) -> None:
    """S25: a reason and an approver."""
    late = maintenance(500, 600, announced=700, reason=reason, approved_by=approved_by)
    assert ruled(late) == [(500, 600, "TOO_LATE")]
    fault = maintenance(500, 600, kind="client_fault", announced=0, reason=reason, approved_by=approved_by)
    assert ruled(fault) == [(500, 600, "NOT_APPROVED")]


@pytest.mark.parametrize("kind", ["force_majeure", "client_fault", "third_party", "other"])
def test_s28_other_exclusions_are_typed_and_approved(kind: str) -> None:
    """S28; edge case 36: their share is told apart; notice and allowance do not concern them."""
    entry = maintenance(500, 600, kind=kind, reason="flood", approved_by="client")
    assert ruled(entry, notice=900, limit=0) == [(500, 600, "APPROVED")]
    account = judged(agreement(options=options(maintenance_limit="0s")), timeline_of("up 0"), excluded=[entry])
    assert account.excluded_by == {kind: 100 * SECOND}
    assert account.excluded == 100 * SECOND


@pytest.mark.parametrize(
    ("spans", "limit", "rulings"),
    [
        # 50 + 60 s of an allowance of 80: the first in full, 30 s of the second
        ([(100, 150), (200, 260)], 80, [(100, 150, "COUNTS"), (200, 230, "COUNTS"), (230, 260, "OVER_LIMIT")]),
        # order of time, not of entry
        ([(200, 260), (100, 150)], 80, [(100, 150, "COUNTS"), (200, 230, "COUNTS"), (230, 260, "OVER_LIMIT")]),
        # exactly used up
        ([(100, 150), (200, 230)], 80, [(100, 150, "COUNTS"), (200, 230, "COUNTS")]),
        (
            [(100, 150), (200, 230), (300, 301)],
            80,
            [(100, 150, "COUNTS"), (200, 230, "COUNTS"), (300, 301, "OVER_LIMIT")],
        ),
        # overlapping maintenance uses the allowance once: 100-160 and 140-180 are 80 s
        ([(100, 160), (140, 180)], 80, [(100, 160, "COUNTS"), (140, 180, "COUNTS")]),
        ([(100, 160), (140, 190)], 80, [(100, 160, "COUNTS"), (140, 180, "COUNTS"), (180, 190, "OVER_LIMIT")]),
        # one inside the other
        ([(100, 180), (120, 140)], 80, [(100, 180, "COUNTS"), (120, 140, "COUNTS")]),
        # none is allowed
        ([(100, 150)], 0, [(100, 150, "OVER_LIMIT")]),
    ],
)
def test_s25_the_allowance_is_used_up_in_order_of_time(
    spans: list[tuple[int, int]], limit: int, rulings: list[tuple[int, int, str]]
) -> None:
    """S25: `maintenance_limit`, per period."""
    assert ruled(*(maintenance(*interval) for interval in spans), limit=limit) == rulings


def test_s25_the_allowance_is_that_of_each_period() -> None:
    """S25: maintenance 900-1100 uses 100 s of each of the two periods' allowances."""
    entry = maintenance(900, 1100)
    assert ruled(entry, limit=60) == [(900, 960, "COUNTS"), (960, 1000, "OVER_LIMIT")]
    assert ruled(entry, limit=60, start=1000, end=2000) == [(1000, 1060, "COUNTS"), (1060, 1100, "OVER_LIMIT")]


def test_s25_what_exceeds_the_allowance_is_a_correction() -> None:
    """S25: with a reason and an approver the rest counts, as approved."""
    entry = maintenance(100, 200, announced=0, reason="power", approved_by="client")
    assert ruled(entry, limit=60) == [(100, 160, "COUNTS"), (160, 200, "APPROVED")]
    assert booked(entry, limit=60) == {"maintenance": "100-200"}


def test_s25_what_was_too_late_uses_no_allowance() -> None:
    """S25: only maintenance that counts by itself."""
    late, good = maintenance(100, 200, announced=150), maintenance(300, 360, announced=0)
    assert ruled(late, good, limit=60) == [(100, 200, "TOO_LATE"), (300, 360, "COUNTS")]


def test_s25_what_counts_by_itself_uses_the_allowance_approved_or_not() -> None:
    """S25: an approver lets more count, never makes room for others: 60 s of allowance are used up at 160."""
    approved = maintenance(100, 200, reason="power", approved_by="client")
    assert ruled(approved, maintenance(300, 330), limit=60) == [
        (100, 160, "COUNTS"),
        (160, 200, "APPROVED"),
        (300, 330, "OVER_LIMIT"),
    ]


def test_s25_notice_of_a_span_that_began_before_the_period() -> None:
    """S25: from its own start, not from the boundary: announced at 850, started at 900, 50 s of notice."""
    entry = maintenance(900, 1100, announced=850)
    assert ruled(entry, notice=50, start=1000, end=2000) == [(1000, 1100, "COUNTS")]
    assert ruled(entry, notice=51, start=1000, end=2000) == [(1000, 1100, "TOO_LATE")]


def test_s25_an_overrun_is_downtime() -> None:
    """S25; edge case 4: planned 100-200, down 100-250: 50 s of downtime."""
    account = judged(agreement(), timeline_of("up 0, down 100, up 250"), excluded=[maintenance(100, 200)])
    assert seconds(account.classes) == (850, 0, 50, 0)


def test_s25_an_outage_that_began_before_maintenance_counts_until_it() -> None:
    """S25; edge case 5: down 50-250, maintenance 100-200: 100 s count."""
    account = judged(agreement(), timeline_of("up 0, down 50, up 250"), excluded=[maintenance(100, 200)])
    assert seconds(account.classes) == (800, 0, 100, 0)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        # each second goes to one reason, by rank
        (
            [("other", 100, 200), ("maintenance", 150, 250)],
            {"maintenance": "150-250", "other": "100-150"},
        ),
        (
            [("third_party", 100, 400), ("client_fault", 150, 350), ("force_majeure", 200, 300)],
            {"force_majeure": "200-300", "client_fault": "150-200, 300-350", "third_party": "100-150, 350-400"},
        ),
        # wholly covered by a higher rank: nothing is left to it
        ([("maintenance", 100, 300), ("other", 150, 200)], {"maintenance": "100-300"}),
        # the same kind twice is a union
        ([("other", 100, 200), ("other", 150, 250)], {"other": "100-250"}),
    ],
)
def test_s26_overlaps_go_to_one_reason(entries: list[tuple[str, int, int]], expected: dict[str, str]) -> None:
    """S26; edge case 3: maintenance > force_majeure > client_fault > third_party > other, and each second once."""
    listed = [
        maintenance(start, end, kind=kind, announced=0, reason="x", approved_by="y") for kind, start, end in entries
    ]
    assert booked(*listed) == expected
    assert booked(*reversed(listed)) == expected
    account = judged(agreement(), timeline_of("up 0"), excluded=listed)
    assert account.excluded == sum(account.excluded_by.values())


def test_s26_what_does_not_count_takes_no_second() -> None:
    """S26: maintenance that came too late leaves its seconds to what counts."""
    late = maintenance(100, 200, announced=150)
    fault = maintenance(100, 200, kind="client_fault", reason="x", approved_by="y")
    assert booked(late, fault) == {"client_fault": "100-200"}


@pytest.mark.parametrize(
    ("services", "contracts", "concerned"),
    [
        (set(), set(), True),
        ({"network"}, set(), True),
        (set(), {"network"}, True),
        ({"mail"}, set(), False),
        ({"mail"}, {"network"}, True),
        ({"mail", "network"}, set(), True),
        (set(), {"mail"}, False),
    ],
)
def test_s25_whom_an_announcement_concerns(services: set[str], contracts: set[str], concerned: bool) -> None:
    """An entry that names neither services nor contracts is for all of the client."""
    entry = replace(maintenance(100, 200), services=frozenset(services), contracts=frozenset(contracts))
    assert entry.concerns("network", "network") is concerned
    account = judged(agreement(), timeline_of("up 0"), excluded=[entry])
    assert account.excluded == (100 * SECOND if concerned else 0)


def test_s25_recurring_maintenance_is_ruled_by_occurrence() -> None:
    """S25: daily at 02:00 for an hour, entered on the 6th at 00:00 with a day of notice: the first two are too late
    or not yet announced, the third counts."""
    entry = Announcement(
        identity="patches",
        kind=ExclusionKind.MAINTENANCE,
        recurrence=Recurrence(datetime(2026, 1, 5, 2), "UTC", HOUR, "FREQ=DAILY"),
        announced_at=parse_instant("2026-01-06T00:00:00Z"),
    )
    week = Interval(parse_instant("2026-01-05T00:00:00Z"), parse_instant("2026-01-08T00:00:00Z"))
    found = effective_exclusions([entry], week, 24 * HOUR, None)
    assert [item.ruling for item in found.rulings] == [Ruling.TOO_LATE, Ruling.TOO_LATE, Ruling.COUNTS]
    assert found.all.length == HOUR


def test_s26_an_exclusion_outside_the_period_is_none_of_its() -> None:
    """Only what shares an instant with the period."""
    assert ruled(maintenance(1000, 1100)) == []
    assert ruled(maintenance(0, 1000), start=1000, end=2000) == []


@pytest.mark.parametrize(("withdrawn", "counts"), [(99, []), (100, []), (101, [(100, 200)]), (150, [(100, 200)])])
def test_s25_a_withdrawn_announcement_announces_nothing_more(withdrawn: int, counts: list[tuple[int, int]]) -> None:
    """S25, S27: what had begun before it was withdrawn keeps its planned end, what had not does not take place."""
    entry = replace(maintenance(100, 200), withdrawn_at=s(withdrawn))
    assert [(start, end) for start, end, _ in ruled(entry)] == counts
