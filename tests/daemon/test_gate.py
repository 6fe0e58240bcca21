"""The outbound gate of a whole daemon: what its file opens, what stays closed, and what a reload changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from daemon.conftest import MakeSlawatch, Slawatch
from support.waiting import eventually

PAGE = b"Welcome"


class Site(ThreadingHTTPServer):
    """Answers `/`, and sends whoever asks for `/to?URL` there; counts who came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.visits = 0


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.visits += 1
        _, _, where = self.path.partition("?")
        self.send_response(302 if where else 200)
        self.send_header("Content-Length", str(len(PAGE)))
        if where:
            self.send_header("Location", where)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nobody listens."""


@contextmanager
def serving() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, daemon=True)
        thread.start()
        yield site
        site.shutdown()
        thread.join()


def client(front: Site, endpoints: dict[str, str]) -> str:
    """Endpoints that the front sends on, each by its name."""
    port = front.server_address[1]
    lines = [
        f'  {name}: {{probe: http, target: "http://127.0.0.1:{port}/to?{where}", every: 1s, timeout: 900ms, '
        "redirects: ['127.0.0.1', '169.254.169.254', '::1'], expect: {body: Welcome}}"
        for name, where in endpoints.items()
    ]
    lines.append(f'  front: {{probe: http, target: "http://127.0.0.1:{port}/", every: 1s, timeout: 900ms}}')
    return (
        "client: acme\nendpoints:\n" + "\n".join(lines) + "\nservices: {shop: {kind: applications, up_when: front}}\n"
        "contracts: {shop: {service: shop, standard: 99%, period: month}}\n"
    )


def allow(daemon: Slawatch, *entries: str) -> None:
    """Write what the box's file opens."""
    box = daemon.folder / "slawatch.yaml"
    kept = [line for line in box.read_text(encoding="utf-8").splitlines() if not line.startswith("outbound")]
    quoted = ", ".join(f'"{entry}"' for entry in entries)
    box.write_text("\n".join([*kept, f"outbound: {{allow: [{quoted}]}}", ""]), encoding="utf-8")


def verdict(daemon: Slawatch, name: str) -> tuple[str, str, str] | None:
    last = daemon.endpoint(name)["last"]
    return last and (last["verdict"], last["reason"], last["detail"])


def said(daemon: Slawatch, name: str, expected: tuple[str, str, str]) -> bool:
    return verdict(daemon, name) == expected


def test_redirects_do_not_lead_within(slawatch: MakeSlawatch) -> None:
    """The front may be asked and what it sends to may not: neither another port of loopback, nor the daemon itself."""
    with serving() as front, serving() as within:
        port = within.server_address[1]
        daemon = slawatch("")
        sent = {
            "other": f"http://127.0.0.1:{port}/",
            "own": f"http://127.0.0.1:{daemon.port}/-/healthy",
            "metadata": "http://169.254.169.254/latest/meta-data/",
            "six": f"http://[::1]:{port}/",
        }
        daemon.client_file.write_text(client(front, sent), encoding="utf-8")
        allow(daemon, f"127.0.0.1:{front.server_address[1]}")
        daemon.start()
        denied = {
            "other": "127.0.0.1: loopback",
            "own": "127.0.0.1: loopback",
            "metadata": "169.254.169.254: a cloud's metadata service",
            "six": "::1: loopback",
        }
        for name, detail in denied.items():
            eventually(partial(said, daemon, name, ("void", "address_denied", detail)))
            assert daemon.endpoint(name)["state"] == "unknown"
        eventually(lambda: daemon.endpoint("front")["state"] == "up")

        allow(daemon, "127.0.0.0/8")  # all of it, and still not the daemon's own port
        daemon.hang_up()
        eventually(lambda: daemon.endpoint("other")["state"] == "up")
        assert within.visits
        eventually(partial(said, daemon, "own", ("void", "address_denied", "127.0.0.1: slawatch's own port")))
        row = daemon.configured("probe", "acme/own", status=1)
        assert "address_denied" in row
        assert "slawatch's own port" in row

        allow(daemon, "127.0.0.0/8", f"127.0.0.1:{daemon.port}")
        daemon.hang_up()
        # It is asked now, and says something else than is expected.
        eventually(lambda: (verdict(daemon, "own") or ("", "", ""))[1] == "body")
        opened = daemon.configured("doctor", status=1)  # since the resolver of this test answers nobody
        assert f"probes may talk to 127.0.0.0/8, 127.0.0.1:{daemon.port}, too" in opened
        seen = {row["state"] for row in daemon.history("--client", "acme", "--endpoint", "metadata") if "state" in row}
        assert seen <= {"unknown"}, "what was never asked is neither up nor down"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_who_types_an_address_of_this_machine_means_it(slawatch: MakeSlawatch, host: str) -> None:
    """`slawatch probe` asks it without any file; a metadata address stays closed, and so does what resolves within."""
    daemon = slawatch("")
    with serving() as site:
        port = site.server_address[1]
        assert " up " in daemon.command("probe", "http", f"http://{host}:{port}/")
        assert site.visits == 1
        told = daemon.command("probe", "http", "http://169.254.169.254/", "--timeout", "1s", status=1)
        assert "address_denied" in told
        assert "metadata service" in told


def test_a_configuration_that_could_only_be_void_is_refused(slawatch: MakeSlawatch) -> None:
    """With the place of the target and what to write; written, it is fine."""
    with serving() as front:
        daemon = slawatch(client(front, {}))
        allow(daemon)
        told = daemon.configured("check-config", status=78)
        problem = '127.0.0.1 is denied (loopback): expected another target, or outbound: {allow: ["127.0.0.1"]}'
        assert f"acme.yaml:3:32: endpoints.front.target: {problem} in slawatch.yaml" in told
        allow(daemon, "127.0.0.1")
        daemon.configured("check-config")
