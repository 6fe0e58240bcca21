"""Thousands of pings in flight at once, to hosts that answer after 50 ms: who is said to be down although it answers?

    python -m benchmarks.pings [--pings N] [--delay MS] [--rounds N]

As root, in a network namespace of its own: a TUN device leads to a process that answers every echo request after the
delay, so that the pings are truly in flight together; on loopback they never are. Contenders run one after the other,
each in a process of its own:

- **slawatch**: the kind ``icmp`` as the dispatcher calls it, all of them on its one socket;
- **icmplib**: its own asynchronous ping, with raw sockets as root has them, one for each ping. Each receives every
  reply, so buffers overflow and replies are lost. It is no dependency: without it (``pip install icmplib``) its row is
  left out, and that is said;
- **fping** from the tests' Debian tree.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import importlib
import importlib.util
import json
import os
import resource
import select
import statistics
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from benchmarks.harness import Row, table
from benchmarks.processes import module, peers, running
from slawatch.domain.observation import Verdict
from slawatch.probes.probe import Resources, observe
from slawatch.probes.registry import kinds

DEVICE = "delayed"
TIMEOUT = 5
"""Seconds: a hundred times the delay."""
BRIEFLY = ("--rounds", "1")
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""linux/if_tun.h; they have no names in Python."""


def addresses(count: int) -> list[str]:
    """So many hosts behind the device."""
    return [f"10.99.{n // 250}.{n % 250 + 2}" for n in range(count)]


# --- Hosts that answer late ---------------------------------------------------------------------------------------


def open_device() -> int:
    """A TUN device of this network namespace, up, with a queue that no burst of ours fills."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    for words in (
        "link set lo up",
        f"link set {DEVICE} txqueuelen 50000 up",
        f"address add 10.99.0.1/16 dev {DEVICE}",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    os.set_inheritable(device, True)
    return device


def answer(device: int, delay: float) -> None:
    """Answer every echo request that comes out of the device, ``delay`` seconds later; until this is killed."""
    late: deque[tuple[float, bytes]] = deque()
    while True:
        wait = max(0.0, late[0][0] - time.monotonic()) if late else None
        select.select([device], [], [], wait)
        now = time.monotonic()
        while late and late[0][0] <= now:
            os.write(device, late.popleft()[1])
        try:
            for _ in range(256):
                reply = reply_to(os.read(device, 65535))
                if reply is not None:
                    late.append((time.monotonic() + delay, reply))
        except BlockingIOError:
            continue


def reply_to(packet: bytes) -> bytes | None:
    """The echo reply to an IPv4 echo request; None for anything else."""
    start = (packet[0] & 15) * 4
    if packet[0] >> 4 != 4 or packet[9] != 1 or packet[start] != 8:
        return None
    reply = bytearray(packet)
    reply[12:16], reply[16:20] = packet[16:20], packet[12:16]
    reply[start] = 0
    total = int.from_bytes(packet[start + 2 : start + 4], "big") + 0x0800  # RFC 1624: the type is 8 less
    reply[start + 2 : start + 4] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2, "big")
    return bytes(reply)


# --- Contenders ---------------------------------------------------------------------------------------------------


async def ping_slawatch(hosts: list[str]) -> dict[str, float]:
    kind = kinds()["icmp"]
    options = kind.options()
    flying = most = 0
    async with Resources() as resources:

        async def ping(host: str) -> bool:
            nonlocal flying, most
            flying += 1
            most = max(most, flying)
            seen = await observe(kind, kind.target(host), options, resources, TIMEOUT * 1_000_000)
            flying -= 1
            return seen.verdict is Verdict.UP

        answered = sum(await asyncio.gather(*map(ping, hosts)))
    return {"answered": answered, "in_flight": most}


async def ping_icmplib(hosts: list[str]) -> dict[str, float]:
    library = importlib.import_module("icmplib")
    flying = most = 0

    async def ping(host: str) -> bool:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        seen = await library.async_ping(host, count=1, timeout=TIMEOUT, privileged=True)
        flying -= 1
        return bool(seen.is_alive)

    answered = sum(await asyncio.gather(*map(ping, hosts)))
    return {"answered": answered, "in_flight": most}


CONTENDERS: dict[str, Callable[[list[str]], Coroutine[Any, Any, dict[str, float]]]] = {
    "slawatch": ping_slawatch,
    "icmplib": ping_icmplib,
}


def contend(name: str, count: int) -> dict[str, float]:
    """One round of one contender, in this process."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    hosts = addresses(count)
    import uvloop

    begin = time.process_time()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(CONTENDERS[name](hosts))
    return {**found, "cpu": (time.process_time() - begin) / count * 1e6}


def ping_fping(count: int, tree: Any) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    argv = ["/usr/bin/fping", "-a", "-i0", "-r0", f"-t{TIMEOUT * 1000}"]
    done = tree.run(argv, stdin="\n".join(addresses(count)) + "\n", timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"answered": len(done.stdout.split()), "in_flight": count, "cpu": used / count * 1e6}


# --- The measurement ----------------------------------------------------------------------------------------------


def inside(arguments: argparse.Namespace) -> None:
    """In the namespace: every contender in turn, round after round."""
    names = list(CONTENDERS)
    if importlib.util.find_spec("icmplib") is None:
        print("icmplib is not installed: its row is left out")
        names.remove("icmplib")
    tree = peers()
    found: dict[str, list[dict[str, float]]] = {}
    device = open_device()
    words = ["--answer", str(device), "--delay", str(arguments.delay)]
    with running(module("benchmarks.pings", *words), pass_fds=[device]):
        os.close(device)
        for _ in range(arguments.rounds):
            for name in names:
                command = module("benchmarks.pings", "--contend", name, "--pings", str(arguments.pings))
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                found.setdefault(name, []).append(json.loads(done.stdout))
            if tree is None:
                print("no Debian tree (make tree): fping is left out")
            else:
                found.setdefault("fping", []).append(ping_fping(arguments.pings, tree))
    rows = []
    for name, seen in found.items():
        lost = [arguments.pings - each["answered"] for each in seen]
        goal = 0 if name == "slawatch" else None
        most = f"{max(each['in_flight'] for each in seen):.0f} in flight"
        rows.append(Row(f"{name}: said to be down, at most", max(lost), "", goal, most))
        rows.append(Row(f"{name}: for 1,000 pings", statistics.median(each["cpu"] for each in seen), "ms"))
    table(f"{arguments.pings} pings at once, answered after {arguments.delay} ms", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pings", type=int, default=5_000)
    parser.add_argument("--delay", type=int, default=50, help="milliseconds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contend", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--answer", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.answer is not None:
        answer(arguments.answer, arguments.delay / 1e3)
    elif arguments.contend:
        print(json.dumps(contend(arguments.contend, arguments.pings)))
    elif arguments.inside:
        inside(arguments)
    elif os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        print("this needs root and /dev/net/tun, for a network namespace of its own: left out")
    else:
        raise SystemExit(
            subprocess.run(
                ["unshare", "--net", "--", *module("benchmarks.pings", *sys.argv[1:], "--inside")], check=False
            ).returncode
        )


if __name__ == "__main__":
    main()
