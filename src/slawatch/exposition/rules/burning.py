"""Alerts about budgets that burn too fast: by thresholds that are metrics, or by a contract's own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from slawatch.domain.burn import BurnWindow, decimal
from slawatch.domain.grammar import format_duration, spell_duration
from slawatch.domain.interval import HOUR
from slawatch.exposition import metrics as m
from slawatch.exposition.promql import series
from slawatch.exposition.rules.rule import CONTRACT, PAGE, TICKET, WHOSE, Alert

_SHORT_RATE = f'label_replace({series(m.SLA_BURN_RATE)}, "short", "$1", "window", "(.+)")'


def _burning(windows: str) -> str:
    """The thresholds of some windows that both the rate over the window and the one over its short one exceed."""
    thresholds = series(m.SLA_BURN_THRESHOLD, {"window": f"=~{windows}"})
    long = f"{thresholds} < on ({CONTRACT}, window) group_left () {series(m.SLA_BURN_RATE)}"
    return f"({long}) and ({thresholds} < on ({CONTRACT}, short) group_left () {_SHORT_RATE})"


_BURNS = "its budget burns too fast"
_BURN_ACT = (
    "Open the contract's page: it names what is down or degraded, and since when. Mend that first; a budget that burns "
    "is downtime that goes on or comes again and again. If the downtime was agreed, announce it as "
    "maintenance *before* "
    "the next time."
)
_BURN_TEXT = (
    "Downtime within {{ $labels.window }} and within {{ $labels.short }} is more than {{ $value | humanize }} times "
    "what the standard allows in such a time."
)

BURN_ALERTS = (
    Alert(
        "SlaBurningFast",
        _burning("1h|6h"),
        "",
        PAGE,
        f"{WHOSE}: {_BURNS}",
        _BURN_TEXT,
        "So much was lost within an hour or six that the period's budget will not last. The thresholds "
        "are those of the SRE "
        "Workbook, scaled to the period: 14.4 and 6 for thirty days of service, 6.72 and 2.8 for a fortnight.",
        _BURN_ACT,
    ),
    Alert(
        "SlaBurningSlowly",
        _burning("1d|3d"),
        "",
        TICKET,
        f"{WHOSE}: {_BURNS}",
        _BURN_TEXT,
        "Small outages add up: within a day or three more was lost than the period can bear. The "
        "thresholds are 3 and 1 for "
        "thirty days of service, 1.4 for a day of a fortnight.",
        _BURN_ACT,
    ),
)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract, and the windows in which its budget's burning alarms (:func:`slawatch.domain.burn.burn_windows`)."""

    client: str
    service: str
    name: str
    windows: Sequence[BurnWindow]


def burn_alerts(contract: Contract) -> Iterable[Alert]:
    """One rule for each window, with the numbers that hold for this contract's period."""
    for window in contract.windows:
        fast = window.long <= 6 * HOUR
        model = BURN_ALERTS[0 if fast else 1]
        whose = {"client": contract.client, "service": contract.service, "contract": contract.name}
        long, short = (format_duration(length) for length in (window.long, window.short))
        threshold = _number(window.threshold)
        burning = [f"{series(m.SLA_BURN_RATE, {**whose, 'window': name})} > {threshold}" for name in (long, short)]
        yield Alert(
            model.name,
            f"{burning[0]} and ignoring (window) {burning[1]}",
            model.hold,
            model.severity,
            model.summary,
            f"Downtime within {spell_duration(window.long)} is {{{{ $value | humanize }}}} times what the "
            f"standard allows in "
            f"such a time, and within {spell_duration(window.short)} more than {threshold} times.",
            model.meaning,
            model.act,
            {**whose, "window": long, "short": short},
        )


def _number(threshold: Fraction) -> str:
    """As many digits as PromQL needs: thresholds are products of short decimals and whole days."""
    return decimal(threshold, 6)
