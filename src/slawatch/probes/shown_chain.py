"""The certificates that a server showed, as they came."""

from __future__ import annotations

import ssl


def encoded_chain(session: ssl.SSLObject, method: str) -> list[bytes]:
    """What OpenSSL holds, as DER. Python has public methods for it from 3.13 on, over the same private ones."""
    inner = getattr(getattr(session, "_sslobj", None), method, None)
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in (inner() or ())] if inner else []
