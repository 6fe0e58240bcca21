"""The ways to the targets, lost for real: in network namespaces a line, a resolver and a router go away and come back.

A monitor on a local network watches twenty hosts of a small internet, a printer beside it and the router in between.
What cannot be asked is UNKNOWN with its cause, what still answers is up, and what is really down is down for as long as
it could be seen (S8, S11, S15). History and evaluation agree to the microsecond.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from daemon.conftest import Slawatch
from daemon.faults import Fault, Moment, client_file, moment, played, soon
from daemon.pieces import Piece, Rows, check_evaluation, judged, pieces, spelled, total, without_lateness
from slawatch.domain.interval import SECOND, Duration
from support.namespaces import Network

pytestmark = pytest.mark.server("ip")

EVERY, TIMEOUT = 2 * SECOND, 2 * SECOND

LATE: Duration = 5 * SECOND
"""How late a probe may begin, and a witness may be heard, on a box that others keep busy too."""

LASTS = 8
"""Seconds that a way stays lost: longer than an observation speaks (2 · 2 s + 2 s)."""

PINGS = [f"ping-{n}" for n in range(1, 9)]
PORTS = [f"port-{n}" for n in range(1, 7)]
WEBS = [f"web-{n}" for n in range(1, 7)]
INTERNET = [*PINGS, *PORTS, *WEBS]
ADDRESSES = {name: f"203.0.113.{number}" for number, name in enumerate(INTERNET, 1)}
"""Twenty hosts."""

WITNESSES = ("198.51.100.1", "203.0.113.250")

BOX = f"""\
resolvers: [{Network.RESOLVER}]
witnesses:
  lan: [10.20.0.10, 10.20.0.11]
  internet: [{", ".join(WITNESSES)}]
"""


def endpoints() -> dict[str, str]:
    pace = "every: 2s, timeout: 2s, retry_every: 1s"
    listed = {"router": f"probe: icmp, target: {Network.ROUTER}, path: lan, {pace}"}
    listed["printer"] = f"probe: icmp, target: 10.20.0.30, {pace}"
    listed |= {name: f"probe: icmp, target: {ADDRESSES[name]}, {pace}" for name in PINGS}
    listed |= {name: f'probe: tcp, target: "{ADDRESSES[name]}:7", expect: ready, {pace}' for name in PORTS}
    listed |= {name: f'probe: http, target: "http://{name}.acme.test/", {pace}' for name in WEBS}
    return listed


class Inside(Slawatch):
    """A daemon inside a namespace; it is reached by its control socket, as commands reach it."""

    def get(self, path: str) -> str:
        connection = _ByPath(self.database.removeprefix("sqlite:///") + ".sock")
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status != 200:
            raise OSError(response.status, text)
        return text


class _ByPath(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self._path)


class Scene:
    """The network, and the daemon that watches it."""

    def __init__(self, folder: Path) -> None:
        self.network = Network(lan=("10.20.0.10", "10.20.0.11", "10.20.0.30"))
        self.network.internet_has(*ADDRESSES.values(), *WITNESSES)
        self.network.responder.records |= {f"{name}.acme.test": ADDRESSES[name] for name in WEBS}
        self.daemon = Inside(folder, client_file(endpoints()), box=BOX, prefix=self.network.monitor.prefix)

    def __enter__(self) -> Self:
        try:
            self.daemon.start()
            soon(lambda: self.states() == {"up"})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.stop()
        self.network.__exit__(None, None, None)

    def states(self, *names: str) -> set[str]:
        """The states that the board shows, of all endpoints or of some."""
        return {item["state"] for item in self.daemon.status()["endpoints"] if item["endpoint"] in names or not names}

    def takes(self, names: list[str], act: Callable[[], None], state: str) -> tuple[Moment, Moment]:
        """Do something and wait until endpoints are in a state: within which moments it was done."""
        before = moment()
        act()
        after = moment()
        soon(lambda: self.states(*names) == {state})
        return before, after

    def blind(self, path: str) -> str:
        """What ``slawatch_path_blind`` says of a path."""
        name = f'slawatch_path_blind{{path="{path}"'
        return next(line.split()[-1] for line in self.daemon.get("/metrics").splitlines() if line.startswith(name))


class Story(NamedTuple):
    """What a scene leaves behind."""

    fault: Fault
    rows: Rows
    accounts: Rows
    blind: Rows
    """Events of paths that went blind."""
    marks: Mapping[str, tuple[Moment, Moment]]
    """When other things were done."""

    def pieces(self, endpoint: str) -> list[Piece]:
        """What was, but for the lateness of this box."""
        return without_lateness(pieces(self.rows, endpoint), 0, 0)

    def check_unknown(self, piece: Piece) -> None:
        """Unknown from the start of the first probe that the fault voided to that of the first one that was answered
        again (S11). Either may have begun up to its timeout before what decided it."""
        asked, begun, ending, ended = (each.wall for each in self.fault)
        assert asked - TIMEOUT <= piece.start <= begun + EVERY + LATE
        assert ending - TIMEOUT <= piece.end <= ended + EVERY + LATE
        assert piece.opened <= piece.start


def told(scene: Scene, fault: Fault, **marks: tuple[Moment, Moment]) -> Story:
    """Read the history, stop the daemon, so that all is stored, and read what it leaves."""
    daemon = scene.daemon
    rows = [json.loads(line) for line in daemon.get("/api/v1/history").splitlines()]
    accounts = judged(rows, daemon.client_file)
    daemon.stop()
    return Story(fault, rows, accounts, daemon.events("path_blind"), marks)


def lasting(began: Moment) -> None:
    """Return when it has lasted for ``LASTS`` seconds."""
    threading.Event().wait(max(0.0, LASTS - (moment().monotonic - began.monotonic) / SECOND))


# --- Scenes -----------------------------------------------------------------------------------------------------------


def uplink(folder: Path) -> Story:
    """``ping-3`` goes before the line does and is back after it; ``ping-4`` goes while the line is lost."""
    with Scene(folder) as scene:
        net = scene.network
        gone = scene.takes(["ping-3"], lambda: net.internet_lacks(ADDRESSES["ping-3"]), "down")
        soon(lambda: scene.blind("internet") == "0.0")
        asked, begun = scene.takes(INTERNET, net.disconnect, "unknown")
        also = moment(), moment()
        net.internet_lacks(ADDRESSES["ping-4"])
        soon(lambda: scene.states("router", "printer") == {"up"})
        soon(lambda: (scene.blind("internet"), scene.blind("lan")) == ("1.0", "0.0"))
        lasting(begun)
        others = [name for name in INTERNET if name not in ("ping-3", "ping-4")]
        ending, ended = scene.takes(others, net.connect, "up")
        soon(lambda: scene.states("ping-3", "ping-4") == {"down"})
        lost = ["ping-3", "ping-4"]
        back = scene.takes(lost, lambda: net.internet_has(*(ADDRESSES[name] for name in lost)), "up")
        return told(scene, Fault(asked, begun, ending, ended), gone=gone, also=also, back=back)


def resolver(folder: Path) -> Story:
    """The only name server goes; ``web-2`` is really down before, meanwhile and after."""
    with Scene(folder) as scene:
        net = scene.network
        gone = scene.takes(["web-2"], lambda: net.internet_lacks(ADDRESSES["web-2"]), "down")
        asked, begun = scene.takes(WEBS, lambda: net.internet_lacks(Network.RESOLVER), "unknown")
        lasting(begun)
        soon(lambda: scene.states(*PINGS, *PORTS, "router", "printer") == {"up"})
        others = [name for name in WEBS if name != "web-2"]
        ending, ended = scene.takes(others, lambda: net.internet_has(Network.RESOLVER), "up")
        soon(lambda: scene.states("web-2") == {"down"})
        back = scene.takes(["web-2"], lambda: net.internet_has(ADDRESSES["web-2"]), "up")
        return told(scene, Fault(asked, begun, ending, ended), gone=gone, back=back)


def router(folder: Path) -> Story:
    """The router leaves the local network, and comes back."""
    with Scene(folder) as scene:
        asked, begun = scene.takes(["router"], scene.network.router_goes, "down")
        soon(lambda: scene.states(*INTERNET) == {"unknown"})
        soon(lambda: scene.states("printer") == {"up"})
        soon(lambda: (scene.blind("internet"), scene.blind("lan")) == ("1.0", "0.0"))
        lasting(begun)
        ending, ended = scene.takes(["router", *INTERNET], scene.network.router_comes, "up")
        return told(scene, Fault(asked, begun, ending, ended))


# --- Tests ------------------------------------------------------------------------------------------------------------

Stories = Mapping[str, Future[Story]]


@pytest.fixture(scope="module")
def stories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """By name of the test: the scene of each test that is to run, all at once."""
    with played(request, tmp_path_factory.mktemp("paths"), SCENES) as stories:
        yield stories


def check_down(piece: Piece, gone: tuple[Moment, Moment]) -> None:
    """Down from the first probe that failed, and the bracket holds the instant at which it really went (S8)."""
    assert piece.opened <= gone[1].wall
    assert gone[0].wall - SECOND <= piece.start <= gone[1].wall + EVERY + LATE


def check_lost(story: Story, name: str) -> None:
    """Not down for a microsecond, and unknown for as long as the line was lost. The resolver lies beyond that line:
    names may take a little longer to be found again than hosts."""
    found = story.pieces(name)
    assert total(found, "down") == 0
    spelt = spelled(found)
    if name in WEBS and len(found) == 4:
        assert spelt.pop(2) == "unknown resolver_lost", name
        found[1] = found[1]._replace(end=found.pop(2).end)
    assert spelt == ["up", "unknown path_lost", "up"], name
    story.check_unknown(found[1])


def test_s15_the_line_is_lost_while_one_of_twenty_is_really_down(stories: Stories) -> None:
    story = stories["test_s15_the_line_is_lost_while_one_of_twenty_is_really_down"].result()
    for name in ("router", "printer"):
        assert spelled(story.pieces(name)) == ["up"], name
    for name in INTERNET:
        if name not in ("ping-3", "ping-4"):
            check_lost(story, name)

    _, down, blind, still, up = story.pieces("ping-3")
    assert spelled(story.pieces("ping-3")) == ["up", "down", "unknown path_lost", "down", "up"]
    check_down(down, story.marks["gone"])
    story.check_unknown(blind)
    assert story.marks["back"][0].wall - TIMEOUT <= up.start <= story.marks["back"][1].wall + EVERY + LATE
    assert still.end == up.start

    assert spelled(story.pieces("ping-4")) == ["up", "unknown path_lost", "down", "up"]
    story.check_unknown(story.pieces("ping-4")[1])
    assert [event["path"] for event in story.blind] == ["internet"]  # one, however many lie on it
    check_evaluation(story.accounts, story.rows)


def test_s11_our_resolver_is_lost_while_one_of_twenty_is_really_down(stories: Stories) -> None:
    story = stories["test_s11_our_resolver_is_lost_while_one_of_twenty_is_really_down"].result()
    for name in ("router", "printer", *PINGS, *PORTS):
        assert spelled(story.pieces(name)) == ["up"], name
    for name in WEBS:
        if name != "web-2":
            found = story.pieces(name)
            assert spelled(found) == ["up", "unknown resolver_lost", "up"], name
            assert total(found, "down") == 0
            story.check_unknown(found[1])
    assert spelled(story.pieces("web-2")) == ["up", "down", "unknown resolver_lost", "down", "up"]
    _, down, blind, _, up = story.pieces("web-2")
    check_down(down, story.marks["gone"])
    story.check_unknown(blind)
    assert story.marks["back"][0].wall - TIMEOUT <= up.start <= story.marks["back"][1].wall + EVERY + LATE
    assert story.blind == []
    check_evaluation(story.accounts, story.rows)


def test_s15_a_dead_router_is_its_own_downtime_and_nobody_elses(stories: Stories) -> None:
    """It is judged from the local network, whose witnesses answer; the world behind it cannot be seen."""
    story = stories["test_s15_a_dead_router_is_its_own_downtime_and_nobody_elses"].result()
    assert spelled(story.pieces("router")) == ["up", "down", "up"]
    _, down, up = story.pieces("router")
    check_down(down, story.fault[:2])
    assert story.fault.ending.wall - TIMEOUT <= up.start <= story.fault.ended.wall + EVERY + LATE
    (account,) = [account for account in story.accounts if account["contract"] == "router"]
    assert account["time_us"]["down"] == down.length
    assert spelled(story.pieces("printer")) == ["up"]
    for name in INTERNET:
        check_lost(story, name)
    assert [event["path"] for event in story.blind] == ["internet"]
    check_evaluation(story.accounts, story.rows)


def test_s15_a_witness_that_lies_is_refused(tmp_path: Path) -> None:
    """It lies behind what it would excuse: when that dies, it is silent as well, and no failure would ever count."""
    lying = BOX.replace("10.20.0.11]", "{host: 10.20.0.11, behind: acme/router}]")
    assert lying != BOX
    daemon = Slawatch(tmp_path / "slawatch", client_file(endpoints()), box=lying)
    assert "10.20.0.11 lies behind acme/router and would vouch for it" in daemon.refused()


SCENES: Mapping[str, Callable[[Path], Story]] = {
    "test_s15_the_line_is_lost_while_one_of_twenty_is_really_down": uplink,
    "test_s11_our_resolver_is_lost_while_one_of_twenty_is_really_down": resolver,
    "test_s15_a_dead_router_is_its_own_downtime_and_nobody_elses": router,
}
