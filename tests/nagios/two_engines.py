"""One story told to two engines: lines of ``nagios.log`` for Nagios, rows of a history for slawatch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from slawatch.config.loader import load_client_text
from slawatch.domain.account import Account
from slawatch.domain.history import read_rows
from slawatch.domain.interval import SECOND
from slawatch.evaluation.offline import Offline
from support.nagios import Figures, MakeNagios

HOUR, DAY = 3_600, 86_400

CLIENT = """\
client: acme
name: Acme Logistics
timezone: {zone}
{calendars}endpoints:
  router: {{probe: icmp, target: 192.0.2.1}}
services:
  network: {{kind: network, definition: Ensure network up-time., up_when: router}}
contracts:
  network:
    service: network
    measurement: availability
    standard: 99%
    period: from {start} to {end}
    hours: {hours}
    penalty: none
    owner: owner@msp.example
    review_at: ["09:00", "15:00"]
"""

SHORT = {
    "monday": "mon",
    "tuesday": "tue",
    "wednesday": "wed",
    "thursday": "thu",
    "friday": "fri",
    "saturday": "sat",
    "sunday": "sun",
}

WORKING_DAYS = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "08:00-18:00")


@dataclass(frozen=True, slots=True)
class Event:
    """At ``second`` since 1970 the router is seen to be ``up`` or ``down``, or the monitor is ``stopped``.

    After ``stopped`` the next event is what the monitor sees as it starts again.
    """

    second: int
    what: str


@dataclass(frozen=True, slots=True)
class Seconds:
    """What an engine makes of a story: whole seconds."""

    up: int
    down: int
    undetermined: int


def story(text: str, zone: str = "UTC") -> list[Event]:
    """``2026-01-05T07:00 down, 2026-01-05T09:00 up`` with local times of a zone."""
    pairs = (part.split() for part in text.split(", "))
    return [Event(second_at(when, zone), what) for when, what in pairs]


def second_at(text: str, zone: str = "UTC") -> int:
    """A local time as a second since 1970."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def nagios_log(events: Iterable[Event]) -> Iterator[tuple[int, str]]:
    """The lines that Nagios writes in the course of the story."""
    running = False
    for event in events:
        second = event.second
        if event.what == "stopped":
            yield second, "Caught SIGTERM, shutting down..."
            yield second, "Successfully shutdown... (PID=1)"
        elif running:
            yield second, f"HOST ALERT: router;{event.what.upper()};HARD;1;answer"
        else:
            yield second, "Nagios 4.4.6 starting... (PID=1)"
            yield second, f"CURRENT HOST STATE: router;{event.what.upper()};HARD;1;answer"
        running = event.what != "stopped"


def rows(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """The rows of the story's history."""
    for event in events:
        row = {"endpoint": "router", "at": _instant(event.second), "state": event.what}
        yield row | ({"state": "unknown", "cause": "monitor_stopped"} if event.what == "stopped" else {})


def _instant(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def client_file(start: int, end: int, days: Mapping[str, str], zone: str, extra: Mapping[str, str]) -> str:
    """A client with one contract over one fixed span; ``days`` maps Nagios's weekdays to ranges, none is always."""
    calendar = {
        SHORT[day]: "[" + ", ".join(f'"{text}"' for text in ranges.split(",")) + "]" for day, ranges in days.items()
    }
    inner = "".join(f"    {key}: {value}\n" for key, value in {**calendar, **extra}.items())
    return CLIENT.format(
        zone=zone,
        calendars=f"calendars:\n  office:\n{inner}" if days else "",
        start=_instant(start),
        end=_instant(end),
        hours="office" if days else "always",
    )


def judged(
    history: Iterable[Mapping[str, Any]],
    start: int,
    end: int,
    *,
    days: Mapping[str, str] | None = None,
    zone: str = "UTC",
    extra: Mapping[str, str] | None = None,
) -> Account:
    """The account of seconds ``start`` to ``end`` by ``slawatch evaluate``, with the history known until ``end``."""
    config = load_client_text(client_file(start, end, days or {}, zone, extra or {}), for_daemon=False)
    known = read_rows(history)
    known.seal(end * SECOND)
    offline = Offline([item.contract for item in config.contracts], [], known)
    (account,) = offline.accounts(end * SECOND, start * SECOND)
    return account


def seconds(account: Account) -> Seconds:
    """The point figure's classes, which here are whole seconds."""
    classes = account.compliance.classes
    found = [divmod(length, SECOND) for length in (classes.up, classes.down, classes.unknown)]
    assert [rest for _, rest in found] == [0, 0, 0]
    return Seconds(*(whole for whole, _ in found))


def ours(
    events: Iterable[Event],
    start: int,
    end: int,
    *,
    days: Mapping[str, str] | None = None,
    zone: str = "UTC",
    extra: Mapping[str, str] | None = None,
) -> Seconds:
    """What slawatch says of a story."""
    return seconds(judged(rows(events), start, end, days=days, zone=zone, extra=extra))


def theirs(
    nagios: MakeNagios,
    events: Iterable[Event],
    start: int,
    end: int,
    *,
    days: Mapping[str, str] | None = None,
    zone: str = "UTC",
    **form: str,
) -> Seconds:
    """What Nagios says of it. Unless ``form`` says otherwise, time in which it did not run is undetermined."""
    monitor = nagios(nagios_log(events), hours=days, zone=zone)
    options = {"assumestatesduringnotrunning": "no"} | form
    return summed(monitor.availability(start, end, **options)["router"])


def summed(figures: Figures) -> Seconds:
    """Nagios's figures as both engines have them; nothing here is ever unreachable."""
    assert figures.unreachable == 0
    return Seconds(figures.up, figures.down, figures.not_running + figures.no_data)
