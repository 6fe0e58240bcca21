"""``rules``: what Prometheus alerts on, with the numbers of the contracts that are configured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from slawatch.cli.options import configured
from slawatch.config.configuration import Configuration
from slawatch.domain.account import hours_within
from slawatch.domain.burn import burn_windows
from slawatch.domain.contract import Measurement
from slawatch.domain.interval import Instant, IntervalSet
from slawatch.exposition.rules.burning import Contract
from slawatch.exposition.rules.files import rules_text
from slawatch.runtime.clock import SystemClock


def print_rules(config: Path, runbooks: str, *, common: bool) -> None:
    """Print the file; ``common`` is the one that serves every configuration."""
    contracts = () if common else tuple(burning(configured(config), SystemClock().now()))
    sys.stdout.write(rules_text(contracts, runbooks))


def burning(configuration: Configuration, now: Instant) -> Iterator[Contract]:
    """Each contract of time with the windows of the period that runs at ``now``, or else of the one that comes next."""
    for item in configuration.contracts:
        contract = item.contract
        period = contract.periods.containing(max(now, contract.valid.start))
        if contract.measurement is not Measurement.AVAILABILITY or period is None:
            continue
        hours = hours_within(contract, period.nominal)
        length = (hours or IntervalSet.span(*period.nominal)).length
        windows = burn_windows(contract.target, length)
        if windows:
            yield Contract(contract.client, contract.service, contract.name, windows)
