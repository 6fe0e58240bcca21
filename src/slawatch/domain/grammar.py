"""The small grammars of a contract: durations, percentages, money. Exact both ways, never a float.

Every parser raises ``ValueError`` with what is wrong and what is expected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from slawatch.domain.interval import DAY, HOUR, MILLISECOND, MINUTE, SECOND, WEEK, Duration

_UNITS = {"us": 1, "ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_DURATION = re.compile(r"(\d{1,9})(us|ms|s|m|h|d|w)")
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)\s?%")
_MONEY = re.compile(r"(\d{1,12}(?:\.\d{1,4})?) ([A-Z]{3})")

_MINOR_UNITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""Currencies whose minor unit is not a hundredth (ISO 4217, list one)."""
_EXPONENTS = {code: digits for digits, codes in _MINOR_UNITS.items() for code in codes.split()}


def parse_duration(text: str) -> Duration:
    """Microseconds of ``250ms``, ``10s``, ``5m``, ``4h``, ``2d``, ``2w`` or parts joined as in ``1h30m``."""
    compact = text.strip()
    parts = _DURATION.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f"{text!r} is no duration: expected a number with a unit, as 250ms, 10s, 5m, 4h, 2d or 2w")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def format_duration(length: Duration) -> str:
    """The shortest text that :func:`parse_duration` reads back as ``length``: ``3h21m36s``."""
    if length == 0:
        return "0s"
    parts: list[str] = []
    rest = length
    for unit in ("w", "d", "h", "m", "s", "ms", "us"):
        number, rest = divmod(rest, _UNITS[unit])
        if number and (unit != "w" or (rest == 0 and not parts)):
            parts.append(f"{number}{unit}")
        elif number:
            rest += number * _UNITS[unit]
    return "".join(parts)


def spell_duration(length: Duration) -> str:
    """A length for people: ``3 h 21 m 36 s``; parts of a second as decimals; days from 72 h on."""
    sign, length = ("-", -length) if length < 0 else ("", length)
    days, rest = divmod(length, DAY) if length >= 3 * DAY else (0, length)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds = Decimal(rest).scaleb(-6).normalize()
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if number]
    if seconds or not parts:
        parts.append(f"{seconds:f} s")
    return sign + " ".join(parts)


def parse_ratio(text: str) -> Fraction:
    """The exact ratio of ``99%`` or ``99.95 %``; from 0 % to 100 %."""
    match = _PERCENT.fullmatch(text.strip())
    ratio = Fraction(match[1]) / 100 if match else None
    if ratio is None or ratio > 1:
        raise ValueError(f"{text!r} is no percentage: expected 0% to 100%, as 99% or 99.95%")
    return ratio


def ratio_text(ratio: Fraction) -> str:
    """A ratio as a decimal string: exact where it ends within 18 digits, else truncated after 18."""
    scaled, rest = divmod(abs(ratio.numerator) * 10**18, ratio.denominator)
    text = f"{Decimal(scaled).scaleb(-18):f}"
    text = text if rest else (text.rstrip("0").rstrip(".") or "0")
    return ("-" if ratio < 0 else "") + text


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in an ISO 4217 currency."""

    amount: Decimal
    currency: str

    @property
    def exponent(self) -> int:
        """Digits of the currency's minor unit: 2 for EUR, 0 for JPY."""
        return minor_digits(self.currency)

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


def minor_digits(currency: str) -> int:
    """How many digits the minor unit of a currency has (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def parse_money(text: str) -> Money:
    """``1200.00 EUR``: digits, a point, at most the currency's minor digits, a space, an ISO 4217 code."""
    match = _MONEY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no amount of money: expected one like 1200.00 EUR")
    money = Money(Decimal(match[1]), match[2])
    if -int(money.amount.as_tuple().exponent) > money.exponent:
        raise ValueError(f"{text!r} has more digits than {money.currency} has: expected at most {money.exponent}")
    return money
