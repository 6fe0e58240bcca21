"""HTTP and HTTPS: whether a URL answers as agreed, in status, body and time."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import ANY, STREAM, TLS, TLS_ENDS, Answer, Failure, Reason, Reasons
from slawatch.probes.certificates import chain, ends_soon
from slawatch.probes.http_cookies import Cookies
from slawatch.probes.http_exchange import Request, Response, Tunnel, exchange
from slawatch.probes.http_expect import Expect, judge
from slawatch.probes.http_proxy import (
    PROXY,
    blaming_the_proxy,
    judge_forwarded,
    judge_tunnel,
    parse_proxy,
    proxy_address,
    proxy_url,
)
from slawatch.probes.http_request import Auth, Basic, Headers, compose, compose_connect
from slawatch.probes.http_target import SCHEMES, Target, next_method, redirected, target
from slawatch.probes.options import HostPort, NetworkOptions, parse_host
from slawatch.probes.probe import ProbeContext
from slawatch.probes.tls import WatchedTls
from slawatch.runtime.errors import Unavailable

MOST_REDIRECTS = 5

REASONS: Reasons = {
    **ANY,
    **STREAM,
    **TLS,
    **TLS_ENDS,
    **PROXY,
    "closed": Reason(Verdict.DOWN, "The server closed the connection without an answer."),
    "incomplete": Reason(Verdict.DOWN, "The server closed the connection in the middle of its answer."),
    "malformed": Reason(Verdict.DOWN, "The answer is no HTTP/1, or its body is not what its headers say."),
    "headers_too_large": Reason(Verdict.DOWN, "The answer has more than 32 KiB of headers."),
    "status": Reason(Verdict.DOWN, "The status is not one of `expect.status`."),
    "header": Reason(Verdict.DOWN, "A header is not as `expect` says; the detail names it."),
    "body": Reason(Verdict.DOWN, "The body is not as `expect` says; the detail names the part that is missing."),
    "too_large": Reason(
        Verdict.DOWN,
        "The body goes on beyond 1 MiB (2 MiB inflated), and what came before is not as `expect` says; or it is a JSON "
        "document of more than 512 KiB.",
    ),
    "encoding": Reason(Verdict.DOWN, "The body has a content encoding other than gzip or deflate."),
    "redirect_refused": Reason(Verdict.DOWN, "It redirects to where `redirects` does not allow to follow."),
    "too_many_redirects": Reason(Verdict.DOWN, "It redirects more than five times."),
    "login_page": Reason(
        Verdict.VOID,
        "The page asks for a password, and `expect` says nothing of it: what was to be seen may lie behind.",
        Cause.PROBER_FAULT,
    ),
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
    http_version: Literal["1.1", "1.0"] = Field(
        default="1.1", description="Version of HTTP to ask in; an answer may be in either."
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
        "most five times, never from https to http; `expect` must then say what the page holds.",
    )
    proxy: Annotated[str, AfterValidator(proxy_url)] | None = Field(
        default=None, description="Proxy to ask through, as `http://proxy.example:3128`; it resolves the target's name."
    )
    proxy_auth: Basic | None = Field(default=None, description="User and password for the proxy.")
    compressed: bool = Field(default=False, description="Ask for a compressed body (gzip, deflate).")
    tls: WatchedTls = Field(default_factory=WatchedTls, description="How the server's certificate is judged.")

    @field_validator("redirects")
    @classmethod
    def _hosts(cls, redirects: str | list[str]) -> str | list[str]:
        return redirects if isinstance(redirects, str) else [parse_host(host).text for host in redirects]

    @field_validator("redirects")
    @classmethod
    def _known_page(cls, redirects: str | list[str], info: ValidationInfo) -> str | list[str]:
        expect = info.data.get("expect")
        if redirects != "off" and isinstance(expect, Expect) and not expect.tells_pages_apart:
            raise ValueError(
                "a redirect may end at a login page or a parked domain, and that would count as up: expected beside it "
                "what only the right page holds, as expect: {body: Welcome} (or regex, json, headers, login_page)"
            )
        return redirects

    @field_validator("proxy")
    @classmethod
    def _chooses_the_family(cls, proxy: str | None, info: ValidationInfo) -> str | None:
        if proxy is not None and info.data.get("ip", "any") != "any":
            raise ValueError("with a proxy, that chooses how it reaches the target: expected no `ip` beside it")
        return proxy

    @field_validator("proxy_auth")
    @classmethod
    def _for_a_proxy(cls, auth: Basic | None, info: ValidationInfo) -> Basic | None:
        if auth is not None and info.data.get("proxy", "") is None:
            raise ValueError("there is no proxy to show it to: expected proxy beside it")
        return auth

    @model_validator(mode="after")
    def _head(self) -> Self:
        if self.method == "HEAD" and self.expect.of_body:
            raise ValueError("method: HEAD is answered without a body, and `expect` asks for one")
        return self

    def on_the_way(self) -> Mapping[str, HostPort]:
        """The proxy."""
        return {"proxy": parse_proxy(self.proxy)} if self.proxy is not None else {}


async def probe(target: Target, options: Options, context: ProbeContext) -> Answer:
    """Ask, follow allowed redirects, and judge: status, headers, body; then certificates, then time."""
    hop, method = target, str(options.method)
    ends: list[Answer] = []
    cookies = Cookies()
    for _ in range(MOST_REDIRECTS + 1):
        response = await _ask(target, hop, method, options, context, ends, cookies)
        following = _next(target, hop, response, options)
        if following is None:
            judge(response, options.expect)
            if ends:
                return ends[0]
            return context.judged(context.trace.spent(without="resolve"), options.slow)
        cookies.keep(hop.host, response.cookies)
        hop, method = following, next_method(method, response.status)
    raise Failure("too_many_redirects", f"more than {MOST_REDIRECTS} redirects")


async def _ask(
    first: Target,
    hop: Target,
    method: str,
    options: Options,
    context: ProbeContext,
    ends: list[Answer],
    cookies: Cookies,
) -> Response:
    """One request and its answer. What is wrong with the ends of certificates is added to ``ends``."""
    if context.trace.found is not None:
        context.trace.found.ask(secure=hop.secure, before=context.trace.phases())
    if options.proxy is None:
        address = await context.outbound.address(hop.host, hop.port, options.ip, context.deadline, context.trace)
    else:
        address = await proxy_address(parse_proxy(options.proxy), hop, context)
    secure = _trust(first, hop, options, context) if hop.secure else None
    try:
        wire = _wire(first, hop, method, options, cookies)
        tunnel = _tunnel(hop, options.proxy_auth) if options.proxy is not None and hop.secure else None
    except Unavailable as error:
        raise Failure("secret_unavailable", str(error)) from None
    expect = options.expect
    request = Request(
        wire,
        head=method == "HEAD",
        keep=expect.keep,
        glance=not expect.of_body,
        secure=secure,
        inspect=None if options.tls.expires_within is None else _inspector(options, context, ends),
        tunnel=tunnel,
        unpack=options.compressed,
    )
    if options.proxy is None:
        return await exchange(request, address, context.trace)
    with blaming_the_proxy(hop, context):
        response = await exchange(request, address, context.trace)
    if not hop.secure:
        judge_forwarded(response)
    return response


def _trust(first: Target, hop: Target, options: Options, context: ProbeContext) -> tuple[ssl.SSLContext, str]:
    """How the hop's certificate is judged, and by which name. Ours is shown to its own origin only."""
    ours = first.same_origin(hop)
    shown = ours and options.tls.client_certificate is not None
    trust = context.tls.context(options.tls, ("http/1.1",), client=ours, watch=shown)
    name = options.tls.name if hop.host == first.host else None
    return trust, name or hop.host.text


def _inspector(options: Options, context: ProbeContext, ends: list[Answer]) -> Callable[[ssl.SSLObject], None]:
    def inspect(session: ssl.SSLObject) -> None:
        certificates = chain(session, verified=options.tls.verify)
        soon = ends_soon(certificates, context.started, options.tls.expires_within or 0)
        ends.extend([soon] if soon else [])

    return inspect


def _wire(first: Target, hop: Target, method: str, options: Options, cookies: Cookies) -> bytes:
    """The request. What the configuration adds is meant for its own origin: another one gets none of it."""
    ours = first.same_origin(hop)
    body = options.body if method == options.method else None
    if body is not None and not ours:
        raise Failure("redirect_refused", f"{hop.host} would get the request's body")
    forwarded = options.proxy is not None and not hop.secure
    return compose(
        f"{method} {hop if forwarded else hop.path} HTTP/{options.http_version}",
        hop.authority,
        compressed=options.compressed,
        headers=options.headers if ours else {},
        auth=options.auth if ours else None,
        proxy_auth=options.proxy_auth if forwarded else None,
        cookies=cookies.of(hop.host),
        body=body,
    )


def _tunnel(hop: Target, auth: Basic | None) -> Tunnel:
    return Tunnel(compose_connect(f"{hop.host.bracketed}:{hop.port}", auth), judge_tunnel)


def _next(first: Target, hop: Target, response: Response, options: Options) -> Target | None:
    """Where to go on; ``None`` when this response is the one to judge."""
    location = response.headers.get("location")
    if options.redirects == "off" or location is None or response.status not in (301, 302, 303, 307, 308):
        return None
    others = options.redirects if isinstance(options.redirects, list) else ()
    told = bool(options.auth or options.headers or options.body or options.proxy_auth)
    return redirected(hop, location, [first.host.text, *others], told=told)


__all__ = ["REASONS", "SCHEMES", "Options", "probe", "target"]
