"""The risk of counted measurements (S30, S33), each row with its arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slawatch.domain.counted_risk import assess_counts
from slawatch.domain.risk import Level, ReasonKind

SCOPE = Fraction(95, 100)


@pytest.mark.parametrize(
    ("met", "missed", "unknown", "ahead", "level", "kind"),
    [
        (0, 0, 0, 0, Level.UNDETERMINED, ReasonKind.NO_SERVICE_TIME),
        (0, 0, 0, 100, Level.ON_TRACK, ReasonKind.QUIET),
        # 95 % of 100 allows 5 misses: 2 are 40 %, 3 are 60 %
        (50, 2, 0, 48, Level.ON_TRACK, ReasonKind.QUIET),
        (50, 3, 0, 47, Level.AT_RISK, ReasonKind.BUDGET_USED),
        (50, 5, 0, 45, Level.AT_RISK, ReasonKind.BUDGET_USED),
        (50, 6, 0, 44, Level.LOST, ReasonKind.BEST_IS_NOT_ENOUGH),
        (95, 0, 0, 5, Level.GUARANTEED, ReasonKind.WORST_IS_ENOUGH),
        (94, 0, 0, 6, Level.ON_TRACK, ReasonKind.QUIET),
        # an unknown event is missed in the worst case and met in the best: 94 + 1 unknown
        (94, 5, 1, 0, Level.UNDETERMINED, ReasonKind.WITHIN_BOUNDS),
        (93, 4, 1, 2, Level.AT_RISK, ReasonKind.BUDGET_USED),
        (0, 0, 3, 97, Level.UNDETERMINED, ReasonKind.NOTHING_KNOWN),
        # 19 runs allow no miss: the first one loses the period
        (0, 1, 0, 18, Level.LOST, ReasonKind.BEST_IS_NOT_ENOUGH),
    ],
)
def test_s33_with_a_known_number_of_events(
    met: int, missed: int, unknown: int, ahead: int, level: Level, kind: ReasonKind
) -> None:
    risk = assess_counts(SCOPE, met=met, missed=missed, unknown=unknown, ahead=ahead)
    assert (risk.level, risk.reasons[0].kind) == (level, kind)


def test_s33_best_worst_and_budget_of_counts() -> None:
    risk = assess_counts(SCOPE, met=50, missed=3, unknown=2, ahead=45)
    # 97 of 100, 50 of 100, 3 of floor(0.05 * 98) = 4
    assert (risk.best, risk.worst, risk.budget_use) == (Fraction(97, 100), Fraction(1, 2), Fraction(3, 4))


@pytest.mark.parametrize(
    ("met", "missed", "unknown", "level"),
    [
        (0, 0, 0, Level.ON_TRACK),
        (19, 1, 0, Level.ON_TRACK),  # exactly 95 %
        (18, 1, 0, Level.AT_RISK),
        (18, 1, 1, Level.ON_TRACK),  # 19 of 20 if the unknown one was met
        (0, 0, 4, Level.UNDETERMINED),
        (1, 1, 38, Level.ON_TRACK),  # 39 of 40 if the unknown ones were met
        (0, 9, 0, Level.AT_RISK),  # never lost: nobody knows how many are to come
    ],
)
def test_s33_with_an_unknown_number_of_events(met: int, missed: int, unknown: int, level: Level) -> None:
    risk = assess_counts(SCOPE, met=met, missed=missed, unknown=unknown)
    assert (risk.level, risk.best, risk.worst) == (level, Fraction(1), Fraction(0))
