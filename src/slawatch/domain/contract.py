"""An agreement as immutable data: definition, measurement, standard and period, penalty.

``Contract`` is what evaluation reads. It is built by :mod:`slawatch.domain.terms` from the *terms*, the plain
texts that the operator wrote and that the ledger stores by version (S29), so that a figure can be
recomputed from the ledger alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from slawatch.domain.composite import Expression
from slawatch.domain.counting import Counting
from slawatch.domain.grammar import Money
from slawatch.domain.interval import DISTANT_FUTURE, DISTANT_PAST, Duration, Instant, Interval
from slawatch.domain.penalty import Penalty
from slawatch.domain.period import MeasurementPeriods, PartialPolicy, PeriodRule
from slawatch.domain.service_hours import Calendar

UNLIMITED = Interval(DISTANT_PAST, DISTANT_FUTURE)
"""The validity of a contract that names neither a beginning nor an end."""


class ServiceKind(StrEnum):
    """The six kinds of service that are promised."""

    NETWORK = "network"
    EMAIL = "email"
    BREAK_FIX = "break_fix"
    APPLICATIONS = "applications"
    HELP_DESK = "help_desk"
    BATCH = "batch"


class Measurement(StrEnum):
    """What the standard is a percentage of: time, or counted events (S30)."""

    AVAILABILITY = "availability"
    ON_TIME = "on_time"
    RESPONSE_IN_TIME = "response_in_time"
    RESTORE_IN_TIME = "restore_in_time"
    DELIVERY_IN_TIME = "delivery_in_time"


class UnknownPolicy(StrEnum):
    """Where unknown time goes in all three figures (S6)."""

    EXCLUDE = "exclude"
    DOWN = "down"
    UP = "up"


class Figure(StrEnum):
    """Which of the three figures decides money (S34)."""

    POINT = "point"
    LOW = "low"
    HIGH = "high"


class GranularityKind(StrEnum):
    """How outage time is counted (S19)."""

    EXACT = "exact"
    MINUTE_ANY = "per minute, any"
    MINUTE_ALL = "per minute, all"
    STARTED_BLOCK = "per started block of"


@dataclass(frozen=True, slots=True)
class Granularity:
    """A counting rule; ``block`` in microseconds for started blocks only."""

    kind: GranularityKind = GranularityKind.EXACT
    block: Duration = 0


class ChargeBasis(StrEnum):
    """What an amount of charges covers."""

    PERIOD = "period"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Charge:
    """Charges from ``since`` on (dated versions, S34)."""

    amount: Money
    basis: ChargeBasis
    since: Instant


@dataclass(frozen=True, slots=True)
class Options:
    """How this contract settles what the rules leave open. Defaults are the first choice of each rule."""

    settle_on: Figure = Figure.POINT
    unknown: UnknownPolicy = UnknownPolicy.EXCLUDE
    degraded: Fraction = Fraction(1)
    coverage_floor: Fraction = Fraction(95, 100)
    granularity: Granularity = Granularity()
    ignore_outages_shorter_than: Duration = 0
    merge_gaps_shorter_than: Duration = 0
    partial: PartialPolicy = PartialPolicy.JUDGE
    unreachable_is_down: bool = True
    grace: Duration = 3 * 86_400_000_000
    maintenance_notice: Duration = 0
    maintenance_limit: Duration | None = None
    release_automatic: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """One standard that one client was promised.

    ``target`` is the standard as a ratio. ``hours`` is None for around the clock. ``expression`` says
    when the service is up, over endpoint names with nested services already expanded; ``parents`` maps a
    child endpoint to the one it lies behind. ``valid`` clips periods; ``began_unstated`` says that it
    starts only where the ledger first saw the contract. ``confirmation_span`` is how long after its end
    a period can still be revised by confirmation (S23), for the slowest endpoint.
    """

    client: str
    name: str
    service: str
    kind: ServiceKind
    definition: str
    measurement: Measurement
    target: Fraction
    zone: ZoneInfo
    period: PeriodRule
    period_text: str
    hours: Calendar | None
    hours_text: str
    expression: Expression
    parents: Mapping[str, str] = field(default_factory=dict)
    valid: Interval = UNLIMITED
    began_unstated: bool = False
    penalty: Penalty = field(default_factory=Penalty)
    penalty_text: str = "none"
    charges: tuple[Charge, ...] = ()
    options: Options = Options()
    confirmation_span: Duration = 0
    owner: str = ""
    review_at: tuple[str, ...] = ()
    credit_cap: Money | None = None
    same_incident_highest: bool = False
    version: str = ""
    """The SHA-256 of its terms as the ledger holds them; empty where no ledger does."""
    counting: Counting | None = None
    """How a counted measurement decides its events (S30); None for availability."""

    @property
    def key(self) -> str:
        """``client/contract``, as commands and labels write it."""
        return f"{self.client}/{self.name}"

    @property
    def periods(self) -> MeasurementPeriods:
        """The measurement periods: the rule clipped to validity (S21)."""
        return MeasurementPeriods(self.period, self.valid, self.options.partial, start_stated=not self.began_unstated)

    def seen_first(self, at: Instant) -> Contract:
        """The contract as the ledger knows it: one without a stated beginning begins at ``at`` (S21)."""
        if self.valid.start != UNLIMITED.start:
            return self
        return replace(self, valid=Interval(at, self.valid.end), began_unstated=True)

    def charge_at(self, instant: Instant) -> Charge | None:
        """The version of the charges that is in force at an instant."""
        current = [charge for charge in self.charges if charge.since <= instant]
        return current[-1] if current else None
