"""The address policy of tests: their servers stand on loopback, which is denied unless somebody allows it."""

from __future__ import annotations

from slawatch.probes.policy import LOOPBACK, AddressPolicy


def loopback_allowed() -> AddressPolicy:
    """All of loopback; everything else as ever."""
    return AddressPolicy(LOOPBACK)
