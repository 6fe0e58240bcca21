"""A short notation for counted measurements: one contract over January 2026 in UTC, and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from slawatch.domain.account import Account
from slawatch.domain.history import History, read_rows
from slawatch.domain.interval import Instant, parse_instant
from slawatch.domain.terms import contract_of
from slawatch.evaluation.offline import Offline

Row = dict[str, Any]

OPTIONS = {
    "settle_on": "point",
    "unknown": "exclude",
    "degraded": "1",
    "coverage_floor": "95%",
    "granularity": "exact",
    "ignore_outages_shorter_than": "0s",
    "merge_gaps_shorter_than": "0s",
    "partial": "judge",
    "unreachable": "down",
    "grace": "3d",
    "maintenance_notice": "0s",
    "maintenance_limit": "unlimited",
    "release": "owner",
}
JOB = {
    "schedule": "0 2 * * *",
    "timezone": "UTC",
    "deadline": "06:00",
    "latest_start": None,
    "maximum_run_time": None,
    "early": "0s",
}
TICKETS = {"within": "4h", "pausing": ["pending"], "restored": ["resolved"], "restoring_answers": False}


def terms(measurement: str, events: Mapping[str, object] | None, **changes: Any) -> Row:
    """Terms whose source is the endpoint ``src``; ``options`` are changes of options."""
    options = OPTIONS | changes.pop("options", {})
    terms: Row = {
        "format": "1",
        "client": "acme",
        "contract": "promise",
        "timezone": "UTC",
        "service": "promised",
        "kind": "batch",
        "definition": "",
        "measurement": measurement,
        "standard": "90%",
        "period": "month",
        "valid": {"from": "2026-01-01", "to": "2026-03-01"},
        "hours": None,
        "up_when": "src",
        "services": {},
        "parents": {},
        "confirmation_span": "0s",
        "penalty": "none",
        "charges": [],
        "options": options,
        "owner": "",
        "review_at": [],
        "credit_cap": None,
        "same_incident": "sum",
    }
    return terms | ({"events": events} if events is not None else {}) | changes


def on_time(**changes: Any) -> Row:
    """A job every night at 02:00 that must have succeeded by 06:00."""
    return terms("on_time", {"jobs": {"src": JOB}}, **changes)


def at(text: str) -> Instant:
    """``05 02:10`` is on the fifth of January; ``02-05 02:10`` on the fifth of February."""
    day, _, clock = text.partition(" ")
    date = f"2026-{day}" if "-" in day else f"2026-01-{day}"
    return parse_instant(f"{date}T{clock or '00:00'}:00Z" if len(clock) <= 5 else f"{date}T{clock}Z")


def moment(text: str) -> str:
    """The same as a row holds it."""
    from slawatch.domain.interval import format_instant

    return format_instant(at(text))


def state(when: str, word: str, endpoint: str = "src", **more: str) -> Row:
    return {"endpoint": endpoint, "at": moment(when), "state": word, **more}


def run(when: str, event: str = "success", endpoint: str = "src", **more: Any) -> Row:
    return {"type": "run", "endpoint": endpoint, "at": moment(when), "event": event, **more}


def ticket(name: str, when: str, event: str, entered: str = "", **more: Any) -> Row:
    row = {"type": "ticket", "endpoint": "src", "ticket": name, "at": moment(when), "event": event, **more}
    return row | ({"state": entered} if entered else {})


def mail(name: str, when: str, event: str) -> Row:
    return {"type": "mail", "endpoint": "src", "mail": name, "at": moment(when), "event": event}


def nights(first: int, last: int) -> list[Row]:
    """A run that succeeded at 02:10 on each of some days of January."""
    return [run(f"{day:02} 02:10") for day in range(first, last + 1)]


def heard(end: str = "02-01") -> list[Row]:
    """The source was heard from the first of January to an end."""
    return [state("01", "up"), {"type": "until", "at": moment(end)}]


def history(rows: Iterable[Row]) -> History:
    sealed = read_rows(rows)
    sealed.seal()
    return sealed


def judged(agreed: Row, rows: Iterable[Row], now: str = "02-01", period: str = "15") -> Account:
    """The account of the month that holds ``period``, as of ``now``."""
    offline = Offline([contract_of(agreed)], [], history(rows))
    [account] = offline.accounts(at(now), at(period))
    return account


def numbers(account: Account) -> tuple[int, int, int, int]:
    """n, missed, unknown, allowed."""
    assert account.counts is not None
    counts = account.counts
    return counts.n, counts.missed, counts.unknown, counts.allowed


def reasons(account: Account) -> list[str]:
    """Of the missed and unknown events, in order."""
    assert account.counts is not None
    return [event.reason for event in account.counts.listed]
