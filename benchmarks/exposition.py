"""What a scrape costs, and what it adds to the event loop's lag, at 10,000 and 100,000 series.

    python -m benchmarks.exposition [--series N…] [--rounds N]

The estate is the real evaluator's: endpoints with HTTP probes of five phases and a certificate, 15 series each. What
changes is written second by second, as the daemon does while somebody scrapes, every 15 s here; or all at once, with
every endpoint new, or one in four. The floor is joining and encoding lines that are there already. The peers are
prometheus_client's ``generate_latest`` over the same series, and blackbox_exporter (with the tests' Debian tree), which
probes while it is scraped: a target on loopback each time, so its figure holds a probe that ours does not.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from urllib.parse import urlencode

import uvloop
from aiohttp import web
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from benchmarks.daemon import MODULES, await_port, served
from benchmarks.evaluation import CADENCE, NOW, Clock, Nowhere
from benchmarks.harness import Row, processor_seconds, table
from benchmarks.processes import cpu_ms, peers, running
from slawatch.domain.facts import Change, State
from slawatch.domain.interval import DAY, MINUTE, SECOND
from slawatch.domain.observation import Observation, Verdict
from slawatch.evaluation.board import Board, Snapshot
from slawatch.evaluation.estate import EndpointFace, Estate
from slawatch.evaluation.evaluator import Evaluator
from slawatch.evaluation.recorder import Past, Recorder
from slawatch.exposition.families import families, lateness_family
from slawatch.exposition.renderer import Renderer, rows
from slawatch.exposition.self_metrics import SelfMetrics
from slawatch.storage.entries import EndpointKey
from slawatch.web.application import application
from slawatch.web.services import Services

SERIES_EACH = 15
OWN = SelfMetrics(site="hq", version="0", database="sqlite")
BRIEFLY = ("--rounds", "5")


class Estates:
    """Endpoints that answer when they are told to."""

    def __init__(self, endpoints: int) -> None:
        self.clock, self.board = Clock(), Board()
        self.recorder = Recorder(Nowhere(), self.clock, lambda _: None)
        self.evaluator = Evaluator(self.recorder, self.board, self.clock)
        self.keys = [EndpointKey(f"client{number // 50}", f"site{number % 50}") for number in range(endpoints)]
        self._random = random.Random(7)
        for key in self.keys:
            self.recorder.adopt(key, CADENCE, Past(changes=(Change(NOW - DAY, State.UP, NOW - DAY, NOW - DAY),)), NOW)
        faces = tuple(
            EndpointFace(key.client, key.name, "http", "https://acme.example/", "internet", None, MINUTE)
            for key in self.keys
        )
        self.evaluator.judge_by(Estate(endpoints=faces, client_names={key.client: key.client for key in self.keys}))
        self.second()

    def second(self, every: int = 1) -> Snapshot:
        """A second later, in which one endpoint in ``every`` has answered."""
        self.clock.at += SECOND
        first = self._random.randrange(every)
        for key in self.keys[first::every]:
            lengths = [self._random.randrange(100, 40_000) for _ in range(5)]
            phases = tuple(zip(("resolve", "connect", "tls", "processing", "transfer"), lengths, strict=True))
            seen = Observation(
                self.clock.at, sum(lengths), Verdict.UP, "answered", phases=phases, certificate_expiry=NOW + 60 * DAY
            )
            self.recorder.record(str(key), seen)
        return self.evaluator.publish()


class Ready(Collector):
    """Families that are made already: the library is charged for its text alone."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._made = list(families(rows(snapshot, OWN), lateness_family(OWN.lateness, OWN.site)))

    def collect(self) -> Iterator[object]:  # type: ignore[override]
        return iter(self._made)


def rendering(estate: Estates, every: int, rounds: int) -> tuple[float, float, int, int]:
    """Medians of the processor seconds of a scrape's text and of its longest step; its bytes and its series."""
    renderer, took, longest = Renderer(), [], []
    b"".join(renderer.pieces(estate.second(), OWN))
    for _ in range(rounds):
        snapshot, parts, steps = estate.second(every), [], []
        begun = last = time.process_time()
        for piece in renderer.pieces(snapshot, OWN):
            parts.append(piece)
            now = time.process_time()
            steps.append(now - last)
            last = now
        took.append(last - begun)
        longest.append(max(steps))
    text = b"".join(parts)
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    return statistics.median(took), statistics.median(longest), len(text), series


def kept_up(estate: Estates, every: int, rounds: int) -> tuple[float, float]:
    """Median processor seconds of a scrape's text, and of keeping up with one second, as the daemon does it: scraped
    every 15 s, with endpoints that answer every so many seconds."""
    renderer, scrapes, seconds = Renderer(), [], []
    b"".join(renderer.pieces(estate.second(), OWN))
    for _ in range(rounds):
        for _ in range(14):
            snapshot = estate.second(every)
            begun = time.process_time()
            for _ in renderer.follow(snapshot, OWN.site):
                pass
            seconds.append(time.process_time() - begun)
        snapshot = estate.second(every)
        begun = time.process_time()
        b"".join(renderer.pieces(snapshot, OWN))
        scrapes.append(time.process_time() - begun)
    return statistics.median(scrapes), statistics.median(seconds)


def floor(estate: Estates) -> float:
    """Processor seconds for joining and encoding lines that are there."""
    lines = b"".join(Renderer().pieces(estate.second(), OWN)).decode().splitlines(keepends=True)
    return processor_seconds(lambda: "".join(lines).encode())


async def _ticks(stop: asyncio.Event, late: list[float]) -> None:
    """How late a timer of one millisecond comes, again and again."""
    while not stop.is_set():
        due = time.perf_counter() + 0.001
        await asyncio.sleep(0.001)
        late.append(time.perf_counter() - due)


async def scraped(estate: Estates, rounds: int, headers: dict[str, str]) -> tuple[float, float, float]:
    """Median seconds of a whole scrape over HTTP by another process, and the loop's p99 lag without and with it."""
    wanted = [each.name for each in fields(Services) if each.default is MISSING]
    services = Services(**dict.fromkeys(wanted, _never))
    runner = web.AppRunner(application(estate.board, lambda: OWN, services), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
    quiet, late, took = [], [], []
    scraper = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRAPER, url, json.dumps(headers), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    await _ask(scraper)
    await _watched(asyncio.sleep(0.5), quiet)
    for _ in range(rounds):
        estate.second()
        gc.collect()
        took.append(await _watched(_ask(scraper), late))
    scraper.stdin.close()
    await scraper.wait()
    await runner.cleanup()
    return statistics.median(took), _p99(quiet), _p99(late)


SCRAPER = """
import json, sys, time, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for _ in sys.stdin:
    begun = time.perf_counter()
    with opener.open(urllib.request.Request(sys.argv[1], headers=json.loads(sys.argv[2]))) as answer:
        while answer.read(1 << 20):
            pass
    print(time.perf_counter() - begun, flush=True)
"""
"""Another process, which scrapes once for each line that it is sent, and says how long that took."""


async def _ask(scraper) -> float:
    scraper.stdin.write(b"\n")
    return float(await scraper.stdout.readline())


async def _watched(work, late: list[float]):
    stop = asyncio.Event()
    ticking = asyncio.create_task(_ticks(stop, late))
    found = await work
    stop.set()
    await ticking
    return found


def _p99(found: list[float]) -> float:
    return statistics.quantiles(found, n=100)[98]


def _never(*_: object) -> None:
    raise AssertionError("a scrape calls nothing but the board")


def blackbox(rounds: int) -> tuple[float, float, int] | None:
    """Wall seconds and processor seconds of one of blackbox_exporter's answers for a page on loopback, and its series;
    None without the tests' Debian tree."""
    tree = peers()
    if tree is None:
        return None
    with tempfile.TemporaryDirectory(prefix="slawatch-bench-") as name, served(Path(name)) as targets:
        (Path(name) / "blackbox.yml").write_text(MODULES.format(pem=targets.pem), encoding="utf-8")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        command = ["/usr/bin/prometheus-blackbox-exporter", f"--config.file={name}/blackbox.yml"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        with running(tree.command(command, bind=[Path(name)]), stderr=subprocess.DEVNULL) as process:
            await_port(port)
            page = targets.target("http", 0).partition("target: ")[2].partition(", tls")[0].strip('"')
            url = f"http://127.0.0.1:{port}/probe?{urlencode({'target': page, 'module': 'http'})}"
            texts = [fetch(url) for _ in range(20)]
            before, begun = cpu_ms(process.pid), time.perf_counter()
            for _ in range(rounds):
                fetch(url)
            took, used = time.perf_counter() - begun, cpu_ms(process.pid) - before
    assert "probe_success 1" in texts[-1], texts[-1]
    return took / rounds, used / rounds / 1e3, sum(not line.startswith("#") for line in texts[-1].splitlines())


def fetch(url: str) -> str:
    """The body of an address on loopback."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return str(answer.read().decode())


def main() -> None:
    """Print one table for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    peer = blackbox(200)
    if peer is None:
        print("no Debian tree (make tree, as root): blackbox_exporter is left out")
    for series in arguments.series:
        _report(series, arguments.rounds, peer)


def _report(wanted: int, rounds: int, peer: tuple[float, float, int] | None) -> None:
    estate = Estates(wanted // SERIES_EACH)
    fresh, longest, size, series = rendering(estate, 1, rounds)
    quarter, *_ = rendering(estate, 4, rounds)
    minute, of_a_minute = kept_up(estate, 60, rounds)
    ten, of_ten = kept_up(estate, 10, rounds)
    ready = Ready(estate.board.snapshot)
    library = processor_seconds(lambda: generate_latest(ready), rounds=3)
    text = b"".join(Renderer().pieces(estate.board.snapshot, OWN))
    gzip = processor_seconds(lambda: zlib.compress(text, 1))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # the daemon's own, where it installs
        plain, quiet, lag = runner.run(scraped(estate, rounds, {}))
        packed, _, packed_lag = runner.run(scraped(estate, rounds, {"Accept-Encoding": "gzip"}))
    large = series > 50_000
    goal, lag_goal = (30.0, 1.0) if large else (None, None)
    table(
        f"a scrape of {series:,} series, {size / 1e6:.1f} MB",
        [
            Row("text, endpoints every minute", minute * 1e3, "ms", goal, f"{library / minute:.0f} times"),
            Row("  and in each second between scrapes", of_a_minute * 1e3, "ms"),
            Row("text, endpoints every 10 s", ten * 1e3, "ms", goal, f"{library / ten:.0f} times"),
            Row("  and in each second between scrapes", of_ten * 1e3, "ms"),
            Row(
                "text all at once, every endpoint new",
                fresh * 1e3,
                "ms",
                goal,
                f"generate_latest takes {library / fresh:.0f} times",
            ),
            Row(
                "text all at once, one endpoint in four new",
                quarter * 1e3,
                "ms",
                goal,
                f"{library / quarter:.0f} times",
            ),
            Row("longest step of it", longest * 1e3, "ms", lag_goal),
            Row("floor: joining and encoding lines that are there", floor(estate) * 1e3, "ms"),
            Row("generate_latest, families made already", library * 1e3, "ms"),
            *_peer_rows(peer, series, fresh),
            Row("gzip of it, in a thread", gzip * 1e3, "ms"),
            Row("whole scrape by another process", plain * 1e3, "ms"),
            Row("whole scrape, gzip", packed * 1e3, "ms"),
            Row("p99 lag of the loop, nothing scraped", quiet * 1e3, "ms"),
            Row("added to it while scraped", (lag - quiet) * 1e3, "ms", lag_goal),
            Row("added to it while scraped, gzip", (packed_lag - quiet) * 1e3, "ms", lag_goal),
        ],
    )


def _peer_rows(peer: tuple[float, float, int] | None, series: int, fresh: float) -> list[Row]:
    if peer is None:
        return []
    wall, processor, each = peer
    beside = f"{each} series an answer; {processor / each * series / fresh:.0f} times ours, a probe in each"
    return [
        Row("blackbox_exporter: processor time for as many", processor / each * series * 1e3, "ms", None, beside),
        Row("blackbox_exporter: one after the other", wall / each * series * 1e3, "ms"),
    ]


if __name__ == "__main__":
    main()
