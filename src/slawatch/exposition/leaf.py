"""What a label says of a certificate, spelled as Go's ``crypto/x509`` spells it, since dashboards filter by it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from cryptography import x509
from cryptography.x509.oid import NameOID

LONGEST = 8192
"""Characters of one label: a hostile certificate may hold megabytes of names."""

_KNOWN = {
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STREET_ADDRESS: "STREET",
    NameOID.POSTAL_CODE: "POSTALCODE",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COMMON_NAME: "CN",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
}
"""In the order in which Go lines them up before it writes them backwards."""
_SINGLE = frozenset({NameOID.COMMON_NAME, NameOID.SERIAL_NUMBER})
"""Of which Go keeps the last one only."""


def leaf_labels(encoded: bytes) -> tuple[str, str, str, str] | None:
    """Fingerprint (SHA-256), issuer, subject and DNS names of a certificate in DER; ``None`` where it is unreadable."""
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        texts = (_name(certificate.issuer), _name(certificate.subject), ",".join(_dns_names(certificate)))
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension):
        return None
    issuer, subject, names = (text[:LONGEST] for text in texts)
    return hashlib.sha256(encoded).hexdigest(), issuer, subject, names


def _dns_names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return found.value.get_values_for_type(x509.DNSName)


def _name(name: x509.Name) -> str:
    return ",".join(reversed(list(_groups(name))))


def _groups(name: x509.Name) -> Iterator[str]:
    """What Go does not know comes first, each for itself; then what it knows, several of one type joined by ``+``."""
    for attribute in name:
        if attribute.oid not in _KNOWN:
            yield f"{attribute.oid.dotted_string}=#{_encoded(attribute)}"
    for oid, short in _KNOWN.items():
        values = [str(attribute.value) for attribute in name.get_attributes_for_oid(oid)]
        if oid in _SINGLE:
            values = values[-1:]
        if any(values) or len(values) > 1:
            yield "+".join(f"{short}={_escaped(value)}" for value in values)


def _encoded(attribute: x509.NameAttribute[str | bytes]) -> str:
    """The value as DER in hexadecimal: a printable string where its letters allow that, else UTF-8, as Go encodes."""
    value = attribute.value.encode() if isinstance(attribute.value, str) else attribute.value
    printable = all(chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in " '()+,-./:=?*&") for byte in value)
    return (bytes([0x13 if printable else 0x0C]) + _length(len(value)) + value).hex()


def _length(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def _escaped(value: str) -> str:
    text = "".join(f"\\{each}" if each in ',+"\\<>;' else each for each in value)
    if text[:1] in (" ", "#"):
        text = "\\" + text
    return f"{text[:-1]}\\ " if text.endswith(" ") and len(value) > 1 else text
