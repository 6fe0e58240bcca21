"""The kind `http`: what is expected of headers, and pages that ask for a password."""

from __future__ import annotations

import asyncio
import gzip
import time
from typing import Any

import pytest

from probes.driver import Driver
from probes.servers import Servers
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.answer import Failure, Trace
from slawatch.probes.http_exchange import MOST_GLANCED_BYTES, MOST_HEADER_BYTES, Exchange, Response
from slawatch.probes.http_login import asks_for_a_password
from slawatch.probes.kinds.http import Options
from support.clock import FakeClock

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nCache-Control: no-store\r\n"
    b"X-Served-By: canary\r\nCACHE-CONTROL: private\r\nContent-Length: 2\r\n\r\nok"
)


@pytest.mark.parametrize(
    ("expect", "detail"),
    [
        ({"headers": {"content-type": "application/json"}}, None),
        ({"headers": {"Content-Type": "charset=utf-8", "Cache-Control": "no-store,private"}}, None),
        ({"header_patterns": {"Cache-Control": r"^no-store\b"}}, None),
        ({"absent_headers": ["Server", "x-powered-by"]}, None),
        ({"headers": {"Content-Type": "text/html"}}, "content-type is not what is expected"),
        ({"headers": {"X-Served-By": "Canary"}}, "x-served-by is not what is expected"),
        ({"headers": {"Strict-Transport-Security": "max-age"}}, "strict-transport-security is missing"),
        ({"header_patterns": {"X-Served-By": "^c$"}}, "x-served-by is not what is expected"),
        ({"header_patterns": {"ETag": "."}}, "etag is missing"),
        ({"absent_headers": ["X-SERVED-BY"]}, "x-served-by is there"),
    ],
)
async def test_headers(observe: Driver, servers: Servers, expect: dict[str, Any], detail: str | None) -> None:
    seen = await observe("http", f"http://127.0.0.1:{await servers.answering(HEAD)}/", expect=expect)
    if detail is None:
        assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")
    else:
        assert (seen.verdict, seen.reason, seen.detail) == (Verdict.DOWN, "header", detail)


async def test_the_status_is_judged_before_the_headers_and_these_before_the_body(
    observe: Driver, servers: Servers
) -> None:
    port = await servers.answering(HEAD)
    wrong: dict[str, Any] = {"status": 500, "headers": {"X": "y"}, "body": "none"}
    for key, reason in (("status", "status"), ("headers", "header"), ("body", "body")):
        assert (await observe("http", f"http://127.0.0.1:{port}/", expect=wrong)).reason == reason
        del wrong[key]


async def test_headers_of_an_answer_to_head(observe: Driver, servers: Servers) -> None:
    port = await servers.answering(HEAD)
    options: dict[str, Any] = {"method": "HEAD", "redirects": "same_host"}
    seen = await observe("http", f"http://127.0.0.1:{port}/", expect={"headers": {"X-Served-By": "can"}}, **options)
    assert seen.verdict is Verdict.UP


# --- Pages that ask for a password -----------------------------------------------------------------------------------

FORM = b'<form><input name=user><INPUT\n class="a" type = "Password" name=p></form>'


def page(text: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *(headers or (b"Content-Type: text/html",)), b"", text])


ZIPPED = b"Content-Encoding: gzip"
HTML = b"Content-Type: text/html; charset=utf-16le"


@pytest.mark.parametrize(
    "answer",
    [
        page(FORM),
        page(b"x" * 60_000 + FORM),
        page(FORM, b"Content-Type: application/xhtml+xml", b"X: y"),
        page(FORM, b"Server: without a type"),
        page(gzip.compress(FORM), b"Content-Type: text/html", ZIPPED),
        page(gzip.compress(FORM + b"x" * 5_000_000), b"Content-Type: text/html", ZIPPED),
        page(FORM.decode().encode("utf-16le"), HTML),
        page(b"<input type=password>", status=b"203 N"),
        page(FORM, b"Content-Type: Text/HTML"),
    ],
)
async def test_a_page_that_asks_for_a_password_says_nothing(observe: Driver, servers: Servers, answer: bytes) -> None:
    """Neither up nor down can be claimed of what may lie behind it."""
    port = await servers.answering(answer)
    seen = await observe("http", f"http://127.0.0.1:{port}/")
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "login_page", Cause.PROBER_FAULT)
    assert "expect.body" in seen.detail


@pytest.mark.parametrize(
    ("answer", "expect"),
    [
        (page(FORM), {"body": "<form>"}),
        (page(FORM), {"regex": "name=p"}),
        (page(FORM), {"login_page": True}),
        (page(FORM, status=b"401 U"), {"status": 401}),
        (page(FORM, status=b"401 U"), {"status": 401, "login_page": True}),
        (page(FORM, b"Content-Type: text/plain"), {}),
        (page(FORM, b"Content-Type: text/plain"), {"login_page": True}),
        (page(b"x" * MOST_GLANCED_BYTES + FORM), {}),
        (page(FORM, b"Content-Type: text/html", ZIPPED), {}),
        (page(b"<p>Forgot your password? type=password"), {}),
        (page(b"<input type=text placeholder=password>"), {}),
        (page(b"<p>"), {"login_page": False}),
    ],
)
async def test_what_is_no_login_page_or_is_agreed(
    observe: Driver, servers: Servers, answer: bytes, expect: dict[str, Any]
) -> None:
    port = await servers.answering(answer)
    seen = await observe("http", f"http://127.0.0.1:{port}/", expect=expect)
    assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")


@pytest.mark.parametrize(
    ("answer", "expect", "detail"),
    [
        (page(b"<p>parked"), {"login_page": True}, "it is no login page"),
        (page(b""), {"login_page": True}, "it is no login page"),
        (page(b"x" * MOST_GLANCED_BYTES + FORM), {"login_page": True}, "it is no login page"),
        (page(FORM), {"login_page": False}, "it is a login page"),
        (page(FORM), {"login_page": False, "body": "form"}, "it is a login page"),
    ],
)
async def test_another_page_than_agreed(
    observe: Driver, servers: Servers, answer: bytes, expect: dict[str, Any], detail: str
) -> None:
    port = await servers.answering(answer)
    seen = await observe("http", f"http://127.0.0.1:{port}/", expect=expect)
    assert (seen.verdict, seen.reason, seen.detail) == (Verdict.DOWN, "body", detail)


@pytest.mark.parametrize(
    "expect",
    [{"body": "x"}, {"regex": "x"}, {"json": {"a": 1}}, {"headers": {"X": "y"}}, {"login_page": True}, {"status": 404}],
)
def test_redirects_are_followed_where_the_right_page_is_known(expect: dict[str, Any]) -> None:
    assert Options.model_validate({"redirects": "same_host", "expect": expect}).redirects == "same_host"


@pytest.mark.parametrize(
    "text",
    [
        b"<input " * 10_000 + b"password",
        b"<input" + b" type" * 12_000 + b"password",
        b"<input type=" + b" " * 60_000 + b"password",
        b"<input type" + b" " * 60_000 + b"=password",
        b"<input " + b"type=type=" * 6_000 + b"password",
    ],
)
def test_looking_for_the_field_takes_no_time_that_a_server_could_choose(text: bytes) -> None:
    begun = time.process_time()
    asks_for_a_password(Response(200, {}, text, False))
    assert time.process_time() - begun < 0.5  # some milliseconds; minutes where a repetition is not bounded


def kept(head: bytes, keep: int = 0, glance: bool = True) -> int:
    """How many bytes of a body an exchange keeps after such a head."""
    exchange = Exchange(Trace(FakeClock()), head=False, keep=keep, glance=glance)
    exchange.connection_made(asyncio.Transport())
    exchange.data_received(head)
    for _ in range(20):
        exchange.data_received(b"x" * 50_000)
    exchange.eof_received()
    return len(exchange.done.result().body)


async def test_no_body_is_kept_that_nobody_looks_at() -> None:
    assert kept(page(b"")) == MOST_GLANCED_BYTES
    assert kept(page(b"", b"Content-Type: image/png")) == 0
    assert kept(page(b"", b"Content-Type: application/json")) == 0
    assert kept(page(b"", status=b"404 N")) == 0
    assert kept(page(b""), glance=False) == 0
    assert kept(page(b""), keep=100_000, glance=False) == 100_000


class Counting(Exchange):
    """Counts the headers that reach it."""

    seen = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.seen += 1
        super().on_header(name, value)


async def test_headers_beyond_the_limit_are_not_looked_at() -> None:
    """Joining 100,000 headers of one name would take seconds."""
    exchange = Counting(Trace(FakeClock()), head=False, keep=0)
    exchange.connection_made(asyncio.Transport())
    exchange.data_received(b"HTTP/1.1 200 OK\r\n" + b"a:\n" * 100_000 + b"\n")
    assert exchange.seen <= MOST_HEADER_BYTES // 3
    with pytest.raises(Failure, match="headers_too_large"):
        exchange.done.result()
