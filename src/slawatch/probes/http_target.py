"""Where an HTTP request goes: the parts of a URL, and where a redirect leads."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from slawatch.probes.answer import Failure
from slawatch.probes.options import Host, HostPort, parse_host, parse_port, quoted, refuse_controls, split_port

SCHEMES = ("http", "https")

_UNQUOTED = "/?%:@!$&'()*+,;=~-._[]|"
"""What stays as it is in a path and a query; all else is percent-encoded as UTF-8."""


@dataclass(frozen=True, slots=True)
class Target:
    """An ``http`` or ``https`` URL in its parts. ``path`` starts with a slash and includes the query."""

    secure: bool
    host: Host
    port: int
    path: str

    @property
    def destination(self) -> HostPort:
        """The site's host and port."""
        return HostPort(self.host, self.port)

    def same_origin(self, other: Target) -> bool:
        """Whether ``other`` has the same origin, or is its usual step from http to https."""
        if self is other or (self.secure, self.host, self.port) == (other.secure, other.host, other.port):
            return True
        return self.host == other.host and (self.port, other.port, other.secure) == (80, 443, True)

    @property
    def authority(self) -> str:
        """As it stands in ``Host``: without the scheme's own port."""
        usual = self.port == (443 if self.secure else 80)
        return self.host.bracketed if usual else f"{self.host.bracketed}:{self.port}"

    def __str__(self) -> str:
        return f"http{'s' if self.secure else ''}://{self.authority}{self.path}"


def target(text: str) -> Target:
    """`https://host[:port][/path][?query]`; ``ValueError`` says what is wrong. A fragment is dropped."""
    refuse_controls(text)
    scheme, mark, rest = text.partition("://")
    if not mark or scheme.lower() not in SCHEMES:
        raise ValueError(f"{quoted(text)} is no URL: expected one like https://host.example/path")
    rest = rest.partition("#")[0]
    match = re.match(r"[^/?]*", rest)
    authority = match[0] if match else ""
    if "@" in authority:
        raise ValueError("a URL holds no user or password: use the option `auth`")
    host, port = split_port(authority)
    secure = scheme.lower() == "https"
    path = rest[len(authority) :]
    path = quote(path if path.startswith("/") else "/" + path, safe=_UNQUOTED)
    return Target(secure, parse_host(host), parse_port(port) if port else 443 if secure else 80, path)


def redirected(hop: Target, location: str, allowed: Collection[str], *, told: bool) -> Target:
    """Where a redirect from ``hop`` leads; ``Failure`` ``redirect_refused`` where that is not to be followed.

    The host is named only where the site was ``told`` nothing that it could send back in it: no secret above all.
    """
    try:
        following = target(urljoin(str(hop), quote(location, safe=_UNQUOTED + "#")))
    except ValueError:
        raise Failure("redirect_refused", "the redirect leads to no usable URL") from None
    if hop.secure and not following.secure:
        raise Failure("redirect_refused", "from https to http" + ("" if told else f", at {following.host}"))
    if following.host.text not in allowed:
        raise Failure("redirect_refused", "to another host" if told else f"to {following.host}")
    return following


def next_method(method: str, status: int) -> str:
    """RFC 9110 section 15.4: 303 asks for a GET, 301 and 302 too where it was a POST."""
    if status == 303 and method != "HEAD":
        return "GET"
    return "GET" if status in (301, 302) and method == "POST" else method
