"""The risk of a ratio measurement's current period (S30, S33): tickets, batch runs, mails instead of time."""

from __future__ import annotations

from fractions import Fraction

from slawatch.domain.penalty import percent_text
from slawatch.domain.risk import BUDGET_STEPS, Level, Reason, ReasonKind, Risk


def assess_counts(target: Fraction, *, met: int, missed: int, unknown: int = 0, ahead: int | None = None) -> Risk:
    """The risk of a period of counted events so far.

    ``ahead`` is how many events are still to come, None when nobody can know (tickets): then enough good ones could
    still repair and enough bad ones ruin any figure, so that nothing is lost or guaranteed before the end. Low
    counts unknown events as missed, high as met.
    """
    known, total = met + missed, met + missed + unknown
    if ahead is None:
        return _unbounded(target, met, missed, unknown)
    if total + ahead == 0:
        reason = Reason(ReasonKind.NO_SERVICE_TIME, "the period has no events")
        return Risk(Level.UNDETERMINED, (reason,), None, None)
    best, worst = Fraction(met + unknown + ahead, total + ahead), Fraction(met, total + ahead)
    allowed = int((1 - target) * (known + ahead))
    use = Fraction(missed, allowed) if allowed else None
    if best < target:
        text = f"even if all that remain are met it misses {percent_text(target)}"
        return Risk(Level.LOST, (Reason(ReasonKind.BEST_IS_NOT_ENOUGH, text),), best, worst, budget_use=use)
    if worst >= target:
        text = f"even if all that remain are missed it meets {percent_text(target)}"
        return Risk(Level.GUARANTEED, (Reason(ReasonKind.WORST_IS_ENOUGH, text),), best, worst, budget_use=use)
    if not ahead:
        text = "no event remains, and the standard lies between the low and the high figure"
        return Risk(Level.UNDETERMINED, (Reason(ReasonKind.WITHIN_BOUNDS, text),), best, worst, budget_use=use)
    step = next((step for step in BUDGET_STEPS if allowed and missed >= step * allowed), None)
    if step is not None:
        text = f"{missed} of the {allowed} misses that are allowed have happened"
        return Risk(Level.AT_RISK, (Reason(ReasonKind.BUDGET_USED, text),), best, worst, budget_use=use)
    return _calm(known, unknown, best, worst, use)


def _unbounded(target: Fraction, met: int, missed: int, unknown: int) -> Risk:
    best, worst = Fraction(1), Fraction(0)
    if Fraction(met + unknown) < target * (met + missed + unknown):
        text = f"so far it is below {percent_text(target)}"
        return Risk(Level.AT_RISK, (Reason(ReasonKind.BUDGET_USED, text),), best, worst)
    return _calm(met + missed, unknown, best, worst, None)


def _calm(known: int, unknown: int, best: Fraction, worst: Fraction, use: Fraction | None) -> Risk:
    if unknown and not known:
        reason = Reason(ReasonKind.NOTHING_KNOWN, "nothing is known of the period so far")
        return Risk(Level.UNDETERMINED, (reason,), best, worst, budget_use=use)
    reason = Reason(ReasonKind.QUIET, "nothing threatens the standard")
    return Risk(Level.ON_TRACK, (reason,), best, worst, budget_use=use)
