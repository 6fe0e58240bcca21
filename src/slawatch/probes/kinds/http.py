"""HTTP and HTTPS: whether a URL answers as agreed, in status, body and time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import quote, urljoin

from pydantic import Field, field_validator, model_validator

from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import ANY, STREAM, TLS, Answer, Failure, Reason, Reasons
from slawatch.probes.http_exchange import Request, Response, exchange
from slawatch.probes.http_expect import Expect, judge
from slawatch.probes.http_request import Auth, Headers, compose
from slawatch.probes.options import Host, NetworkOptions, parse_host, parse_port, refuse_controls, split_port
from slawatch.probes.probe import ProbeContext
from slawatch.probes.tls import TlsOptions
from slawatch.runtime.errors import Unavailable

SCHEMES = ("http", "https")

MOST_REDIRECTS = 5
_UNQUOTED = "/?%:@!$&'()*+,;=~-._[]|"
"""What stays as it is in a path and a query; all else is percent-encoded as UTF-8."""

REASONS: Reasons = {
    **ANY,
    **STREAM,
    **TLS,
    "closed": Reason(Verdict.DOWN, "The server closed the connection without an answer."),
    "incomplete": Reason(Verdict.DOWN, "The server closed the connection in the middle of its answer."),
    "malformed": Reason(Verdict.DOWN, "The answer is no HTTP/1, or its body is not what its headers say."),
    "headers_too_large": Reason(Verdict.DOWN, "The answer has more than 32 KiB of headers."),
    "status": Reason(Verdict.DOWN, "The status is not one of `expect.status`."),
    "body": Reason(Verdict.DOWN, "The body is not as `expect` says; the detail names the part that is missing."),
    "too_large": Reason(
        Verdict.DOWN, "The body goes on beyond 1 MiB (4 MiB inflated), and what came before is not as `expect` says."
    ),
    "encoding": Reason(Verdict.DOWN, "The body has a content encoding other than gzip or deflate."),
    "redirect_refused": Reason(Verdict.DOWN, "It redirects to where `redirects` does not allow to follow."),
    "too_many_redirects": Reason(Verdict.DOWN, "It redirects more than five times."),
    "secret_unavailable": Reason(
        Verdict.VOID, "A secret that the request needs cannot be read; the detail says where.", Cause.PROBER_FAULT
    ),
    "pattern_too_slow": Reason(
        Verdict.VOID, "`expect.regex` took more than 50 ms of processor time on this body.", Cause.PROBER_FAULT
    ),
}


class Options(NetworkOptions):
    """Options of the kind `http`."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = Field(
        default="GET", description="Request method."
    )
    headers: Headers = Field(
        default_factory=dict, description="Headers to add or replace; a value is a text or a secret."
    )
    body: str | None = Field(default=None, max_length=65536, description="Request body, sent as UTF-8.")
    auth: Auth | None = Field(default=None, description="`{basic: {user, password}}` or `{bearer: secret}`.")
    expect: Expect = Field(default_factory=Expect, description="What the answer must be.")
    redirects: Literal["off", "same_host"] | list[str] = Field(
        default="off",
        description="`off`: a redirect is judged by its status. `same_host`, or a list of hosts: followed there, at "
        "most five times, never from https to http.",
    )
    compressed: bool = Field(default=False, description="Ask for a compressed body (gzip, deflate).")
    tls: TlsOptions = Field(default_factory=TlsOptions, description="How the server's certificate is judged.")

    @field_validator("redirects")
    @classmethod
    def _hosts(cls, redirects: str | list[str]) -> str | list[str]:
        return redirects if isinstance(redirects, str) else [parse_host(host).text for host in redirects]

    @model_validator(mode="after")
    def _head(self) -> Self:
        if self.method == "HEAD" and self.expect.of_body:
            raise ValueError("method: HEAD is answered without a body, and `expect` asks for one")
        return self


@dataclass(frozen=True, slots=True)
class Target:
    """An ``http`` or ``https`` URL in its parts. ``path`` starts with a slash and includes the query."""

    secure: bool
    host: Host
    port: int
    path: str

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
        raise ValueError(f"{text!r} is no URL: expected one like https://host.example/path")
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


async def probe(target: Target, options: Options, context: ProbeContext) -> Answer:
    """Ask, follow allowed redirects, and judge: status first, then body, then time."""
    hop, method = target, str(options.method)
    for _ in range(MOST_REDIRECTS + 1):
        response = await _ask(target, hop, method, options, context)
        following = _next(target, hop, response, options)
        if following is None:
            judge(response, options.expect)
            return context.judged(context.trace.spent(without="resolve"), options.slow)
        hop, method = following, _next_method(method, response.status)
    raise Failure("too_many_redirects", f"more than {MOST_REDIRECTS} redirects")


async def _ask(first: Target, hop: Target, method: str, options: Options, context: ProbeContext) -> Response:
    address = await context.outbound.address(hop.host, options.ip, context.deadline, context.trace)
    secure = None
    if hop.secure:
        name = options.tls.name if hop.host == first.host else None
        secure = (context.tls.context(options.tls, ("http/1.1",)), name or hop.host.text)
    try:
        wire = _wire(first, hop, method, options)
    except Unavailable as error:
        raise Failure("secret_unavailable", str(error)) from None
    request = Request(wire, hop.port, method == "HEAD", options.expect.of_body, secure)
    return await exchange(request, address, context.trace)


def _wire(first: Target, hop: Target, method: str, options: Options) -> bytes:
    """The request. What the configuration adds is meant for its own origin: another one gets none of it."""
    ours = _same_origin(first, hop)
    body = options.body if method == options.method else None
    if body is not None and not ours:
        raise Failure("redirect_refused", f"{hop.host} would get the request's body")
    return compose(
        method,
        hop.path,
        hop.authority,
        compressed=options.compressed,
        headers=options.headers if ours else {},
        auth=options.auth if ours else None,
        body=body,
    )


def _same_origin(first: Target, hop: Target) -> bool:
    """The same origin, or its usual step from http to https."""
    if (first.secure, first.host, first.port) == (hop.secure, hop.host, hop.port):
        return True
    return first.host == hop.host and (first.port, hop.port, hop.secure) == (80, 443, True)


def _next(first: Target, hop: Target, response: Response, options: Options) -> Target | None:
    """Where to go on; ``None`` when this response is the one to judge."""
    location = response.headers.get("location")
    if options.redirects == "off" or location is None or response.status not in (301, 302, 303, 307, 308):
        return None
    try:
        following = target(urljoin(str(hop), quote(location, safe=_UNQUOTED + "#")))
    except ValueError:
        raise Failure("redirect_refused", "the redirect leads to no usable URL") from None
    if hop.secure and not following.secure:
        raise Failure("redirect_refused", f"from https to http, at {following.host}")
    allowed = [first.host.text, *(options.redirects if isinstance(options.redirects, list) else ())]
    if following.host.text not in allowed:
        raise Failure("redirect_refused", f"to {following.host}")
    return following


def _next_method(method: str, status: int) -> str:
    """RFC 9110 section 15.4: 303 asks for a GET, 301 and 302 too where it was a POST."""
    if status == 303 and method != "HEAD":
        return "GET"
    return "GET" if status in (301, 302) and method == "POST" else method
