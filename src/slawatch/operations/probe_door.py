"""The door for a single probe that somebody asks for: what may be asked, for how long, and how many at once.

A probe answers; it never writes. Nothing of it goes into the ledger, and no state comes of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple

from slawatch.domain.interval import MILLISECOND, SECOND, Duration
from slawatch.domain.observation import Observation, Verdict
from slawatch.operations.probe_modules import DEFAULT, Module
from slawatch.probes.closely import observe_closely
from slawatch.probes.found import Found
from slawatch.probes.options import ProbeOptions
from slawatch.probes.probe import Resources
from slawatch.probes.registry import kinds

MOST_AT_ONCE = 32
"""Probes of this door that may run at a time: scheduled ones must not starve for descriptors or the loop."""
USUAL: Duration = 10 * SECOND
"""How long a probe may take where neither the request nor its module says so."""
LONGEST: Duration = 120 * SECOND
"""Where the request allows more; blackbox_exporter's own limit."""
SLACK: Duration = 500 * MILLISECOND
"""What is left of a scrape's time for the way back."""
LONGEST_TARGET = 4096
"""Characters."""


class Refused(Exception):
    """The door stays shut: the status of HTTP that says so, and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Known:
    """A configured endpoint: its kind, its target's text, its options, its timeout in microseconds."""

    kind: str
    target: str
    options: ProbeOptions
    timeout: Duration


class Choice(NamedTuple):
    """What is to be probed, and how."""

    module: Module
    target: Any


class Answered(NamedTuple):
    """One probe: of which kind, what was seen, what else was found, whether the door calls it a success."""

    kind: str
    observation: Observation
    found: Found
    success: bool
    discreet: bool
    """Whether the other side was told a secret, which it may send back in whatever it says."""


class Book:
    """What may be asked by one configuration. Making one parses every target: do it in a thread."""

    def __init__(self, endpoints: Mapping[str, Known], modules: Mapping[str, Module], *, any_target: bool) -> None:
        self._endpoints, self._modules, self._any_target = endpoints, modules, any_target
        self._places = frozenset(_places(endpoints.values()))

    def choose(self, target: str, module: str) -> Choice:
        """What a request asks for; ``module`` is empty where it names none. ``Refused`` with 400 or 403."""
        if not target:
            raise Refused(400, "The target is missing: expected ?target= with an address, a URL or CLIENT/ENDPOINT.")
        if len(target) > LONGEST_TARGET:
            raise Refused(400, f"The target is longer than {LONGEST_TARGET} characters.")
        known = self._endpoints.get(target) if not module else None
        if known is not None:
            return Choice(Module(known.kind, known.options, known.timeout), kinds()[known.kind].target(known.target))
        chosen = self._modules.get(module or DEFAULT)
        if chosen is None:
            raise Refused(400, f"There is no such module: expected one of {', '.join(sorted(self._modules))}.")
        return Choice(chosen, self._admitted(target, chosen))

    def _admitted(self, text: str, module: Module) -> object:
        try:
            target = kinds()[module.kind].target(_spelled(text, module))
        except ValueError as problem:
            raise Refused(400, f"The target does not fit the module: {problem}.") from None
        if _place(module.kind, target) in self._places:
            return target
        if not self._any_target:
            raise Refused(403, "No configured endpoint has this target, and probe_door: {open: true} is not set.")
        if module.holds_a_secret:
            raise Refused(403, "No configured endpoint has this target, and a module with a secret tells nobody else.")
        return target


def _spelled(text: str, module: Module) -> str:
    """The target as its kind parses it, from what blackbox_exporter takes."""
    if module.kind == "http":
        return text if text.lower().startswith(("http://", "https://")) else f"http://{text}"
    if module.kind != "dns":
        return text
    server = text.removeprefix("dns://")
    if "/" in server:
        raise ValueError("it is no name server: expected one like 192.0.2.53 or 192.0.2.53:5353")
    try:
        bracketed = isinstance(ip_address(server), IPv6Address)
    except ValueError:
        bracketed = False
    return f"[{server}]/{module.query_name}" if bracketed else f"{server}/{module.query_name}"


def _places(endpoints: Iterable[Known]) -> Iterable[Hashable]:
    return (_place(each.kind, kinds()[each.kind].target(each.target)) for each in endpoints)


def _place(kind: str, target: Any) -> Hashable:
    """What makes two targets the same. `tcp` and `tls` share theirs; of `dns` it is the server alone."""
    if kind == "dns":
        return ("dns", target.destination)
    return ("tcp" if kind == "tls" else kind, target)


def allowed_time(scrape_timeout: str | None, module: Duration | None) -> Duration:
    """How long a probe may take, from the header by which Prometheus says when it gives up, in seconds.

    Half a second less than that, and no longer than the module says, nor than ``LONGEST``. ``Refused`` where it is no
    number.
    """
    try:
        seconds = float(scrape_timeout) if scrape_timeout else 0.0
        given = int(seconds * SECOND)
    except (ValueError, OverflowError):
        raise Refused(400, "X-Prometheus-Scrape-Timeout-Seconds is no number of seconds.") from None
    if given <= SLACK:
        return min(module or USUAL, LONGEST)
    return min(given - SLACK, module or LONGEST, LONGEST)


class ProbeDoor:
    """Probes on request, through the same gate as scheduled probes. ``book`` gives what may be asked now."""

    def __init__(self, book: Callable[[], Awaitable[Book]], resources: Resources, most: int = MOST_AT_ONCE) -> None:
        self._book, self._resources, self._free = book, resources, most

    async def ask(self, target: str, module: str, scrape_timeout: str | None) -> Answered:
        """One probe; ``Refused`` where there is none. Texts as they stand in the request, empty where they are not."""
        choice = (await self._book()).choose(target, module)
        chosen = choice.module
        timeout = allowed_time(scrape_timeout, chosen.timeout)
        if not self._free:
            raise Refused(503, "Too many probes of this door are running already.")
        self._free -= 1
        try:
            seen, found = await observe_closely(
                kinds()[chosen.kind], choice.target, chosen.options, self._resources, timeout
            )
        finally:
            self._free += 1
        good = seen.verdict in (Verdict.UP, Verdict.DEGRADED) or seen.reason in chosen.content_with
        return Answered(chosen.kind, seen, found, good, chosen.holds_a_secret)
