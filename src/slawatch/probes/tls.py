"""TLS for probes: shared contexts, the leaf's expiry, and what a failed handshake means."""

from __future__ import annotations

import asyncio
import ssl
from functools import lru_cache
from typing import Annotated

from cryptography import x509
from pydantic import AfterValidator, Field

from slawatch.domain.interval import Instant, to_instant
from slawatch.probes.answer import Answer, Failure, Trace
from slawatch.probes.options import ProbeOptions, parse_host

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


class TlsContexts:
    """One ``SSLContext`` per way to verify: making one reads every authority and costs some 25 ms."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[str | None, bool], ssl.SSLContext] = {}

    def context(self, options: TlsOptions) -> ssl.SSLContext:
        """The context for these options; ``Failure`` ``trust_unavailable`` when the authorities cannot be read."""
        key = (options.ca, options.verify)
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = _make(*key)
        return context


def _make(ca: str | None, verify: bool) -> ssl.SSLContext:
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
    context.set_alpn_protocols(["http/1.1"])
    return context


async def start_tls(
    transport: asyncio.Transport, protocol: asyncio.Protocol, context: ssl.SSLContext, name: str, trace: Trace
) -> asyncio.Transport:
    """TLS on an open connection; its time is the phase ``tls``, and the leaf's expiry goes into the trace."""
    trace.enter("tls")
    loop = asyncio.get_running_loop()
    encrypted = await loop.start_tls(transport, protocol, context, server_hostname=name)
    if encrypted is None:
        raise ConnectionResetError
    leaf = encrypted.get_extra_info("ssl_object").getpeercert(binary_form=True)
    trace.certificate_expiry = _expiry(leaf) if leaf else None
    return encrypted


@lru_cache(maxsize=4096)
def _expiry(leaf: bytes) -> Instant | None:
    try:
        return to_instant(x509.load_der_x509_certificate(leaf).not_valid_after_utc)
    except ValueError:
        return None  # OpenSSL reads more than cryptography does; the handshake stands without a date


def failed_handshake(error: ssl.SSLError) -> Answer:
    """The answer for an error of the TLS layer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Answer(_BY_CODE.get(error.verify_code, "certificate_untrusted"), error.verify_message)
    return Answer("tls", (error.reason or "the stream broke").replace("_", " ").lower())
