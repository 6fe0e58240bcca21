"""Servers' certificates that are wrong, or odd and right, in ways that ``probes.certificates`` does not make."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from probes.certificates import DAY, NOW, Authority

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def key() -> ec.EllipticCurvePrivateKey:
    """One for all that is not about keys."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def weak_key() -> rsa.RSAPrivateKey:
    """1,024 bits, which nobody should take since 2013."""
    return rsa.generate_private_key(65537, 1024)


@dataclass(frozen=True)
class Issuer:
    """Who signs: a name and a key."""

    name: x509.Name
    key: Key


def name(text: str) -> x509.Name:
    """A distinguished name with this common name only."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def host(text: str) -> x509.GeneralName:
    """A subject alternative name."""
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


@dataclass(frozen=True)
class Leaf:
    """A server's certificate to be made."""

    hosts: Sequence[str] = ("127.0.0.1",)
    common_name: str = "odd.example"
    key: Key = field(default_factory=key)
    ends: datetime = NOW + 30 * DAY
    clients_only: bool = False
    subject: x509.Name | None = None
    """Instead of one with ``common_name`` alone."""


def leaf(wanted: Leaf, issuer: Issuer) -> x509.Certificate:
    """The certificate, signed by ``issuer``."""
    builder = _builder(wanted.subject or name(wanted.common_name), issuer, wanted.key, wanted.ends)
    if wanted.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(host, wanted.hosts))), critical=False)
    if wanted.clients_only:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def authority(
    text: str,
    issuer: Issuer,
    *,
    ca: bool = True,
    path_length: int | None = None,
    only: str = "",
    padding: int = 0,
    ends: datetime = NOW + 30 * DAY,
) -> x509.Certificate:
    """A certificate below ``issuer`` that signs others: one that may not (``ca``), or only names below ``only``."""
    builder = _builder(name(text), issuer, key(), ends)
    builder = builder.add_extension(
        x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True
    )
    if only:
        allowed = x509.NameConstraints([x509.DNSName(only)], None)
        builder = builder.add_extension(allowed, critical=True)
    if padding:
        comment = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), bytes(padding))
        builder = builder.add_extension(comment, critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: Issuer, own: Key, ends: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(ends)
    )


def root(trusted: Authority) -> Issuer:
    """The test's own authority, to sign with."""
    return Issuer(trusted.certificate.subject, trusted.signer)


def below(certificate: x509.Certificate) -> Issuer:
    """To sign with ``certificate``, made by :func:`authority`."""
    return Issuer(certificate.subject, key())


def context(folder: Path, own: Key, chain: Sequence[x509.Certificate]) -> ssl.SSLContext:
    """A server's context that sends ``chain``, its own first. It takes weak keys and old digests: it is the server."""
    secret = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"odd-{chain[0].serial_number}.pem"
    path.write_bytes(secret + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers("DEFAULT:@SECLEVEL=0")
    made.load_cert_chain(path)
    return made


def by_the_root(wanted: Leaf) -> Callable[[Authority], ssl.SSLContext]:
    """A server's context with such a leaf, signed by the test's own authority."""
    return lambda trusted: context(trusted.folder, wanted.key, [leaf(wanted, root(trusted))])


def through(
    wanted: Leaf, *make: Callable[[Issuer], x509.Certificate], sent: bool = True
) -> Callable[[Authority], ssl.SSLContext]:
    """A server's context with such a leaf below intermediates, each made by what signs it, the uppermost first."""

    def made(trusted: Authority) -> ssl.SSLContext:
        issuer = root(trusted)
        chain: list[x509.Certificate] = []
        for step in make:
            chain.insert(0, step(issuer))
            issuer = below(chain[0])
        return context(trusted.folder, wanted.key, [leaf(wanted, issuer), *(chain if sent else [])])

    return made
