"""Colours, words, units and thresholds: the same as on slawatch's own pages.

Grafana shows one colour on light and dark ground, so these are between the two palettes of the pages. No colour
stands alone: whatever is coloured has its word as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slawatch.domain.compliance import Verdict
from slawatch.domain.risk import Level

Json = dict[str, Any]

UP = "#6b9280"
DEGRADED = "#c48a1e"
DOWN = "#cf4237"
LOST = "#8f231b"
UNKNOWN = "#87929b"
EXCLUDED = "#3f7fc4"
FAINT = "#b3bcc2"
QUIET = "text"
"""Grafana's own name for the colour of text: what is well does not shout."""

SECONDS, DATE, SHARE = "s", "dateTimeAsIso", "percentunit"
COUNT, BYTES, RATE = "short", "bytes", "cps"
"""Units as Grafana names them. Dates are milliseconds since 1970."""

LEVELS: Mapping[Level, int] = {
    Level.GUARANTEED: 1,
    Level.ON_TRACK: 2,
    Level.UNDETERMINED: 3,
    Level.AT_RISK: 4,
    Level.BREACHING: 5,
    Level.LOST: 6,
}
"""The worse, the higher: a table sorted by it begins with the worst."""

_LEVEL_COLOURS = {
    Level.GUARANTEED: QUIET,
    Level.ON_TRACK: QUIET,
    Level.UNDETERMINED: UNKNOWN,
    Level.AT_RISK: DEGRADED,
    Level.BREACHING: DOWN,
    Level.LOST: DOWN,
}

VERDICTS: Mapping[Verdict, int] = {
    Verdict.MET: 1,
    Verdict.NOT_APPLICABLE: 2,
    Verdict.DISPUTABLE: 3,
    Verdict.BREACHED: 4,
}
"""On a period that is over; the worse, the higher."""

_VERDICT_COLOURS = {
    Verdict.MET: QUIET,
    Verdict.NOT_APPLICABLE: UNKNOWN,
    Verdict.DISPUTABLE: DEGRADED,
    Verdict.BREACHED: DOWN,
}

STATES = {"down": 0, "up": 1, "degraded": 2, "unknown": 3}
"""Of an endpoint in a timeline. Unknown has a code of its own, since its series is absent and never 0."""

STATE_COLOURS = {"down": DOWN, "up": UP, "degraded": DEGRADED, "unknown": UNKNOWN}

CLASSES = {
    "up": UP,
    "degraded": DEGRADED,
    "down": DOWN,
    "unknown": UNKNOWN,
    "excluded": EXCLUDED,
    "outside_hours": FAINT,
    "outside_contract": FAINT,
}
"""The seven classes of a period's time."""


def words(of: Mapping[str, tuple[str, str]]) -> list[Json]:
    """A value mapping: from a value, as text, to its word and colour."""
    options = {
        value: {"text": word, "color": colour, "index": index}
        for index, (value, (word, colour)) in enumerate(of.items())
    }
    return [{"type": "value", "options": options}]


def spoken(word: str) -> str:
    """``at_risk`` as people say it."""
    return word.replace("_", " ")


def level_words() -> list[Json]:
    """Levels of risk by their code."""
    return words({str(code): (spoken(level), _LEVEL_COLOURS[level]) for level, code in LEVELS.items()})


def verdict_words() -> list[Json]:
    """Verdicts by their code."""
    return words({str(code): (spoken(verdict), _VERDICT_COLOURS[verdict]) for verdict, code in VERDICTS.items()})


def state_words() -> list[Json]:
    """An endpoint's states by their code."""
    return words({str(code): (state, STATE_COLOURS[state]) for state, code in STATES.items()})


def yes_no(yes: tuple[str, str], no: tuple[str, str]) -> list[Json]:
    """Words and colours for 1 and 0."""
    return words({"1": yes, "0": no})


def steps(base: str, *above: tuple[float, str]) -> Json:
    """Thresholds: the colour below all, then from each value on another."""
    rest: Sequence[Json] = [{"value": value, "color": colour} for value, colour in above]
    return {"mode": "absolute", "steps": [{"value": None, "color": base}, *rest]}


PLAIN = steps(QUIET)
"""No threshold."""
