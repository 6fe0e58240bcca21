"""The small grammars that only the terms of a contract use.

Every parser raises ``ValueError`` with what is wrong and what is expected.
"""

from __future__ import annotations

import re
from fractions import Fraction

from slawatch.domain.contract import ChargeBasis, Granularity, GranularityKind
from slawatch.domain.grammar import Money, parse_duration, parse_money, parse_ratio
from slawatch.domain.interval import DAY, Duration, Instant
from slawatch.domain.local_time import parse_local, year_start, zone
from slawatch.domain.period import EveryDays, FixedSpan, PeriodRule, parse_period

EARLIEST: Instant = year_start(1970) - DAY
LATEST: Instant = year_start(3000)
"""Where an agreement can lie. Zone data is exact from 1970 on, and arithmetic on dates ends with the year 9999."""


def parse_moment(text: str, zone_name: str) -> Instant:
    """The instant of a date or a local time (S2) in the years 1970 to 2999."""
    try:
        instant = parse_local(text, zone(zone_name))
    except OverflowError:
        instant = LATEST
    if not EARLIEST <= instant < LATEST:
        raise ValueError(f"{text!r} is out of reach: expected a year from 1970 to 2999")
    return instant


def parse_period_rule(text: str, zone_name: str) -> PeriodRule:
    """The rule of a ``period`` (S20) whose dates lie in the years 1970 to 2999."""
    try:
        rule = parse_period(text, zone_name)
        near = True
        if isinstance(rule, EveryDays):
            near = 1970 <= rule.anchor.year < 3000
        elif isinstance(rule, FixedSpan):
            near = rule.span.start >= EARLIEST and rule.span.end < LATEST
    except OverflowError:
        near = False
    if not near:
        raise ValueError(f"{text!r} is out of reach: expected years from 1970 to 2999")
    return rule


def parse_standard(text: str) -> Fraction:
    """The target of a contract: more than 0 %, at most 100 %, exact."""
    ratio = parse_ratio(text)
    if ratio == 0:
        raise ValueError(f"{text!r} promises nothing: expected more than 0%, up to 100%, as 99%")
    return ratio


_CHARGE = re.compile(r"(.+?)\s+per\s+(month|period)")


def parse_charge(text: str) -> tuple[Money, ChargeBasis]:
    """``1200.00 EUR per month`` or ``500.00 EUR per period``."""
    match = _CHARGE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no charge: expected one like 1200.00 EUR per month, or per period")
    return parse_money(match[1]), ChargeBasis(match[2])


def parse_time_of_day(text: str) -> str:
    """``09:00``, as it is; ``ValueError`` for anything that no clock shows."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"{text!r} is no time of day: expected one like 09:00")
    return text


def parse_weight(text: str) -> Fraction:
    """How much degraded time counts as up: ``1``, ``0.5``, ``50%``; from 0 to 1, exact."""
    if text.endswith("%"):
        return parse_ratio(text)
    if not re.fullmatch(r"0(\.\d{1,9})?|1(\.0{1,9})?", text):
        raise ValueError(f"{text!r} is no weight: expected 0 to 1, as 1, 0.5 or 50%")
    return Fraction(text)


def parse_limit(text: str) -> Duration | None:
    """A duration, or None for ``unlimited``."""
    if text == "unlimited":
        return None
    try:
        return parse_duration(text)
    except ValueError as problem:
        raise ValueError(f"{problem}, or unlimited") from None


def parse_granularity(text: str) -> Granularity:
    """``exact``, ``per minute, any``, ``per minute, all`` or ``per started block of 30m`` (S19)."""
    block = text.removeprefix(f"{GranularityKind.STARTED_BLOCK} ")
    if block != text:
        length = parse_duration(block)
        if length == 0:
            raise ValueError("a block of no length: expected one like per started block of 30m")
        return Granularity(GranularityKind.STARTED_BLOCK, length)
    plain = (GranularityKind.EXACT, GranularityKind.MINUTE_ANY, GranularityKind.MINUTE_ALL)
    if text not in plain:
        kinds = ", ".join(repr(str(kind)) for kind in plain)
        raise ValueError(f"{text!r} is no granularity: expected {kinds} or 'per started block of 30m'")
    return Granularity(GranularityKind(text))
