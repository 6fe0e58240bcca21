"""Cookies that a redirect sets, for the rest of one probe: sites that ask for one back would redirect for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slawatch.probes.options import Host

_COOKIE = re.compile(
    r"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([\x21\x23-\x3a\x3c-\x7e]*|\"[^\";\x00-\x1f\x7f-\xff]*\")[ \t]*(?:;|$)"
)
"""A name and a value (RFC 6265 section 4.1.1, a little wider); attributes follow."""
_GONE = re.compile(r";[ \t]*max-age=(0|-\d+)[ \t]*(?:;|$)", re.IGNORECASE)


class Cookies:
    """Name and value by host. Each goes back to the host that set it and to no other, whatever its attributes say."""

    def __init__(self) -> None:
        self._by_host: dict[Host, dict[str, str]] = {}

    def keep(self, host: Host, lines: Iterable[str]) -> None:
        """What ``Set-Cookie`` said, line by line. What is no cookie is passed over; one that is past goes away."""
        jar = self._by_host.setdefault(host, {})
        for line in lines:
            match = _COOKIE.match(line)
            if match is None:
                continue
            jar.pop(match[1], None)
            if not _GONE.search(line):
                jar[match[1]] = match[2]

    def of(self, host: Host) -> str:
        """The value of ``Cookie``; empty where there is none."""
        return "; ".join(f"{name}={value}" for name, value in self._by_host.get(host, {}).items())
