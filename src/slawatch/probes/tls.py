"""TLS for probes: shared contexts, the leaf's expiry, and what a failed handshake means."""

from __future__ import annotations

import asyncio
import ssl
from typing import Annotated

from pydantic import AfterValidator, Field

from slawatch.probes.answer import Answer, Failure, Trace
from slawatch.probes.certificates import encoded_chain, end_of
from slawatch.probes.options import DurationText, ProbeOptions, parse_host

_EXPIRED, _NOT_YET, _HOST, _ADDRESS = 10, 9, 62, 64
"""X509_V_ERR_CERT_HAS_EXPIRED, _CERT_NOT_YET_VALID, _HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH (openssl verify(1))."""
_BY_CODE = {
    _EXPIRED: "certificate_expired",
    _NOT_YET: "certificate_not_yet_valid",
    _HOST: "certificate_wrong_host",
    _ADDRESS: "certificate_wrong_host",
}


def _server_name(text: str) -> str:
    return parse_host(text).text


class TlsOptions(ProbeOptions):
    """How a server's certificate is judged."""

    verify: bool = Field(
        default=True, description="Whether the certificate must be valid, for this host, and lead to a trusted root."
    )
    ca: str | None = Field(
        default=None,
        pattern="^/",
        description="Absolute path of a PEM file with the authorities to trust instead of the system's.",
    )
    name: Annotated[str, AfterValidator(_server_name)] | None = Field(
        default=None, description="Server name to ask for and to verify, where it differs from the target's host."
    )


class WatchedTls(TlsOptions):
    """How a server's certificate is judged, its end too."""

    expires_within: DurationText | None = Field(
        default=None,
        description="A certificate that ends within this time is `degraded`, as `14d`; so is one that it rests on.",
    )


class TlsContexts:
    """One ``SSLContext`` per way to verify: making one reads every authority and costs some 25 ms."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[str | None, bool, tuple[str, ...]], ssl.SSLContext] = {}

    def context(self, options: TlsOptions, protocols: tuple[str, ...]) -> ssl.SSLContext:
        """The context for these options; ``Failure`` ``trust_unavailable`` when the authorities cannot be read.

        ``protocols`` are offered to the server (ALPN, RFC 7301); with none, the extension is left out.
        """
        key = (options.ca, options.verify, protocols)
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = _make(*key)
        return context


def _make(ca: str | None, verify: bool, protocols: tuple[str, ...]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise Failure("trust_unavailable", f"{ca}: {error.strerror or 'no certificates in it'}") from None
    # Python 3.13 changed both defaults. A verdict must not depend on the Python that gave it: certificates are judged
    # as curl and browsers do, without RFC 5280's formal demands, and an intermediate or a leaf in `ca` can be trusted.
    context.verify_flags = context.verify_flags & ~ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    context.sslobject_class = _Session
    return context


class _Session(ssl.SSLObject):
    """Keeps the certificate of a server that was refused for it: afterwards nobody can ask for it any more."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            error.leaf = next(iter(encoded_chain(self, "get_unverified_chain")), None)  # type: ignore[attr-defined]
            raise


async def start_tls(
    transport: asyncio.Transport, protocol: asyncio.Protocol, context: ssl.SSLContext, name: str, trace: Trace
) -> asyncio.Transport:
    """TLS on an open connection; its time is the phase ``tls``, and the leaf's expiry goes into the trace.

    The latter also where the certificate is refused.
    """
    trace.enter("tls")
    loop = asyncio.get_running_loop()
    try:
        encrypted = await loop.start_tls(transport, protocol, context, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        trace.certificate_expiry = end_of(getattr(error, "leaf", None))
        raise
    if encrypted is None:
        raise ConnectionResetError
    leaf = encrypted.get_extra_info("ssl_object").getpeercert(binary_form=True)
    trace.certificate_expiry = end_of(leaf)
    return encrypted


def failed_handshake(error: ssl.SSLError) -> Answer:
    """The answer for an error of the TLS layer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Answer(_BY_CODE.get(error.verify_code, "certificate_untrusted"), error.verify_message)
    return Answer("tls", (error.reason or "the stream broke").replace("_", " ").lower())
