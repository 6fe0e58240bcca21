"""Who may ask: this box alone, and from elsewhere only who holds the token.

Pages are for people on this machine (``access: open`` is refused off loopback when the configuration is read), so a
request for one must come from loopback and name a loopback host: a page of the internet that lets its own name
stand for 127.0.0.1 (DNS rebinding) is turned away. There are no cookies, hence nothing that another site could borrow;
a POST must not come from another site all the same.
"""

from __future__ import annotations

import hmac
import socket
from collections.abc import Callable
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

Token = Callable[[], str | None]
ClientToken = Callable[[str], str | None]

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

OPEN = frozenset({"/-/healthy", "/-/ready"})
"""Paths that say nothing but that the process lives; anybody may ask."""
BY_TOKEN = frozenset({"/metrics", "/probe", "/-/reload"})
"""Paths that serve other hosts too, if they show the token."""
SHARES = "/metrics/"
"""Below it, each client's share of the metrics: for other hosts that show the client's token, or the box's."""
ACTING = frozenset({"/probe"})
"""Paths that do something although they are only read: another site's page has no business with them."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def guard(token: Token, client_token: ClientToken, hosts: frozenset[str]) -> Middleware:
    """The middleware that turns strangers away. ``hosts`` are further names of this box that a Host header may
    carry; ``token`` gives the bearer token, ``client_token`` that of a client's share, None where there is none."""
    known = LOOPBACK_HOSTS | {host.lower() for host in hosts}

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN:
            return await handler(request)
        by_token = request.path in BY_TOKEN or request.path.startswith(SHARES)
        if by_token and request.headers.get("Authorization") is not None:
            share = request.path.removeprefix(SHARES) if request.path.startswith(SHARES) else None
            shown = [_shows(request, token()), share is not None and _shows(request, client_token(share))]
            if not any(shown):
                raise _unauthorized("This is not the token.")
            return await handler(request)
        if not _from_loopback(request):
            if by_token:
                raise _unauthorized("From another host this needs the bearer token that metrics_token names.")
            raise web.HTTPForbidden(text="These pages are open on this machine only.\n")
        if _host_of(request) not in known:
            raise web.HTTPForbidden(text="This name is none of this service's; ask for localhost.\n")
        acts = request.path in ACTING or request.method not in ("GET", "HEAD", "OPTIONS")
        if acts and not _same_site(request):
            raise web.HTTPForbidden(text="Another site sent this request.\n")
        return await handler(request)

    return middleware


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Security headers on every response, errors included; nothing is stored unless the response says so."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "slawatch"


def _unauthorized(text: str) -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(text=text + "\n", headers={"WWW-Authenticate": 'Bearer realm="slawatch"'})


def _shows(request: web.Request, token: str | None) -> bool:
    """Whether the request carries the token; takes equally long whatever it carries. An empty token is none."""
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if not token or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(shown.strip().encode("utf-8", "surrogateescape"), token.encode())


def refuse_all_but_commands(request: web.Request) -> None:
    """403 unless the request came by the control socket, whose file mode says who may connect."""
    connection = None if request.transport is None else request.transport.get_extra_info("socket")
    if connection is None or connection.family != socket.AF_UNIX:
        raise web.HTTPForbidden(text="This is taken on the control socket only.\n")


def _from_loopback(request: web.Request) -> bool:
    if request.transport is None:
        return False
    connection = request.transport.get_extra_info("socket")
    if connection is not None and connection.family == socket.AF_UNIX:
        return True  # the control socket, whose file mode says who may connect
    peer = request.transport.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return False
    try:
        address = ip_address(str(peer[0]).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _host_of(request: web.Request) -> str:
    """The Host header without its port, in lower case."""
    host = request.headers.get("Host", "").lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _same_site(request: web.Request) -> bool:
    """Whether a browser says that one of our own pages, or no page at all, sent this. Other programs say nothing."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin == f"{request.scheme}://{request.headers.get('Host', '')}"
