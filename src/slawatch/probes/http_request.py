"""An HTTP request as it goes out: headers, credentials, body."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from slawatch import __version__
from slawatch.probes.options import ProbeOptions
from slawatch.runtime.errors import Unavailable
from slawatch.runtime.secrets import Secret


class Basic(ProbeOptions):
    """A user and a password."""

    user: str = Field(description="User name; it holds no colon.", pattern=r"^[^:]*$")
    password: Secret = Field(description="Password, as a secret.")

    def header(self) -> str:
        """The value of ``Authorization``; ``Unavailable`` where the secret cannot be read."""
        pair = f"{self.user}:{self.password.reveal()}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


class Auth(ProbeOptions):
    """How the request shows who it is: one of the two."""

    basic: Basic | None = Field(default=None, description="User and password (RFC 7617).")
    bearer: Secret | None = Field(default=None, description="A token (RFC 6750), as a secret.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.basic is None) == (self.bearer is None):
            raise ValueError("expected either basic or bearer")
        return self

    def header(self) -> str:
        """The value of ``Authorization``; ``Unavailable`` where the secret cannot be read."""
        if self.basic is not None:
            return self.basic.header()
        assert self.bearer is not None
        return "Bearer " + self.bearer.reveal()


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {"connection", "content-length", "transfer-encoding", "accept-encoding", "upgrade", "te", "proxy-authorization"}
)


def _header_value(value: object) -> str | Secret:
    if isinstance(value, str):
        if any(c != "\t" and not c.isprintable() for c in value):
            raise ValueError("a header's value holds no line end or other control character")
        return value
    return Secret.parse(value)


def header_name(name: str) -> str:
    """``name`` itself; ``ValueError`` where no header can have it."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no header name")
    return name


def _header_names(headers: dict[str, str | Secret]) -> dict[str, str | Secret]:
    for name in headers:
        if header_name(name).lower() in _OURS:
            raise ValueError(f"{name!r} is set by slawatch itself")
    return headers


Headers = Annotated[dict[str, Annotated[str | Secret, BeforeValidator(_header_value)]], AfterValidator(_header_names)]
"""Header name to value, which is a text or a secret."""


def compose(
    line: str,
    authority: str,
    *,
    compressed: bool,
    headers: Headers,
    auth: Auth | None,
    proxy_auth: Basic | None,
    cookies: str,
    body: str | None,
) -> bytes:
    """The request as bytes: ``line``, those ``headers`` over our own, the body.

    ``Unavailable`` where a secret cannot be used.
    """
    if not (headers or auth or proxy_auth or cookies or body is not None):
        return _plain(line, authority, compressed)
    values = _ours(authority, compressed)
    if auth is not None:
        values["authorization"] = _one_line(auth.header())
    if proxy_auth is not None:
        values["proxy-authorization"] = proxy_auth.header()
    for name, value in headers.items():
        values[name.lower()] = value if isinstance(value, str) else _one_line(value.reveal())
    if cookies:
        values["cookie"] = f"{values['cookie']}; {cookies}" if values.get("cookie") else cookies
    content = b"" if body is None else body.encode()
    if body is not None:
        values["content-length"] = str(len(content))
    return _written(line, values) + content


@lru_cache(maxsize=4096)
def _plain(line: str, authority: str, compressed: bool) -> bytes:
    """The request of most probes, the same each time."""
    return _written(line, _ours(authority, compressed))


def _ours(authority: str, compressed: bool) -> dict[str, str]:
    return {
        "host": authority,
        "user-agent": f"slawatch/{__version__}",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate" if compressed else "identity",
        "connection": "close",
    }


def _written(line: str, values: dict[str, str]) -> bytes:
    lines = [line, *(f"{name.title()}: {value}" for name, value in values.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def compose_connect(authority: str, proxy_auth: Basic | None) -> bytes:
    """A request for a tunnel to ``host:port`` (RFC 9110 section 9.3.6)."""
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", f"User-Agent: slawatch/{__version__}"]
    if proxy_auth is not None:
        lines.append(f"Proxy-Authorization: {proxy_auth.header()}")
    return "\r\n".join([*lines, "", ""]).encode()


def _one_line(value: str) -> str:
    if "\r" in value or "\n" in value or "\0" in value:
        raise Unavailable("a secret for a header holds a line end")
    return value
