"""What a newcomer runs first: the demonstration, and addresses on the command line with no file at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from probes.certificates import authority
from slawatch.cli.app import main
from slawatch.cli.running import Hooks
from slawatch.config.loader import load
from slawatch.main import watching
from support.process import Server, free_port
from support.servers import MakeNginx, answers, fetch
from support.waiting import eventually


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Server]]:
    """Servers that the test started; stopped afterwards."""
    running: list[Server] = []
    yield running
    for server in running:
        server.stop()


def run(started: list[Server], folder: Path, port: int, *arguments: str) -> Server:
    url = f"http://127.0.0.1:{port}/-/ready"
    command = [sys.executable, "-m", "slawatch", *arguments, "--listen", f"127.0.0.1:{port}"]
    server = Server("slawatch", command, folder / "log", lambda: answers(url))
    server.start()
    started.append(server)
    return server


def level(port: int, contract: str) -> str:
    """The level of risk that /metrics shows."""
    lines = fetch(f"http://127.0.0.1:{port}/metrics").splitlines()
    found = [line for line in lines if line.startswith("slawatch_sla_risk{") and f'contract="{contract}"' in line]
    return next(line.partition('level="')[2].partition('"')[0] for line in found if line.endswith(" 1.0"))


def test_the_demonstration_breaks_and_its_contract_goes_at_risk(started: list[Server], tmp_path: Path) -> None:
    """From on track over breaching to at risk, on the page and in the metrics, with three bounds for each contract."""
    port = free_port()
    demo = run(started, tmp_path, port, "demo")
    assert level(port, "shop") == "on_track"
    assert "on track" in fetch(f"http://127.0.0.1:{port}/")
    metrics = fetch(f"http://127.0.0.1:{port}/metrics")
    for bound in ("low", "point", "high"):
        assert f'slawatch_sla_availability_ratio{{bound="{bound}",client="acme",contract="shop"' in metrics
    assert metrics.count("slawatch_review_overdue_seconds{") == 3
    assert all(line.endswith(" 0.0") for line in metrics.splitlines() if line.startswith("slawatch_review_overdue"))
    eventually(lambda: level(port, "shop") == "breaching", within=40)
    eventually(lambda: level(port, "shop") == "at_risk", within=60)
    assert "at risk" in fetch(f"http://127.0.0.1:{port}/")
    assert f"http://127.0.0.1:{port}/" in demo.said()
    assert "demonstration data, never measured" in demo.said()


@pytest.mark.server("nginx")
def test_watch_needs_no_file(started: list[Server], tmp_path: Path, nginx: MakeNginx) -> None:
    """A web server and a ping, watched at once; the saved configuration is a good one and says the same."""
    web, port, saved = nginx(), free_port(), tmp_path / "saved"
    watch = run(
        started, tmp_path, port, "watch", web.url, "icmp://127.0.0.1", f"tcp://127.0.0.1:{web.port}",
        "--every", "1s", "--standard", "99.5%", "--period", "month", "--save", str(saved),
    )  # fmt: skip
    eventually(lambda: watch.said().count(" up ") == 3)
    web.stop()
    eventually(lambda: watch.said().count(" down ") == 2)
    metrics = fetch(f"http://127.0.0.1:{port}/metrics")
    assert metrics.count('slawatch_sla_availability_ratio{bound="high"') == 3
    configuration = load(saved)
    assert {endpoint.kind for endpoint in configuration.endpoints} == {"http", "icmp", "tcp"}
    assert {str(item.contract.target) for item in configuration.contracts} == {"199/200"}


@pytest.mark.server("nginx")
def test_watch_speaks_https(
    started: list[Server], tmp_path: Path, nginx: MakeNginx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that leads to an authority of this box is up; the same server is down where it is not trusted."""
    trusted = authority(tmp_path)
    trusted.server("127.0.0.1")
    pem = next(tmp_path.glob("leaf-*.pem"))
    web, port, other = nginx(tls=(pem, pem)), free_port(), free_port()
    doubting = tmp_path / "doubting"
    doubting.mkdir()
    stranger = run(started, doubting, other, "watch", web.url, "--every", "1s")
    eventually(lambda: " down " in stranger.said())
    assert "certificate_untrusted" in stranger.said()
    monkeypatch.setenv("SSL_CERT_FILE", trusted.path)
    watch = run(started, tmp_path, port, "watch", web.url, "--every", "1s")
    eventually(lambda: " up " in watch.said())
    assert "slawatch_tls_certificate_expiry_timestamp_seconds{" in fetch(f"http://127.0.0.1:{port}/metrics")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("gopher://127.0.0.1", "cannot be probed: expected one of"),
        ("127.0.0.1", "cannot be probed: expected one of"),
        ("tcp://127.0.0.1", "port"),
        ("http://", "http"),
    ],
)
def test_watch_says_what_it_expects(
    url: str, expected: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped address ends with exit status 2 and a word on what is expected."""
    monkeypatch.setattr(watching, "set_up_logging", lambda _: None)  # it is the process's, not this test's
    status = main(Hooks(run=lambda *_: 1, watch=watching.watch, demo=lambda _: 1), ["watch", url])
    assert status == 2
    assert expected in capfd.readouterr().err
