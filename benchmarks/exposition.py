"""What a scrape costs, and what it adds to the event loop's lag, at 10,000 and 100,000 series.

    python -m benchmarks.exposition [--series N…] [--rounds N]

The estate is the real evaluator's: endpoints with HTTP probes of five phases and a certificate, 15 series each. Before
each scrape every endpoint has answered anew ("all new"), or one in four has, as with probes every minute and scrapes
every 15 s. The floor is joining and encoding lines that are there already. The peers are prometheus_client's
``generate_latest`` over the same series, and blackbox_exporter (with the tests' Debian tree), which probes while it is
scraped: a target on loopback each time, so its figure holds a probe that ours does not.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import aiohttp
from aiohttp import web
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from benchmarks.evaluation import CADENCE, NOW, Clock, Nowhere
from benchmarks.harness import Row, processor_seconds, table
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
    """Median processor seconds of a scrape's text, its longest step, its bytes and its series."""
    renderer, took, longest = Renderer(), [], 0.0
    "".join(renderer.pieces(estate.second(), OWN))
    for _ in range(rounds):
        snapshot, parts = estate.second(every), []
        begun = last = time.process_time()
        for piece in renderer.pieces(snapshot, OWN):
            parts.append(piece.encode())
            now = time.process_time()
            longest, last = max(longest, now - last), now
        took.append(time.process_time() - begun)
    text = b"".join(parts)
    return statistics.median(took), longest, len(text), sum(not line.startswith(b"#") for line in text.splitlines())


def floor(estate: Estates) -> float:
    """Processor seconds for joining and encoding lines that are there."""
    lines = "".join(Renderer().pieces(estate.second(), OWN)).splitlines(keepends=True)
    return processor_seconds(lambda: "".join(lines).encode())


async def _ticks(stop: asyncio.Event, late: list[float]) -> None:
    """How late a timer of one millisecond comes, again and again."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        due = loop.time() + 0.001
        await asyncio.sleep(0.001)
        late.append(loop.time() - due)


async def scraped(estate: Estates, rounds: int, headers: dict[str, str]) -> tuple[float, float, float]:
    """Median seconds of a whole scrape over HTTP by another process, and the loop's p99 lag without and with it."""
    services = Services(*[_never] * 6)  # type: ignore[arg-type]
    runner = web.AppRunner(application(estate.board, lambda: OWN, services), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"
    quiet, late, took = [], [], []
    await _watched(asyncio.sleep(0.5), quiet)
    for _ in range(rounds):
        estate.second()
        took.append(float(await _watched(_curl(url, headers), late)))
    await runner.cleanup()
    return statistics.median(took), _p99(quiet), _p99(late)


async def _watched(work, late: list[float]):
    stop = asyncio.Event()
    ticking = asyncio.create_task(_ticks(stop, late))
    found = await work
    stop.set()
    await ticking
    return found


async def _curl(url: str, headers: dict[str, str]) -> str:
    shown = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    process = await asyncio.create_subprocess_exec(
        "curl", "-s", "-o", "/dev/null", "-w", "%{time_total}", *shown, url, stdout=asyncio.subprocess.PIPE
    )
    return (await process.communicate())[0].decode()


def _p99(found: list[float]) -> float:
    return statistics.quantiles(found, n=100)[98]


def _never(*_: object) -> None:
    raise AssertionError("a scrape calls nothing but the board")


async def blackbox(rounds: int) -> tuple[float, float] | None:
    """Seconds for one of blackbox_exporter's answers, and for one of its series; None without the tests' tree."""
    from benchmarks.daemon import tests_tree  # the tests' own way to its servers

    found = tests_tree()
    if found is None:
        return None
    with tempfile.TemporaryDirectory() as folder, found(Path(folder)) as exporter:
        page = web.Application()
        page.add_routes([web.get("/", _welcome)])
        runner = web.AppRunner(page, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        target = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        took = []
        async with aiohttp.ClientSession() as session:
            for _ in range(rounds):
                begun = time.perf_counter()
                async with session.get(exporter.probe_url(target, "http_2xx")) as answer:
                    text = await answer.text()
                took.append(time.perf_counter() - begun)
        await runner.cleanup()
    return statistics.median(took), sum(not line.startswith("#") for line in text.splitlines())


async def _welcome(_: web.Request) -> web.Response:
    return web.Response(text="Welcome\n")


def main() -> None:
    """Print one table for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    for series in arguments.series:
        _report(series, arguments.rounds)


def _report(wanted: int, rounds: int) -> None:
    estate = Estates(wanted // SERIES_EACH)
    fresh, longest, size, series = rendering(estate, 1, rounds)
    quarter, *_ = rendering(estate, 4, rounds)
    ready = Ready(estate.board.snapshot)
    library = processor_seconds(lambda: generate_latest(ready), rounds=3)
    text = "".join(Renderer().pieces(estate.board.snapshot, OWN)).encode()
    gzip = processor_seconds(lambda: zlib.compress(text, 1))
    plain, quiet, lag = asyncio.run(scraped(estate, rounds, {}))
    packed, _, packed_lag = asyncio.run(scraped(estate, rounds, {"Accept-Encoding": "gzip"}))
    large = series > 50_000
    goal, lag_goal = (30.0, 1.0) if large else (None, None)
    table(
        f"a scrape of {series:,} series, {size / 1e6:.1f} MB",
        [
            Row(
                "text, every endpoint new",
                fresh * 1e3,
                "ms",
                goal,
                f"generate_latest takes {library / fresh:.0f} times",
            ),
            Row("text, one endpoint in four new", quarter * 1e3, "ms", goal, f"{library / quarter:.0f} times"),
            Row("longest step of it", longest * 1e3, "ms", lag_goal),
            Row("floor: joining and encoding lines that are there", floor(estate) * 1e3, "ms"),
            Row("generate_latest, families made already", library * 1e3, "ms"),
            Row("gzip of it, in a thread", gzip * 1e3, "ms"),
            Row("whole scrape by another process", plain * 1e3, "ms"),
            Row("whole scrape, gzip", packed * 1e3, "ms"),
            Row("p99 lag of the loop, nothing scraped", quiet * 1e3, "ms"),
            Row("added to it while scraped", (lag - quiet) * 1e3, "ms", lag_goal),
            Row("added to it while scraped, gzip", (packed_lag - quiet) * 1e3, "ms", lag_goal),
        ],
    )


if __name__ == "__main__":
    main()
