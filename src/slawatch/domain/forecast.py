"""How likely is it that this period ends in breach, given the contract's own past (S33)?

**Model.** Outages begin as a Poisson process along service time, at the rate of the past: outages per known service
time. Each lasts as long as one of the past outages, every one of them equally likely, independent of the
others. An outage that is running now ends like one of those past outages that lasted longer than it has so
far. The period ends in breach when the downtime still to come exceeds what is left of the budget.

**Assumptions, and which way they err.** The service behaves as it did (no trend, no hours of the day); outages do not
cause one another (clusters make reality worse than the model); no outage is longer than the longest so far (errs
to the hopeful side); new outages begin also while another runs, and one that begins late counts whole although
the period ends (both err to the careful side); unknown time is like known time.

**Computation.** No random numbers: the distribution of the sum is computed by Panjer's recursion (H. H. Panjer,
"Recursive evaluation of a family of compound distributions", ASTIN Bulletin 12, 1981) on a grid of 1/500 of the
budget that is left, once with every length rounded up and once rounded down, in decimals of 40 digits. The
model's exact probability lies between the two results.

With fewer than five outages, or less known service time than two such periods have, the past is too short and there is
no forecast.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from fractions import Fraction

from slawatch.domain.interval import Duration

FEWEST_OUTAGES = 5
FEWEST_PERIODS = 2
GRID = 500
_PLACES = Decimal("0.000001")
_CONTEXT = Context(prec=40, Emin=-100_000_000, Emax=100_000_000)


@dataclass(frozen=True, slots=True)
class History:
    """A contract's past, in microseconds of service time: what was known, and what each outage in it cost."""

    known: Duration
    outages: tuple[Duration, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """The probability of breach lies between the two, which are rounded apart to six digits.

    ``outages`` and ``known`` say on how much past it rests.
    """

    at_least: Decimal
    at_most: Decimal
    outages: int
    known: Duration


def forecast(
    history: History, *, service_time: Duration, ahead: Duration, left: Duration, running_for: Duration | None = None
) -> Forecast | None:
    """The forecast of a period, or None when the past is too short.

    ``service_time`` is that of the whole period and ``ahead`` what remains of it; ``left`` is what remains of the
    budget, negative when overdrawn. ``running_for`` is what the outage that runs now has cost so far, None
    when none runs; if none in the past lasted longer, there is no forecast either.
    """
    lengths = [length for length in history.outages if length > 0]
    if len(lengths) < FEWEST_OUTAGES or history.known < FEWEST_PERIODS * service_time:
        return None
    if left < 0 or ahead <= left:
        certain = Decimal(int(left < 0))
        return Forecast(certain, certain, len(lengths), history.known)
    rests = [0] if running_for is None else [length - running_for for length in lengths if length > running_for]
    if not rests:
        return None
    expected = Fraction(len(lengths) * ahead, history.known)
    step = max(1, -(-left // GRID))
    with localcontext(_CONTEXT):
        low = _breach(expected, [length // step for length in lengths], [rest // step for rest in rests], left // step)
        up = [-(-length // step) for length in lengths]
        high = _breach(expected, up, [-(-rest // step) for rest in rests], left // step)
        at_least = low.quantize(_PLACES, ROUND_FLOOR)
        at_most = high.quantize(_PLACES, ROUND_CEILING)
    return Forecast(max(Decimal(0), at_least), min(Decimal(1), at_most), len(lengths), history.known)


def _breach(expected: Fraction, lengths: Sequence[int], rests: Sequence[int], limit: int) -> Decimal:
    """The probability that the rest of the running outage and all new ones take more than ``limit`` steps."""
    mass = _compound_poisson(expected, lengths, limit)
    within = [mass[0]]
    for probability in mass[1:]:
        within.append(within[-1] + probability)
    kept = sum((within[limit - rest] for rest in rests if rest <= limit), Decimal(0))
    return 1 - kept / len(rests)


def _compound_poisson(expected: Fraction, lengths: Sequence[int], limit: int) -> list[Decimal]:
    """The probabilities that the outages still to come take 0, 1, …, ``limit`` steps in all: Panjer's recursion.

    ``expected`` outages in the mean, each as long as one of ``lengths``.
    """
    rate = Decimal(expected.numerator) / expected.denominator
    counts: Mapping[int, int] = Counter(lengths)
    weights = {length: length * rate * count / len(lengths) for length, count in counts.items() if 0 < length <= limit}
    mass = [(-rate * (len(lengths) - counts.get(0, 0)) / len(lengths)).exp()]
    for total in range(1, limit + 1):
        terms = (weight * mass[total - length] for length, weight in weights.items() if length <= total)
        mass.append(sum(terms, Decimal(0)) / total)
    return mass
