"""Certificates made for a test: an authority of its own, and leaves good and bad."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


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

    def server(
        self,
        *names: str,
        starts: datetime = NOW - DAY,
        ends: datetime = NOW + 30 * DAY,
        self_signed: bool = False,
        through: x509.Certificate | None = None,
        sent: bool = True,
    ) -> ssl.SSLContext:
        """A server's context with a leaf for ``names``, valid from ``starts`` to ``ends``.

        ``through`` is the intermediate that signs it; the server sends it along unless told otherwise.
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
        key = _key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = [leaf, through] if through and sent else [leaf]
        path.write_bytes(key + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

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


def authority(folder: Path) -> Authority:
    """A new root in ``folder``."""
    name = _name("slawatch test authority")
    made = Authority(folder, _authority(name, name, NOW + 60 * DAY))
    Path(made.path).write_bytes(made.certificate.public_bytes(serialization.Encoding.PEM))
    return made
