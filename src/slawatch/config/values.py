"""The types of configuration values: texts that are checked by their grammar, and lengths of time.

What a contract says stays the text that was written, since terms are texts; what only the daemon needs is
parsed. A value of another shape gets the sentence of its grammar, not one about types.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from slawatch.domain.contract import Measurement, ServiceKind
from slawatch.domain.cron import CronSchedule
from slawatch.domain.grammar import format_duration, parse_duration, parse_money, parse_ratio
from slawatch.domain.interval import SECOND
from slawatch.domain.local_time import parse_date, zone
from slawatch.domain.service_hours import parse_holidays, parse_range
from slawatch.domain.slots import parse_limit as parse_job_limit
from slawatch.domain.terms_grammar import (
    parse_granularity,
    parse_limit,
    parse_standard,
    parse_time_of_day,
    parse_weight,
)
from slawatch.probes.policy import parse_allowance


class Model(BaseModel):
    """The base of every part of a file: frozen, exact in its types, no unknown key, no echo of what was given."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


def shown(value: object) -> str:
    """A value as a message names it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}…"


def _text(parse: Callable[[str], object], example: str = "", pattern: str | None = None) -> Any:
    """An annotation: a text that ``parse`` accepts, kept as it was written."""

    wanted = f" like {example}" if example else " (write it in quotes)"

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{shown(value)} stands here: expected a text{wanted}")
        parse(value)
        return value

    schema: dict[str, Any] = {"type": "string"}
    if example:
        schema["examples"] = [example.strip('"')]
    if pattern:
        schema["pattern"] = pattern
    return [BeforeValidator(check), WithJsonSchema(schema)]


_IDENTIFIER = r"[A-Za-z0-9_.-]{1,64}"
_NAME = r"[A-Za-z_][A-Za-z0-9_.-]{0,63}"
_WORDS_OF_UP_WHEN = frozenset({"and", "or", "not", "of", "weighted"})


def parse_identifier(text: str) -> str:
    """The name of a client or contract: it stands in labels, URLs and commands."""
    if not re.fullmatch(_IDENTIFIER, text) or not text.strip("."):
        raise ValueError(f"{text!r} is no name: expected 1 to 64 letters (a-z), digits, '_', '.' or '-'")
    return text


def parse_name(text: str) -> str:
    """The name of an endpoint or service: an identifier that ``up_when`` can name."""
    parse_identifier(text)
    if not re.fullmatch(_NAME, text):
        raise ValueError(f"{text!r} cannot be named in up_when: expected a letter or '_' first")
    if text in _WORDS_OF_UP_WHEN:
        raise ValueError(f"{text!r} is a word of up_when: expected another name")
    return text


def _anything(text: str) -> str:
    return text


def parse_label(text: str) -> str:
    """A line of text for people."""
    if not text.strip() or not text.isprintable() or len(text) > 300:
        raise ValueError("expected one line of text, at most 300 characters")
    return text


def parse_prose(text: str) -> str:
    """Text for people, which may be empty or have several lines."""
    if len(text) > 4000 or not all(part.isprintable() for part in text.split("\n")):
        raise ValueError("expected text of at most 4000 characters, without control characters")
    return text


def parse_calendar_name(text: str) -> str:
    """The name of a calendar; ``always`` is taken."""
    parse_identifier(text)
    if text == "always":
        raise ValueError("'always' means around the clock: expected another name")
    return text


_DURATION_PATTERN = r"^(\d+(us|ms|s|m|h|d|w))+$"

Identifier = Annotated[str, *_text(parse_identifier, "acme", f"^{_IDENTIFIER}$")]
Name = Annotated[str, *_text(parse_name, "router", f"^{_NAME}$")]
CalendarName = Annotated[str, *_text(parse_calendar_name, "office", f"^{_IDENTIFIER}$")]
Label = Annotated[str, *_text(parse_label, "Acme Logistics")]
Prose = Annotated[str, *_text(parse_prose, "firmware")]
Text = Annotated[str, *_text(_anything)]
ZoneName = Annotated[str, *_text(zone, "Europe/Berlin")]
LengthText = Annotated[str, *_text(parse_duration, "10s", _DURATION_PATTERN)]
LimitText = Annotated[str, *_text(parse_limit, "8h")]
RatioText = Annotated[str, *_text(parse_ratio, "99.95%")]
StandardText = Annotated[str, *_text(parse_standard, "99%")]
MoneyText = Annotated[str, *_text(parse_money, "1200.00 EUR")]
DateText = Annotated[str, *_text(parse_date, "2026-12-24")]
TimeOfDayText = Annotated[str, *_text(parse_time_of_day, '"09:00"')]
HolidaysText = Annotated[str, *_text(parse_holidays, "DE-HH")]
AllowanceText = Annotated[str, *_text(parse_allowance, "127.0.0.0/8")]
GranularityText = Annotated[str, *_text(parse_granularity, "per started block of 30m")]


def parse_schedule(text: str) -> None:
    """Cron's five fields; the zone does not matter to whether they are right."""
    CronSchedule(text, "UTC")


ScheduleText = Annotated[str, *_text(parse_schedule, '"0 2 * * *"')]
JobLimitText = Annotated[str, *_text(parse_job_limit, '"06:00" or 4h')]


def _weight(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} stands here: expected 0 to 1, as 0.5")
    parse_weight(value)
    return value


WeightText = Annotated[
    str,
    BeforeValidator(_weight),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string"}]}),
]


def parse_day_range(text: str) -> None:
    """One range of a day, or ``closed``."""
    if text.strip() != "closed":
        parse_range(text)


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


_DayRange = Annotated[str, *_text(parse_day_range, '"08:00-18:00"')]
DayRanges = Annotated[
    list[_DayRange],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""``"08:00-18:00"``, ``closed``, or a list of ranges."""


def parse_length(value: object) -> int:
    """A length of time in microseconds, at least a second."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} has no unit: expected a duration like 10s, 5m or 4h")
    length = parse_duration(value)
    if length < SECOND:
        raise ValueError(f"{value!r} is too short: expected at least 1s")
    return length


Length = Annotated[
    int,
    BeforeValidator(parse_length),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": _DURATION_PATTERN, "examples": ["60s"]}),
]
"""A length in microseconds, written with its unit; at least a second."""


SIZE_PATTERN = r"^\d+(KiB|MiB|GiB)$"
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def parse_size(value: object) -> int:
    """The bytes of a size, as ``64MiB``."""
    if not isinstance(value, str) or not re.match(SIZE_PATTERN, value):
        raise ValueError(f"{shown(value)} is no size: expected one like 64MiB (KiB, MiB or GiB)")
    return int(value[:-3]) * _UNITS[value[-3:]]


def format_size(size: int) -> str:
    """A size with the greatest unit that leaves it whole."""
    unit = next((unit for unit in ("GiB", "MiB") if size % _UNITS[unit] == 0 and size), "KiB")
    return f"{size // _UNITS[unit]}{unit}"


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size),
    WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN, "examples": ["64MiB"]}),
]
"""A size in bytes, written with its unit."""


def _word(words: tuple[str, ...]) -> Any:
    def check(value: object) -> str:
        if value not in words:
            expected = f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
            raise ValueError(f"{shown(value)} is not known: expected {expected}")
        return str(value)

    return [BeforeValidator(check), WithJsonSchema({"enum": list(words)})]


KindWord = Annotated[str, *_word(tuple(ServiceKind))]
MeasurementWord = Annotated[str, *_word(tuple(Measurement))]
