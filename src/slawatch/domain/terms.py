"""Terms: one contract as plain texts, complete and alone; and the contract that they describe (S29).

Terms are what the operator wrote, with every default filled in and everything that the contract refers to
(its calendar, its services, its parents) beside it: mappings, lists, texts and null, never a float. The
ledger stores them by version, so that a figure can be recomputed from the ledger alone, by any later
slawatch that reads format 1::

    {"format": "1", "client": "acme", "contract": "network", "timezone": "Europe/Berlin",
     "service": "network", "kind": "network", "definition": "Ensure network up-time.",
     "measurement": "availability", "standard": "99%",
     "period": "every 2 weeks from 2026-01-05", "valid": {"from": "2026-01-05", "to": null},
     "hours": {"name": "office", "timezone": "Europe/Berlin", "days": {"mon-fri": ["08:00-18:00"]},
               "holidays": "DE-HH", "closed": ["2026-12-24"], "open": {}},
     "up_when": "router and uplink", "services": {"uplink": "isp_a or isp_b"},
     "parents": {"isp_a": "router"}, "confirmation_span": "75s",
     "penalty": "10% of charges", "charges": [{"from": null, "amount": "1200.00 EUR per month"}],
     "options": {"settle_on": "point", …}, "owner": "owner@msp.example", "review_at": ["09:00", "15:00"],
     "credit_cap": null, "same_incident": "sum"}

``hours`` is null for around the clock. Terms of a counted measurement have ``events`` as well
(:mod:`slawatch.domain.counting`). ``parents`` maps an endpoint to the one it lies behind (S14).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from types import MappingProxyType

from slawatch.domain.composite import Expression, Weighted, expand, names_in, parse_expression
from slawatch.domain.contract import (
    UNLIMITED,
    Charge,
    Contract,
    Figure,
    Measurement,
    Options,
    ServiceKind,
    UnknownPolicy,
)
from slawatch.domain.counting import Counting, deliveries_of, jobs_of, response_of, restore_of
from slawatch.domain.grammar import Money, parse_duration, parse_money, parse_ratio
from slawatch.domain.interval import DISTANT_PAST, Interval
from slawatch.domain.local_time import parse_date, zone
from slawatch.domain.penalty import Penalty, PenaltyError, describe, parse_penalty
from slawatch.domain.period import PartialPolicy
from slawatch.domain.service_hours import (
    WEEKDAYS,
    Calendar,
    HolidayRegion,
    TimeRange,
    parse_holidays,
    parse_ranges,
    parse_weekdays,
)
from slawatch.domain.terms_grammar import (
    parse_charge,
    parse_granularity,
    parse_limit,
    parse_moment,
    parse_period_rule,
    parse_standard,
    parse_time_of_day,
    parse_weight,
)
from slawatch.domain.terms_reading import Path, Reader, TermsError, among, key_text, read_by, text_of, texts_of

FORMAT = "1"
"""The version of this shape. A later one is read only by a later slawatch."""


def canonical(terms: Mapping[str, object]) -> str:
    """The one JSON text of some terms: sorted keys, ASCII, no spaces. ``TermsError`` for anything that is not plain."""
    _require_plain((), terms)
    return json.dumps(terms, sort_keys=True, separators=(",", ":"))


def digest(terms: Mapping[str, object]) -> str:
    """The version of some terms: the SHA-256 of their canonical text, in hexadecimal."""
    return sha256(canonical(terms).encode("ascii")).hexdigest()


def contract_of(terms: Mapping[str, object]) -> Contract:
    """The contract that some terms describe, always the same object for the same terms.

    :class:`TermsError`, a ``ValueError``, names the first key that is wrong and says what is expected.
    """
    return _contract_of(canonical(terms))


def _require_plain(path: Path, value: object) -> None:
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TermsError((*path, str(key)), "this key is no text")
            _require_plain((*path, key), item)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for index, item in enumerate(value):
            _require_plain((*path, index), item)
    else:
        raise TermsError(path, f"{value!r} is no plain value: expected a text, a list, a mapping or null")


@lru_cache(maxsize=16384)
def _contract_of(text: str) -> Contract:
    document = json.loads(text)
    read = Reader((), document, [*_KEYS, *(["events"] if "events" in document else [])])
    read.one("format", _format)
    zone_name = read.text("timezone")
    tz = read.one("timezone", zone)
    penalty = _penalty(read)
    charges = _charges(read, zone_name)
    cap = read.maybe("credit_cap", parse_money)
    _require_one_currency(penalty, charges, cap)
    from_text = read.inside("valid", ("from", "to")).value("from")
    hours = _hours(read)
    expression = _expression(read)
    return Contract(
        client=read.text("client"),
        name=read.text("contract"),
        service=read.text("service"),
        kind=read.word("kind", ServiceKind),
        definition=read.text("definition"),
        measurement=read.word("measurement", Measurement),
        target=read.one("standard", parse_standard),
        zone=tz,
        period=read.one("period", lambda value: parse_period_rule(value, zone_name)),
        period_text=read.text("period"),
        hours=hours,
        hours_text=hours.name if hours else "always",
        expression=expression,
        parents=MappingProxyType(texts_of(read, "parents")),
        valid=_valid(read, zone_name),
        began_unstated=from_text is None,
        penalty=penalty,
        penalty_text=_penalty_text(read.value("penalty"), penalty),
        charges=charges,
        options=_options(read.inside("options", OPTIONS)),
        confirmation_span=read.one("confirmation_span", parse_duration),
        owner=read.text("owner"),
        review_at=_review_times(read),
        credit_cap=cap,
        same_incident_highest=read.one("same_incident", among("sum", "highest")) == "highest",
        counting=_counting(read, expression, hours, penalty),
    )


_KEYS = [
    "format",
    "client",
    "contract",
    "timezone",
    "service",
    "kind",
    "definition",
    "measurement",
    "standard",
    "period",
    "valid",
    "hours",
    "up_when",
    "services",
    "parents",
    "confirmation_span",
    "penalty",
    "charges",
    "options",
    "owner",
    "review_at",
    "credit_cap",
    "same_incident",
]
OPTIONS = [
    "settle_on",
    "unknown",
    "degraded",
    "coverage_floor",
    "granularity",
    "ignore_outages_shorter_than",
    "merge_gaps_shorter_than",
    "partial",
    "unreachable",
    "grace",
    "maintenance_notice",
    "maintenance_limit",
    "release",
]


def _format(text: str) -> None:
    if text != FORMAT:
        raise ValueError(f"terms of format {text!r}: this slawatch reads format {FORMAT}")


def _expression(read: Reader) -> Expression:
    services = {
        name: read_by((*read.path, "services", name), text, parse_expression)
        for name, text in texts_of(read, "services").items()
    }
    try:
        return expand(read.one("up_when", parse_expression), services)
    except TermsError:
        raise
    except ValueError as problem:
        raise TermsError(("services",), str(problem)) from None


def _counting(read: Reader, expression: Expression, hours: Calendar | None, penalty: Penalty) -> Counting | None:
    """How events are decided; None for availability, which has none."""
    measurement = read.word("measurement", Measurement)
    if measurement is Measurement.AVAILABILITY:
        if "events" in read.document:
            raise TermsError(("events",), "only for counted measurements: expected no such key with availability")
        return None
    if not _is_all_of_names(expression):
        raise TermsError(("service",), f"'{expression}': all events are counted: expected names joined by 'and'")
    if penalty.per_block or penalty.per_outage or penalty.prorata:
        raise TermsError(("penalty",), "events have no downtime: expected a flat one, tiers or per_miss")
    path, document = ("events",), read.document.get("events")
    if measurement is Measurement.ON_TIME:
        counting = jobs_of(document, path, hours)
        if lacking := [name for name in names_in(expression) if name not in counting.jobs]:
            raise TermsError((*path, "jobs"), f"no schedule of {lacking[0]!r}, which the service counts")
        return counting
    if measurement is Measurement.RESPONSE_IN_TIME:
        return response_of(document, path)
    return restore_of(document, path) if measurement is Measurement.RESTORE_IN_TIME else deliveries_of(document, path)


def _is_all_of_names(expression: Expression) -> bool:
    if not isinstance(expression, Weighted):
        return True
    return expression.form == "and" and all(_is_all_of_names(part) for part, _ in expression.members)


def _valid(read: Reader, zone_name: str) -> Interval:
    valid = read.inside("valid", ("from", "to"))
    start = valid.maybe("from", lambda text: parse_moment(text, zone_name))
    end = valid.maybe("to", lambda text: parse_moment(text, zone_name))
    interval = Interval(UNLIMITED.start if start is None else start, UNLIMITED.end if end is None else end)
    if not interval.length:
        raise TermsError(("valid", "to"), f"{valid.value('to')!r} is not after 'from', {valid.value('from')!r}")
    return interval


def _hours(read: Reader) -> Calendar | None:
    document = read.value("hours")
    if document is None:
        return None
    inner = Reader(("hours",), document, ("name", "timezone", "days", "holidays", "closed", "open"))
    return calendar_of(inner.document, ("hours",))


def calendar_of(document: Mapping[str, object], path: Path = ()) -> Calendar:
    """The calendar of a document as terms hold it under ``hours``; :class:`TermsError` under ``path``."""
    read = Reader(path, document, ("name", "timezone", "days", "holidays", "closed", "open"))
    weekly: dict[int, tuple[TimeRange, ...]] = {}
    for key, value in _mapping(read, "days").items():
        here = (*path, "days", key)
        for day in read_by(here, key, parse_weekdays):
            if day in weekly:
                raise TermsError(here, f"{WEEKDAYS[day]} already has ranges: name each day once")
            weekly[day] = day_ranges(here, value)
    opened = tuple(
        sorted(
            (read_by((*path, "open", key), key, parse_date), day_ranges((*path, "open", key), value))
            for key, value in _mapping(read, "open").items()
        )
    )
    holidays: HolidayRegion | frozenset[date] = read.maybe("holidays", parse_holidays) or frozenset()
    closed = frozenset(read_by(here, item, parse_date) for here, item in read.items("closed"))
    week = tuple(weekly.get(day, ()) for day in range(7))
    read.one("timezone", zone)
    try:
        return Calendar(read.text("name"), read.text("timezone"), week, holidays, closed, opened)
    except ValueError as problem:
        raise TermsError(path, str(problem)) from None


def _mapping(read: Reader, key: str) -> Mapping[str, object]:
    value = read.value(key)
    if not isinstance(value, Mapping):
        raise TermsError((*read.path, key), f"{value!r} is no mapping")
    return value


def day_ranges(path: Path, value: object) -> tuple[TimeRange, ...]:
    """A day's ranges from one text or a list of texts: ``08:00-12:00``, or ``closed``."""
    texts = value if isinstance(value, list) else [value]
    checked = [text_of((*path, index) if isinstance(value, list) else path, text) for index, text in enumerate(texts)]
    try:
        return parse_ranges(checked)
    except ValueError as problem:
        raise TermsError(path, str(problem)) from None


def _penalty(read: Reader) -> Penalty:
    document = read.value("penalty")
    if not isinstance(document, str | Mapping):
        raise TermsError(("penalty",), f"{document!r} is no penalty: expected a text or a mapping")
    try:
        return parse_penalty(document)
    except PenaltyError as error:
        raise TermsError(("penalty", *error.path), error.problem) from None


def _penalty_text(document: object, penalty: Penalty) -> str:
    return document if isinstance(document, str) else describe(penalty)


def _charges(read: Reader, zone_name: str) -> tuple[Charge, ...]:
    charges: list[Charge] = []
    for path, item in read.items("charges"):
        version = Reader(path, item, ("from", "amount"))
        since = version.maybe("from", lambda text: parse_moment(text, zone_name))
        money, basis = version.one("amount", parse_charge)
        charges.append(Charge(money, basis, DISTANT_PAST if since is None else since))
    for index, (earlier, later) in enumerate(pairwise(charges), 1):
        if later.since <= earlier.since:
            raise TermsError(("charges", index), "not after the version before it: list charges by date, oldest first")
    return tuple(charges)


def _require_one_currency(penalty: Penalty, charges: Sequence[Charge], cap: Money | None) -> None:
    if penalty.needs_charges and not charges:
        raise TermsError(("penalty",), "it is a share of the charges: expected charges, as 1200.00 EUR per month")
    named = [(("charges", index, "amount"), charge.amount.currency) for index, charge in enumerate(charges)]
    places: list[tuple[Path, str]] = [*named]
    if penalty.currency:
        places.append((("penalty",), penalty.currency))
    if cap:
        places.append((("credit_cap",), cap.currency))
    for path, currency in places[1:]:
        if currency != places[0][1]:
            problem = f"in {currency}, but {key_text(places[0][0])} is in {places[0][1]}: expected one currency"
            raise TermsError(path, problem)


def _review_times(read: Reader) -> tuple[str, ...]:
    times = [read_by(path, item, parse_time_of_day) for path, item in read.items("review_at")]
    if len(set(times)) == 1 or len(set(times)) != len(times):
        raise TermsError(("review_at",), "expected at least two different times of the day, as [09:00, 15:00]")
    return tuple(sorted(times))


def _options(read: Reader) -> Options:
    return Options(
        settle_on=read.word("settle_on", Figure),
        unknown=read.word("unknown", UnknownPolicy),
        degraded=read.one("degraded", parse_weight),
        coverage_floor=read.one("coverage_floor", parse_ratio),
        granularity=read.one("granularity", parse_granularity),
        ignore_outages_shorter_than=read.one("ignore_outages_shorter_than", parse_duration),
        merge_gaps_shorter_than=read.one("merge_gaps_shorter_than", parse_duration),
        partial=read.word("partial", PartialPolicy),
        unreachable_is_down=read.one("unreachable", among("down", "unknown")) == "down",
        grace=read.one("grace", parse_duration),
        maintenance_notice=read.one("maintenance_notice", parse_duration),
        maintenance_limit=read.one("maintenance_limit", parse_limit),
        release_automatic=read.one("release", among("owner", "automatic")) == "automatic",
    )
