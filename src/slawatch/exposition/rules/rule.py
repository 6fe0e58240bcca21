"""What a rule is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PAGE, TICKET, NONE = "page", "ticket", "none"
"""Severities: somebody gets up now; somebody looks in working hours; nobody need know."""

CONTRACT = "client, service, contract"
"""The labels of a contract, to match by."""
WHOSE = "{{ $labels.client }}/{{ $labels.contract }}"
"""A contract, in a template."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A rule that keeps a figure: ``level:metric:operations``."""

    name: str
    expression: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that alerts. ``summary`` and ``description`` are Prometheus templates; ``meaning`` and ``act`` are for the
    runbook: what it means when it fires, and what to do."""

    name: str
    expression: str
    hold: str
    """How long the expression must be true first; empty for at once."""
    severity: str
    summary: str
    description: str
    meaning: str
    act: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Beside the severity, and beside those of the expression."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, at one instant."""

    name: str
    rules: Sequence[Recording | Alert]
