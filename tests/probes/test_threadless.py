"""Nothing on the way of a probe asks the system's resolver or a thread, whatever the kind, the loop and the family."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from probes.certificates import authority
from probes.nameservers import Farm, answers, cut
from probes.servers import Servers, silence
from slawatch.probes.registry import kinds

TESTS = Path(__file__).parents[1]

Probe = tuple[str, str, dict[str, Any]]


async def run(loop: str, server: tuple[str, int], probes: list[Probe]) -> dict[str, Any]:
    """What :mod:`probes.threadless` says of these probes on that loop."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "probes.threadless",
        loop,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    out, _ = await process.communicate(json.dumps({"server": server, "probes": probes}).encode())
    assert process.returncode == 0
    answer: dict[str, Any] = json.loads(out)
    return answer


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_every_kind_by_name(loop: str, servers: Servers, dns_server: Farm) -> None:
    """Each kind's own good server, given by a name that only the test's DNS server knows."""
    probes: list[Probe] = []
    for name in kinds():
        scene = importlib.import_module(f"probes.test_{name}").SCENE
        if scene.root:
            continue
        target = await scene.good(servers)
        assert "127.0.0.1" in target
        probes.append((name, target.replace("127.0.0.1", "host.example"), {}))
    server = await dns_server(answers("A 127.0.0.1"))
    said = await run(loop, server.address, probes)
    assert [(kind, address) for kind, _, _, address in said["seen"]] == [(kind, "127.0.0.1") for kind, _, _ in probes]
    # A certificate for the address is not one for the name: that is the one thing that may be wrong.
    assert {reason for _, _, reason, _ in said["seen"]} <= {
        "answered",
        "certificate_wrong_host",
        "certificate_untrusted",
    }
    assert (said["calls"], said["threads"]) == ([], 1)
    assert server.questions == ["host.example. A"]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_both_families_tls_and_answers_that_were_cut_off(
    loop: str, servers: Servers, dns_server: Farm, tmp_path: Path
) -> None:
    ours = authority(tmp_path)
    plain, plain6 = await servers.start(silence), await servers.start(silence, host="::1")
    secure = await servers.start(silence, ours.server("host.example"))
    probes: list[Probe] = [
        ("tcp", f"host.example:{plain}", {"ip": "4"}),
        ("tcp", f"host.example:{plain6}", {"ip": "6"}),
        ("tcp", f"127.0.0.1:{plain}", {}),
        ("tcp", f"[::1]:{plain6}", {}),
        ("tls", f"host.example:{secure}", {"ca": ours.path, "ip": "4"}),
    ]
    if os.geteuid() == 0:
        probes += [("icmp", "host.example", {"ip": "4"}), ("icmp", "host.example", {"ip": "6"})]
    server = await dns_server(cut, answers("A 127.0.0.1", "AAAA ::1"), host="::1")
    said = await run(loop, server.address, probes)
    assert [seen[2] for seen in said["seen"]] == ["answered"] * len(probes), said
    assert (said["calls"], said["threads"]) == ([], 1)
    assert server.tcp_questions == 2


async def test_that_the_check_can_fail() -> None:
    """What it must catch, caught: each loop asked the way that blocks."""
    script = (
        "import asyncio, os, sys, uvloop\n"
        "async def ask():\n"
        "    await asyncio.get_running_loop().getaddrinfo('127.0.0.1', 'http')\n"
        "    print(len(os.listdir('/proc/self/task')))\n"
        "with asyncio.Runner(loop_factory=getattr(sys.modules[sys.argv[1]], 'new_event_loop')) as r: r.run(ask())\n"
    )
    for loop in ("asyncio", "uvloop"):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, loop, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert int(out) > 1
