"""Certificates made for a test: an authority of its own, and leaves good and bad."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key(password: bytes | None = None, other: bool = False) -> bytes:
    """The key of every leaf as PEM, or ``other`` that fits to none."""
    private = ec.generate_private_key(ec.SECP256R1()) if other else _key()
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Authority:
    """A root, and where its certificate lies as PEM."""

    folder: Path
    certificate: x509.Certificate

    @property
    def path(self) -> str:
        return str(self.folder / "ca.pem")

    @property
    def signer(self) -> ec.EllipticCurvePrivateKey:
        """What it signs with."""
        return _key()

    def server(self, *names: str, client_ca: str | None = None, **leaf: Any) -> ssl.SSLContext:
        """A server's context with a leaf as :meth:`leaf` makes it; ``client_ca``: clients must show one of theirs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.leaf(*names, **leaf))
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def leaf(
        self,
        *names: str,
        starts: datetime = NOW - DAY,
        ends: datetime = NOW + 30 * DAY,
        self_signed: bool = False,
        through: x509.Certificate | None = None,
        sent: bool = True,
    ) -> Path:
        """A file with the key and a leaf for ``names``, valid from ``starts`` to ``ends``.

        ``through`` is the intermediate that signs it; it is in the file as well unless told otherwise.
        """
        subject = _name(names[0])
        issuer = (through or self.certificate).subject
        alternatives = [_alternative(name) for name in names]
        leaf = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if self_signed else issuer)
            .public_key(_key().public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(starts)
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(_key(), hashes.SHA256())
        )
        path = self.folder / f"leaf-{leaf.serial_number}.pem"
        chain = [leaf, through] if through and sent else [leaf]
        path.write_bytes(key() + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain))
        return path

    def intermediate(self, *, ends: datetime) -> x509.Certificate:
        """An authority below this one, valid until ``ends``."""
        return _authority(_name("slawatch test intermediate"), self.certificate.subject, ends)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _authority(subject: x509.Name, issuer: x509.Name, ends: datetime) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(_key(), hashes.SHA256())
    )


def authority(folder: Path, name: str = "slawatch test authority") -> Authority:
    """A new root in ``folder``. All have one key, so that only their names keep them apart."""
    subject = _name(name)
    made = Authority(folder, _authority(subject, subject, NOW + 60 * DAY))
    Path(made.path).write_bytes(made.certificate.public_bytes(serialization.Encoding.PEM))
    return made
