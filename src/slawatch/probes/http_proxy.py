"""Asking through a proxy: which words are its own, and what of it is our fault and what the target's.

The proxy is ours, as the resolver is: what is wrong with it is void. It alone sees the target, so only what it says
plainly counts against that, and so does what comes through a tunnel that it opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import Answer, Failure, Reason, Reasons
from slawatch.probes.http_exchange import Response
from slawatch.probes.http_target import Target, target
from slawatch.probes.options import HostPort, split_port
from slawatch.probes.outbound import Address
from slawatch.probes.probe import ProbeContext, from_system

PROXY: Reasons = {
    "proxy_lost": Reason(
        Verdict.VOID,
        "The proxy cannot be reached, broke off or kept silent; the detail says which.",
        Cause.PROBER_FAULT,
    ),
    "proxy_refused": Reason(
        Verdict.VOID,
        "The proxy does not do what it was asked: it wants other credentials, forbids the target, cannot resolve its "
        "name, speaks no HTTP/1, or has a fault of its own.",
        Cause.PROBER_FAULT,
    ),
    "unreachable_by_proxy": Reason(
        Verdict.DOWN, "The proxy says that it cannot reach the target, or that this does not answer (502, 503, 504)."
    ),
}
"""Further reasons of a probe through a proxy."""

_TUNNELLED = frozenset({"resolve", "connect", "proxy"})
_FORWARDED = _TUNNELLED | {"processing"}
"""Phases in which nothing has been heard of the target yet: whether it is silent or the proxy, nobody can say."""


def proxy_url(text: str) -> str:
    """`http://host:port` as it stands, or ``ValueError``."""
    parse_proxy(text)
    return text


@lru_cache(maxsize=1024)
def parse_proxy(text: str) -> HostPort:
    """Where a proxy listens; ``ValueError`` says what is wrong with its URL."""
    if not text.lower().startswith("http://"):
        raise ValueError("expected a proxy that is spoken to in plain HTTP, as http://proxy.example:3128")
    if "@" in text:
        raise ValueError("a proxy's URL holds no user or password: use proxy_auth")
    place = target(text)
    _, port = split_port(text[len("http://") :].removesuffix("/"))
    if place.path != "/" or not port:
        raise ValueError("expected a proxy's host and port and nothing else, as http://proxy.example:3128")
    return HostPort(place.host, place.port)


async def proxy_address(proxy: HostPort, hop: Target, context: ProbeContext) -> Address:
    """The proxy's address, after the target was checked as far as that can be done from here.

    A target's name is resolved by the proxy, so only a literal address can be held against the policy.
    """
    outbound, trace = context.outbound, context.trace
    if hop.host.family is not None:
        await outbound.address(hop.host, hop.port, "any", context.deadline, trace)
    elif hop.host.text.rpartition(".")[2] == "localhost":
        raise Failure("address_denied", f"{hop.host}: the machine that the proxy runs on")
    try:
        return await outbound.address(proxy.host, proxy.port, "any", context.deadline, trace)
    except Failure as failure:
        if failure.answer.reason in ("name_unknown", "no_address"):
            raise Failure("proxy_lost", failure.answer.detail) from None
        raise


@contextmanager
def blaming_the_proxy(hop: Target, context: ProbeContext) -> Iterator[None]:
    """What fails before anything was heard of the target is the proxy's; a deadline that passes is, too."""
    trace, unheard = context.trace, _TUNNELLED if hop.secure else _FORWARDED

    def late() -> Answer | None:
        silence = Answer("proxy_lost", f"nothing was heard of the target in time; last phase: {trace.phase}")
        return silence if trace.phase in unheard else None

    context.late = late
    try:
        yield
    except OSError as error:
        answer = from_system(error)
        if trace.phase in unheard and answer.reason != "prober_fault":
            raise Failure("proxy_lost", f"in phase {trace.phase}: {answer.detail}") from None
        raise
    except Failure as failure:
        reason, detail = failure.answer.reason, failure.answer.detail
        # A proxy reads answers and writes them anew: what is no HTTP/1 in the open is its own.
        if reason == "malformed" and (trace.phase in unheard or not hop.secure):
            raise Failure("proxy_refused", "what the proxy says is not HTTP/1") from None
        if trace.phase in unheard and reason not in PROXY:
            raise Failure("proxy_lost", detail.replace("the server", "the proxy")) from None
        raise


def judge_tunnel(response: Response) -> None:
    """Nothing where the proxy opened a tunnel, else a ``Failure``."""
    if not 200 <= response.status < 300:
        raise _refusal(response)


def judge_forwarded(response: Response) -> None:
    """Nothing where an answer is the target's, a ``Failure`` where it is the proxy's own."""
    if response.status == 407 or _mark(response):
        raise _refusal(response)


def _mark(response: Response) -> str:
    """By what a proxy marks an answer of its own: Squid's own header, or an error of RFC 9209; empty where nothing."""
    status = response.headers.get("proxy-status", "")
    return response.headers.get("x-squid-error", status if _ERROR in status else "")


_ERROR = "error="
_OF_THE_TARGET = re.compile(
    r"ERR_(CONNECT_FAIL|READ_TIMEOUT|ZERO_SIZE_OBJECT|SECURE_CONNECT_FAIL)\b|ERR_(READ|WRITE)_ERROR [1-9]|"
    r"\berror=(connection_(?!limit)|destination_(unavailable|ip_unroutable)|http_response_|http_upgrade_failed|tls_)"
)
"""Marks that speak of the target: Squid's (with the system's error number), and those of RFC 9209 section 2.3."""


def _refusal(response: Response) -> Failure:
    """The proxy's own answer: of the target where it says so plainly, else of itself.

    Where a name cannot be resolved, it may be gone, or the proxy's resolver may be.
    """
    mark = _mark(response)
    of_target = _OF_THE_TARGET.search(mark) if mark else response.status in (502, 503, 504)
    return Failure("unreachable_by_proxy" if of_target else "proxy_refused", f"the proxy answered {response.status}")
