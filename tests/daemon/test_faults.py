"""Our own failures, done to a real daemon beside real targets: none is a target's downtime, each is UNKNOWN with its
cause and bounds (S3, S11, S13), and history and evaluation agree to the microsecond.

The scenes take their time, and none has to do with another: they are all played at once, each on a thread of its own.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

import pytest

from daemon.faults import (
    ON_ASYNCIO,
    Fault,
    Moment,
    Scene,
    WallClock,
    descriptors_left,
    hold_up,
    moment,
    played,
    soon,
    stall_environment,
    stop_and_continue,
    visitors,
    was_turned_away,
)
from daemon.pieces import Piece, Rows, check_evaluation, judged, pieces, spelled, total, without_lateness
from slawatch.domain.interval import HOUR, SECOND, Duration
from support.servers import fetch

pytestmark = pytest.mark.server("nginx")

LATE: Duration = 4 * SECOND
"""How late a probe may begin on a box that others keep busy too."""

BEFORE: Duration = 2 * SECOND
"""How long before a fault the loop was last seen to turn, or a probe that the fault voided had begun, at most: the
canary looks every 50 ms, the slowest answer takes 1.2 s, and the box is busy."""


class Story(NamedTuple):
    """What a scene leaves behind."""

    faults: list[Fault]
    rows: Rows
    accounts: Rows
    events: Rows
    drowsy: Rows
    gone: Moment
    back: Moment

    def pieces(self, endpoint: str) -> list[Piece]:
        """What was, as far as the faults have to do with it."""
        start, end = self.faults[0].asked.wall - BEFORE, self.faults[-1].ended.wall + LATE
        return without_lateness(pieces(self.rows, endpoint), start, end)


def told(scene: Scene, faults: list[Fault], event: str, gone: Moment, back: Moment) -> Story:
    """Read the history, stop the daemon, so that all is stored, and read what it leaves."""
    daemon = scene.daemon
    rows = [json.loads(line) for line in daemon.get("/api/v1/history").splitlines()]
    accounts = judged(rows, daemon.client_file)
    daemon.stop()
    return Story(faults, rows, accounts, daemon.events(event), daemon.observations("drowsy"), gone, back)


# --- The loop, or the whole process, stands still ---------------------------------------------------------------------


def stand_still(scene: Scene, fault: Callable[[Callable[[], None]], Fault]) -> Story:
    """``flaky`` goes away before it and is back before its end; a probe of ``drowsy`` is under way when it begins."""
    gone, _ = scene.take_flaky_away()
    scene.drowsy.await_probe()
    back: list[Moment] = []

    def meanwhile() -> None:
        back.append(moment())
        scene.flaky.start()

    done = fault(meanwhile)
    soon(lambda: scene.states() == {"up"})
    return told(scene, [done], "stall", gone, back[0])


def stalled(folder: Path) -> Story:
    log = folder / "stalls"
    folder.mkdir()
    with Scene(folder / "scene", environment=stall_environment(log, 10)) as scene:
        return stand_still(scene, lambda meanwhile: hold_up(scene.daemon.pid, log, meanwhile))


def halted(folder: Path) -> Story:
    with Scene(folder, environment=ON_ASYNCIO) as scene:
        return stand_still(scene, lambda meanwhile: stop_and_continue(scene.daemon.pid, 12, meanwhile))


def halted_for_a_minute(folder: Path) -> Story:
    with Scene(folder, patient="every: 61s, timeout: 5s") as scene:
        return stand_still(scene, lambda meanwhile: stop_and_continue(scene.daemon.pid, 60, meanwhile))


def check_standstill(story: Story, cause: str) -> None:
    """Every class of time of every endpoint, and its bounds."""
    (fault,) = story.faults
    unknown = f"unknown {cause}"
    assert spelled(story.pieces("patient")) == ["up"]  # what still speaks at the end of it stays known (S13)
    for name in ("steady", "drowsy"):
        assert spelled(story.pieces(name)) == ["up", unknown, "up"], name
        assert total(story.pieces(name), "down") == 0
    assert spelled(story.pieces("flaky")) == ["up", "down", unknown, "up"]
    down, away = story.pieces("flaky")[1:3]
    assert story.gone.wall <= down.start
    assert down.end <= story.back.wall  # not a microsecond of it after it was back

    for blind, patience in (
        (story.pieces("steady")[1], BEFORE),
        (away, BEFORE),
        (story.pieces("drowsy")[1], BEFORE + SECOND),
    ):
        assert fault.begun.wall - patience <= blind.start <= fault.begun.wall
        assert fault.ending.wall <= blind.end <= fault.ended.wall + 3 * SECOND + LATE
        assert blind.opened <= blind.start  # the last observation before it
        assert fault.length <= blind.length <= fault.length + patience + 3 * SECOND + LATE

    (event,) = [event for event in story.events if event["end"] - event["start"] >= fault.length - SECOND]
    assert event["cause"] == cause
    assert fault.begun.wall - BEFORE <= event["start"] <= fault.begun.wall
    assert fault.ending.wall - SECOND <= event["end"] <= fault.ended.wall + LATE

    said = {row["detail"] for row in story.rows if row.get("cause") == cause and "stood still" in row.get("detail", "")}
    assert any(f"{'process' if cause == 'monitor_stopped' else 'event loop'} stood still for" in text for text in said)

    check_evaluation(story.accounts, story.rows)


def check_under_way(story: Story, cause: str) -> None:
    """The probe that was under way failed by our fault, is void, and was asked again at once (S11)."""
    (fault,) = story.faults
    void = [seen for seen in story.drowsy if seen["started"] <= fault.begun.wall][-1]
    assert (void["verdict"], void["cause"]) == ("void", cause)
    assert void["started"] + void["duration"] >= fault.ending.wall
    again = next(seen for seen in story.drowsy if seen["started"] > void["started"])
    assert again["started"] - (void["started"] + void["duration"]) <= LATE
    assert again["verdict"] == "up"


# --- The wall clock is set --------------------------------------------------------------------------------------------


def set_ahead(folder: Path) -> Story:
    """An hour ahead while ``flaky`` is really down; it comes back later."""
    folder.mkdir()
    clock = WallClock(folder / "offset")
    with Scene(folder / "scene", environment=clock.environment) as scene:
        gone, _ = scene.take_flaky_away()
        before, after = clock.set(3600)
        soon(lambda: scene.seen_since(after.wall + HOUR // 2, "up", "steady", "patient", "drowsy"))
        soon(lambda: scene.seen_since(after.wall + HOUR // 2, "down", "flaky"))
        back = moment()
        scene.flaky.start()
        soon(lambda: scene.states() == {"up"})
        return told(scene, [Fault(before, before, after, after)], "clock_jump", gone, back)


def set_back(folder: Path) -> Story:
    """An hour back, and after a while right again."""
    folder.mkdir()
    clock = WallClock(folder / "offset")
    with Scene(folder / "scene", environment=clock.environment) as scene:
        back = Fault(*[each for each in clock.set(-3600) for _ in range(2)])
        soon(lambda: scene.states() == {"unknown"})
        causes = {item["cause"] for item in scene.daemon.status()["endpoints"]}
        assert causes == {"clock_step"}
        asked = scene.daemon.status()["endpoints"][0]["probes"]
        soon(lambda: scene.daemon.status()["endpoints"][0]["probes"] != asked)
        right = Fault(*[each for each in clock.set(0) for _ in range(2)])
        soon(lambda: scene.states() == {"up"})
        return told(scene, [back, right], "clock_jump", back.begun, right.begun)


# --- Descriptors run out ----------------------------------------------------------------------------------------------


def none_left(folder: Path) -> Story:
    """Not one more descriptor for three seconds, and a page that was open before."""
    with Scene(folder) as scene:
        page = http.client.HTTPConnection("127.0.0.1", scene.daemon.port, timeout=20)
        page.request("GET", "/-/healthy")
        page.getresponse().read()
        asked = moment()
        with descriptors_left(scene.daemon.pid, 0):
            begun = moment()

            def states() -> set[str]:
                page.request("GET", "/api/v1/status")
                endpoints = json.loads(page.getresponse().read())["endpoints"]
                return {item["state"] for item in endpoints if item["endpoint"] != "patient"}

            soon(lambda: states() == {"unknown"})
            threading.Event().wait(3)
            ending = moment()
        page.close()
        fault = Fault(asked, begun, ending, moment())
        soon(lambda: scene.states() == {"up"})
        return told(scene, [fault], "stall", asked, asked)


def is_open(port: int) -> bool:
    """Whether a visitor is let in and answered."""
    try:
        return bool(fetch(f"http://127.0.0.1:{port}/-/healthy"))
    except OSError:
        return False


def full_house(folder: Path) -> Story:
    """Three hundred silent visitors, where there is room for a hundred; ``flaky`` is really down meanwhile."""
    with Scene(folder) as scene:
        daemon = scene.daemon
        with descriptors_left(daemon.pid, 150):
            asked = moment()
            with visitors(daemon.port, 300) as guests:
                begun = moment()
                soon(lambda: sum(map(was_turned_away, guests)) >= 150)
                # Who visits is told nothing, and who commands is served: from the board, and from the database.
                assert '"steady"' in daemon.configured("status", "--format", "json")
                soon(lambda: daemon.observations("steady")[-1]["started"] > begun.wall)
                assert {row["endpoint"] for row in daemon.history() if row["type"] == "state"} >= {"steady", "flaky"}
                gone = moment()
                scene.flaky.stop()
                soon(lambda: any(seen["verdict"] == "void" for seen in daemon.observations("flaky")))
                ending = moment()
            fault = Fault(asked, begun, ending, moment())
            soon(lambda: is_open(daemon.port))
            soon(lambda: scene.states("flaky") == {"down"})
            back = moment()
            scene.flaky.start()
            soon(lambda: scene.states() == {"up"})
        return told(scene, [fault], "stall", gone, back)


# --- The tests --------------------------------------------------------------------------------------------------------


Stories = Mapping[str, Future[Story]]


@pytest.fixture(scope="module")
def stories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """By name of the test: the scene of each test that is to run, all at once."""
    with played(request, tmp_path_factory.mktemp("faults"), SCENES) as stories:
        yield stories


def test_s13_a_loop_that_stands_still_for_ten_seconds(stories: Stories) -> None:
    """The process runs and its loop does not: UNKNOWN by our fault, from its last turn to the next observation."""
    story = stories["test_s13_a_loop_that_stands_still_for_ten_seconds"].result()
    check_standstill(story, "prober_fault")
    check_under_way(story, "prober_fault")


def test_s13_a_process_that_is_stopped_by_a_signal(stories: Stories) -> None:
    """SIGSTOP for 12 s, then SIGCONT: as if the monitor had stopped, since it had. Whether the probe that was under way
    times out or finds the answer that lay ready depends on the moment: it is void or good, and never bad."""
    story = stories["test_s13_a_process_that_is_stopped_by_a_signal"].result()
    check_standstill(story, "monitor_stopped")


@pytest.mark.deep
def test_s13_a_process_that_is_stopped_for_a_minute(tmp_path: Path) -> None:
    check_standstill(halted_for_a_minute(tmp_path / "scene"), "monitor_stopped")


@pytest.mark.server("faketime")
def test_s3_the_wall_clock_an_hour_ahead(stories: Stories) -> None:
    """The hour that nobody lived is UNKNOWN, and nothing else is; an outage goes on after it."""
    story = stories["test_s3_the_wall_clock_an_hour_ahead"].result()
    (fault,) = story.faults
    for name in ("steady", "drowsy", "patient"):
        assert spelled(story.pieces(name)) == ["up", "unknown clock_step", "up"], name
    assert spelled(story.pieces("flaky")) == ["up", "down", "unknown clock_step", "down", "up"]
    _, down, _, still, _ = story.pieces("flaky")
    assert story.gone.wall <= down.start
    assert down.end <= fault.ended.wall
    assert fault.begun.wall + HOUR <= still.start
    assert story.back.wall + HOUR <= still.end
    every = {"steady": 2 * SECOND, "flaky": 2 * SECOND, "drowsy": 3 * SECOND, "patient": 13 * SECOND}
    for name, interval in every.items():
        blind = next(piece for piece in story.pieces(name) if piece.state == "unknown")
        assert fault.begun.wall - BEFORE <= blind.start <= fault.ended.wall
        assert fault.begun.wall + HOUR <= blind.end <= fault.ended.wall + HOUR + interval + LATE
    (event,) = story.events
    assert abs(event["by"] - HOUR) < SECOND
    assert event["suspended"] == 0
    check_evaluation(story.accounts, story.rows)


@pytest.mark.server("faketime")
def test_s3_the_wall_clock_an_hour_back(stories: Stories) -> None:
    """The hour that is lived twice is UNKNOWN, with what had been seen of it; then the clock is right again."""
    story = stories["test_s3_the_wall_clock_an_hour_back"].result()
    back, right = story.faults
    for name in ("steady", "drowsy", "patient", "flaky"):
        found = story.pieces(name)
        assert spelled(found) == ["unknown clock_step", "up"], name
        assert total(found, "down") == 0
        assert back.begun.wall - HOUR - BEFORE <= found[0].start <= back.ended.wall - HOUR
        assert right.begun.wall <= found[0].end <= right.ended.wall + 13 * SECOND + LATE
    assert [round(event["by"] / HOUR) for event in story.events] == [-1, 1]
    check_evaluation(story.accounts, story.rows)


def test_s11_not_one_descriptor_is_left(stories: Stories) -> None:
    """Nothing can be asked: UNKNOWN by our fault, while it lasts, and well again by itself."""
    story = stories["test_s11_not_one_descriptor_is_left"].result()
    (fault,) = story.faults
    for name, interval in (("steady", 2 * SECOND), ("flaky", 2 * SECOND), ("drowsy", 3 * SECOND)):
        found = story.pieces(name)
        assert spelled(found) == ["up", "unknown prober_fault", "up"], name
        assert fault.asked.wall - 3 * SECOND <= found[1].start <= fault.begun.wall + interval + LATE
        assert fault.ending.wall <= found[1].end <= fault.ended.wall + interval + LATE
    assert {piece.state for piece in story.pieces("patient")} <= {"up", "unknown"}
    void = [seen for seen in story.drowsy if seen["verdict"] == "void"]
    assert "descriptors_spent" in {seen["reason"] for seen in void}
    assert {seen["cause"] for seen in void} == {"prober_fault"}
    check_evaluation(story.accounts, story.rows)


def test_s11_the_web_is_full_of_visitors(stories: Stories) -> None:
    """They are turned away before they take what the daemon needs. What answers meanwhile is up, what fails is not
    held against it, and what still fails afterwards is down from then on."""
    story = stories["test_s11_the_web_is_full_of_visitors"].result()
    (fault,) = story.faults
    for name in ("steady", "drowsy", "patient"):
        assert spelled(story.pieces(name)) == ["up"], name
    found = story.pieces("flaky")
    assert spelled(found) == ["up", "unknown prober_fault", "down", "up"]
    assert story.gone.wall - 2 * SECOND <= found[1].start <= fault.ending.wall
    assert fault.ending.wall <= found[2].start + 2 * SECOND  # counted once a second
    assert story.back.wall <= found[2].end <= story.back.wall + 2 * SECOND + LATE
    check_evaluation(story.accounts, story.rows)


SCENES: Mapping[str, Callable[[Path], Story]] = {
    "test_s13_a_loop_that_stands_still_for_ten_seconds": stalled,
    "test_s13_a_process_that_is_stopped_by_a_signal": halted,
    "test_s3_the_wall_clock_an_hour_ahead": set_ahead,
    "test_s3_the_wall_clock_an_hour_back": set_back,
    "test_s11_not_one_descriptor_is_left": none_left,
    "test_s11_the_web_is_full_of_visitors": full_house,
}
