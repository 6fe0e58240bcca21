"""What the whole daemon costs, beside blackbox_exporter and fping in the same run.

    python -m benchmarks.daemon [--minutes M] [--seconds S] [--rate N] [--loop uvloop|asyncio] [--only PART]

The daemon is ``slawatch run`` with a configuration of its own: state machines, ledger on SQLite, evaluation, metrics,
pages. What it probes is served by another process. Processor time is that of whole process trees, user and system.

- **mixed**: pings, TCP connections and HTTP requests in equal parts, 1,000 a second for two minutes; how late they
  began and what was missed are the daemon's own metrics.
- **kinds**: probes of one kind alone, thousands a second as in a busy daemon; *gross* is all that the daemon used,
  *net* is without what a daemon of 4,000 endpoints uses while it probes nothing.
- **peers**: blackbox_exporter asked by eight connections without a pause, which is when it is cheapest; the process
  that asks is not counted. fping with no pause, and one ping a millisecond. They come from the tests' Debian tree
  (``make tree``, as root); without it their rows are left out, and that is said.
  without it their rows are left out, and that is said.

On loopback the kernel bills part of the other side's work to the prober, all of it for ICMP.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.harness import Row, busy, table
from benchmarks.probes import certificate
from benchmarks.processes import cpu_ms, module, peers, running

KINDS = ("icmp", "tcp", "http", "https")
GOALS = {"icmp": 40, "tcp": 90, "http": 130, "https": 1_000}
EVERY = 5
"""Seconds between two probes of an endpoint, one of several kinds."""
RATES = {"icmp": 2_000, "tcp": 1_500, "http": 1_000, "https": 200}
"""Probes a second of one kind alone. The fewer there are the more each one costs, since it wakes the daemon."""
ALONE_EVERY = 2
"""Seconds between two probes of an endpoint there."""
CLIENTS = 50
SCRAPE_EVERY = 30.0
SETTLE = 8.0
"""Seconds from the first probe until measuring begins: every endpoint has been asked by then."""
BRIEFLY = ()


@dataclass(frozen=True)
class Served:
    """What answers, in another process."""

    plain: int
    secure: int
    pem: str

    def target(self, kind: str, number: int) -> str:
        """An endpoint's probe and target, in the words of a client's file."""
        return {
            "icmp": f"probe: icmp, target: 127.0.{number // 250}.{number % 250 + 1}",
            "tcp": f'probe: tcp, target: "127.0.0.1:{self.plain}"',
            "http": f'probe: http, target: "http://127.0.0.1:{self.plain}/"',
            "https": f'probe: http, target: "https://127.0.0.1:{self.secure}/", tls: {{ca: {self.pem}}}',
        }[kind]


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """The servers, in a process of their own."""
    pem = folder / "bench.pem"
    certificate(pem)
    command = module("benchmarks.probes", "--serve", "--pem", str(pem))
    with running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        plain, secure = map(int, process.stdout.readline().split())
        yield Served(plain, secure, str(pem))


# --- The daemon ---------------------------------------------------------------------------------------------------


def write_configuration(folder: Path, kinds: Sequence[str], count: int, every: str, targets: Served) -> int:
    """A box's and its clients' files for ``count`` endpoints of some kinds in turn; the port that it listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    (folder / "clients").mkdir(parents=True)
    (folder / "slawatch.yaml").write_text(
        f"site: bench\ndatabase: sqlite:///{folder}/slawatch.db\nlisten: 127.0.0.1:{port}\nresolvers: [127.0.0.1]\n"
        "outbound: {allow: [127.0.0.0/8]}\nclients: clients/*.yaml\n",
        encoding="utf-8",
    )
    for client in range(CLIENTS):
        numbers = range(client, count, CLIENTS)
        lines = [f"client: c{client}", f"name: Client {client}", "timezone: Europe/Berlin", "endpoints:"]
        lines += [f"  e{n}: {{{targets.target(kinds[n % len(kinds)], n)}, every: {every}}}" for n in numbers]
        first, second, third = (f"e{n}" for n in numbers[:3])
        lines += [
            "services:",
            f"  s: {{kind: network, definition: bench, up_when: {first} and ({second} or {third})}}",
            "contracts:",
            "  c: {service: s, standard: 99%, period: every 2 weeks from 2026-01-05}",
        ]
        (folder / "clients" / f"c{client}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return port


@dataclass
class Daemon:
    """A running daemon, and how it says that it does."""

    pid: int
    port: int

    def metrics(self) -> dict[str, float]:
        """Its own metrics, by name and labels as they are written."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}


@contextmanager
def daemon(kinds: Sequence[str], count: int, every: str, targets: Served, loop: str) -> Iterator[Daemon]:
    """``slawatch run``, until its first probes have been answered."""
    with tempfile.TemporaryDirectory(prefix="slawatch-bench-") as name:
        port = write_configuration(Path(name), kinds, count, every, targets)
        command = module("slawatch", "run", "--config", name, "--log-level", "error")
        if loop == "asyncio":  # as where uvloop is not installed
            code = "import sys; sys.modules['uvloop'] = None; from slawatch.main import main; sys.exit(main())"
            command = [command[0], "-c", code, *command[3:]]
        with running(command) as process:
            found = Daemon(process.pid, port)
            _await_answers(found, process)
            yield found


def _await_answers(found: Daemon, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the daemon ended with {process.returncode}"
        try:
            if found.metrics().get('slawatch_probe_lateness_seconds_count{site="bench"}', 0) > 0:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError("the daemon does not probe")


@dataclass(frozen=True)
class Window:
    """What a daemon did in some seconds."""

    probes: float
    cpu: float
    seconds: float
    before: dict[str, float]
    after: dict[str, float]

    def grown(self, name: str) -> float:
        """How much the sum of a counter over its labels has grown."""
        return sum(
            value - self.before.get(key, 0.0) for key, value in self.after.items() if key.partition("{")[0] == name
        )

    def results(self) -> dict[str, int]:
        """Probes by result."""
        found: dict[str, int] = {}
        for key, value in self.after.items():
            if key.startswith("slawatch_probes_total{"):
                result = key.partition('result="')[2].partition('"')[0]
                found[result] = found.get(result, 0) + round(value - self.before.get(key, 0.0))
        return found

    def late(self, share: float) -> float:
        """So many seconds late or less began this share of the probes: the bound of the bucket that holds it."""
        prefix = "slawatch_probe_lateness_seconds_bucket{"
        buckets = []
        for key, value in self.after.items():
            if key.startswith(prefix):
                bound = key.partition('le="')[2].partition('"')[0]
                buckets.append((float(bound.replace("+Inf", "inf")), value - self.before.get(key, 0.0)))
        buckets.sort()
        return next(bound for bound, count in buckets if count >= share * buckets[-1][1])

    @property
    def per_thousand(self) -> float:
        """Processor milliseconds for 1,000 probes, with all else that the daemon did meanwhile."""
        return self.cpu / self.probes * 1e3


def watch(found: Daemon, seconds: float) -> Window:
    """Look at a daemon for some seconds, scraping it as Prometheus would."""
    # A scrape counts what has begun when it is asked for, so processor time is read just before it, at both ends.
    cpu, begin = cpu_ms(found.pid), time.monotonic()
    before = found.metrics()
    while (left := begin + seconds - time.monotonic()) > 0:
        time.sleep(min(left, SCRAPE_EVERY))
        if begin + seconds - time.monotonic() > 1:
            found.metrics()
    used, took = cpu_ms(found.pid) - cpu, time.monotonic() - begin
    after = found.metrics()
    return Window(_started(after) - _started(before), used, took, before, after)


def _started(metrics: dict[str, float]) -> float:
    return metrics['slawatch_probe_lateness_seconds_count{site="bench"}']


def measure(kinds: Sequence[str], rate: int, every: int, seconds: float, targets: Served, loop: str) -> Window:
    """A daemon that probes ``rate`` times a second, each endpoint every so many seconds, for so long."""
    with daemon(kinds, rate * every, f"{every}s", targets, loop) as found:
        time.sleep(SETTLE)
        return watch(found, seconds)


def idle(targets: Served, loop: str) -> float:
    """Processor ms a second of a daemon whose endpoints have all been probed and are not due."""
    with daemon(("icmp",), RATES["icmp"] * ALONE_EVERY, "1h", targets, loop) as found:
        time.sleep(60 + SETTLE)
        seen = watch(found, 20)
        return seen.cpu / seen.seconds


def report_mixed(arguments: argparse.Namespace, targets: Served, loop: str, seconds: float) -> None:
    seen = measure(KINDS[:3], arguments.rate, EVERY, seconds, targets, loop)
    results = seen.results()
    table(
        f"{seen.probes:.0f} mixed probes in {seen.seconds:.0f} s on {loop}: {results}",
        [
            Row("late, 99th percentile (bound of its bucket)", seen.late(0.99) * 1e3, "ms", 50),
            Row("late, 99.9th percentile", seen.late(0.999) * 1e3, "ms"),
            Row("slots missed", seen.grown("slawatch_probe_slots_missed_total"), "", 0),
            Row("probes that did not begin", arguments.rate * seen.seconds - seen.probes, "", arguments.rate * 0.02),
            Row("false DOWN", results.get("down", 0), "", 0),
            Row("void", results.get("void", 0), "", 0),
            Row("the daemon, for 1,000 probes", seen.per_thousand, "ms"),
            Row("the daemon, share of one core", seen.cpu / seen.seconds / 10, "%"),
        ],
    )


def report_kinds(arguments: argparse.Namespace, targets: Served, loop: str, found: dict[str, float]) -> None:
    resting = idle(targets, loop)
    rows = []
    for kind in KINDS:
        seen = measure((kind,), RATES[kind], ALONE_EVERY, arguments.seconds, targets, loop)
        wrong = {result: count for result, count in seen.results().items() if result != "up" and count}
        net = (seen.cpu - resting * seen.seconds) / seen.probes * 1e3
        best = found.get(kind)
        beside = "" if best is None else f"blackbox {best:.0f} ms: {best / seen.per_thousand:.1f} times as much"
        name = f"{kind}, {seen.probes / seen.seconds:.0f} a second, gross"
        rows.append(Row(name, seen.per_thousand, "ms", GOALS[kind], f"{beside} {wrong or ''}"))
        rows.append(Row(f"{kind}, net of {resting:.0f} ms a second", net, "ms"))
    table(f"the whole daemon on {loop}: processor ms for 1,000 probes", rows)


# --- The peers ----------------------------------------------------------------------------------------------------

MODULES = """modules:
  icmp: {{prober: icmp, timeout: 5s, icmp: {{preferred_ip_protocol: ip4}}}}
  tcp: {{prober: tcp, timeout: 5s, tcp: {{preferred_ip_protocol: ip4}}}}
  http: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4}}}}
  https: {{prober: http, timeout: 5s, http: {{preferred_ip_protocol: ip4, tls_config: {{ca_file: {pem}}}}}}}
"""
AT_ONCE = 8


def report_peers(targets: Served, tree: Any) -> dict[str, float]:
    """Measure the peers; blackbox's processor ms for 1,000 probes, by kind."""
    folder = Path(targets.pem).parent
    (folder / "blackbox.yml").write_text(MODULES.format(pem=targets.pem), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    argv = ["/usr/bin/prometheus-blackbox-exporter", f"--config.file={folder}/blackbox.yml"]
    argv += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    found: dict[str, float] = {}
    with running(tree.command(argv, bind=[folder]), stderr=subprocess.DEVNULL) as process:
        await_port(port)
        for kind in KINDS:
            count = 1_000 if kind == "https" else 3_000
            text = targets.target(kind, 0).partition("target: ")[2].partition(", tls")[0].strip('"')
            _drive(port, kind, text, 200)
            before = cpu_ms(process.pid)
            _drive(port, kind, text, count)
            found[kind] = (cpu_ms(process.pid) - before) / count * 1e3
    rows = [Row(f"blackbox_exporter, {kind}", value, "ms") for kind, value in found.items()]
    rows += [Row(f"fping, icmp, {words}", fping(tree, pause), "ms") for words, pause in PAUSES]
    table("the peers: processor ms for 1,000 probes", rows)
    return found


PAUSES = (("no pause", "0"), ("one a millisecond", "1"))


def fping(tree: Any, pause: str, count: int = 5_000) -> float:
    """One ping each to so many addresses of this machine."""
    addresses = "\n".join(f"127.0.{n // 250}.{n % 250 + 1}" for n in range(count)) + "\n"

    def used(argv: list[str], text: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = tree.run(argv, stdin=text, timeout=120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode in (0, 1), done.stderr
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3

    entering = used(["/usr/bin/fping", "-v"], "")
    return (used(["/usr/bin/fping", "-C1", f"-i{pause}", "-q"], addresses) - entering) / count * 1e3


def await_port(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("blackbox_exporter does not listen")


def _drive(port: int, kind: str, target: str, count: int) -> None:
    """Let another process ask for so many probes, each of which must succeed."""
    words = ["--drive", kind, "--target", target, "--port", str(port), "--count", str(count)]
    subprocess.run(module("benchmarks.daemon", *words), check=True)


async def drive(port: int, kind: str, target: str, count: int) -> None:
    """The asking process: some connections that stay open, as Prometheus keeps them."""
    request = f"GET /probe?module={kind}&target={target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()

    async def ask(times: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(times):
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if "transfer-encoding: chunked" in head:
                body = b""
                while size := int(await reader.readline(), 16):
                    body += (await reader.readexactly(size + 2))[:-2]
                await reader.readline()
            else:
                body = await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r")[0]))
            assert b"probe_success 1" in body, body.decode()
        writer.close()

    cuts = [count * n // AT_ONCE for n in range(AT_ONCE + 1)]
    await asyncio.gather(*(ask(end - start) for start, end in pairwise(cuts)))


def report(arguments: argparse.Namespace) -> None:
    only = arguments.only
    with tempfile.TemporaryDirectory(prefix="slawatch-bench-") as name, served(Path(name)) as targets:
        found: dict[str, float] = {}
        if only in (None, "peers"):
            tree = peers()
            if tree is None:
                print("no Debian tree (make tree, as root): blackbox_exporter and fping are left out")
            else:
                found = report_peers(targets, tree)
        for loop in (arguments.loop,) if arguments.loop else ("uvloop", "asyncio"):
            first = loop != "asyncio" or arguments.loop
            if only in (None, "kinds") and first:
                report_kinds(arguments, targets, loop, found)
            if only in (None, "mixed"):
                report_mixed(arguments, targets, loop, arguments.minutes * 60 if first else arguments.seconds)
    print(f"\n{busy()} at the end")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="of the mixed probes")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each kind, and of the mixed ones on asyncio")
    parser.add_argument("--rate", type=int, default=1_000, help="mixed probes a second")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), help="on this loop alone")
    parser.add_argument("--only", choices=("peers", "kinds", "mixed"))
    for name, kind in (("--drive", str), ("--target", str), ("--port", int), ("--count", int)):
        parser.add_argument(name, type=kind, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drive:
        asyncio.run(drive(arguments.port, arguments.drive, arguments.target, arguments.count))
    else:
        report(arguments)


if __name__ == "__main__":
    main()
