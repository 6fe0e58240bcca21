"""Rows of the kind ``http``: connections, bodies, redirects, certificates."""

from __future__ import annotations

import gzip
import zlib

from parity.awkward import (
    Contexts,
    breaks_off_after,
    drips,
    floods,
    full,
    mute,
    nobody,
    pieces,
    routed,
    says,
)
from parity.awkward_tls import after_hello, honest, speaks_before_its_handshake, with_versions
from parity.row import CA, Ask, Place, Row, Serve
from parity.rows_tls import V12, V13, good
from probes.certificates import DAY, NOW

HTTP = Ask("http", "http://{}/", "http://{}/", "http", {}, {"preferred_ip_protocol": "ip4", "follow_redirects": False})
HTTPS = Ask(
    "http",
    "https://{}/",
    "https://{}/",
    "http",
    {"tls": {"ca": CA}},
    {"preferred_ip_protocol": "ip4", "follow_redirects": False, "tls_config": {"ca_file": CA}},
)
HELLO_EXPECTED = {"expect": {"body": "hello"}}, {"fail_if_body_not_matches_regexp": ["hello"]}
TEXT = HTTP.but(*HELLO_EXPECTED)
SECURE_TEXT = HTTPS.but(*HELLO_EXPECTED)
FOLLOW = TEXT.but({"redirects": "same_host"}, {"follow_redirects": True})
SECURE_FOLLOW = SECURE_TEXT.but({"redirects": "same_host"}, {"follow_redirects": True})

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def unpacking(encoding: str) -> Ask:
    """A question for a text in a compressed body."""
    return TEXT.but({"compressed": True}, {"compression": encoding, "headers": {"Accept-Encoding": encoding}})


def packed(body: bytes, encoding: bytes) -> bytes:
    """An answer with a body that is compressed already."""
    return OK + b"Content-Encoding: " + encoding + b"\r\n\r\n" + body


def redirects(location: bytes, status: bytes = b"302 Found") -> Serve:
    """Answers ``/`` with a redirect and everything else with a greeting."""
    answer = b"HTTP/1.1 " + status + b"\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    return routed(lambda path: answer if path == "/" else HELLO)


def _round(path: str) -> bytes:
    return b"HTTP/1.1 302 Found\r\nLocation: /x" + path.encode()[:100] + b"\r\nContent-Length: 0\r\n\r\n"


def leads_to(host: str, tls: Contexts | None = None) -> Serve:
    """A server, with or without TLS, that redirects to another one on ``host``, which is in order and in the clear."""

    async def serve(place: Place) -> int | str:
        other = await place.servers.answering(HELLO, host=host)
        answer = f"HTTP/1.1 302 Found\r\nLocation: http://{host}:{other}/\r\nContent-Length: 0\r\n\r\n"
        return await says(answer.encode(), tls=tls)(place)

    return serve


BOMB = (
    "A page of 50 MB in 50 kB is an attack. slawatch unpacks 2 MiB and looks there, as the reference "
    "says; the exporter "
    "unpacks all of it, and a larger bomb takes its memory."
)

PLAIN = b"x" * 50_000_000 + b"hello\n"
GZIP_BOMB = gzip.compress(PLAIN)
DEFLATE_BOMB = (lambda packer: packer.compress(PLAIN) + packer.flush())(zlib.compressobj(9, zlib.DEFLATED, -15))
BROTLI_BOMB = bytes.fromhex(
    "cbffff3f0024f0e2b14072effff8ffff078004401c1680eefd1fffffff00900088c302d0bdffe3ffff1f001200715800baf77ffcffff034002"
    "200e0b40f7fe2f0be1f500086c8c7dc7f94243a864392c803ae87acc3a"
)
"""The same 50 MB in 86 bytes, as Google's brotli packs them."""
ZSTD_BOMB = b"\x28\xb5\x2f\xfd\0\x58" + b"\x02\0\x10x" * 400 + b"\x31\0\0hello\n"
"""52 MB: a frame (RFC 8878) of 400 blocks that repeat one byte 131,072 times each, and a last one as it stands."""

STARTS = [
    Row("in order", HTTP, says(HELLO), "answered", "up"),
    Row("in order, its connection left open", HTTP, says(HELLO, hang=True), "answered", "up"),
    Row("in order, on IPv6", HTTP, says(HELLO, host="::1"), "answered", "up"),
    Row("byte by byte", TEXT, says(*pieces(HELLO, 1)), "answered", "up"),
    Row("nothing listens", HTTP, nobody, "refused", "down"),
    Row("does not even accept: its queue is full", HTTP, full, "timeout", "down", hasty=True),
    Row("never answers", HTTP, mute(), "timeout", "down", hasty=True),
    Row("resets at the request", HTTP, breaks_off_after(), "reset", "down"),
    Row("resets within its headers", HTTP, breaks_off_after(OK + b"Content-Le"), "reset", "down"),
    Row("resets within its body", HTTP, breaks_off_after(OK + b"Content-Length: 99\r\n\r\nhello"), "reset", "down"),
    Row("closes without an answer", HTTP, says(), "closed", "down"),
    Row("closes within its headers", HTTP, says(OK + b"Content-Le"), "incomplete", "down"),
    Row("headers and then nothing", HTTP, says(OK, hang=True), "timeout", "down", hasty=True),
    Row("headers one byte a second", HTTP, drips(HELLO), "timeout", "down", hasty=True),
    Row(
        "a body of one byte a second",
        HTTP,
        drips(b"hello", OK + b"Content-Length: 5\r\n\r\n"),
        "timeout",
        "down",
        hasty=True,
    ),
    Row("chunks of one byte a second", HTTP, drips(b"1\r\nx\r\n" * 9, CHUNKED), "timeout", "down", hasty=True),
    Row(
        "an event stream that drips for ever",
        HTTP,
        drips(b": \n" * 9, OK + b"Content-Type: text/event-stream\r\n\r\n"),
        "timeout",
        "down",
        hasty=True,
    ),
    Row(
        "half a body and then nothing",
        HTTP,
        says(OK + b"Content-Length: 9\r\n\r\nhell", hang=True),
        "timeout",
        "down",
        hasty=True,
    ),
]

BODIES = [
    Row("the text that is expected", TEXT, says(HELLO), "answered", "up"),
    Row(
        "the text in two chunks",
        TEXT,
        says(CHUNKED, b"2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n", hang=True),
        "answered",
        "up",
    ),
    Row("another text: somebody's sign-in page", TEXT, says(OK + b"\r\n<form>sign in</form>"), "body", "down"),
    Row("NUL bytes before the text", TEXT, says(OK + b"\r\n\0\0\0hello"), "answered", "up"),
    Row(
        "an endless body",
        HTTP,
        floods(OK + b"\r\n", b"x" * 65536),
        "answered",
        "down",
        "A stream that goes on for ever answers with a good status, and no text was agreed on. slawatch "
        "reads 1 MiB and judges; the exporter reads on until its time is over.",
        hasty=True,
    ),
    Row("an endless body without the text", TEXT, floods(OK + b"\r\n", b"x" * 65536), "too_large", "down", hasty=True),
    Row(
        "endless chunks without the text",
        TEXT,
        floods(CHUNKED, b"10\r\nxxxxxxxxxxxxxxxx\r\n" * 3_000),
        "too_large",
        "down",
        hasty=True,
    ),
    Row("2 MB, the text first", TEXT, says(OK + b"\r\nhello" + b"x" * 2_000_000), "answered", "up"),
    Row(
        "2 MB, the text last",
        TEXT,
        says(OK + b"\r\n" + b"x" * 2_000_000 + b"hello"),
        "too_large",
        "up",
        "What is expected must stand in the first MiB, as the reference says: a probe that reads on is one "
        "that a server can make as dear as it likes.",
    ),
    Row(
        "a text on which the pattern explodes",
        HTTP.but({"expect": {"regex": "(a+)+b"}}, {"fail_if_body_not_matches_regexp": ["(a+)+b"]}),
        says(OK + b"\r\n" + b"a" * 64),
        "pattern_too_slow",
        "down",
        "Python's matcher can be led to take for ever by a text; slawatch ends it after 50 ms, and then does not know "
        "whether the text fits. The exporter's patterns cannot explode, and cannot look back or around either.",
    ),
    Row("gzip", unpacking("gzip"), says(packed(gzip.compress(b"hello"), b"gzip")), "answered", "up"),
    Row("deflate", unpacking("deflate"), says(packed(zlib.compress(b"hello")[2:-4], b"deflate")), "answered", "up"),
    Row(
        "gzip, cut short",
        unpacking("gzip"),
        says(packed(gzip.compress(b"hello" * 99)[:-9], b"gzip")),
        "malformed",
        "down",
    ),
    Row("gzip that is none", unpacking("gzip"), says(packed(b"hello", b"gzip")), "malformed", "down"),
    Row("a gzip bomb that nobody opens", HTTP, says(packed(GZIP_BOMB, b"gzip")), "answered", "up"),
    Row("a gzip bomb", unpacking("gzip"), says(packed(GZIP_BOMB, b"gzip")), "too_large", "up", BOMB),
    Row("a deflate bomb", unpacking("deflate"), says(packed(DEFLATE_BOMB, b"deflate")), "too_large", "up", BOMB),
    Row(
        "a brotli bomb",
        unpacking("br"),
        says(packed(BROTLI_BOMB, b"br")),
        "encoding",
        "up",
        "slawatch asks for gzip and deflate only, and this server sends what was not asked for; a browser "
        "without brotli shows nothing. The exporter unpacks 50 MB.",
    ),
    Row(
        "a zstd bomb",
        TEXT,
        says(packed(ZSTD_BOMB, b"zstd")),
        "encoding",
        "up",
        "No encoding was asked for, and this server sends one. The exporter looks for the text in what is "
        "packed, and the last block happens to be plain.",
    ),
    Row(
        "gzip within gzip",
        unpacking("gzip"),
        says(packed(gzip.compress(gzip.compress(b"hello")), b"gzip, gzip")),
        "encoding",
        "down",
    ),
]

REDIRECTS = [
    Row("a redirect that nobody wants followed", HTTP, redirects(b"/there"), "status", "down"),
    Row("a redirect on the same host", FOLLOW, redirects(b"/there"), "answered", "up"),
    Row("a redirect in a circle", FOLLOW, redirects(b"/"), "too_many_redirects", "down"),
    Row("redirects without end", FOLLOW, routed(_round), "too_many_redirects", "down"),
    Row(
        "a redirect without a place", FOLLOW, says(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), "status", "down"
    ),
    Row("a redirect to ftp://", FOLLOW, redirects(b"ftp://127.0.0.1/"), "redirect_refused", "down"),
    Row("a redirect to file://", FOLLOW, redirects(b"file:///etc/passwd"), "redirect_refused", "down"),
    Row("a redirect to javascript:", FOLLOW, redirects(b"javascript:alert(1)"), "redirect_refused", "down"),
    Row("a redirect to no URL", FOLLOW, redirects(b"http://[::1/"), "redirect_refused", "down"),
    Row(
        "a redirect to another host",
        FOLLOW,
        leads_to("127.0.0.2"),
        "redirect_refused",
        "up",
        "Whoever answers elsewhere is not the site that was promised: a parked domain and a hotel's sign-in page do "
        "just this. Hosts to which a redirect may lead are named in the client's file.",
    ),
    Row(
        "a redirect from https to http",
        SECURE_FOLLOW,
        leads_to("127.0.0.1", good),
        "redirect_refused",
        "up",
        "A page that is promised over https and then comes in the clear is no page over https.",
    ),
]

OVER_TLS = [
    Row("in order, over TLS", HTTPS, says(HELLO, tls=good), "answered", "up"),
    Row(
        "an expired certificate",
        HTTPS,
        says(HELLO, tls=lambda a: a.server("127.0.0.1", ends=NOW - DAY)),
        "certificate_expired",
        "down",
    ),
    Row(
        "a certificate for another host",
        HTTPS,
        says(HELLO, tls=lambda a: a.server("other.example")),
        "certificate_wrong_host",
        "down",
    ),
    Row("plain HTTP where TLS is expected", HTTPS, after_hello(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "tls", "down"),
    Row("TLS where plain HTTP is expected", HTTP, honest(good), "closed", "down"),
    Row("a plain answer before the handshake", SECURE_TEXT, speaks_before_its_handshake(good, HELLO), "tls", "down"),
    Row(
        "demands a client's certificate, TLS 1.2",
        HTTPS,
        honest(with_versions(good, V12, V12, demands=True)),
        "tls",
        "down",
    ),
    Row(
        "demands a client's certificate, TLS 1.3",
        HTTPS,
        honest(with_versions(good, V13, V13, demands=True)),
        "client_certificate",
        "down",
    ),
    Row("never answers, over TLS", HTTPS, mute(good), "timeout", "down", hasty=True),
    Row(
        "resets within its body, over TLS",
        HTTPS,
        breaks_off_after(OK + b"Content-Length: 99\r\n\r\nhello", tls=good),
        "reset",
        "down",
    ),
    Row(
        "closes within its body, over TLS",
        HTTPS,
        says(OK + b"Content-Length: 99\r\n\r\nhello", tls=good),
        "incomplete",
        "down",
    ),
    Row(
        "an endless body without the text, over TLS",
        SECURE_TEXT,
        floods(OK + b"\r\n", b"x" * 65536, tls=good),
        "too_large",
        "down",
        hasty=True,
    ),
]

ROWS = [*STARTS, *BODIES, *REDIRECTS, *OVER_TLS]
