"""The modules that are there without being configured, by the names that blackbox_exporter's own examples give them.

A DNS module is none of them: it holds the name that is asked for, and that is different everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from slawatch.domain.interval import SECOND, Duration
from slawatch.probes.escapes import Wire
from slawatch.probes.options import ProbeOptions
from slawatch.probes.registry import kinds
from slawatch.runtime.secrets import Secret

DEFAULT = "http_2xx"
"""The module of a request that names none."""


@dataclass(frozen=True, slots=True)
class Module:
    """A kind of probe with its options. ``timeout`` is in microseconds; ``None``: as long as the request allows."""

    kind: str
    options: ProbeOptions
    timeout: Duration | None = None
    query_name: str = ""
    """Of `dns` alone: the name that is asked for."""
    content_with: frozenset[str] = frozenset()
    """Reasons that count as a success all the same, for a module whose name promises less than slawatch looks at."""

    @property
    def holds_a_secret(self) -> bool:
        """Whether whoever is probed may be told a secret."""
        return _holds_a_secret(self.options)


def _holds_a_secret(value: object) -> bool:
    if isinstance(value, Secret):
        return True
    if isinstance(value, Wire):
        return value.secret
    if isinstance(value, BaseModel):
        return any(map(_holds_a_secret, value.__dict__.values()))
    if isinstance(value, Mapping):
        return any(map(_holds_a_secret, value.values()))
    return isinstance(value, tuple | list) and any(map(_holds_a_secret, value))


_DIALOGUES: Mapping[str, Mapping[str, Any]] = {
    "tcp_connect": {},
    "tls_connect": {"tls_from_start": True},
    "pop3s_banner": {"tls_from_start": True, "steps": [{"expect": r"^\+OK"}]},
    "smtp_starttls": {"starttls": "smtp"},
    "imap_starttls": {"starttls": "imap"},
    "ssh_banner": {"steps": [{"expect": r"^SSH-2\.0-"}, {"send": r"SSH-2.0-slawatch\r\n"}]},
    "irc_banner": {
        "steps": [
            {"send": r"NICK prober\n"},
            {"send": r"USER prober prober prober :prober\n"},
            {"expect": "PING :([^ ]+)", "send": r"PONG ${1}\n"},
            {"expect": "^:[^ ]+ 001"},
        ]
    },
}


@cache
def built_in() -> Mapping[str, Module]:
    """By name. Modules of the configuration come before those of the same name."""
    tcp = kinds()["tcp"].options
    modules = {name: Module("tcp", tcp.model_validate(options)) for name, options in _DIALOGUES.items()}
    modules["http_2xx"] = _http("GET")
    modules["http_post_2xx"] = _http("POST")
    modules["icmp"] = Module("icmp", kinds()["icmp"].options())
    modules["icmp_ttl5"] = Module("icmp", kinds()["icmp"].options.model_validate({"ttl": 5}), 5 * SECOND)
    return MappingProxyType(modules)


def _http(method: str) -> Module:
    """Redirects on the target's own host are followed, as the exporter does, and no page is looked at.

    An endpoint may not be configured so: its page could move behind a login and stay up. The module's name promises no
    more than a status, and so such a page is a success here.
    """
    options = kinds()["http"].options.model_validate({"method": method})
    return Module("http", options.model_copy(update={"redirects": "same_host"}), content_with=frozenset({"login_page"}))
