"""How a counted measurement decides its events, as terms say it under ``events`` (S30).

``on_time`` has the jobs with their schedules, the help desk's measurements a limit of service time and
the states in which clocks stand or stop, ``delivery_in_time`` a limit of elapsed time::

    {"jobs": {"backup": {"schedule": "0 2 * * *", "timezone": "Europe/Berlin", "deadline": "06:00",
                         "latest_start": null, "maximum_run_time": null, "early": "0s"}}}
    {"within": "4h", "pausing": ["pending"], "restored": ["resolved", "closed"], "restoring_answers": false}
    {"within": "5m"}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slawatch.domain.cron import CronSchedule
from slawatch.domain.grammar import parse_duration
from slawatch.domain.interval import Duration
from slawatch.domain.local_time import zone
from slawatch.domain.service_hours import ALWAYS, Calendar
from slawatch.domain.slots import SlotRule, parse_limit
from slawatch.domain.terms_reading import Path, Reader, TermsError, read_by, text_of
from slawatch.domain.tickets import TicketTerms

JOB_KEYS = ("schedule", "timezone", "deadline", "latest_start", "maximum_run_time", "early")
TICKET_KEYS = ("within", "pausing", "restored", "restoring_answers")


@dataclass(frozen=True, slots=True)
class Counting:
    """What decides the events of one contract: exactly one of the three is given."""

    jobs: Mapping[str, SlotRule] = field(default_factory=dict)
    tickets: TicketTerms | None = None
    delivered_within: Duration | None = None


def jobs_of(document: object, path: Path, calendar: Calendar | None) -> Counting:
    """The jobs of an ``on_time`` contract; slots outside the contract's hours are not expected."""
    read = Reader(path, document, ("jobs",))
    jobs = read.value("jobs")
    if not isinstance(jobs, Mapping) or not jobs:
        raise TermsError((*path, "jobs"), "expected the jobs that are counted, with their schedules")
    return Counting(jobs={name: _job(item, (*path, "jobs", name), calendar) for name, item in jobs.items()})


def _job(document: object, path: Path, calendar: Calendar | None) -> SlotRule:
    read = Reader(path, document, JOB_KEYS)
    read.one("timezone", zone)
    zone_name = read.text("timezone")
    return SlotRule(
        schedule=read.one("schedule", lambda text: CronSchedule(text, zone_name)),
        deadline=read.one("deadline", parse_limit),
        calendar=calendar or ALWAYS,
        latest_start=read.maybe("latest_start", parse_limit),
        maximum_run_time=read.maybe("maximum_run_time", parse_duration),
        early=read.one("early", parse_duration),
    )


def response_of(document: object, path: Path) -> Counting:
    """The limit of a ``response_in_time`` contract."""
    return _tickets(document, path, response=True)


def restore_of(document: object, path: Path) -> Counting:
    """The limit of a ``restore_in_time`` contract."""
    return _tickets(document, path, response=False)


def _tickets(document: object, path: Path, *, response: bool) -> Counting:
    read = Reader(path, document, TICKET_KEYS)
    within = read.one("within", _positive)
    answers = read.value("restoring_answers")
    if not isinstance(answers, bool):
        raise TermsError((*path, "restoring_answers"), f"{answers!r} is neither true nor false")
    terms = TicketTerms(
        response=within if response else None,
        restore=None if response else within,
        pausing=_states(read, "pausing"),
        restored=_states(read, "restored"),
        restoring_answers=answers,
    )
    if both := sorted(terms.pausing & terms.restored):
        raise TermsError((*path, "pausing"), f"{', '.join(both)}: also a restored state: expected it in one list")
    return Counting(tickets=terms)


def _states(read: Reader, key: str) -> frozenset[str]:
    return frozenset(text_of(path, item) for path, item in read.items(key))


def deliveries_of(document: object, path: Path) -> Counting:
    """The limit of a ``delivery_in_time`` contract."""
    read = Reader(path, document, ("within",))
    return Counting(delivered_within=read_by((*path, "within"), read.value("within"), _positive))


def _positive(text: str) -> Duration:
    length = parse_duration(text)
    if not length:
        raise ValueError("no time at all: expected a duration like 4h")
    return length
