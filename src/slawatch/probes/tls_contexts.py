"""TLS contexts, shared by all probes and made anew when a file that they rest on has changed."""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from slawatch.domain.interval import Instant, format_instant, to_instant
from slawatch.probes.answer import Failure
from slawatch.probes.shown_chain import encoded_chain
from slawatch.probes.tls import TlsOptions
from slawatch.runtime.clock import Clock
from slawatch.runtime.errors import Unavailable

_HANDSHAKE, _CERTIFICATE_REQUEST, _NEW_SESSION_TICKET = 22, 13, 4
_ALERT = 21
"""Content types and messages of TLS (RFC 8446, B.1 to B.3)."""


class Session(ssl.SSLObject):
    """Keeps the certificate of a server that was refused for it: afterwards nobody can ask for it any more."""

    asked_for_certificate = False
    """Whether the server asked us for one. Known only with ``watch`` (see :meth:`TlsContexts.context`)."""
    spoken: str | None = None
    """The version of TLS, once the handshake is done; afterwards OpenSSL may have forgotten it."""
    taken = False
    """Whether it said something that it says to those only whom it takes: a ticket for later, or an end in order."""

    @property
    def in_doubt(self) -> bool:
        """Whether the server may yet refuse us: it asked for our certificate and did not show that it takes it.

        In TLS 1.3 that certificate is the last word of the handshake, and the server's verdict on it comes after.
        """
        return self.asked_for_certificate and not self.taken and self.spoken == "TLSv1.3"

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
            self.spoken = self.version()
        except ssl.SSLCertVerificationError as error:
            error.leaf = next(iter(encoded_chain(self, "get_unverified_chain")), None)  # type: ignore[attr-defined]
            raise


def judge_last_words(session: Session, spoken: bool, error: Exception | None) -> None:
    """Nothing where a server that left us in doubt took us before its end; ``Failure`` or the error where it did not.

    ``spoken`` is whether it said anything under TLS, ``error`` how it ended, ``None``: in order. Nothing at all is no
    consent, and an alert is a refusal.
    """
    if isinstance(error, ssl.SSLError):
        if error.reason != "APPLICATION_DATA_AFTER_CLOSE_NOTIFY":
            raise error
        spoken = True
    if not (spoken or session.taken):
        raise Failure("client_certificate", "the server asked for one, and closed without a word")


class _Key(NamedTuple):
    ca: str | None
    verify: bool
    protocols: tuple[str, ...]
    client: tuple[str, str | None] | None
    watch: bool


_Stamp = tuple[tuple[int, int, int], ...]
"""Of each file: when it was written, which file it is, and how long."""


@dataclass(frozen=True, slots=True)
class _Made:
    context: ssl.SSLContext
    stamp: _Stamp
    client: tuple[Instant, Instant] | None
    """From when until when our own certificate is good."""


class TlsContexts:
    """One ``SSLContext`` per way to verify: making one reads every authority and costs some 25 ms."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: dict[_Key, _Made] = {}

    def context(
        self, options: TlsOptions, protocols: tuple[str, ...], *, client: bool = True, watch: bool = False
    ) -> ssl.SSLContext:
        """The context for these options, from the files as they are now.

        ``protocols`` are offered to the server (ALPN, RFC 7301); with none, the extension is left out. Without
        ``client`` no certificate of ours is shown. With ``watch`` the session says whether the server asked for one.
        ``Failure`` ``trust_unavailable`` or ``client_certificate_unavailable`` where a file cannot be used.
        """
        files = _client_files(options) if client else None
        key = _Key(options.ca, options.verify, protocols, files, watch)
        stamp = _stamp(key) if options.ca or files else ()
        made = self._made.get(key)
        if made is None or made.stamp != stamp:
            made = self._made[key] = _make(key, stamp)
        if made.client is not None:
            _check_validity(made.client, self._clock.now())
        return made.context


def _client_files(options: TlsOptions) -> tuple[str, str | None] | None:
    try:
        return options.client_files()
    except Unavailable as error:
        raise Failure("client_certificate_unavailable", str(error)) from None


def _stamp(key: _Key) -> _Stamp:
    stamps = [_of_file(key.ca, "trust_unavailable")] if key.ca else []
    stamps += [_of_file(path, "client_certificate_unavailable") for path in key.client or () if path]
    return tuple(stamps)


def _of_file(path: str, reason: str) -> tuple[int, int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116  a third of Path.stat's time, before each probe
    except OSError as error:
        raise Failure(reason, f"{path}: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise Failure(reason, f"{path}: no plain file")
    return status.st_mtime_ns, status.st_ino, status.st_size


def _make(key: _Key, stamp: _Stamp) -> _Made:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Ours first: it costs little, and where it is broken this is done before every probe.
    client = _load_client(context, *key.client) if key.client else None
    _load_trust(context, key)
    # Python 3.13 changed both defaults. A verdict must not depend on the Python that gave it: certificates are judged
    # as curl and browsers do, without RFC 5280's formal demands, and an intermediate or a leaf in `ca` can be trusted.
    context.verify_flags = context.verify_flags & ~ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    # The common name has not counted since RFC 6125 (2011), and no browser looks at it.
    context.hostname_checks_common_name = False
    if key.protocols:
        context.set_alpn_protocols(list(key.protocols))
    context.sslobject_class = Session
    if key.watch:
        # Meant for debugging and long since there (3.8); nothing public says that a certificate was asked for.
        context._msg_callback = _note  # type: ignore[attr-defined]
    return _Made(context, stamp, client)


def _load_trust(context: ssl.SSLContext, key: _Key) -> None:
    if not key.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if key.ca is not None:
            context.load_verify_locations(key.ca)
        elif key.verify:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    except OSError as error:
        raise Failure("trust_unavailable", f"{key.ca}: {error.strerror or 'no certificates in it'}") from None


def _load_client(context: ssl.SSLContext, certificate: str, key: str | None) -> tuple[Instant, Instant]:
    """Load our own certificate, and say from when until when it is good."""
    try:
        context.load_cert_chain(certificate, key, _no_password)
        leaf = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
    except _Encrypted:
        raise Failure("client_certificate_unavailable", f"{key or certificate}: the key is encrypted") from None
    except (OSError, ValueError, x509.InvalidVersion) as error:
        where = certificate if key is None else f"{certificate}, {key}"
        raise Failure("client_certificate_unavailable", f"{where}: {_why(error)}") from None
    return to_instant(leaf.not_valid_before_utc), to_instant(leaf.not_valid_after_utc)


class _Encrypted(Exception):
    """OpenSSL wants a password."""


def _no_password() -> str:
    """Without it OpenSSL would ask on the terminal, and wait."""
    raise _Encrypted


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        return error.strerror
    return "no certificate with its key in it"


def _check_validity(validity: tuple[Instant, Instant], now: Instant) -> None:
    starts, ends = validity
    if now < starts:
        raise Failure("client_certificate_unavailable", f"our certificate is not valid before {format_instant(starts)}")
    if now >= ends:
        raise Failure("client_certificate_unavailable", f"our certificate ended at {format_instant(ends)}")


def _note(session: object, direction: str, version: object, content: int, message: int, data: bytes) -> None:
    if direction != "read" or not isinstance(session, Session):
        return
    if content == _HANDSHAKE and message == _CERTIFICATE_REQUEST:
        session.asked_for_certificate = True
    elif (content == _HANDSHAKE and message == _NEW_SESSION_TICKET) or _is_close_notify(content, data):
        session.taken = True


def _is_close_notify(content: int, data: bytes) -> bool:
    return content == _ALERT and data[1:2] == b"\0"
