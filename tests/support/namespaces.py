"""Networks of a test's own: network namespaces joined by cables, with real kernels' pings, routes and dead links.

Needs root and iproute2. A namespace has a name of this process, everything in it goes with it, and it goes with its
context, also after a test that failed. Nothing in it can reach the machine's own network.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import dns.exception
import dns.message
import dns.rdatatype
import dns.rrset

from support.servers import TREE

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_PATIENCE = 20
"""Seconds that one command of iproute2 may take."""

_numbers = itertools.count(1)


def ip(*arguments: str) -> None:
    """Run ``ip …``, the host's or else the tree's. Raises RuntimeError with what it said."""
    program = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")
    command = [program] if program else [str(TREE.root / "usr/sbin/ip")]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=_PATIENCE, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Namespace:
    """One host: a network namespace with its loopback up. ``within`` runs a function inside it."""

    def __init__(self, role: str) -> None:
        self.name = f"slawatch-{os.getpid()}-{next(_numbers)}-{role}"
        ip("netns", "add", self.name)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=self.name, initializer=self._enter)
        self.ip("link", "set", "lo", "up")

    def close(self) -> None:
        """Take it away, with everything that is in it."""
        self._thread.shutdown()
        with suppress(RuntimeError):
            ip("netns", "del", self.name)

    def ip(self, *arguments: str) -> None:
        """``ip …`` inside."""
        ip("-n", self.name, *arguments)

    def within(self, work: Callable[[], T]) -> T:
        """What ``work`` answers, called inside. Sockets that it opens stay inside, whoever uses them later."""
        return self._thread.submit(work).result()

    def setting(self, name: str, value: str) -> None:
        """Write one of ``/proc/sys/net``."""
        self.within(lambda: Path("/proc/sys/net", name).write_text(value, encoding="ascii"))

    @property
    def prefix(self) -> list[str]:
        """What a command begins with to run inside. Files, and ``/sys``, are those of outside."""
        return ["nsenter", f"--net=/run/netns/{self.name}", "--"]

    def _enter(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/run/netns", self.name).open("rb") as handle:
            if libc.setns(handle.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Responder:
    """Answers inside a namespace: HTTP at port 80 and TCP at port 7 of every address, DNS at one address."""

    def __init__(self, host: Namespace, resolver: str) -> None:
        self._over = threading.Event()
        self.records: dict[str, str] = {}
        """Name → IPv4 address; every other name does not exist."""
        self._http = host.within(lambda: _listener(80))
        self._echo = host.within(lambda: _listener(7))
        self._dns = host.within(lambda: _datagrams(resolver))
        work = (
            (self._accept, (self._http, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")),
            (self._accept, (self._echo, b"ready\r\n")),
            (self._name, ()),
        )
        self._threads = [threading.Thread(target=each, args=given, daemon=True) for each, given in work]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._over.set()
        for each in (self._http, self._echo, self._dns):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self, listener: socket.socket, answer: bytes) -> None:
        while not self._over.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client, answer], daemon=True).start()

    @staticmethod
    def _serve(client: socket.socket, answer: bytes) -> None:
        with client, suppress(OSError):
            client.settimeout(2)
            if answer.startswith(b"HTTP"):
                client.recv(4096)
            client.sendall(answer)

    def _name(self) -> None:
        while not self._over.is_set():
            try:
                data, peer = self._dns.recvfrom(4096)
            except TimeoutError:
                continue
            except OSError:
                return
            with suppress(dns.exception.DNSException, OSError):
                self._dns.sendto(self._reply(data), peer)

    def _reply(self, data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        if name not in self.records:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdtype == dns.rdatatype.A:
            response.answer.append(dns.rrset.from_text(question.name, 1, "IN", "A", self.records[name]))
        if not response.answer:
            soa = "ns.acme.test. admin.acme.test. 1 3600 600 86400 1"
            response.authority.append(dns.rrset.from_text("acme.test.", 1, "IN", "SOA", soa))
        return response.to_wire()


def _listener(port: int) -> socket.socket:
    listener = socket.create_server(("0.0.0.0", port))
    listener.settimeout(0.5)
    return listener


def _datagrams(address: str) -> socket.socket:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((address, 53))
    datagrams.settimeout(0.5)
    return datagrams


class Network:
    """A monitor on a local network whose router leads into a small internet::

        monitor 10.20.0.2 ──┐
        hosts 10.20.0.10 … ─┴─ router 10.20.0.1 ── uplink ── world: 198.51.100.0/24, 203.0.113.0/24

    ``world`` has the addresses that :meth:`internet_has` gives it, ``lan`` those that it was made with.
    """

    ROUTER = "10.20.0.1"
    RESOLVER = "198.51.100.53"

    def __init__(self, lan: Sequence[str] = ("10.20.0.10", "10.20.0.11")) -> None:
        self._made = ExitStack()
        try:
            self._build(lan)
        except BaseException:
            self._made.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._made.close()

    def _build(self, lan: Sequence[str]) -> None:
        self.monitor, self.lan, self.router, self.world = (
            self._namespace(role) for role in ("monitor", "lan", "router", "world")
        )
        self.lan.ip("link", "add", "bridge", "type", "bridge")
        self.lan.ip("link", "set", "bridge", "up")
        self._cable(self.monitor, "lan0", self.lan, "monitor")
        self._cable(self.router, "lan0", self.lan, "router")
        for port in ("monitor", "router"):
            self.lan.ip("link", "set", port, "master", "bridge")
        self._cable(self.router, "uplink", self.world, "uplink")
        for host, address, device in (
            (self.monitor, "10.20.0.2/24", "lan0"),
            (self.router, f"{self.ROUTER}/24", "lan0"),
            (self.router, "198.18.0.1/30", "uplink"),
            (self.world, "198.18.0.2/30", "uplink"),
            *((self.lan, f"{address}/24", "bridge") for address in lan),
        ):
            host.ip("address", "add", address, "dev", device)
        self.monitor.ip("route", "add", "default", "via", self.ROUTER)
        self.world.ip("route", "add", "default", "via", "198.18.0.1")
        self.connect()
        self.router.setting("ipv4/ip_forward", "1")
        self.internet_has(self.RESOLVER)
        self.responder = Responder(self.world, self.RESOLVER)
        self._made.callback(self.responder.close)

    def internet_has(self, *addresses: str) -> None:
        """Add addresses to the world."""
        for address in addresses:
            self.world.ip("address", "add", f"{address}/32", "dev", "lo")

    def internet_lacks(self, *addresses: str) -> None:
        """Take addresses away: who asks them hears nothing more."""
        for address in addresses:
            self.world.ip("address", "del", f"{address}/32", "dev", "lo")

    def disconnect(self) -> None:
        """Pull the router's uplink."""
        self.router.ip("link", "set", "uplink", "down")

    def connect(self) -> None:
        """Plug the router's uplink in."""
        self.router.ip("link", "set", "uplink", "up")
        for net in ("198.51.100.0/24", "203.0.113.0/24"):
            self.router.ip("route", "replace", net, "via", "198.18.0.2")

    def router_goes(self) -> None:
        """The router leaves the local network."""
        self.router.ip("link", "set", "lan0", "down")

    def router_comes(self) -> None:
        """The router is back, with its addresses and routes."""
        self.router.ip("link", "set", "lan0", "up")

    def _namespace(self, role: str) -> Namespace:
        made = Namespace(role)
        self._made.callback(made.close)
        return made

    @staticmethod
    def _cable(one: Namespace, port: str, other: Namespace, far: str) -> None:
        one.ip("link", "add", port, "type", "veth", "peer", "name", far, "netns", other.name)
        one.ip("link", "set", port, "up")
        other.ip("link", "set", far, "up")
