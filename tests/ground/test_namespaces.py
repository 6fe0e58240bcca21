"""The networks that tests make: what can be reached in them, what is lost with a line, and that nothing is left."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import dns.message
import dns.query
import pytest

from support.namespaces import Namespace, Network
from support.waiting import eventually

pytestmark = pytest.mark.server("ip")


def reaches(host: Namespace, address: str, port: int) -> bool:
    """Whether a TCP connection from inside gets an answer."""

    def ask() -> bool:
        try:
            with socket.create_connection((address, port), timeout=1) as client:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return bool(client.recv(100))
        except OSError:
            return False

    return host.within(ask)


def left_over(names: list[str]) -> list[str]:
    return [name for name in names if Path("/run/netns", name).exists()]


def test_a_network_and_what_is_lost_with_its_parts() -> None:
    with Network() as network:
        here, there = network.monitor, "203.0.113.1"
        network.internet_has(there)
        network.responder.records["www.acme.test"] = there
        assert all(reaches(here, there, port) for port in (7, 80))
        query = dns.message.make_query("www.acme.test", "A")
        answer = here.within(lambda: dns.query.udp(query, Network.RESOLVER, timeout=5))
        assert str(answer.answer[0][0]) == there

        for lose, restore in (
            (network.disconnect, network.connect),
            (network.router_goes, network.router_comes),
            (lambda: network.internet_lacks(there), lambda: network.internet_has(there)),
        ):
            lose()
            assert not reaches(here, there, 80)
            restore()
            eventually(lambda: reaches(here, there, 80))
        command = [*here.prefix, "cat", "/proc/self/net/dev"]
        assert "lan0:" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_nothing_is_left_of_it_when_a_test_fails() -> None:
    names: list[str] = []

    def fail() -> None:
        with Network() as network:
            hosts = (network.monitor, network.lan, network.router, network.world)
            names.extend(host.name for host in hosts)
            assert left_over(names) == names
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert left_over(names) == []


def test_nothing_is_left_of_one_that_could_not_be_built() -> None:
    with pytest.raises(RuntimeError, match=r"ip .*address add nonsense"):
        Network(lan=["nonsense"])
    assert list(Path("/run/netns").glob(f"slawatch-{os.getpid()}-*")) == []
