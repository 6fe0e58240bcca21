"""Rows of the kind ``tls``."""

from __future__ import annotations

import ssl
from datetime import timedelta
from functools import partial as bound

from parity.awkward import Contexts, breaks_off_after, drips, floods, full, greets, mute, nobody, says
from parity.awkward_tls import after_hello, honest, partial, with_versions
from parity.odd_certificates import Leaf, authority, by_the_root, through, weak_key
from parity.row import CA, Ask, Row
from probes.certificates import DAY, NOW, Authority

TLS = Ask(
    "tls", "{}", "{}", "tcp", {"ca": CA}, {"preferred_ip_protocol": "ip4", "tls": True, "tls_config": {"ca_file": CA}}
)
NAMED = TLS.but({"name": "host.example"}, {"tls_config": {"server_name": "host.example"}})
BELOW = TLS.but({"name": "a.host.example"}, {"tls_config": {"server_name": "a.host.example"}})
UNVERIFIED = TLS.but({"verify": False}, {"tls_config": {"insecure_skip_verify": True}})
OTHER_TRUST = Ask("tls", "{}", "{}", "tcp", {}, {"preferred_ip_protocol": "ip4", "tls": True})


def good(trusted: Authority) -> ssl.SSLContext:
    """A certificate that is in order."""
    return trusted.server("127.0.0.1")


def _server(*names: str, **how: object) -> Contexts:
    return lambda trusted: trusted.server(*names, **how)  # type: ignore[arg-type]


def _chain_of(count: int, padding: int) -> Contexts:
    steps = [bound(authority, f"intermediate {number}", padding=padding) for number in range(count)]
    return through(Leaf(), *steps)


V11, V12, V13 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

CERTIFICATES = [
    Row("in order", TLS, mute(good), "answered", "up"),
    Row("expired", TLS, mute(_server("127.0.0.1", ends=NOW - DAY)), "certificate_expired", "down"),
    Row(
        "expired a minute ago",
        TLS,
        mute(_server("127.0.0.1", ends=NOW - timedelta(minutes=1))),
        "certificate_expired",
        "down",
    ),
    Row("not yet valid", TLS, mute(_server("127.0.0.1", starts=NOW + DAY)), "certificate_not_yet_valid", "down"),
    Row("for another name", NAMED, mute(_server("other.example")), "certificate_wrong_host", "down"),
    Row("for another address", TLS, mute(_server("127.0.0.2")), "certificate_wrong_host", "down"),
    Row(
        "the address as a DNS name",
        TLS,
        mute(by_the_root(Leaf(hosts=["localhost"], common_name="127.0.0.1"))),
        "certificate_wrong_host",
        "down",
    ),
    Row(
        "common name only, no alternative name",
        NAMED,
        mute(by_the_root(Leaf(hosts=(), common_name="host.example"))),
        "certificate_wrong_host",
        "down",
    ),
    Row("a wildcard that fits", BELOW, mute(_server("*.host.example")), "answered", "up"),
    Row(
        "a wildcard one label too high",
        NAMED.but({"name": "a.b.host.example"}, {"tls_config": {"server_name": "a.b.host.example"}}),
        mute(_server("*.host.example")),
        "certificate_wrong_host",
        "down",
    ),
    Row(
        "a wildcard for a whole top-level domain",
        NAMED,
        mute(_server("*.example")),
        "certificate_wrong_host",
        "up",
        "No authority may issue `*.com`, and no browser takes it: a wildcard stands below a domain that somebody owns.",
    ),
    Row(
        "a wildcard within a label",
        NAMED,
        mute(by_the_root(Leaf(hosts=["h*.example"]))),
        "certificate_wrong_host",
        "down",
    ),
    Row("self-signed", TLS, mute(_server("127.0.0.1", self_signed=True)), "certificate_untrusted", "down"),
    Row(
        "self-signed, and nothing is verified",
        UNVERIFIED,
        mute(_server("127.0.0.1", self_signed=True)),
        "answered",
        "up",
    ),
    Row("expired, and nothing is verified", UNVERIFIED, mute(_server("127.0.0.1", ends=NOW - DAY)), "answered", "up"),
    Row("by an authority that nobody knows", OTHER_TRUST, mute(good), "certificate_untrusted", "down"),
    Row("with its intermediate", TLS, mute(through(Leaf(), bound(authority, "intermediate"))), "answered", "up"),
    Row(
        "without its intermediate",
        TLS,
        mute(through(Leaf(), bound(authority, "intermediate"), sent=False)),
        "certificate_untrusted",
        "down",
    ),
    Row(
        "an intermediate has expired",
        TLS,
        mute(through(Leaf(), bound(authority, "intermediate", ends=NOW - DAY))),
        "certificate_expired",
        "down",
    ),
    Row(
        "signed by what is no authority",
        TLS,
        mute(through(Leaf(), bound(authority, "intermediate", ca=False))),
        "certificate_untrusted",
        "down",
    ),
    Row(
        "a longer path than its authority allows",
        TLS,
        mute(through(Leaf(), bound(authority, "upper", path_length=0), bound(authority, "lower"))),
        "certificate_untrusted",
        "down",
    ),
    Row(
        "for a name that its authority may not vouch for",
        NAMED,
        mute(through(Leaf(hosts=["host.example"]), bound(authority, "intermediate", only="other.example"))),
        "certificate_untrusted",
        "down",
    ),
    Row(
        "for a name that its authority may vouch for",
        NAMED,
        mute(through(Leaf(hosts=["host.example"]), bound(authority, "intermediate", only="example"))),
        "answered",
        "up",
    ),
    Row(
        "for clients, not for servers", TLS, mute(by_the_root(Leaf(clients_only=True))), "certificate_untrusted", "down"
    ),
    Row(
        "an RSA key of 1,024 bits",
        TLS,
        mute(by_the_root(Leaf(key=weak_key()))),
        "certificate_untrusted",
        "up",
        "Keys of 1,024 bits have been forbidden to public authorities since 2014; browsers and Debian's "
        "OpenSSL refuse them.",
    ),
    Row("a chain of 20 intermediates", TLS, mute(_chain_of(20, 0)), "answered", "up"),
    Row("a chain of 200 kB", TLS, mute(_chain_of(2, 100_000)), "tls", "down"),
]

HANDSHAKES = [
    Row("nothing listens", TLS, nobody, "refused", "down"),
    Row("does not even accept: its queue is full", TLS, full, "timeout", "down", hasty=True),
    Row("stalls before its ServerHello", TLS, mute(), "timeout", "down", hasty=True),
    Row("stalls after its ServerHello", TLS, partial(good, 127), "timeout", "down", hasty=True),
    Row("stalls within its certificate", TLS, partial(good, 500), "timeout", "down", hasty=True),
    Row("shakes hands one byte a second", TLS, partial(good, 0, "drip"), "timeout", "down", hasty=True),
    Row("resets at the ClientHello", TLS, breaks_off_after(), "reset", "down"),
    Row("resets within its flight", TLS, partial(good, 500, "reset"), "reset", "down"),
    Row("closes at the ClientHello", TLS, partial(good, 0, "end"), "reset", "down"),
    Row("closes within its flight", TLS, partial(good, 500, "end"), "reset", "down"),
    Row("garbage after its ServerHello", TLS, partial(good, 127, "garbage"), "tls", "down"),
    Row("an SSH banner", TLS, greets(b"SSH-2.0-OpenSSH_9.6\r\n", hang=True), "tls", "down"),
    Row("plain HTTP", TLS, greets(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "tls", "down"),
    Row("zero bytes", TLS, greets(bytes(4096), hang=True), "tls", "down"),
    Row(
        "one byte a second of something else",
        TLS,
        drips(b"220 mail.example ESMTP\r\n", asked=True),
        "timeout",
        "down",
        hasty=True,
    ),
    Row("the alert handshake_failure", TLS, after_hello(b"\x15\x03\x03\0\x02\x02\x28"), "tls", "down"),
    Row("the alert close_notify", TLS, after_hello(b"\x15\x03\x03\0\x02\x01\0"), "tls", "down"),
    Row("endless warning alerts", TLS, floods(b"", b"\x15\x03\x03\0\x02\x01\x5a" * 100), "tls", "down", hasty=True),
    Row("endless empty records", TLS, floods(b"", b"\x16\x03\x03\0\0" * 100), "tls", "down", hasty=True),
    Row(
        "an endless handshake message",
        TLS,
        floods(b"", b"\x16\x03\x03\x40\0\x02\xff\xff\xff" + bytes(16380)),
        "tls",
        "down",
        hasty=True,
    ),
    Row(
        "a record longer than may be",
        TLS,
        after_hello(b"\x16\x03\x03\xff\xff" + bytes(65535), hang=True),
        "tls",
        "down",
    ),
    Row(
        "SSL 3.0",
        TLS,
        after_hello(b"\x16\x03\0\0\x2a\x02\0\0\x26\x03\0" + bytes(32) + b"\0\0\x2f\0", hang=True),
        "version",
        "down",
    ),
    Row("TLS 1.1 at most", TLS, honest(with_versions(good, ssl.TLSVersion.TLSv1, V11)), "version", "down"),
    Row("TLS 1.2 at most", TLS, mute(with_versions(good, V12, V12)), "answered", "up"),
    Row(
        "TLS 1.2 where 1.3 is asked for",
        TLS.but({"version": "1.3"}, {"tls_config": {"min_version": "TLS13"}}),
        honest(with_versions(good, V12, V12)),
        "version",
        "down",
    ),
    Row("TLS 1.3 only", TLS, mute(with_versions(good, V13, V13)), "answered", "up"),
    Row(
        "demands a client's certificate, TLS 1.2",
        TLS,
        honest(with_versions(good, V12, V12, demands=True)),
        "tls",
        "down",
    ),
    Row(
        "demands a client's certificate, TLS 1.3",
        TLS,
        honest(with_versions(good, V13, V13, demands=True)),
        "client_certificate",
        "up",
        "Whoever comes without a certificate is turned away. With TLS 1.3 the server says so after the "
        "handshake, when the exporter has hung up already.",
    ),
    Row("speaks at once, through TLS", TLS, greets(b"* OK IMAP4rev1\r\n", tls=good), "answered", "up"),
    Row("an HTTP server", TLS, says(b"", tls=good), "answered", "up"),
]

ROWS = [*CERTIFICATES, *HANDSHAKES]
