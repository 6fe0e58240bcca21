"""Service expressions: when is a service up, given its members (S16)?

Evaluated on time-aligned states with three-valued (Kleene) logic, per level of quality: a member reaches
DEGRADED when it is at least degraded and UP when it is up; whether enough members reach a level is true,
false or unknown. The service has the highest level that is certainly reached; it is DOWN when even
DEGRADED certainly is not, and UNKNOWN otherwise. So ``and`` takes the worst member, ``or`` the best, and an
unknown member matters only while it could change the answer.

Grammar: names, ``and``, ``or``, parentheses, ``k of (a, b, …)``, ``weighted(a: 3, b: 1) >= 50%``. ``and`` binds
tighter than ``or``. ``not`` is refused: an outage must never make a service better.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from slawatch.domain.facts import State
from slawatch.domain.grammar import parse_ratio, ratio_text

_TRUE, _FALSE, _MAYBE = 1, 0, 2
_TOKEN = re.compile(r"\s*(?:(>=|[(),:])|(\d+(?:\.\d+)?\s?%)|(\d+)(?![\w.-])|([A-Za-z_][\w.-]*)|(\S))")


@dataclass(frozen=True, slots=True)
class Member:
    """An endpoint (or, before expansion, a service) by name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Weighted:
    """Up at a level while the weights of the members that reach it sum to at least ``needed``.

    ``and``, ``or`` and ``k of`` are the cases with equal weights; ``form`` keeps how it was written.
    """

    members: tuple[tuple[Expression, Fraction], ...]
    needed: Fraction
    form: str

    def __str__(self) -> str:
        parts = [_wrapped(part) for part, _ in self.members]
        if self.form in ("and", "or"):
            return f" {self.form} ".join(parts)
        if self.form == "of":
            return f"{self.needed} of ({', '.join(str(part) for part, _ in self.members)})"
        total = sum(weight for _, weight in self.members)
        inner = ", ".join(f"{part}: {weight}" for part, weight in self.members)
        percent = ratio_text(self.needed / total * 100)
        return f"weighted({inner}) >= {percent}%"


Expression = Member | Weighted


def _wrapped(part: Expression) -> str:
    return f"({part})" if isinstance(part, Weighted) and part.form in ("and", "or") else str(part)


def names_in(expression: Expression) -> tuple[str, ...]:
    """Every member name, each once, in order of appearance."""
    return tuple(dict.fromkeys(_walk(expression)))


def _walk(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Member):
        yield expression.name
    else:
        for part, _ in expression.members:
            yield from _walk(part)


def expand(expression: Expression, services: Mapping[str, Expression]) -> Expression:
    """The expression with every service name replaced by that service's own expression.

    ``ValueError`` names the circle where services contain one another.
    """
    return _expand(expression, services, ())


def _expand(expression: Expression, services: Mapping[str, Expression], path: tuple[str, ...]) -> Expression:
    if isinstance(expression, Weighted):
        members = tuple((_expand(part, services, path), weight) for part, weight in expression.members)
        return Weighted(members, expression.needed, expression.form)
    if expression.name not in services:
        return expression
    if expression.name in path:
        circle = " -> ".join((*path[path.index(expression.name) :], expression.name))
        raise ValueError(f"services contain one another: {circle}")
    return _expand(services[expression.name], services, (*path, expression.name))


def state_of(expression: Expression, states: Mapping[str, State]) -> State:
    """The service's state while its members have ``states``; a member without one is UNKNOWN."""
    degraded = _reaches(expression, states, State.DEGRADED)
    if degraded == _FALSE:
        return State.DOWN
    if degraded == _MAYBE:
        return State.UNKNOWN
    return State.UP if _reaches(expression, states, State.UP) == _TRUE else State.DEGRADED


def _reaches(expression: Expression, states: Mapping[str, State], level: State) -> int:
    if isinstance(expression, Member):
        state = states.get(expression.name, State.UNKNOWN)
        if state is State.UNKNOWN:
            return _MAYBE
        return _TRUE if state >= level else _FALSE
    sure = possible = Fraction(0)
    for part, weight in expression.members:
        answer = _reaches(part, states, level)
        if answer == _TRUE:
            sure += weight
        if answer != _FALSE:
            possible += weight
    if sure >= expression.needed:
        return _TRUE
    return _MAYBE if possible >= expression.needed else _FALSE


def parse_expression(text: str) -> Expression:
    """Read an ``up_when``. ``ValueError`` says what is wrong, where (column from 1) and what is expected."""
    parser = _Parser(text)
    expression = parser.alternatives()
    parser.expect_end()
    return expression


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, int]] = []
        position = 0
        while match := _TOKEN.match(text, position):
            self.tokens.append((match[0].strip(), match.start() + len(match[0]) - len(match[0].lstrip()) + 1))
            position = match.end()
        self.tokens.append(("", len(text) + 1))
        self.next = 0

    @property
    def word(self) -> str:
        return self.tokens[self.next][0]

    def fail(self, expected: str) -> ValueError:
        found, column = self.tokens[self.next]
        what = f"{found!r} at column {column}" if found else "the expression ends"
        return ValueError(f"{what}: expected {expected}")

    def take(self, wanted: str, expected: str) -> None:
        if self.word != wanted:
            raise self.fail(expected)
        self.next += 1

    def expect_end(self) -> None:
        if self.word:
            raise self.fail("'and', 'or' or the end")

    def alternatives(self) -> Expression:
        return self._joined("or", self.conjunction, lambda n: Fraction(1))

    def conjunction(self) -> Expression:
        return self._joined("and", self.term, Fraction)

    def _joined(self, word: str, part: Callable[[], Expression], needed: Callable[[int], Fraction]) -> Expression:
        parts = [part()]
        while self.word == word:
            self.next += 1
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return Weighted(tuple((p, Fraction(1)) for p in parts), needed(len(parts)), word)

    def term(self) -> Expression:
        word = self.word
        if word == "(":
            self.next += 1
            inner = self.alternatives()
            self.take(")", "')'")
            return inner
        if word == "weighted":
            return self.weighted()
        if word.isdigit():
            return self.k_of()
        return Member(self.name())

    def name(self) -> str:
        word = self.word
        if word == "not":
            raise self.fail("a name: 'not' is refused, since an outage must never make a service better")
        if word in ("and", "or", "of", "weighted") or not re.fullmatch(r"[A-Za-z_][\w.-]*", word):
            raise self.fail("the name of an endpoint or a service, '(', 'k of (…)' or 'weighted(…)'")
        self.next += 1
        return word

    def k_of(self) -> Expression:
        k = int(self.word)
        self.next += 1
        self.take("of", "'of', as in 2 of (a, b, c)")
        self.take("(", "'('")
        members = [self.alternatives()]
        while self.word == ",":
            self.next += 1
            members.append(self.alternatives())
        if not 1 <= k <= len(members):
            raise self.fail(f"between 1 and {len(members)} of {len(members)} members, not {k}")
        self.take(")", "',' or ')'")
        return Weighted(tuple((member, Fraction(1)) for member in members), Fraction(k), "of")

    def weighted(self) -> Expression:
        self.next += 1
        self.take("(", "'('")
        members = [self.weight()]
        while self.word == ",":
            self.next += 1
            members.append(self.weight())
        self.take(")", "',' or ')'")
        self.take(">=", "'>=', as in weighted(a: 3, b: 1) >= 50%")
        if not self.word.endswith("%"):
            raise self.fail("a percentage, as 50%")
        share = parse_ratio(self.word)
        if share == 0:
            raise self.fail("more than 0%")
        self.next += 1
        return Weighted(tuple(members), share * sum(weight for _, weight in members), "weighted")

    def weight(self) -> tuple[Expression, Fraction]:
        member = self.alternatives()
        self.take(":", "':' and a weight, as in a: 3")
        if not self.word.isdigit() or int(self.word) == 0:
            raise self.fail("a weight, a whole number from 1")
        self.next += 1
        return member, Fraction(self.tokens[self.next - 1][0])
