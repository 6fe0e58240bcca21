"""One row of the table: an awkward server, the question put to it, and what two probers make of the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from probes.certificates import Authority
from probes.nameservers import Farm
from probes.servers import Servers
from slawatch.probes.registry import kinds

CA = "the test's own authority"
"""Stands in options for the path of the authority's certificate, which is not known before the test runs."""


@dataclass(frozen=True)
class Place:
    """Where a row's server is started."""

    servers: Servers
    names: Farm
    authority: Authority


Serve = Callable[[Place], Awaitable[int | str]]
"""Starts the server; gives its port on 127.0.0.1, or `host:port`."""


@dataclass(frozen=True)
class Ask:
    """The same question for both: to slawatch by kind and options, to the exporter by a module of its own.

    ``target`` and ``theirs`` hold ``{}`` where the server's `host:port` goes.
    """

    kind: str
    target: str
    theirs: str
    prober: str
    options: Mapping[str, Any] = field(default_factory=dict)
    module: Mapping[str, Any] = field(default_factory=dict)

    def but(self, options: Mapping[str, Any] | None = None, module: Mapping[str, Any] | None = None) -> Self:
        """The same with more options; nested ones are merged."""
        return replace(self, options=_merged(self.options, options), module=_merged(self.module, module))


def _merged(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> dict[str, Any]:
    merged = dict(old)
    for key, value in (new or {}).items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if nested else value
    return merged


def placed(value: Any, authority: Authority) -> Any:
    """``value`` with the authority's path wherever ``CA`` stands."""
    if isinstance(value, Mapping):
        return {key: placed(each, authority) for key, each in value.items()}
    if isinstance(value, list):
        return [placed(each, authority) for each in value]
    return authority.path if value == CA else value


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``ours`` is slawatch's reason, from the verdict table of the kind; ``theirs`` is `up` or `down`, the exporter's
    ``probe_success``, or `never` where it does not come back. ``why`` says, where and only where the two differ, why
    ours is right. ``hasty`` rows run into their deadline, here or there.
    """

    name: str
    ask: Ask
    serve: Serve
    ours: str
    theirs: str
    why: str = ""
    hasty: bool = False

    @property
    def verdict(self) -> str:
        """What slawatch says: `up`, `degraded`, `down`, `void`."""
        return str(kinds()[self.ask.kind].reasons[self.ours].verdict)

    @property
    def differs(self) -> bool:
        """Whether the exporter says another thing. It knows but two."""
        return self.verdict.replace("degraded", "up") != self.theirs

    def __str__(self) -> str:
        return f"{self.ask.kind}: {self.name}"
