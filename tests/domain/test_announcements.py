"""Maintenance and exclusions as people write them (S2, S25)."""

from __future__ import annotations

from typing import Any

import pytest

from slawatch.domain.announcements import AnnouncementError, identity_of, parse_announcement
from slawatch.domain.exclusions import ExclusionKind
from slawatch.domain.interval import HOUR, Interval, parse_instant

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("document", "start", "end"),
    [
        # Berlin in winter is UTC+1
        ({"start": "2026-02-01 22:00", "duration": "4h"}, "2026-02-01T21:00:00Z", "2026-02-02T01:00:00Z"),
        ({"start": "2026-02-01 22:00", "end": "2026-02-02 02:00"}, "2026-02-01T21:00:00Z", "2026-02-02T01:00:00Z"),
        # an offset in the text goes before the zone
        ({"start": "2026-02-01T22:00:00Z", "duration": "4h"}, "2026-02-01T22:00:00Z", "2026-02-02T02:00:00Z"),
        # a date is its first instant
        ({"start": "2026-02-01", "end": "2026-02-02"}, "2026-01-31T23:00:00Z", "2026-02-01T23:00:00Z"),
        # a duration is elapsed time: 4 h over the spring change end at 06:00 on the clock
        ({"start": "2026-03-29 01:00", "duration": "4h"}, "2026-03-29T00:00:00Z", "2026-03-29T04:00:00Z"),
        # an end is a local time: 01:00 to 05:00 on that night are 3 h
        ({"start": "2026-03-29 01:00", "end": "2026-03-29 05:00"}, "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z"),
        # a start that the clocks skip is the first instant after the gap
        ({"start": "2026-03-29 02:30", "duration": "1h"}, "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
        # one that occurs twice is the first of the two
        ({"start": "2026-10-25 02:30", "duration": "1h"}, "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
        # its own zone
        (
            {"start": "2026-02-01 22:00", "duration": "1h", "zone": "Asia/Kathmandu"},
            "2026-02-01T16:15:00Z",
            "2026-02-01T17:15:00Z",
        ),
    ],
)
def test_s25_one_span(document: dict[str, Any], start: str, end: str) -> None:
    """S2, S25: local times in the client's zone, a duration as elapsed time."""
    entry = parse_announcement(document, BERLIN)
    assert entry.spans == (Interval(parse_instant(start), parse_instant(end)),)
    assert entry.kind is ExclusionKind.MAINTENANCE


def test_s25_recurring() -> None:
    """S25: the first Sunday of each month at 02:00 local for two elapsed hours, one of them left out."""
    entry = parse_announcement(
        {
            "services": ["network"],
            "from": "2026-01-04 02:00",
            "rrule": "FREQ=MONTHLY;BYDAY=1SU",
            "duration": "2h",
            "exdate": ["2026-03-01"],
            "reason": "patch day",
        },
        BERLIN,
        announced_at=parse_instant("2026-01-01T00:00:00Z"),
    )
    found = entry.within(Interval(parse_instant("2026-01-01T00:00:00Z"), parse_instant("2026-06-01T00:00:00Z")))
    # 01:00 UTC in winter, midnight UTC in summer
    assert [span.start for span in found] == [
        parse_instant(text)
        for text in ("2026-01-04T01:00:00Z", "2026-02-01T01:00:00Z", "2026-04-05T00:00:00Z", "2026-05-03T00:00:00Z")
    ]
    assert {span.length for span in found} == {2 * HOUR}
    assert entry.services == {"network"}
    assert entry.announced_at == parse_instant("2026-01-01T00:00:00Z")


def test_s28_other_kinds() -> None:
    """S28: the type, the reason and the approver."""
    entry = parse_announcement(
        {
            "contracts": ["network"],
            "start": "2026-02-01 22:00",
            "duration": "4h",
            "type": "client_fault",
            "reason": "unplugged",
            "approved_by": "client",
        },
        BERLIN,
    )
    assert (entry.kind, entry.reason, entry.approved_by) == (ExclusionKind.CLIENT_FAULT, "unplugged", "client")
    assert entry.contracts == {"network"}


@pytest.mark.parametrize(
    ("document", "key", "words"),
    [
        ({"duration": "1h"}, "start", "missing"),
        ({"start": "2026-02-01 22:00"}, "duration", "either an end or a duration"),
        ({"start": "2026-02-01 22:00", "end": "2026-02-02", "duration": "1h"}, "duration", "either"),
        ({"start": "2026-02-01 22:00", "end": "2026-02-01 21:00"}, "end", "not after the start"),
        ({"start": "2026-02-01 22:00", "duration": "0s"}, "end", "not after the start"),
        ({"start": "soon", "duration": "1h"}, "start", "no local time"),
        ({"start": "2026-02-01", "duration": "1"}, "duration", "no duration"),
        ({"start": "2026-02-01", "duration": "1h", "type": "holiday"}, "type", "expected one of"),
        ({"start": "2026-02-01", "duration": "1h", "who": "me"}, "who", "unknown"),
        ({"start": "2026-02-01", "duration": "1h", "services": "network"}, "services", "list of names"),
        ({"start": "2026-02-01", "duration": "1h", "contracts": [1]}, "contracts", "list of names"),
        ({"from": "2026-01-04 02:00", "duration": "1h"}, "rrule", "missing"),
        ({"rrule": "FREQ=DAILY", "duration": "1h"}, "from", "missing"),
        ({"from": "2026-01-04 02:00", "rrule": "FREQ=DAILY"}, "duration", "missing"),
        ({"from": "2026-01-04 02:00Z", "rrule": "FREQ=DAILY", "duration": "1h"}, "from", "offset"),
        ({"from": "2026-01-05 02:00", "rrule": "FREQ=MONTHLY;BYDAY=1SU", "duration": "1h"}, "rrule", "no occurrence"),
        ({"from": "2026-01-04 02:00", "rrule": "DAILY", "duration": "1h"}, "rrule", "FREQ=MONTHLY"),
        (
            {"from": "2026-01-04 02:00", "rrule": "FREQ=DAILY", "duration": "1h", "exdate": "x"},
            "exdate",
            "expected dates",
        ),
    ],
)
def test_what_is_no_announcement_is_refused(document: dict[str, Any], key: str, words: str) -> None:
    """The key, what is wrong, what is expected."""
    with pytest.raises(AnnouncementError, match=words) as caught:
        parse_announcement(document, BERLIN)
    assert caught.value.key == key


def test_the_same_words_are_the_same_announcement() -> None:
    """An identity does not depend on the order of keys, and does on the zone."""
    one = {"start": "2026-02-01", "duration": "1h"}
    assert identity_of(one, BERLIN) == identity_of(dict(reversed(one.items())), BERLIN)
    assert identity_of(one, BERLIN) != identity_of(one, "UTC")
    assert identity_of(one, BERLIN) != identity_of({**one, "duration": "2h"}, BERLIN)
