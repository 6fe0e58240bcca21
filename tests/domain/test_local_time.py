"""S2: what a local time means, and that the zone data behind it is ours."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta, timezone
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slawatch.domain.interval import DAY, HOUR, MINUTE, format_instant, parse_instant
from slawatch.domain.local_time import (
    first_instant,
    instant_of,
    instants_showing,
    local_of,
    offset_at,
    offset_spans,
    parse_date,
    parse_local,
    tzdata_version,
    year_start,
    zone,
    zone_names,
)

ODD_ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Atlantic/Azores",
    "America/Havana",
)


@pytest.mark.parametrize(
    ("name", "local", "instant"),
    [
        # Ordinary: 10:00 at UTC+1.
        ("Europe/Berlin", "2026-01-05T10:00", "2026-01-05T09:00:00Z"),
        # 02:00 jumps to 03:00 at 01:00Z: every skipped time is that instant.
        ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-03-29T02:59:59.999999", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z"),
        # 03:00 falls back to 02:00 at 01:00Z: 02:30 first at UTC+2.
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00Z"),
        # Half an hour: 02:00 (UTC+10:30) jumps to 02:30 (UTC+11) at 15:30Z.
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z"),
        # 02:00 (UTC+11) falls back to 01:30: the first 01:45 is 14:45Z.
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z"),
        # Midnight skipped at UTC-3, and no midnight at all that day.
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00:00Z"),
        # Midnight repeats: 01:00 (UTC-4) falls back to 00:00 (UTC-5).
        ("America/Havana", "2024-11-03T00:00", "2024-11-03T04:00:00Z"),
        # 01:00 (UTC+0) falls back to 00:00 (UTC-1): the first midnight is the one at UTC+0.
        ("Atlantic/Azores", "2026-10-25T00:00", "2026-10-25T00:00:00Z"),
        # The whole of 30 December 2011 is skipped, from UTC-10 to UTC+14 at 10:00Z.
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-31T00:00", "2011-12-30T10:00:00Z"),
        # UTC+5:45, no changes.
        ("Asia/Kathmandu", "2026-01-05T10:00", "2026-01-05T04:15:00Z"),
        # Clocks go back for Ramadan: 03:00 (UTC+1) to 02:00 (UTC+0) on 2026-02-15.
        ("Africa/Casablanca", "2026-02-15T02:30", "2026-02-15T01:30:00Z"),
    ],
)
def test_a_local_time_is_one_instant(name: str, local: str, instant: str) -> None:
    """S2: a skipped time is the first instant after the gap, a repeated one the first of the two."""
    assert format_instant(instant_of(datetime.fromisoformat(local), zone(name))) == instant


@pytest.mark.parametrize(
    ("name", "local", "instants"),
    [
        ("Europe/Berlin", "2026-01-05T10:00", ["2026-01-05T09:00:00Z"]),
        ("Europe/Berlin", "2026-03-29T02:30", []),
        ("Europe/Berlin", "2026-10-25T02:30", ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]),
        ("Pacific/Apia", "2011-12-30T12:00", []),
    ],
)
def test_the_clocks_show_a_time_once_twice_or_never(name: str, local: str, instants: list[str]) -> None:
    """S32: jobs that follow elapsed time run whenever the clocks show their time."""
    found = instants_showing(datetime.fromisoformat(local), zone(name))
    assert [format_instant(instant) for instant in found] == instants


def test_a_date_begins_at_its_first_instant() -> None:
    """S2: the first instant of a date without a midnight is the end of the gap."""
    assert format_instant(first_instant(date(2018, 11, 4), zone("America/Sao_Paulo"))) == "2018-11-04T03:00:00Z"


@given(
    name=st.sampled_from(ODD_ZONES),
    instant=st.integers(parse_instant("1975-01-01T00:00:00Z"), parse_instant("2050-01-01T00:00:00Z")),
)
def test_local_time_of_an_instant_comes_back(name: str, instant: int) -> None:
    """S2: an instant is one of those at which the clocks show its local time, and the earliest is meant."""
    tz = zone(name)
    shown = instants_showing(local_of(instant, tz), tz)
    assert instant in shown
    assert instant_of(local_of(instant, tz), tz) == min(shown)


@given(
    name=st.sampled_from(ODD_ZONES),
    start=st.integers(parse_instant("1975-01-01T00:00:00Z"), parse_instant("2050-01-01T00:00:00Z")),
    length=st.integers(0, 800 * DAY),
    inside=st.integers(0, 800 * DAY),
)
def test_offset_spans_tile(name: str, start: int, length: int, inside: int) -> None:
    """S2: the spans of constant offset tile the whole, differ from their neighbours and agree with the zone."""
    tz, end = zone(name), start + length
    spans = list(offset_spans(start, end, tz))
    assert sum(span.end - span.start for span in spans) == length
    for left, right in pairwise(spans):
        assert left.end == right.start
        assert left.offset != right.offset
    for span in spans:
        for instant in (span.start, span.start + inside % (span.end - span.start), span.end - 1):
            assert span.offset == offset_at(instant, tz)


def _transitions(name: str) -> list[int]:
    """The transitions written out in a TZif file's 64-bit block (RFC 8536), Unix seconds."""
    data = files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    utc, std, leap, times, types, letters = struct.unpack(">6l", data[20:44])
    second = 44 + times * 5 + types * 6 + letters + leap * 8 + std + utc
    count = struct.unpack(">6l", data[second + 20 : second + 44])[3]
    return list(struct.unpack(f">{count}q", data[second + 44 : second + 44 + 8 * count]))


def test_no_zone_changes_twice_within_a_day() -> None:
    """The sampling of offsets is sound: since 1969 no zone's file has two changes within 24 hours."""
    gaps = [
        later - earlier
        for name in zone_names()
        for earlier, later in pairwise(_transitions(name))
        if earlier > -365 * 86_400
    ]
    assert len(gaps) > 10_000
    assert min(gaps) > 86_400


def test_every_change_in_the_file_is_found() -> None:
    """S2: spans of Casablanca, which then changed four times a year, break at each transition of its file."""
    tz = zone("Africa/Casablanca")
    starts = {span.start for span in offset_spans(year_start(2012), year_start(2018), tz)}
    written = [second * 1_000_000 for second in _transitions("Africa/Casablanca")]
    expected = {
        moment
        for moment in written
        if year_start(2012) < moment < year_start(2018) and offset_at(moment, tz) != offset_at(moment - 1, tz)
    }
    assert len(expected) == 6 * 4  # for the summer, and back for its Ramadan
    assert starts == expected | {year_start(2012)}


def test_zone_data_is_that_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """S2: the zone is read from tzdata's own file even where the machine has another idea of it."""
    monkeypatch.setenv("PYTHONTZPATH", "/nonexistent")
    assert zone("Europe/Berlin") is zone("Europe/Berlin")
    assert offset_at(parse_instant("2026-07-01T00:00:00Z"), zone("Europe/Berlin")) == 2 * HOUR
    zone_file = files("tzdata").joinpath("zoneinfo", "tzdata.zi").read_text("utf-8")
    assert zone_file.startswith(f"# version {tzdata_version()}")


@pytest.mark.parametrize("name", ["Europe/Berln", "", "../etc/passwd", "Europe", "CEST"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    """S2: a contract names an IANA zone."""
    with pytest.raises(ValueError, match="IANA name like Europe/Berlin is expected"):
        zone(name)


def test_a_misspelt_zone_is_corrected() -> None:
    """The message names the nearest zone."""
    with pytest.raises(ValueError, match=r"did you mean Europe/Berlin\?"):
        zone("Europe/Berln")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-02-01", "2026-01-31T23:00:00Z"),
        ("2026-02-01 22:00", "2026-02-01T21:00:00Z"),
        ("2026-02-01T22:00:30", "2026-02-01T21:00:30Z"),
        ("2026-02-01T22:00Z", "2026-02-01T22:00:00Z"),
        ("2026-02-01 22:00-05:00", "2026-02-02T03:00:00Z"),
    ],
)
def test_local_times_are_read_in_their_zone(text: str, instant: str) -> None:
    """Local times are in the contract's zone unless they carry an offset; a date means its first instant."""
    assert format_instant(parse_local(text, zone("Europe/Berlin"))) == instant


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-02-30", "22:00", "01.02.2026"])
def test_what_is_no_local_time_is_refused(text: str) -> None:
    """The message says what is expected."""
    with pytest.raises(ValueError, match="2026-02-01 22:00 is expected"):
        parse_local(text, zone("Europe/Berlin"))
    with pytest.raises(ValueError, match="one like 2026-02-01 is expected"):
        parse_date(text)


def test_an_aware_time_is_not_local() -> None:
    """A datetime that carries a zone is refused rather than read twice."""
    for tz in (UTC, timezone(timedelta(hours=1))):
        with pytest.raises(ValueError, match="no zone of its own"):
            instant_of(datetime(2026, 1, 1, tzinfo=tz), zone("Europe/Berlin"))


def test_offsets_are_ahead_of_utc() -> None:
    """Kathmandu is 5 h 45 min ahead, Havana in winter 5 h behind."""
    winter = parse_instant("2026-01-05T00:00:00Z")
    assert offset_at(winter, zone("Asia/Kathmandu")) == 5 * HOUR + 45 * MINUTE
    assert offset_at(winter, zone("America/Havana")) == -5 * HOUR


def test_spans_that_begin_or_end_at_a_change() -> None:
    """S1, S2: half-open: a span that begins at a change has the new offset alone, one that ends there the old."""
    tz, change = zone("Europe/Berlin"), parse_instant("2026-03-29T01:00:00Z")
    assert list(offset_spans(change, change + DAY, tz)) == [(change, change + DAY, 2 * HOUR)]
    assert list(offset_spans(change - DAY, change, tz)) == [(change - DAY, change, HOUR)]
    assert list(offset_spans(change, change, tz)) == []
    assert year_start(2026) == parse_instant("2026-01-01T00:00:00Z")
    # Singapore changed at 16:00Z on the last day of 1981, the year's first instant there.
    new_year = parse_instant("1981-12-31T16:00:00Z")
    spans = list(offset_spans(new_year - DAY, new_year + DAY, zone("Asia/Singapore")))
    assert [(span.start, span.offset) for span in spans] == [(new_year - DAY, 15 * HOUR // 2), (new_year, 8 * HOUR)]
