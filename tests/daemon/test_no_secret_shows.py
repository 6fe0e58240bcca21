"""A whole daemon with a canary in every place where a secret can stand, among servers that send it back.

Everything that it and its commands say, keep or show is searched for the canaries: log at its finest, metrics, API,
pages, error bodies, database, standard output and error of every command, command lines and environments of processes.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest

from daemon.canaries import Secrets
from daemon.conftest import Slawatch
from daemon.repeating import ANSWERS, repeating
from probes.certificates import authority, key
from support.servers import fetch
from support.waiting import eventually


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    secrets.put("file", "x")
    [value] = secrets.values.values()
    for text in (value, value.upper(), value.encode().hex(), f"see {value}!"):
        assert secrets.shown_in(text.encode()) == ["file_x"]
    for around in ("", "a", "ab", "ann:"):
        assert secrets.shown_in(base64.b64encode(f"{around}{value}{around}".encode())) == ["file_x"]
    assert secrets.shown_in(b"Canary") == []


# --- What is watched -------------------------------------------------------------------------------------------------

EXPECT = {"json": "{status: 200, json: {a: b}}", "charset": "{status: 200, regex: 'never(.)'}"}
"""Of single answers; the others are expected to hold a text that they do not."""


def http_endpoints(secrets: Secrets, port: int) -> Iterator[str]:
    """Every answer, directly and through a proxy, with every kind of secret in every place of a request."""
    headers = ", ".join(f"X-{kind}: {secrets.put(kind, 'header')}" for kind in KINDS)
    auths = [f"{{basic: {{user: ann, password: {secrets.put(kind, 'password')}}}}}" for kind in KINDS]
    auths += [f"{{bearer: {secrets.put(kind, 'token')}}}" for kind in KINDS]
    proxies = [secrets.put(kind, "proxy") for kind in KINDS]
    for number, name in enumerate(ANSWERS):
        more = f"headers: {{{headers}}}, auth: {auths[number % 6]}, redirects: same_host, {EVERY}"
        more += f", expect: {EXPECT.get(name, '{body: never there}')}"
        proxy = f'proxy: "http://127.0.0.1:{port}", proxy_auth: {{user: ann, password: {proxies[number % 3]}}}'
        yield f'{name}: {{probe: http, target: "http://127.0.0.1:{port}/{name}", {more}}}'
        yield f'{name}_proxy: {{probe: http, target: "http://192.0.2.80/{name}", {more}, {proxy}}}'
        yield f'{name}_tunnel: {{probe: http, target: "https://192.0.2.80/{name}", {more}, {proxy}}}'


def tls_endpoints(secrets: Secrets, folder: Path, port: int, ca: str) -> Iterator[str]:
    """Certificates with canaries for names, keys with canaries in their files, and secrets that no request can hold."""
    folder.mkdir()
    pem = folder / "shown.pem"
    pem.write_bytes(authority(folder).leaf("ann.example").read_bytes())
    fine = secrets.put("file", "key", after=f"\n{key().decode()}")
    broken = secrets.put("file", "broken_key", before="-----BEGIN PRIVATE KEY-----\n")
    told = f"headers: {{X-Key: {secrets.put('file', 'tls')}}}, {EVERY}"
    url = f'probe: http, target: "https://127.0.0.1:{port}/body"'
    yield f"wrong_host: {{{url}, tls: {{ca: {ca}}}, {told}}}"
    yield f"untrusted: {{{url}, {told}}}"
    yield f"unverified: {{{url}, tls: {{verify: false}}, expect: {{body: never there}}, {told}}}"
    for name, place in (("keyed", fine), ("badly_keyed", broken)):
        yield f"{name}: {{{url}, tls: {{verify: false, client_certificate: {pem}, client_key: {place}}}, {told}}}"
    unusable = {
        "two_lines": secrets.put("file", "lines", before="a\n"),
        "no_text": secrets.put("env", "bytes", after="\udcff"),
        "too_long": secrets.put("file", "long", after="x" * 70_000),
    }
    for name, place in unusable.items():
        yield f"{name}: {{{url}, auth: {{bearer: {place}}}, {EVERY}}}"
        yield f"{name}_password: {{{url}, auth: {{basic: {{user: ann, password: {place}}}}}, {EVERY}}}"


def tcp_endpoints(secrets: Secrets, port: int) -> Iterator[str]:
    """A server that says what it hears."""
    for kind in KINDS:
        send = f'["AUTH ", {secrets.put(kind, "login")}, "\\r\\n"]'
        yield f'login_{kind}: {{probe: tcp, target: "127.0.0.1:{port}", send: {send}, expect: never, {EVERY}}}'


KINDS = ("file", "env", "credential")
EVERY = "every: 5s, timeout: 1s, retry_every: 5s"


def client_file(endpoints: list[str]) -> str:
    lines = "\n".join(f"  {line}" for line in endpoints)
    name = endpoints[0].partition(":")[0]
    return (
        f"client: acme\nendpoints:\n{lines}\nservices: {{shop: {{kind: applications, up_when: {name}}}}}\n"
        "contracts: {shop: {service: shop, standard: 99%, period: month}}\n"
    )


class Watched(Slawatch):
    """The daemon among those servers; what it and its commands said is in ``said_so_far``."""

    def __init__(self, folder: Path, secrets: Secrets, endpoints: list[str], database: str) -> None:
        super().__init__(folder, client_file(endpoints), database=database)
        self.everything: list[tuple[str, bytes]] = []
        self._command += ["--log-level", "debug"]
        box = folder / "slawatch.yaml"
        token = secrets.put("credential", "metrics")
        box.write_text(f"{box.read_text(encoding='utf-8')}metrics_token: {token}\n", encoding="utf-8")

    def keep(self, name: str, said: bytes | str) -> bytes:
        """Something that was shown to somebody."""
        said = said if isinstance(said, bytes) else said.encode("utf-8", "surrogateescape")
        self.everything.append((name, said))
        return said

    def run(self, *arguments: str, config: bool = True) -> bytes:
        """What a command prints, whatever comes of it."""
        command = [sys.executable, "-m", "slawatch", *arguments, *(["--config", str(self.folder)] if config else ())]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
        assert b"Traceback" not in done.stderr, done.stderr
        return self.keep(f"slawatch {' '.join(arguments)}", done.stdout + done.stderr)

    def ask(self, request: bytes) -> bytes:
        """What the daemon answers to raw bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            said = b""
            while piece := connection.recv(65536):
                said += piece
        return self.keep(repr(request[:40]), said)


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    return Secrets(tmp_path / "secrets")


@pytest.fixture
def watched(
    tmp_path: Path, secrets: Secrets, database: str | None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watched]:
    with ExitStack() as stack:
        plain = stack.enter_context(repeating())
        parrot = stack.enter_context(repeating(parrot=True))
        named = secrets.put("file", "name")
        name = secrets.values["file_name"]
        root = authority(tmp_path, name)
        secure = stack.enter_context(repeating(tls=root.server(f"{name}.example")))
        assert named
        endpoints = [
            *http_endpoints(secrets, plain),
            *tls_endpoints(secrets, tmp_path / "keys", secure, root.path),
            *tcp_endpoints(secrets, parrot),
        ]
        url = f"sqlite:///{tmp_path}/slawatch.db"
        if database is not None:
            url = database.replace("postgres@", "postgres:{}@")
        place = secrets.put("file", "database", before=url.partition("{}")[0], after=url.partition("{}")[2])
        if database is None:
            (secrets.folder / "file_database").write_text(url, encoding="utf-8")
        for variable, value in secrets.environment.items():
            monkeypatch.setenv(variable, value)
        daemon = Watched(tmp_path / "box", secrets, endpoints, place)
        with daemon:
            yield daemon


# --- What is shown ---------------------------------------------------------------------------------------------------

SEEN = {
    "body", "status", "malformed", "incomplete", "encoding", "closed", "redirect_refused", "too_many_redirects",
    "proxy_refused", "certificate_untrusted", "certificate_wrong_host", "unexpected",
    "secret_unavailable", "client_certificate_unavailable",
}  # fmt: skip
"""Reasons that must come up, so that it is known that the servers were asked and had their say."""


@pytest.mark.asyncio
async def test_nothing_shows_a_secret(watched: Watched, secrets: Secrets, database: str | None, tmp_path: Path) -> None:
    eventually(lambda: _reasons(watched) >= SEEN, within=60)
    for page in ("/", "/contracts/acme/shop", "/endpoints/acme/status", "/metrics", "/api/v1/history", "/nowhere"):
        watched.ask(f"GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    watched.keep("status", fetch(f"{watched.url}/api/v1/status"))
    _ask_with_tokens(watched, secrets)
    _ask_for_probes(watched, secrets)
    for command in ("status", "history", "doctor"):
        watched.run(command)
    if database is None:
        _run_commands(watched, secrets)
    _reload_with_mistakes(watched, secrets)
    _look_at_processes(watched, secrets)
    watched.stop()
    watched.run("history")
    for path in (*watched.folder.glob("*.log"), *tmp_path.glob("slawatch.db*")):
        watched.keep(path.name, path.read_bytes())
    if database is not None:
        watched.keep("tables", await _tables(database))
    assert len(watched.everything) > 25
    assert {(name, found) for name, said in watched.everything for found in secrets.shown_in(said)} == set()


def _reasons(watched: Watched) -> set[str]:
    """Every endpoint's latest reason, once each has one."""
    lasts = [endpoint["last"] for endpoint in watched.status()["endpoints"]]
    return {last["reason"] for last in lasts} if all(lasts) else set()


def _ask_with_tokens(watched: Watched, secrets: Secrets) -> None:
    """The right token, wrong ones, and requests that are none, with the token in every part."""
    token = secrets.values["credential_metrics"]
    right = watched.ask(_request("GET /metrics", f"Authorization: Bearer {token}"))
    assert right.startswith(b"HTTP/1.1 200")
    assert b" 401 " in watched.ask(_request("GET /metrics", f"Authorization: Bearer {token}x"))
    assert b" 401 " in watched.ask(_request("POST /-/reload", f"Authorization: Basic {token}"))
    watched.ask(_request("GET /metrics", f"Authorization: Bearer {token}", f"Content-Length: {token}"))
    chunked = _request("POST /-/reload", f"Authorization: Bearer {token}", "Transfer-Encoding: chunked")
    assert b" 400 " in watched.ask(chunked + f"{token}\r\n".encode())
    watched.ask(f"GET /metrics?{token} HTTP/9.9\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    watched.ask(f"{token} /metrics HTTP/1.1\r\nAuthorization Bearer {token}\r\n\r\n".encode())


def _ask_for_probes(watched: Watched, secrets: Secrets) -> None:
    """Every endpoint at the door, with its metrics and its reason, and a target that holds a secret itself."""
    for endpoint in watched.status()["endpoints"]:
        said = watched.ask(_request(f"GET /probe?target=acme/{endpoint['endpoint']}&debug=true"))
        assert b"\nprobe_success " in said
    password = secrets.values["file_password"]
    assert b" 400 " in watched.ask(_request(f"GET /probe?target=http://ann:{password}@127.0.0.1/"))


def _request(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]).encode()


def _run_commands(watched: Watched, secrets: Secrets) -> None:
    """Each command once, and those that can go wrong in the ways in which people do."""
    password = secrets.values["file_password"]
    watched.run("check-config")
    watched.run("check-config", "--schema")
    watched.run("status", "--format", "json")
    watched.run("explain", "acme/shop")
    for name in ("to-host", "headers_proxy", "badly_keyed", "no_text", "login_env"):
        watched.run("probe", f"acme/{name}", "--format", "json")
    url = f"https://ann:{password}@host.example/"
    for kind in ("http", "tcp"):
        watched.run("probe", kind, url)
    watched.run("probe", "http", "http://127.0.0.1:1/", "--option", f"auth.bearer={password}")
    watched.run("probe", "http", "http://127.0.0.1:1/", "--option", f"auth.basic.password={password}")
    watched.run("watch", url, config=False)
    answers = ("--promise", "99%", "--penalty", "none", "--charges", "", "--timezone", "UTC")
    watched.run("new", "client", "--name", "Other", "--address", url, *answers)
    for command in ("run", "watch", "probe", "new client"):
        watched.run(*command.split(), "--help", config=False)


MISTAKES = """client: other
endpoints:
  a: {{probe: http, target: "http://ann:{0}@127.0.0.1/", auth: {{bearer: {0}}}}}
  b: {{probe: http, target: "http://127.0.0.1/", auth: {{basic: {{user: ann, password: {0}}}}}}}
  c: {{probe: http, target: "http://127.0.0.1/", auth: {{basic: {{user: "ann:{0}", password: [{0}]}}}}}}
  d: {{probe: http, target: "http://127.0.0.1/", auth: {0}, headers: {0}, tls: {0}}}
  e: {{probe: http, target: "http://127.0.0.1/", auth: {{bearer: {{env: "", file: {0}}}}}}}
  f: {{probe: http, target: "http://127.0.0.1/", auth: {{bearer: {{file: {0}}}}}}}
  g: {{probe: http, target: "http://127.0.0.1/", auth: {{bearer: {{credential: "../{0}"}}}}}}
  h: {{probe: http, target: "http://127.0.0.1/", auth: {{bearer: {{vault: {0}}}}}}}
  i: {{probe: tcp, target: "ann:{0}@127.0.0.1:25", send: [{{secret: {0}}}]}}
  j: {{probe: http, target: "http://127.0.0.1/", proxy: "http://ann:{0}@127.0.0.1:1/", proxy_auth: {{password: {0}}}}}
  k: {{probe: http, target: "http://127.0.0.1/", tls: {{client_certificate: /x, client_key: {0}}}}}
services: {{s: {{kind: network, up_when: a}}}}
contracts: {{c: {{service: s, standard: 99%, period: month}}}}
"""
"""A secret itself in the places where its place should stand."""


def _reload_with_mistakes(watched: Watched, secrets: Secrets) -> None:
    """By signal and by HTTP, in a client's file and in the box's; the running configuration stays."""
    written = secrets.values["file_token"]
    other = watched.client_file.with_name("other.yaml")
    other.write_text(MISTAKES.format(written), encoding="utf-8")
    assert watched.run("check-config").count(b"other.yaml:") > 10
    watched.hang_up()
    eventually(lambda: watched.status()["configuration"]["error"])
    watched.keep("status with mistakes", fetch(f"{watched.url}/api/v1/status"))
    watched.keep("page with mistakes", fetch(watched.url))
    assert b" 500 " in watched.ask(_request("POST /-/reload"))
    other.unlink()
    box = watched.folder / "slawatch.yaml"
    good = box.read_text(encoding="utf-8")
    for line in ("metrics_token", "database"):
        box.write_text(f"{good}\n{line}: {written}\n", encoding="utf-8")
        watched.run("check-config")
        kept = "".join(each for each in good.splitlines(keepends=True) if not each.startswith(line))
        box.write_text(f"{kept}\n{line}: postgresql://ann:{written}@127.0.0.1/x\n", encoding="utf-8")
        watched.run("check-config")
        assert b" 500 " in watched.ask(_request("POST /-/reload"))
    box.write_text(good, encoding="utf-8")
    assert b" 200 " in watched.ask(_request("POST /-/reload"))


def _look_at_processes(watched: Watched, secrets: Secrets) -> None:
    """No secret on the daemon's command line, and none in its environment but what was put there; no children."""
    process = Path("/proc", str(watched.pid))
    watched.keep("command line", (process / "cmdline").read_bytes())
    assert (process / "task" / str(watched.pid) / "children").read_bytes() == b""
    given = {os.fsencode(f"{name}={value}") for name, value in secrets.environment.items()}
    watched.keep("environment", b"\0".join(set((process / "environ").read_bytes().split(b"\0")) - given))


async def _tables(url: str) -> str:
    """All that a PostgreSQL database holds, as text."""
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text FROM "{name[0]}" t') for name in names]
        return "\n".join(row[0] for table in rows for row in table)
    finally:
        await connection.close()
