"""A kind of probe and its options, wherever a file says them: at an endpoint, in a module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from slawatch.config.document import Document
from slawatch.config.outbound import denied
from slawatch.config.sentences import report_errors
from slawatch.domain.grammar import format_duration
from slawatch.domain.interval import Duration
from slawatch.domain.terms_reading import Path
from slawatch.probes.options import ProbeOptions
from slawatch.probes.policy import AddressPolicy
from slawatch.probes.probe import Kind
from slawatch.probes.registry import kinds


def read_kind(document: Document, path: Path, probe: object, *, for_daemon: bool) -> Kind | None:
    """The kind of probe; None, for the daemon with a finding, when this version has no such kind."""
    if not isinstance(probe, str):
        return None
    kind = kinds().get(probe)
    if kind is None and for_daemon:
        problem = f"this version has no probe {probe!r}: expected one of {', '.join(kinds())}"
        document.report((*path, "probe"), problem)
    return kind


def read_options(
    document: Document, path: Path, kind: Kind, value: dict[str, Any], *, also: Sequence[str]
) -> ProbeOptions | None:
    """The options of a kind; None, with findings, where one is wrong. ``also`` are keys that stand beside them."""
    try:
        return kind.options.model_validate(value)
    except ValidationError as error:
        report_errors(document, path, kind.options, error, also=also)
        return None


def check_way(document: Document, path: Path, options: ProbeOptions, policy: AddressPolicy) -> None:
    """A finding for each host on the way, a proxy, that the policy would deny for ever."""
    for key, where in options.on_the_way().items():
        denial = denied(where, policy, what=key)
        if denial is not None:
            document.report((*path, key), denial)


def check_time(document: Document, path: Path, options: ProbeOptions, timeout: Duration) -> None:
    """A finding where a probe with these options takes longer than ``timeout``, in microseconds."""
    if options.least() > timeout:
        problem = f"{format_duration(timeout)} is too short for these options"
        document.report((*path, "timeout"), f"{problem}: expected at least {format_duration(options.least())}")
