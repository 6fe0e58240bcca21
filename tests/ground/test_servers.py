"""The real servers of the tests' Debian tree come up, answer, go away and come back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from support.process import Server, accepts, free_port
from support.servers import TREE, Alertmanager, MakeNginx, MakePrometheus, Postgres, Run, fetch
from support.waiting import async_eventually, eventually


@pytest.mark.server("nginx")
def test_nginx_goes_away_and_comes_back_at_the_same_port(nginx: MakeNginx) -> None:
    server = nginx()
    assert fetch(f"{server.url}/") == "Welcome\n"
    gone = server.pid
    server.stop()
    assert not accepts(server.port)
    assert not Path(f"/proc/{gone}").exists()
    server.start()
    assert fetch(f"{server.url}/") == "Welcome\n"


@pytest.mark.server("nginx")
async def test_the_loop_goes_on_while_nginx_goes_away_and_comes_back(nginx: MakeNginx) -> None:
    server = nginx()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await server.async_stop()
    await server.async_start()
    ticking.cancel()
    assert accepts(server.port)
    assert ticks > 10


@pytest.mark.server("nginx")
def test_a_server_that_cannot_start_says_why(nginx: MakeNginx) -> None:
    with pytest.raises(RuntimeError, match="nonsense"):
        nginx("nonsense on;")


@pytest.mark.server("postgres")
async def test_postgres_url_is_an_empty_database(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        assert tables == 0
        await connection.execute("CREATE TABLE left_behind (n int)")
    finally:
        await connection.close()


@pytest.mark.server("postgres")
async def test_postgres_url_is_empty_again_in_the_next_test(postgres_url: str) -> None:
    await test_postgres_url_is_an_empty_database(postgres_url)


@pytest.mark.server("postgres", "newer_postgres")
def test_there_are_two_major_versions_of_postgresql(request: pytest.FixtureRequest) -> None:
    clusters = [request.getfixturevalue(name) for name in ("_postgres", "_newer_postgres")]
    suite, newer = (int(server.sql("SHOW server_version_num")) // 10_000 for server in clusters)
    assert 15 <= suite < newer
    assert newer == 18


@pytest.mark.server("postgres")
def test_postgres_keeps_what_was_committed_when_it_is_killed(postgres: Postgres) -> None:
    postgres.sql("CREATE TABLE kept AS SELECT 42 AS n")
    postgres.kill()
    assert not accepts(postgres.port)
    postgres.start()
    assert postgres.sql("SELECT n FROM kept") == "42\n"


@pytest.mark.server("prometheus")
def test_prometheus_scrapes_and_answers(nginx: MakeNginx, prometheus: MakePrometheus) -> None:
    page = nginx('location /metrics { default_type text/plain; return 200 "answer 42\\n"; }')
    server = prometheus([f"127.0.0.1:{page.port}"])
    found = eventually(lambda: server.query("answer"))
    assert found[0]["value"][1] == "42"


@pytest.mark.server("promtool")
def test_promtool_reads_metrics_and_refuses_bad_ones(promtool: Run) -> None:
    good = "# HELP a_seconds Time.\n# TYPE a_seconds gauge\na_seconds 1\n"
    assert promtool("check", "metrics", stdin=good).returncode == 0
    bad = promtool("check", "metrics", stdin="# TYPE a_total gauge\na_total 1\n")
    assert bad.returncode != 0
    assert "a_total" in bad.stderr


@pytest.mark.server("alertmanager")
def test_alertmanager_is_ready(alertmanager: Callable[[str], Alertmanager]) -> None:
    server = alertmanager(json.dumps({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}))
    assert json.loads(fetch(f"{server.url}/api/v2/status"))["config"]["original"]


def test_a_server_that_hangs_on_stop_is_killed_with_its_children(tmp_path: Path) -> None:
    children = tmp_path / "children"
    script = f"trap '' TERM; sh -c 'trap \"\" TERM; exec sleep 1000' & echo $! > {children}; echo up; wait; wait"
    log = tmp_path / "log"
    server = Server("stubborn", ["sh", "-c", script], log, lambda: log.read_text() == "up\n")
    with server:
        own, child = server.pid, int(children.read_text())
        assert os.getpgid(child) == own
        server.kill()
    assert not Path(f"/proc/{own}").exists()
    eventually(lambda: _has_ended(child))


@pytest.mark.server("ping")
def test_a_server_dies_with_the_run_that_started_it() -> None:
    inside = TREE.command(["/usr/bin/sleep", "1000"], user="nobody")
    code = f"import subprocess, sys; print(subprocess.Popen({inside!r}).pid, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        eventually(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/usr/bin/sleep"))
        run.kill()
    eventually(lambda: _has_ended(pid))


def _has_ended(pid: int) -> bool:
    """Gone, or a zombie whose new parent does not reap."""
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def test_free_ports_lie_below_the_ephemeral_range() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(1024 < free_port() < lowest for _ in range(50))


async def test_eventually_gives_up_with_what_it_saw_last() -> None:
    with pytest.raises(AssertionError, match=r"seen last: \[\]"):
        eventually(list, within=0)
    with pytest.raises(AssertionError, match="seen last: 0"):
        await async_eventually(lambda: 0, within=0)
    assert await async_eventually(lambda: 7) == 7
