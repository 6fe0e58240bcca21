"""TLS for probes: its options, the handshake with the leaf's expiry, and what a failed one means."""

from __future__ import annotations

import asyncio
import ssl
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from slawatch.probes.answer import Answer, Failure, Trace
from slawatch.probes.certificates import end_of
from slawatch.probes.found import TlsFound
from slawatch.probes.options import DurationText, ProbeOptions, parse_host
from slawatch.runtime.secrets import Secret

_EXPIRED, _NOT_YET, _HOST, _ADDRESS = 10, 9, 62, 64
"""X509_V_ERR_CERT_HAS_EXPIRED, _CERT_NOT_YET_VALID, _HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH (openssl verify(1))."""
_BY_CODE = {
    _EXPIRED: "certificate_expired",
    _NOT_YET: "certificate_not_yet_valid",
    _HOST: "certificate_wrong_host",
    _ADDRESS: "certificate_wrong_host",
}


_OF_OURS = frozenset(
    {
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV1_ALERT_ACCESS_DENIED",
    }
)
"""Alerts by which a server refuses a client's certificate, or demands one (RFC 8446 section 6.2, openssl/sslerr.h)."""


def _server_name(text: str) -> str:
    return parse_host(text).text


def _key_place(value: object) -> str | Secret:
    """Where a key lies. OpenSSL reads it by itself, and only from a file."""
    if isinstance(value, str) and value.startswith("/"):
        return value
    if isinstance(value, str):
        raise ValueError("expected an absolute path, {file: /path} or {credential: name}")
    secret = Secret.parse(value)
    if secret.source not in ("file", "credential"):
        raise ValueError("a key is read from a file: expected {file: /path} or {credential: name}")
    return secret


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
    client_certificate: str | None = Field(
        default=None,
        pattern="^/",
        description="Absolute path of a PEM file with the certificate to show to a server that asks for one.",
    )
    client_key: Annotated[str | Secret, BeforeValidator(_key_place)] | None = Field(
        default=None,
        description="Its key, not encrypted, where that is in a file of its own: an absolute path, or a secret that is "
        "a file or a credential.",
    )

    @field_validator("client_key")
    @classmethod
    def _of_a_certificate(cls, key: str | Secret | None, info: ValidationInfo) -> str | Secret | None:
        if key is not None and info.data.get("client_certificate", "") is None:
            raise ValueError("a key alone shows nothing: expected client_certificate beside it")
        return key

    def client_files(self) -> tuple[str, str | None] | None:
        """Paths of the certificate and its key; ``Unavailable`` where there is no folder of credentials."""
        if self.client_certificate is None:
            return None
        key = self.client_key
        return self.client_certificate, str(key.path()) if isinstance(key, Secret) else key


class WatchedTls(TlsOptions):
    """How a server's certificate is judged, its end too."""

    expires_within: DurationText | None = Field(
        default=None,
        description="A certificate that ends within this time is `degraded`, as `14d`; so is one that it rests on.",
    )


def nothing_said(began: bool) -> None:
    """``Failure`` where anything was heard before the handshake: whoever said it, TLS does not vouch for it.

    A server with TLS from the first byte has nothing to say before ours. Somebody on the way who cannot break TLS has.
    """
    if began:
        raise Failure("tls", "something was said before the handshake")


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
    session: ssl.SSLObject | None = encrypted.get_extra_info("ssl_object") if encrypted else None
    if encrypted is None or session is None or session.version() is None:
        raise ConnectionResetError  # asyncio does not always tell that the connection went within the handshake
    trace.certificate_expiry = end_of(session.getpeercert(binary_form=True))
    if trace.found is not None:
        trace.found.tls = TlsFound(session, verified=context.verify_mode is not ssl.CERT_NONE)
    return encrypted


def failed_handshake(error: ssl.SSLError) -> Answer:
    """The answer for an error of the TLS layer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Answer(_BY_CODE.get(error.verify_code, "certificate_untrusted"), error.verify_message)
    detail = (error.reason or "the stream broke").replace("_", " ").lower()
    return Answer("client_certificate" if error.reason in _OF_OURS else "tls", detail)
