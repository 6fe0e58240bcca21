"""One probe, looked at closely: its observation, and what else it came upon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from slawatch.domain.interval import Duration
from slawatch.domain.observation import Observation
from slawatch.probes.echo import Echo
from slawatch.probes.echo_hops import HopEcho
from slawatch.probes.found import Found
from slawatch.probes.options import Family, ProbeOptions
from slawatch.probes.probe import Kind, ProbeContext, Resources, observe


async def observe_closely(
    kind: Kind,
    target: object,
    options: ProbeOptions,
    resources: Resources,
    timeout: Duration,  # noqa: ASYNC109  in microseconds, and the observation says that it passed
) -> tuple[Observation, Found]:
    """Probe once, as :func:`~slawatch.probes.probe.observe` does, through the same gate, and keep what was found.

    A ping has a socket of its own, which is gone when this returns. Nothing that scheduled probes go by is changed.
    """
    look = _Look(resources)
    try:
        observation = await observe(kind, target, options, resources, timeout, look.prepare)
    finally:
        look.close()
    return observation, look.found


class _Look:
    """What is put into the context of one probe."""

    def __init__(self, resources: Resources) -> None:
        self.found = Found()
        self._resources = resources
        self._echo: HopEcho | None = None
        self._phase: Callable[[], str] = str

    def prepare(self, context: ProbeContext) -> None:
        context.trace.found = self.found
        context.echo = self._open
        # The address family that a name is probed by is a scheduled probe's to choose.
        context.outbound = replace(context.outbound, families=context.outbound.families.glance())
        self._phase = lambda: context.trace.phase

    def close(self) -> None:
        self.found.unfinished = self._phase()
        if self._echo is not None:
            self.found.hop_limit = self._echo.hop_limit
            self._echo.close()

    def _open(self, family: Family, whole: bool) -> Echo:
        clock = self._resources.clock
        begun = clock.monotonic()
        self._echo = HopEcho(family, clock, self._resources.icmp_opener, whole=whole)
        self.found.setup = clock.monotonic() - begun
        return self._echo
