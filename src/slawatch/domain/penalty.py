"""What a missed standard costs: the penalty of a contract as immutable data, its grammar, and its words (S34).

A penalty has one or more *parts*. Each part alone gives an amount; ``stack`` says whether the highest counts
or their sum; ``cap`` and ``minimum`` then bound what is paid. How amounts are computed is in
:mod:`slawatch.domain.credits`.

========== ==============================================================================================
part       credits
========== ==============================================================================================
flat       once, when the deciding ratio is below the standard
tiers      once, the lowest tier that the exact ratio matches; ``below: 99%`` does not include 99 %
per_block  each full (``started: true``: each started) block of downtime, added up over the period
per_outage each outage longer than a length; ``50 x prorata`` is 50 times the charges of the time it lasted
prorata    the charges of the downtime, times a factor
per_miss   each missed event of a ratio measurement (S30)
========== ==============================================================================================

``beyond: budget`` counts only what is more than the standard allows, ``beyond: nothing`` counts all.
``termination_after: {breached: 3, of: 4}`` gives the client the right to terminate once 3 of the latest 4
periods were breached; without ``of`` they must follow one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from slawatch.domain.grammar import Money, parse_money, parse_ratio, ratio_text, spell_duration
from slawatch.domain.interval import Duration
from slawatch.domain.penalty_reading import (
    Path,
    PenaltyError,
    Reader,
    count_of,
    duration_of,
    factor_of,
    flag_of,
    money_of,
    read_by,
    text_of,
    word_of,
)

__all__ = [
    "Amount",
    "Beyond",
    "Credit",
    "Penalty",
    "PenaltyError",
    "PerBlock",
    "PerMiss",
    "PerOutage",
    "Prorata",
    "ProrataMultiple",
    "Share",
    "Stack",
    "TerminationRight",
    "Tier",
    "describe",
    "parse_penalty",
    "percent_text",
]


@dataclass(frozen=True, slots=True)
class Share:
    """A ratio of the period's charges."""

    ratio: Fraction

    def __str__(self) -> str:
        return f"{percent_text(self.ratio)} of charges"


@dataclass(frozen=True, slots=True)
class Amount:
    """A fixed amount of money."""

    money: Money

    def __str__(self) -> str:
        return str(self.money)


@dataclass(frozen=True, slots=True)
class ProrataMultiple:
    """``factor`` times the charges that fall to the time concerned, by its share of the service time."""

    factor: Fraction

    def __str__(self) -> str:
        return f"{ratio_text(self.factor)} x prorata"


Credit = Share | Amount | ProrataMultiple


class Beyond(StrEnum):
    """From where on downtime or misses count."""

    BUDGET = "budget"
    NOTHING = "nothing"


class Stack(StrEnum):
    """What becomes of several parts that all give a credit."""

    HIGHEST = "highest"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class Tier:
    """``credit`` when the ratio is below ``bound``, or with ``inclusive`` (``at_most``) also exactly on it."""

    bound: Fraction
    inclusive: bool
    credit: Share | Amount

    def matches(self, ratio: Fraction) -> bool:
        """Whether an exact ratio is in this tier."""
        return ratio <= self.bound if self.inclusive else ratio < self.bound

    def __str__(self) -> str:
        return f"{self.credit} {'at or below' if self.inclusive else 'below'} {percent_text(self.bound)}"


@dataclass(frozen=True, slots=True)
class PerBlock:
    """``credit`` for each full block of the period's downtime; with ``started`` a begun block is a full one."""

    block: Duration
    credit: Share | Amount
    started: bool = False
    beyond: Beyond = Beyond.BUDGET


@dataclass(frozen=True, slots=True)
class PerOutage:
    """``credit`` for each outage whose service time in the period is more than ``longer_than``."""

    credit: Credit
    longer_than: Duration = 0


@dataclass(frozen=True, slots=True)
class Prorata:
    """``factor`` times the charges of the downtime."""

    factor: Fraction = Fraction(1)
    beyond: Beyond = Beyond.BUDGET


@dataclass(frozen=True, slots=True)
class PerMiss:
    """``credit`` for each missed event."""

    credit: Share | Amount
    beyond: Beyond = Beyond.NOTHING


@dataclass(frozen=True, slots=True)
class TerminationRight:
    """The client may terminate once ``breached`` of the latest ``of`` judged periods were breached."""

    breached: int
    of: int


@dataclass(frozen=True, slots=True)
class Penalty:
    """A whole penalty; with no parts it is none.

    ``cap`` bounds the credit of one period. A credit below ``minimum`` is not paid at all.
    """

    flat: Share | Amount | None = None
    tiers: tuple[Tier, ...] = ()
    per_block: PerBlock | None = None
    per_outage: PerOutage | None = None
    prorata: Prorata | None = None
    per_miss: PerMiss | None = None
    stack: Stack = Stack.HIGHEST
    cap: Share | Amount | None = None
    minimum: Money | None = None
    termination_after: TerminationRight | None = None

    @property
    def is_none(self) -> bool:
        """Whether no part can ever give a credit."""
        return not any((self.flat, self.tiers, self.per_block, self.per_outage, self.prorata, self.per_miss))

    @property
    def needs_charges(self) -> bool:
        """Whether an amount depends on the charges, so that a contract without charges cannot have it."""
        return self.prorata is not None or any(not isinstance(credit, Amount) for credit in self._credits())

    @property
    def currency(self) -> str | None:
        """The one currency in which its amounts are written; None when it has no amounts."""
        return next(iter(self._currencies()), None)

    def _credits(self) -> Iterator[Credit]:
        single = (self.flat, self.cap)
        parts = (*self.tiers, self.per_block, self.per_outage, self.per_miss)
        yield from (credit for credit in single if credit is not None)
        yield from (part.credit for part in parts if part is not None)

    def _currencies(self) -> Iterator[str]:
        if self.minimum is not None:
            yield self.minimum.currency
        yield from (credit.money.currency for credit in self._credits() if isinstance(credit, Amount))


def percent_text(ratio: Fraction) -> str:
    """A ratio as a percentage, exact for every ratio that can be written as one: ``99.95%``."""
    return f"{ratio_text(ratio * 100)}%"


def describe(penalty: Penalty) -> str:
    """The penalty in plain words, one sentence a rule; ``No penalty.`` when there is none."""
    parts = list(_part_sentences(penalty))
    sentences = [*parts] or ["No penalty."]
    if len(parts) > 1:
        sentences.append("Of these the highest counts." if penalty.stack is Stack.HIGHEST else "These are added up.")
    if penalty.cap is not None:
        sentences.append(f"Never more than {penalty.cap} in a period.")
    if penalty.minimum is not None:
        sentences.append(f"A credit below {penalty.minimum} is not paid out.")
    if penalty.termination_after is not None:
        sentences.append(_termination_sentence(penalty.termination_after))
    return " ".join(sentences)


def _part_sentences(penalty: Penalty) -> Iterator[str]:
    if penalty.flat is not None:
        yield f"{penalty.flat} when the standard is missed."
    if penalty.tiers:
        steps = ", ".join(str(tier) for tier in reversed(penalty.tiers))
        yield f"{steps}{'; the lowest tier that matches counts' if len(penalty.tiers) > 1 else ''}."
    if (blocks := penalty.per_block) is not None:
        begun = "each started" if blocks.started else "each full"
        yield f"{blocks.credit} for {begun} {spell_duration(blocks.block)} of downtime{_beyond_words(blocks.beyond)}."
    if (outages := penalty.per_outage) is not None:
        which = f" longer than {spell_duration(outages.longer_than)}" if outages.longer_than else ""
        yield f"{_outage_words(outages.credit)} for each outage{which}."
    if (prorata := penalty.prorata) is not None:
        times = "" if prorata.factor == 1 else f"{ratio_text(prorata.factor)} times "
        yield f"{times}the charges of the downtime{_beyond_words(prorata.beyond)}."
    if (misses := penalty.per_miss) is not None:
        yield f"{misses.credit} for each missed event{_beyond_words(misses.beyond)}."


def _beyond_words(beyond: Beyond) -> str:
    return " beyond what the standard allows" if beyond is Beyond.BUDGET else ""


def _outage_words(credit: Credit) -> str:
    if isinstance(credit, ProrataMultiple):
        return f"{ratio_text(credit.factor)} times the charges of the time it lasted"
    return str(credit)


def _termination_sentence(right: TerminationRight) -> str:
    if right.breached == right.of:
        after = "a breached period" if right.of == 1 else f"{right.of} breached periods in a row"
    else:
        after = f"{right.breached} breached periods among {right.of} in a row"
    return f"The client may terminate after {after}."


_KEYS = tuple(field.name for field in fields(Penalty))
_EXPECTED = "none, a flat one like '10% of charges', or a mapping of parts"


def parse_penalty(document: str | Mapping[str, object]) -> Penalty:
    """The penalty that a contract writes. :class:`PenaltyError`, a ``ValueError``, names the first bad key."""
    if isinstance(document, str):
        return Penalty() if document.strip() == "none" else Penalty(flat=_credit((), document, _EXPECTED))
    if not isinstance(document, Mapping):
        raise PenaltyError((), f"{document!r} is no penalty: expected {_EXPECTED}")
    read = Reader((), document, _KEYS)
    penalty = Penalty(
        flat=read.get("flat", _credit, None),
        tiers=read.get("tiers", _tiers, ()),
        per_block=read.get("per_block", _per_block, None),
        per_outage=read.get("per_outage", _per_outage, None),
        prorata=read.get("prorata", _prorata, None),
        per_miss=read.get("per_miss", _per_miss, None),
        stack=read.get("stack", _stack, Stack.HIGHEST),
        cap=read.get("cap", _credit, None),
        minimum=read.get("minimum", money_of, None),
        termination_after=read.get("termination_after", _termination, None),
    )
    return _checked(penalty)


def _checked(penalty: Penalty) -> Penalty:
    currencies = sorted(set(penalty._currencies()))
    if len(currencies) > 1:
        raise PenaltyError((), f"amounts in {' and '.join(currencies)}: expected one currency")
    if penalty.is_none and penalty.termination_after is None:
        raise PenaltyError((), f"it has no part that gives a credit: expected {_EXPECTED}")
    if isinstance(penalty.cap, Amount) and penalty.minimum and penalty.minimum.amount > penalty.cap.money.amount:
        raise PenaltyError(("minimum",), f"{penalty.minimum} is more than the cap: expected at most {penalty.cap}")
    return penalty


def _credit(path: Path, value: object, expected: str = "one like 10% or 25.00 EUR") -> Share | Amount:
    text = text_of(path, value)
    for parse in (_share, _amount):
        try:
            return parse(text)
        except ValueError:
            continue
    raise PenaltyError(path, f"{text!r} is no credit: expected {expected}")


def _share(text: str) -> Share:
    return Share(parse_ratio(text.removesuffix("of charges")))


def _amount(text: str) -> Amount:
    return Amount(parse_money(text))


def _outage_credit(path: Path, value: object) -> Credit:
    text = text_of(path, value)
    number, times, rest = text.partition(" x ")
    if times and rest.strip() == "prorata":
        return ProrataMultiple(factor_of(path, number))
    return _credit(path, text, "one like 10%, 25.00 EUR or 50 x prorata")


def _beyond(path: Path, value: object) -> Beyond:
    return word_of(path, value, Beyond)


def _stack(path: Path, value: object) -> Stack:
    return word_of(path, value, Stack)


def _tiers(path: Path, value: object) -> tuple[Tier, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise PenaltyError(path, "no list of tiers: expected one like [{below: 99%, credit: 10%}]")
    found = [(_tier((*path, index), item), index) for index, item in enumerate(value)]
    found.sort(key=lambda pair: (pair[0].bound, pair[0].inclusive))
    for (worse, _), (better, index) in pairwise(found):
        if (worse.bound, worse.inclusive) == (better.bound, better.inclusive):
            raise PenaltyError((*path, index), f"two tiers {_bound_text(better)}: expected one")
        if _is_less(worse.credit, better.credit):
            problem = f"{better.credit}, but {_bound_text(worse)} only {worse.credit}: expected no more than there"
            raise PenaltyError((*path, index, "credit"), problem)
    return tuple(tier for tier, _ in found)


def _tier(path: Path, value: object) -> Tier:
    read = Reader(path, value, ("below", "at_most", "credit"))
    if ("below" in read) == ("at_most" in read):
        raise PenaltyError(path, "expected either below or at_most, as {below: 99%, credit: 10%}")
    key = "at_most" if "at_most" in read else "below"
    bound = read_by(read.path_of(key), read.value(key), parse_ratio)
    return Tier(bound, key == "at_most", read.need("credit", _credit))


def _bound_text(tier: Tier) -> str:
    return f"{'at or below' if tier.inclusive else 'below'} {percent_text(tier.bound)}"


def _is_less(left: Share | Amount, right: Share | Amount) -> bool:
    """Whether one credit is certainly less than another; a share and an amount cannot be compared."""
    if isinstance(left, Share) and isinstance(right, Share):
        return left.ratio < right.ratio
    return isinstance(left, Amount) and isinstance(right, Amount) and left.money.amount < right.money.amount


def _per_block(path: Path, value: object) -> PerBlock:
    read = Reader(path, value, ("block", "started", "beyond", "credit"))
    block = read.need("block", duration_of)
    if block == 0:
        raise PenaltyError(read.path_of("block"), "a block of no length: expected one like 1h")
    started = read.get("started", flag_of, default=False)
    return PerBlock(block, read.need("credit", _credit), started, read.get("beyond", _beyond, Beyond.BUDGET))


def _per_outage(path: Path, value: object) -> PerOutage:
    read = Reader(path, value, ("longer_than", "credit"))
    return PerOutage(read.need("credit", _outage_credit), read.get("longer_than", duration_of, 0))


def _prorata(path: Path, value: object) -> Prorata:
    read = Reader(path, value, ("beyond", "factor"))
    return Prorata(read.get("factor", factor_of, Fraction(1)), read.get("beyond", _beyond, Beyond.BUDGET))


def _per_miss(path: Path, value: object) -> PerMiss:
    read = Reader(path, value, ("beyond", "credit"))
    return PerMiss(read.need("credit", _credit), read.get("beyond", _beyond, Beyond.NOTHING))


def _termination(path: Path, value: object) -> TerminationRight:
    read = Reader(path, value, ("breached", "of"))
    breached = read.need("breached", count_of)
    of = read.get("of", count_of, breached)
    if of < breached:
        raise PenaltyError(read.path_of("of"), f"{breached} of {of} cannot be: expected at least {breached}")
    return TerminationRight(breached, of)
