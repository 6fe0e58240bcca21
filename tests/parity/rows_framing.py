"""Rows of the kind ``http``: how an answer is framed, in status lines, headers, lengths and chunks."""

from __future__ import annotations

from parity.awkward import floods, greets, says
from parity.row import Row
from parity.rows_http import CHUNKED, HELLO, HTTP, OK, TEXT

CODING = (
    "The status is what was agreed on, and such a body ends with its connection (RFC 9112, section 6.3); "
    "no text was agreed on."
)

STATUS_LINES = [
    Row("HTTP/1.0, its body until it closes", TEXT, says(b"HTTP/1.0 200 OK\r\n\r\nhello"), "answered", "up"),
    Row("HTTP/0.9: a body and nothing else", TEXT, says(b"<html>hello</html>"), "malformed", "down"),
    Row("HTTP/2's preface", HTTP, says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "malformed", "down"),
    Row(
        "HTTP/2's frames",
        HTTP,
        says(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff"),
        "malformed",
        "down",
    ),
    Row(
        "HTTP/2.0 in the status line",
        HTTP,
        says(HELLO.replace(b"1.1", b"2.0")),
        "malformed",
        "up",
        "HTTP/2 is framed and has no status line: no browser takes this for a page.",
    ),
    Row(
        "HTTP/1.2",
        HTTP,
        says(HELLO.replace(b"1.1", b"1.2")),
        "malformed",
        "up",
        "There is no HTTP/1.2, and no web server says it; what says it is not what was promised.",
    ),
    Row("HTTP/9.9", HTTP, says(HELLO.replace(b"1.1", b"9.9")), "malformed", "up", "There is no HTTP/9.9 either."),
    Row("RTSP", HTTP, says(HELLO.replace(b"HTTP/1.1", b"RTSP/1.0")), "malformed", "down"),
    Row("ICY, as radio stations say", HTTP, says(b"ICY 200 OK\r\n\r\nhello"), "malformed", "down"),
    Row("an SSH banner", HTTP, greets(b"SSH-2.0-OpenSSH_9.6\r\n", hang=True), "malformed", "down"),
    Row("an SMTP greeting", HTTP, greets(b"220 mail.example ESMTP\r\n", hang=True), "malformed", "down"),
    Row(
        "MySQL's greeting",
        HTTP,
        greets(b"J\0\0\0\n8.0.36\0\x0b\0\0\0" + bytes(range(60)), hang=True),
        "malformed",
        "down",
    ),
    Row("zero bytes", HTTP, says(bytes(4096)), "malformed", "down"),
    Row(
        "empty lines before its status",
        HTTP,
        says(b"\r\n\r\n" + HELLO),
        "answered",
        "down",
        "The answer that follows is whole and in order, and browsers pass over empty lines before one.",
    ),
    Row("no reason phrase", HTTP, says(b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), "answered", "up"),
    Row(
        "two spaces before its status",
        HTTP,
        says(HELLO.replace(b" 200", b"  200")),
        "malformed",
        "up",
        "A status line has one space there (RFC 9112, section 4); the second begins a status that is none.",
    ),
    Row("a status of two digits", HTTP, says(b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"), "malformed", "down"),
    Row("a status of four digits", HTTP, says(b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"), "malformed", "down"),
    Row("a status of letters", HTTP, says(b"HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n"), "malformed", "down"),
    Row("status -200", HTTP, says(b"HTTP/1.1 -200 OK\r\nContent-Length: 0\r\n\r\n"), "malformed", "down"),
    Row("status 000", HTTP, says(b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n"), "status", "down"),
    Row("status 999", HTTP, says(b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n"), "status", "down"),
    Row("status 500", HTTP, says(HELLO.replace(b"200 OK", b"500 Oh no")), "status", "down"),
    Row("204 with a body", HTTP, says(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"), "answered", "up"),
    Row("304, not asked for", HTTP, says(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), "status", "down"),
    Row(
        "304 with a body, agreed on",
        HTTP.but({"expect": {"status": 304}}, {"valid_status_codes": [304]}),
        says(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"),
        "answered",
        "up",
    ),
    Row("100 Continue first", HTTP, says(b"HTTP/1.1 100 Continue\r\n\r\n", HELLO), "answered", "up"),
    Row(
        "103 Early Hints first", HTTP, says(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HELLO), "answered", "up"
    ),
    Row(
        "100 Continue without end",
        HTTP,
        floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99),
        "headers_too_large",
        "down",
    ),
    Row("100 Continue and nothing more", HTTP, says(b"HTTP/1.1 100 Continue\r\n\r\n"), "incomplete", "down"),
    Row(
        "101, an upgrade that nobody asked for",
        HTTP,
        says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxyz", hang=True),
        "status",
        "never",
        "The exporter takes 101 for good and waits for what comes next, beyond its deadline and without end.",
        hasty=True,
    ),
]

HEADERS = [
    Row(
        "a header of 40 kB",
        HTTP,
        says(OK + b"X: " + b"a" * 40_000 + b"\r\nContent-Length: 0\r\n\r\n"),
        "headers_too_large",
        "up",
        "32 KiB are four times what nginx takes from a server behind it by default: its visitors get 502, no page.",
    ),
    Row(
        "5,000 headers",
        HTTP,
        says(OK + b"X: aaaaaaaa\r\n" * 5000 + b"Content-Length: 0\r\n\r\n"),
        "headers_too_large",
        "up",
        "The same limit: together they are 60 kB.",
    ),
    Row("an endless header", HTTP, floods(OK + b"X: ", b"a" * 65536), "headers_too_large", "down", hasty=True),
    Row("endless headers", HTTP, floods(OK, b"X: y\r\n" * 10_000), "headers_too_large", "down", hasty=True),
    Row(
        "an endless status line", HTTP, floods(b"HTTP/1.1 200 ", b"O" * 65536), "headers_too_large", "down", hasty=True
    ),
    Row("bare line feeds", HTTP, says(HELLO.replace(b"\r\n", b"\n")), "answered", "up"),
    Row("bare carriage returns", HTTP, says(HELLO.replace(b"\r\n", b"\r")), "malformed", "down"),
    Row("Latin-1 in a header", HTTP, says(OK + b"X: gr\xfc\xdfe\r\nContent-Length: 0\r\n\r\n"), "answered", "up"),
    Row(
        "a NUL in a header",
        HTTP,
        says(OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n"),
        "malformed",
        "up",
        "A header with a NUL is to be refused or mended (RFC 9110, section 5.5); Chromium refuses the whole page.",
    ),
    Row(
        "a NUL in a header's name",
        HTTP,
        says(OK + b"X\0Y: a\r\nContent-Length: 0\r\n\r\n"),
        "malformed",
        "up",
        "A name of a header is a token (RFC 9110, section 5.1), and a NUL is none of its characters.",
    ),
    Row(
        "a space before a colon",
        HTTP,
        says(OK + b"Content-Length : 0\r\n\r\n"),
        "malformed",
        "up",
        "It is how one header is read in two ways by two programs on the way (RFC 9112, section 5.1); servers "
        "must not send it.",
    ),
    Row("a header without a colon", HTTP, says(OK + b"nonsense\r\nContent-Length: 0\r\n\r\n"), "malformed", "down"),
    Row(
        "a header without a name",
        HTTP,
        says(OK + b": nonsense\r\nContent-Length: 0\r\n\r\n"),
        "malformed",
        "up",
        "Every header has a name (RFC 9112, section 5); what has none comes from a program that writes into "
        "its own headers.",
    ),
    Row(
        "a folded header",
        HTTP,
        says(OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
        "malformed",
        "up",
        "Folding was withdrawn from HTTP in 2014, since programs on the way disagree about it. A client might still "
        "unfold (RFC 9112, section 5.2); llhttp, on which Node.js rests as well, does so only where it takes bare "
        "carriage returns and NULs along.",
    ),
]

LENGTHS = [
    Row("more than its length", TEXT, says(HELLO + b"and more"), "answered", "up"),
    Row("two answers", TEXT, says(HELLO + HELLO), "answered", "up"),
    Row("less than its length", HTTP, says(OK + b"Content-Length: 99\r\n\r\nhello"), "incomplete", "down"),
    Row("a negative length", HTTP, says(OK + b"Content-Length: -5\r\n\r\nhello"), "malformed", "down"),
    Row("a length with a sign", HTTP, says(OK + b"Content-Length: +5\r\n\r\nhello"), "malformed", "down"),
    Row("a length in hexadecimal", HTTP, says(OK + b"Content-Length: 0x5\r\n\r\nhello"), "malformed", "down"),
    Row(
        "a length of 20 digits",
        HTTP,
        says(OK + b"Content-Length: 99999999999999999999\r\n\r\nhello"),
        "malformed",
        "down",
    ),
    Row(
        "an empty length",
        HTTP,
        says(OK + b"Content-Length: \r\n\r\nhello"),
        "malformed",
        "up",
        "A length that cannot be read is an error that nothing can mend (RFC 9112, section 6.3): where the "
        "answer ends, nobody knows.",
    ),
    Row(
        "two different lengths",
        HTTP,
        says(OK + b"Content-Length: 5\r\nContent-Length: 4\r\n\r\nhello"),
        "malformed",
        "down",
    ),
    Row(
        "the same length twice",
        HTTP,
        says(OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        "malformed",
        "up",
        "A recipient may refuse it (RFC 9110, section 8.6): two parts of that server write headers and do not "
        "know of each other.",
    ),
    Row("a list of lengths", HTTP, says(OK + b"Content-Length: 5, 5\r\n\r\nhello"), "malformed", "down"),
    Row(
        "a length and chunks",
        HTTP,
        says(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "malformed",
        "up",
        "With both, programs on the way disagree on where the answer ends, and the next visitor gets the rest "
        "of it (RFC 9112, section 6.3: smuggling).",
    ),
    Row(
        "chunks and a length",
        HTTP,
        says(OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "malformed",
        "up",
        "With both, programs on the way disagree on where the answer ends, and the next visitor gets the rest "
        "of it (RFC 9112, section 6.3: smuggling).",
    ),
    Row(
        "an unknown transfer encoding",
        HTTP,
        says(OK + b"Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "answered",
        "down",
        CODING,
    ),
    Row(
        "chunked, then something else",
        HTTP,
        says(OK + b"Transfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "answered",
        "down",
        CODING,
    ),
    Row(
        "chunked twice",
        HTTP,
        says(OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "malformed",
        "down",
    ),
    Row(
        "chunks in HTTP/1.0",
        HTTP,
        says(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        "answered",
        "up",
    ),
    Row("HEAD, answered with a body", HTTP.but({"method": "HEAD"}, {"method": "HEAD"}), says(HELLO), "answered", "up"),
]

CHUNKS = [
    Row(
        "chunks as they should be",
        TEXT,
        says(CHUNKED + b"5;ext=1\r\nhello\r\n0\r\nX: y\r\n\r\n", hang=True),
        "answered",
        "up",
    ),
    Row("a chunk's length is no number", HTTP, says(CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n"), "malformed", "down"),
    Row("a chunk's length is empty", HTTP, says(CHUNKED + b"\r\nhello\r\n0\r\n\r\n"), "malformed", "down"),
    Row("a chunk's length is negative", HTTP, says(CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n"), "malformed", "down"),
    Row("a chunk's length is 0x5", HTTP, says(CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n"), "malformed", "down"),
    Row(
        "a chunk's length overflows",
        HTTP,
        says(CHUNKED + b"ffffffffffffffff1\r\nhello\r\n0\r\n\r\n"),
        "malformed",
        "down",
    ),
    Row("a chunk longer than its length", HTTP, says(CHUNKED + b"3\r\nhello\r\n0\r\n\r\n"), "malformed", "down"),
    Row("a chunk shorter than its length", HTTP, says(CHUNKED + b"9\r\nhello\r\n0\r\n\r\n"), "malformed", "down"),
    Row("closes before its last chunk", HTTP, says(CHUNKED + b"5\r\nhello\r\n"), "incomplete", "down"),
    Row("an endless chunk extension", HTTP, floods(CHUNKED + b"5;", b"x" * 65536), "malformed", "down"),
    Row("an endless chunk length", HTTP, floods(CHUNKED, b"0" * 65536), "malformed", "down"),
    Row("endless trailers", HTTP, floods(CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000), "malformed", "down"),
]

ROWS = [*STATUS_LINES, *HEADERS, *LENGTHS, *CHUNKS]
