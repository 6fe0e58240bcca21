"""Certificates that a server showed: when each ends, who issued it, and whether one ends soon."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509

from slawatch.domain.interval import DAY, Duration, Instant, format_instant, to_instant
from slawatch.probes.answer import Answer
from slawatch.probes.shown_chain import encoded_chain


@dataclass(frozen=True, slots=True)
class Certificate:
    """When a certificate ends, and each part of its issuer's name, the country first as a rule."""

    ends: Instant
    issuer: tuple[str, ...]


def chain(session: ssl.SSLObject, *, verified: bool) -> list[Certificate]:
    """The certificates from the server's own upwards; ``verified``: as built up to the trusted one, else as sent.

    Empty where one of them cannot be read.
    """
    found = encoded_chain(session, "get_verified_chain" if verified else "get_unverified_chain")
    certificates = [read for read in map(_read, found) if read is not None]
    return certificates if len(certificates) == len(found) else []


def end_of(leaf: bytes | None) -> Instant | None:
    """When a certificate in DER ends; ``None`` where there is none or it cannot be read."""
    read = _read(leaf) if leaf else None
    return None if read is None else read.ends


def ends_soon(certificates: Sequence[Certificate], now: Instant, within: Duration) -> Answer | None:
    """`certificate_expires` where the first of ``certificates`` to end does so within the time.

    `certificate_unreadable` where there are none: OpenSSL took them, so that says nothing of the server.
    """
    if not certificates:
        return Answer("certificate_unreadable")
    first = min(certificates, key=lambda certificate: certificate.ends)
    left = first.ends - now
    if left > within:
        return None
    whose = "the server's certificate" if first is certificates[0] else "a certificate that the server's rests on"
    when = f"in {left // DAY} days" if left >= 0 else "which is past"
    return Answer("certificate_expires", f"{whose} ends at {format_instant(first.ends)}, {when}")


@lru_cache(maxsize=4096)
def _read(encoded: bytes) -> Certificate | None:
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        return Certificate(to_instant(certificate.not_valid_after_utc), _issuer(certificate))
    except (ValueError, x509.InvalidVersion):
        return None  # OpenSSL reads more than cryptography does; the handshake stands without a date


def _issuer(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        return tuple(str(attribute.value) for attribute in certificate.issuer)
    except ValueError:
        return ()
