"""One probe, with the prober's alibi when it fails (S11)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from slawatch.domain.interval import MILLISECOND, Duration, Instant
from slawatch.domain.observation import Cause, Observation, Verdict
from slawatch.runtime.clock import Clock
from slawatch.scheduling.alibi import Fault

Probe = Callable[[], Awaitable[Observation]]
"""Asks one endpoint once. Keeps its own deadline, and answers a failure with a verdict instead of an exception."""

Vouch = Callable[[int, Observation], Awaitable[Fault | None]]
"""Asks whether the way to the endpoint was open for a failed observation of a probe that began at an instant of the
monotonic clock. Takes about a second at most, and raises nothing but ``CancelledError``."""

OVERRUN: Duration = 250 * MILLISECOND
"""How far beyond its timeout a probe may run. One that is found running after that is cut off and at fault itself."""

DETAIL_LENGTH = 256
"""The longest detail that an observation carries, in characters."""

_QUESTIONED = (Verdict.DOWN, Verdict.DEGRADED)


class Alibi(Protocol):
    """What answers for the prober."""

    def mark(self) -> int:
        """The instant at which a probe begins, on the monotonic clock in microseconds."""

    def fault(self, since: int, timeout: Duration) -> Fault | None:
        """Why the prober was not fit to judge between ``since`` and now; None when it was."""

    def unfit(self) -> Fault | None:
        """Why no probe should begin now; None when one may."""

    def room(self) -> int:
        """How many probes may run at once without touching the reserve of descriptors. At least 1."""


async def ask(probe: Probe, alibi: Alibi, clock: Clock) -> Observation:
    """What one probe says. One that raises is a fault of ours and never a verdict on the endpoint.

    While the prober is unfit nothing is asked at all. Raises nothing but ``CancelledError``.
    """
    started, since = clock.now(), clock.monotonic()
    unfit = alibi.unfit()
    if unfit is not None:
        return Observation(started, 0, Verdict.VOID, unfit.reason, unfit.detail, cause=unfit.cause)
    try:
        return await probe()
    except Exception as error:  # noqa: BLE001 - whatever a probe raises must not become a verdict
        asyncio.get_running_loop().call_exception_handler({"message": "a probe raised", "exception": error})
        return _fault_of_ours(started, clock.monotonic() - since, "probe_error", type(error).__name__)


async def judged(
    observation: Observation, alibi: Alibi, since: int, within: Duration, vouch: Vouch | None = None
) -> Observation:
    """The observation of a probe that began at ``since``, void where the prober cannot vouch for a failure.

    A success proves itself and is never questioned; a failure is, and so is DEGRADED, since it may have been we who
    were slow. ``within`` is the probe's timeout. The prober is asked about itself first: that costs nothing and no
    time. Witnesses are asked about failures only, and where they are silent the prober again: it may have been late
    to hear them. A resolver of ours that was lost is asked about as well: it may have been the line, or us.
    """
    without_resolver = observation.cause is Cause.RESOLVER_LOST
    if observation.verdict not in _QUESTIONED and not without_resolver:
        return observation
    fault = alibi.fault(since, within)
    if fault is None and vouch is not None and (observation.verdict is Verdict.DOWN or without_resolver):
        fault = await vouch(since, observation)
        if fault is not None:
            fault = alibi.fault(since, within) or fault
    return observation if fault is None else voided(observation, fault)


def overrun(clock: Clock, since: int) -> Observation:
    """What is said of a probe, begun at ``since`` on the monotonic clock, that was cut off."""
    duration = clock.monotonic() - since
    return _fault_of_ours(clock.now() - duration, duration, "overrun", "the probe did not keep its own deadline")


def voided(observation: Observation, fault: Fault) -> Observation:
    """The same observation, void for ``fault``; what the probe itself had found stays in its detail."""
    found = ": ".join(filter(None, (observation.reason, observation.detail)))
    detail = f"{fault.detail}; the probe said {found}"[:DETAIL_LENGTH]
    return replace(observation, verdict=Verdict.VOID, cause=fault.cause, reason=fault.reason, detail=detail)


def _fault_of_ours(started: Instant, duration: Duration, reason: str, detail: str) -> Observation:
    return Observation(started, duration, Verdict.VOID, reason, detail, cause=Cause.PROBER_FAULT)
