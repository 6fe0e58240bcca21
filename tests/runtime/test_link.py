"""By which interface an address is reached, asked of the kernel: on loopback, and in a network of the test's own."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

from slawatch.runtime.link import Way, way_to
from support.tree import location

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="BLOCKED: network namespaces need root")

ASK = """
import json, sys
from slawatch.runtime.link import way_to
print(json.dumps([list(way_to(address)) for address in sys.argv[1:]]))
"""


def ways_in_a_namespace(setup: str, *addresses: str) -> list[Way]:
    """What a process says in a network namespace of its own, made by ``setup``, which goes when it ends."""
    program = f'ip() {{ chroot {shlex.quote(str(location()))} /usr/sbin/ip "$@"; }}'
    script = f'{program}\n{setup}\nexec "$0" -c "$1" "${{@:2}}"'
    command = ["unshare", "--net", "bash", "-euc", script, sys.executable, ASK, *addresses]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return [Way(*row) for row in json.loads(done.stdout)]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.200.0.1", "::1"])
def test_this_machine_is_reached_by_loopback(address: str) -> None:
    assert way_to(address) == Way("lo", linked=True)


@needs_root
@pytest.mark.server("ip")
def test_without_a_route_there_is_no_way() -> None:
    assert ways_in_a_namespace("ip link set lo up", "192.0.2.1", "2001:db8::1") == [Way("", linked=False)] * 2


@needs_root
@pytest.mark.server("ip")
def test_a_cable_that_is_pulled_is_seen_although_the_route_stands() -> None:
    """Two ends of a virtual cable: the far one goes down, and the near one loses its carrier."""
    setup = """
        ip link add near type veth peer name far
        ip address add 192.0.2.1/24 dev near
        ip link set far up; ip link set near up
        ip route add default via 192.0.2.254
    """
    addresses = ("192.0.2.7", "198.51.100.1")
    assert ways_in_a_namespace(setup, *addresses) == [Way("near", linked=True)] * 2
    assert ways_in_a_namespace(setup + "ip link set far down\n", *addresses) == [Way("near", linked=False)] * 2


@needs_root
@pytest.mark.server("ip")
def test_an_unreachable_route_is_no_way() -> None:
    setup = "ip link set lo up; ip route add unreachable 203.0.113.0/24"
    assert ways_in_a_namespace(setup, "203.0.113.9") == [Way("", linked=False)]
