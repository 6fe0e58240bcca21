"""TLS: whether a server's certificate is good, by whom it was issued, and for how long it still is."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import ANY, STREAM, TLS, TLS_ENDS, Answer, Failure, Reason, Reasons
from slawatch.probes.certificates import Certificate, chain, ends_soon
from slawatch.probes.options import HostPort, NetworkOptions, parse_host_port
from slawatch.probes.outbound import connect
from slawatch.probes.probe import ProbeContext
from slawatch.probes.tls import WatchedTls, nothing_said, start_tls
from slawatch.probes.tls_contexts import judge_last_words

SCHEMES = ("tls",)

REASONS: Reasons = {
    **ANY,
    **STREAM,
    **TLS,
    **TLS_ENDS,
    "trust_unavailable": Reason(Verdict.VOID, "The authorities in `ca` cannot be read.", Cause.PROBER_FAULT),
    "version": Reason(Verdict.DOWN, "The server speaks no version of TLS as new as `version` asks for."),
    "issuer": Reason(Verdict.DOWN, "The certificate was issued by somebody else than `issuer` says."),
}

_VERSIONS = {"1.2": ("TLSv1.2", "TLSv1.3"), "1.3": ("TLSv1.3",)}
"""What each choice of `version` is content with."""
_TOO_OLD = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION"})
"""How OpenSSL says that both sides share no version (openssl/sslerr.h)."""


class Options(WatchedTls, NetworkOptions):
    """Options of the kind `tls`."""

    version: Literal["1.2", "1.3"] = Field(default="1.2", description="The oldest version of TLS that is good.")
    issuer: str | None = Field(
        default=None,
        min_length=1,
        description="Text that one part of the issuer's name must contain: its organisation, for example.",
    )


def target(text: str) -> HostPort:
    """`host:port`, `[address]:port`, or the same after `tls://`; ``ValueError`` says what is wrong."""
    return parse_host_port(text, "tls")


async def probe(target: HostPort, options: Options, context: ProbeContext) -> Answer:
    """Connect, shake hands, judge: version first, then issuer, the certificates' ends, and time. Nothing is said."""
    trace = context.trace
    address = await context.outbound.address(target.host, target.port, options.ip, context.deadline, trace)
    trust = context.tls.context(options, protocols=(), watch=True)
    transport, protocol = await connect(_Listener, address, trace)
    try:
        nothing_said(protocol.spoken)
        transport = await start_tls(transport, protocol, trust, options.name or target.host.text, trace)
        session = transport.get_extra_info("ssl_object")
        certificates = chain(session, verified=options.verify)
        if session.in_doubt:
            transport.close()
            judge_last_words(session, error=await protocol.heard, spoken=protocol.spoken)
        trace.close()
        return _judged(session.spoken, certificates, options, context)
    except ssl.SSLError as error:
        if error.reason in _TOO_OLD:
            raise Failure("version", (error.reason or "").replace("_", " ").lower()) from None
        raise
    finally:
        transport.abort()


class _Listener(asyncio.Protocol):
    """Hears whether the server says anything, and how it ends."""

    def __init__(self) -> None:
        self.heard: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.spoken = False

    def data_received(self, data: bytes) -> None:
        self.spoken = True
        self.connection_lost(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.heard.done():
            self.heard.set_result(error)


def _judged(spoken: str | None, certificates: Sequence[Certificate], options: Options, context: ProbeContext) -> Answer:
    if spoken not in _VERSIONS[options.version]:
        raise Failure("version", f"{spoken}, expected TLSv{options.version} or later")
    if options.issuer is not None:
        _judge_issuer(certificates, options.issuer)
    if options.expires_within is not None:
        soon = ends_soon(certificates, context.started, options.expires_within)
        if soon is not None:
            return soon
    return context.judged(context.trace.spent(without="resolve"), options.slow)


def _judge_issuer(certificates: Sequence[Certificate], expected: str) -> None:
    if not certificates:
        raise Failure("certificate_unreadable")
    issuer = certificates[0].issuer
    if not any(expected in part for part in issuer):
        raise Failure("issuer", f"issued by {', '.join(issuer) or 'nobody that can be read'}")
