"""What a probe costs: processor time of this process for each kind, against servers in another process.

    python -m benchmarks.probes [--probes N] [--concurrency N] [--rounds N]

A row is one kind on one loop; each runs in a process of its own, in turn, round after round, and the median is
printed with the lowest and the highest. A fixed number of workers probes without a pause, so the figures are those of a
busy daemon; at a few probes a second each one costs more, since every one wakes a sleeping process. On loopback the
kernel bills part of the other side's work to the prober (all of it for ICMP). The floor is `open`, a connection with
asyncio's own streams that is closed at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from slawatch.domain.observation import Verdict
from slawatch.probes.policy import LOOPBACK, AddressPolicy
from slawatch.probes.probe import Resources, observe
from slawatch.probes.registry import kinds

ROWS = ("icmp", "tcp", "open", "http", "http body", "https")
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
PAGE = b"<html><head><title>Welcome</title></head>" + b"<p>All is well.</p>" * 50 + b"</html>"
ANSWER = b"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (
    len(PAGE),
    PAGE,
)
TIMEOUT = 5_000_000
BRIEFLY = ("--rounds", "1", "--probes", "10000")
Once = Callable[[], Awaitable[bool]]


class Page(asyncio.Protocol):
    """Answers whatever it is asked with the page, and waits for the other side to close."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER)


def certificate(path: Path) -> None:
    """A certificate of its own authority for 127.0.0.1, with its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))


async def serve(pem: str) -> None:
    """Serve the page, plain and over TLS; the ports go to standard output."""
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    plain = await loop.create_server(Page, "127.0.0.1", 0, backlog=4096)
    secure = await loop.create_server(Page, "127.0.0.1", 0, backlog=4096, ssl=context)
    print(*(server.sockets[0].getsockname()[1] for server in (plain, secure)), flush=True)
    await asyncio.Event().wait()


async def opened(port: int) -> bool:
    """The floor: a connection by asyncio's streams."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    return True


def once(row: str, resources: Resources, ports: tuple[int, int], pem: str) -> Once:
    """One probe of a row; whether it was up."""
    plain, secure = ports
    if row == "open":
        return lambda: opened(plain)
    name, text, options = {
        "icmp": ("icmp", "127.0.0.1", {}),
        "tcp": ("tcp", f"127.0.0.1:{plain}", {}),
        "http": ("http", f"http://127.0.0.1:{plain}/", {}),
        "http body": ("http", f"http://127.0.0.1:{plain}/", {"expect": {"body": "Welcome"}}),
        "https": ("http", f"https://127.0.0.1:{secure}/", {"tls": {"ca": pem}}),
    }[row]
    kind = kinds()[name]
    target, given = kind.target(text), kind.options.model_validate(options)

    async def probe() -> bool:
        return (await observe(kind, target, given, resources, TIMEOUT)).verdict is Verdict.UP

    return probe


async def measure(row: str, probes: int, concurrency: int, ports: tuple[int, int], pem: str) -> float:
    """Processor milliseconds for 1000 probes, user and system."""
    async with Resources(policy=AddressPolicy(LOOPBACK)) as resources:
        probe = once(row, resources, ports, pem)
        assert await probe(), f"{row}: the server does not answer"
        left = probes

        async def work() -> int:
            nonlocal left
            good = 0
            while left > 0:
                left -= 1
                if await probe():
                    good += 1
            return good

        begin = time.process_time()
        good = sum(await asyncio.gather(*(work() for _ in range(concurrency))))
        used = time.process_time() - begin
    assert good == probes, f"{row}: {probes - good} of {probes} failed"
    return used / probes * 1e6


def run_child(row: str, loop: str, ports: str, pem: str, arguments: argparse.Namespace) -> float:
    """Measure one row in a process of its own."""
    probes = max(1, arguments.probes // 10) if row == "https" else arguments.probes
    command = [
        sys.executable,
        "-m",
        "benchmarks.probes",
        "--child",
        row,
        "--loop",
        loop,
        "--ports",
        ports,
        "--pem",
        pem,
    ]
    command += ["--probes", str(probes), "--concurrency", str(arguments.concurrency)]
    project = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=project)
    return float(json.loads(done.stdout))


def report(arguments: argparse.Namespace) -> None:
    """Run every row on every loop and print the medians."""
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        pem = str(Path(folder, "bench.pem"))
        certificate(Path(pem))
        command = [sys.executable, "-m", "benchmarks.probes", "--serve", "--pem", pem]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[1])
        try:
            assert server.stdout is not None
            ports = server.stdout.readline().strip()
            for _ in range(arguments.rounds):
                for loop in LOOPS:
                    for row in ROWS:
                        found.setdefault((row, loop), []).append(run_child(row, loop, ports, pem, arguments))
        finally:
            server.terminate()
            server.wait()
            if server.stdout is not None:
                server.stdout.close()
    print(
        f"processor ms per 1000 probes, {arguments.concurrency} at once; median [lowest-highest] of {arguments.rounds}"
    )
    for (row, loop), values in found.items():
        print(f"{row:10} {loop:8} {statistics.median(values):7.1f} [{min(values):.1f}-{max(values):.1f}]")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--probes", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    for name in ("--child", "--loop", "--ports", "--pem"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(arguments.pem))
    elif arguments.child:
        plain, secure = map(int, arguments.ports.split())
        found: Any = measure(arguments.child, arguments.probes, arguments.concurrency, (plain, secure), arguments.pem)
        with asyncio.Runner(loop_factory=LOOPS[arguments.loop]) as runner:
            print(json.dumps(runner.run(found)))
    else:
        report(arguments)


if __name__ == "__main__":
    main()
