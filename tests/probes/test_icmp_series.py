"""The kind `icmp`: several pings, their loss and jitter; hops and fragments. Before hosts far away. Needs root."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from probes.far_network import ROUTER, Behaviour, FarNetwork, Seen
from probes.scene import needs_root
from probes.test_icmp import driver
from slawatch.domain.interval import MILLISECOND, SECOND
from slawatch.domain.observation import Cause, Verdict
from slawatch.probes.echo import Echo, Ping
from slawatch.probes.kinds import icmp
from slawatch.probes.kinds.icmp import Options
from slawatch.probes.probe import Resources
from slawatch.probes.resolver import Resolver
from slawatch.probes.round_trips import RoundTrips
from support.clock import FakeClock

pytestmark = needs_root

HOST = "10.1.2.3"
BRIEF = SECOND // 2
"""For series that wait for what never comes."""


@pytest.fixture(params=["raw", "datagram"])
def far(request: pytest.FixtureRequest) -> Iterator[FarNetwork]:
    network = FarNetwork(raw=request.param == "raw")
    yield network
    network.close()


def losing(*numbers: int) -> Behaviour:
    """The pings of these numbers get no reply."""
    return lambda seen: [] if seen.number in numbers else [(0, seen.reply())]


async def test_all_come_back(far: FarNetwork) -> None:
    async with driver(far) as observe:
        seen = await observe("icmp", HOST, count=5, interval="20ms")
    assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")
    number = r"\d+\.\d{3}"
    times = f"rtt min/avg/max {number}/{number}/{number} ms, jitter {number} ms"
    assert re.fullmatch(f"5 of 5 answered; {times}", seen.detail)
    assert [name for name, _ in seen.phases] == ["series", "rtt"]
    assert 70 * MILLISECOND <= sum(length for _, length in seen.phases) <= seen.duration
    assert len({each.packet[28:44] for each in far.seen}) == 5  # each is a request of its own
    assert f"/{seen.phases[1][1] // 1000}.{seen.phases[1][1] % 1000:03}/" in seen.detail


LOSS: list[tuple[dict[str, str] | None, tuple[int, ...], str]] = [
    (None, (1, 3), "answered"),
    ({"degraded": "20%"}, (2,), "answered"),  # exactly 20 % is no more than 20 %
    ({"degraded": "19.999999999%"}, (2,), "lossy"),
    ({"degraded": "0%"}, (), "answered"),
    ({"degraded": "0%", "down": "20%"}, (4,), "lossy"),
    ({"degraded": "0%", "down": "20%"}, (0, 4), "loss"),
    ({"down": "0%"}, (0,), "loss"),
]


@pytest.mark.parametrize(("loss", "lost", "reason"), LOSS)
async def test_loss(far: FarNetwork, loss: dict[str, str] | None, lost: tuple[int, ...], reason: str) -> None:
    far.behave = losing(*lost)
    async with driver(far) as observe:
        seen = await observe("icmp", HOST, BRIEF, count=5, interval="10ms", loss=loss)
    assert seen.reason == reason
    assert seen.verdict is {"answered": Verdict.UP, "lossy": Verdict.DEGRADED, "loss": Verdict.DOWN}[reason]
    assert seen.detail.startswith(f"{5 - len(lost)} of 5 answered; rtt ")


async def test_what_is_lost_altogether_is_a_timeout(far: FarNetwork) -> None:
    far.behave = lambda seen: []
    async with driver(far) as observe:
        seen = await observe("icmp", HOST, BRIEF, count=3, interval="10ms", loss={"degraded": "0%"})
    assert (seen.verdict, seen.reason) == (Verdict.DOWN, "timeout")
    assert seen.detail == "not done within 500ms; last phase: series; 0 of 3 answered"
    assert len(far.seen) == 3


async def test_the_reply_to_one_never_counts_for_another(far: FarNetwork) -> None:
    """A host, or whoever sits before it, that answers all pings with its first reply."""
    replies: list[bytes] = []

    def repeat(seen: Seen) -> list[tuple[float, bytes]]:
        replies.append(seen.reply())
        return [(0, replies[0])]

    far.behave = repeat
    async with driver(far) as observe:
        seen = await observe("icmp", HOST, BRIEF, count=4, interval="10ms", loss={"down": "50%"})
        assert (seen.reason, seen.detail[:15]) == ("loss", "1 of 4 answered")
        assert (await observe("icmp", HOST, BRIEF)).reason == "timeout"


async def test_replies_that_come_after_the_next_ping_count_for_their_own(far: FarNetwork) -> None:
    far.behave = lambda seen: [(0.2 - 0.04 * seen.number, seen.reply())]  # the last one comes first
    async with driver(far) as observe:
        seen = await observe("icmp", HOST, count=4, interval="10ms")
    assert (seen.verdict, seen.detail[:15]) == (Verdict.UP, "4 of 4 answered")
    found = re.search(r"max [\d.]+/[\d.]+/([\d.]+) ms, jitter ([\d.]+) ms", seen.detail.replace("min/avg/", ""))
    assert found
    assert float(found[1]) >= 200
    assert float(found[2]) >= 10


async def test_a_reply_that_comes_after_the_deadline_counts_for_nothing(far: FarNetwork) -> None:
    far.behave = lambda seen: [(0.3 if seen.number < 2 else 0, seen.reply())]
    async with driver(far) as observe:
        first = await observe("icmp", HOST, BRIEF // 2, count=2, interval="10ms")
        assert first.reason == "timeout"
        seen = await observe("icmp", HOST, BRIEF, count=2, interval="100ms")
    assert seen.detail.startswith("2 of 2 answered; ")
    assert dict(seen.phases)["rtt"] < 150 * MILLISECOND


async def test_jitter(far: FarNetwork) -> None:
    far.behave = lambda seen: [(0.1 * (seen.number % 2), seen.reply())]
    async with driver(far) as observe:
        seen = await observe("icmp", HOST, count=4, interval="110ms", jitter="50ms")
        assert (seen.verdict, seen.reason) == (Verdict.DEGRADED, "jitter")
        assert seen.detail.endswith(" ms, more than 50ms")
        far.behave = lambda seen: [(0.06, seen.reply())]
        seen = await observe("icmp", HOST, count=4, interval="110ms", jitter="50ms")
        assert (seen.verdict, seen.reason) == (Verdict.UP, "answered")
        seen = await observe("icmp", HOST, count=2, interval="70ms", slow="30ms")
        assert (seen.verdict, seen.reason) == (Verdict.DEGRADED, "slow")
        assert "2 of 2 answered" in seen.detail


# --- Hops and fragments ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [HOST, "fd00::7"])
async def test_the_hops_of_one_ping_are_its_own(far: FarNetwork, host: str) -> None:
    """All share a socket: what one asks for must not stick to the next."""
    async with driver(far) as observe:
        for options in ({"ttl": 1}, {}, {"ttl": 255, "count": 2, "interval": "10ms"}, {}):
            assert (await observe("icmp", host, **options)).verdict is Verdict.UP
    assert [seen.ttl for seen in far.seen] == [1, 64, 255, 255, 64]


def _router(seen: Seen) -> list[tuple[float, bytes]]:
    return [(0, seen.reply() if seen.ttl > 4 else seen.error(11, 0))]


async def test_a_host_that_is_too_many_hops_away(far: FarNetwork, request: pytest.FixtureRequest) -> None:
    far.behave = _router
    async with driver(far) as observe:
        assert (await observe("icmp", HOST, ttl=5)).verdict is Verdict.UP
        for options in ({"ttl": 4}, {"ttl": 4, "count": 2, "interval": "10ms"}):
            seen = await observe("icmp", HOST, BRIEF, **options)
            assert seen.verdict is Verdict.DOWN
            if "raw" in request.node.name:
                assert (seen.reason, seen.detail) == ("unreachable", f"{ROUTER}: time to live exceeded")
            else:
                assert seen.reason == "timeout"


async def test_in_one_piece_or_not(far: FarNetwork, request: pytest.FixtureRequest) -> None:
    far.behave = lambda seen: [(0, seen.error(3, 4) if seen.whole and len(seen.packet) > 1000 else seen.reply())]
    async with driver(far) as observe:
        assert (await observe("icmp", HOST, size=1472)).verdict is Verdict.UP
        assert (await observe("icmp", HOST, size=972, dont_fragment=True)).verdict is Verdict.UP
        for _ in range(2):  # nothing that the kernel learns of the path changes that
            seen = await observe("icmp", HOST, BRIEF // 4, size=973, dont_fragment=True)
            assert seen.verdict is Verdict.DOWN
            if "raw" in request.node.name:
                assert (seen.reason, seen.detail) == ("unreachable", f"{ROUTER}: packet too big")
    assert [seen.whole for seen in far.seen] == [False, True, True, True]


@pytest.mark.parametrize(("host", "largest"), [(HOST, 1472), ("fd00::7", 1452)])
async def test_what_our_own_link_does_not_carry_is_our_own_fault(far: FarNetwork, host: str, largest: int) -> None:
    async with driver(far) as observe:
        assert (await observe("icmp", host, size=largest, dont_fragment=True)).verdict is Verdict.UP
        seen = await observe("icmp", host, size=largest + 1, dont_fragment=True)
    assert (seen.verdict, seen.reason, seen.cause) == (Verdict.VOID, "prober_fault", Cause.PROBER_FAULT)
    assert seen.detail.endswith("do not fit through this machine's own link in one piece")


# --- Arithmetic and options ------------------------------------------------------------------------------------------

TRIPS = st.lists(st.integers(0, 10**7), max_size=20)


@given(TRIPS, st.integers(0, 20), st.fractions(0, 1, max_denominator=10**9))
def test_loss_is_exact(trips: list[int], lost: int, ratio: Fraction) -> None:
    asked = len(trips) + lost
    if asked:
        assert RoundTrips(asked, trips).loses_more_than(ratio) is (Fraction(lost, asked) > ratio)


@given(TRIPS)
def test_jitter_is_the_mean_difference(trips: list[int]) -> None:
    seen = RoundTrips(len(trips), trips)
    if len(trips) < 2:
        assert seen.jitter is None
        return
    total = sum(abs(trips[place] - trips[place + 1]) for place in range(len(trips) - 1))
    assert seen.jitter == Fraction(total, len(trips) - 1)


def test_in_words() -> None:
    assert str(RoundTrips(3, [])) == "0 of 3 answered"
    assert str(RoundTrips(3, [1234])) == "1 of 3 answered; rtt min/avg/max 1.234/1.234/1.234 ms"
    assert str(RoundTrips(3, [1000, 3001, 41])) == (
        "3 of 3 answered; rtt min/avg/max 0.041/1.347/3.001 ms, jitter 2.480 ms"
    )


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"count": 0}, "count"),
    ({"count": 21}, "count"),
    ({"interval": "9ms"}, "interval"),
    ({"loss": {"down": "10%"}}, "expected a count of 2 or more"),
    ({"jitter": "10ms"}, "expected a count of 2 or more"),
    ({"count": 2, "loss": {"down": "100%"}}, "nothing is more than 100%"),
    ({"count": 2, "loss": {"down": 10}}, "a percentage"),
    ({"count": 2, "loss": {"down": "101%"}}, "no percentage"),
    ({"count": 2, "loss": {"down": "10%", "degraded": "10%"}}, "degraded comes before down"),
    ({"ttl": 0}, "ttl"),
    ({"ttl": 256}, "ttl"),
    ({"dont_fragment": "yes"}, "dont_fragment"),
]


@pytest.mark.parametrize(("options", "words"), MISTAKES)
def test_mistakes(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Options.model_validate(options)


def test_the_time_that_a_series_needs() -> None:
    assert Options().least() == 0
    assert Options.model_validate({"count": 5, "interval": "1s"}).least() == 5 * SECOND
    loss = Options.model_validate({"count": 5, "loss": {"degraded": "2.5%"}})
    assert loss.model_dump(mode="json")["loss"] == {"degraded": "2.5%", "down": None}


# --- Pings that had no time of their own -----------------------------------------------------------------------------


async def _at_the_deadline(ages: list[int | None], answered: set[int], **options: object) -> Any:
    """What the deadline finds where the pings left so long ago; ``None``: one that did not leave."""
    clock, network = FakeClock(monotonic=10 * SECOND), FarNetwork()
    async with Resources(clock, resolver=Resolver(clock, servers=()), icmp_opener=network.opener) as resources:
        echo: Echo = resources.echo(4)
        pings: list[Ping] = []
        for number, age in enumerate(ages):
            ping = echo.send(HOST, 56)
            ping.sent = None if age is None else clock.monotonic() - age
            ping.took = 1000 if number in answered else None
            pings.append(ping)
        chosen = Options.model_validate(options)
        context = resources.context(clock.now(), 0.0)
        context.trace.enter("series")
        answer = icmp._late(pings, echo, chosen, context)
        for ping in pings:
            echo.forget(ping)
    network.close()
    return answer


async def test_a_ping_without_time_for_its_reply_is_not_lost() -> None:
    """Our resolver took long, or our own queue was full: the last pings left late, or not at all."""
    three: dict[str, object] = {"count": 3, "interval": "1s", "loss": {"down": "0%"}}
    old, young = 2 * SECOND, 499 * MILLISECOND
    answer = await _at_the_deadline([old, old, young], {0, 1}, **three)
    assert (answer.reason, answer.detail[-20:]) == ("answered", "; 1 more had no time")
    assert (await _at_the_deadline([old, old, old], {0, 1}, **three)).reason == "loss"
    assert (await _at_the_deadline([old, old, young + MILLISECOND], {0, 1}, **three)).reason == "loss"
    assert (await _at_the_deadline([old], {0}, **three)).detail.startswith("1 of 1 answered")
    assert (await _at_the_deadline([old, young], set(), **three)).reason == "timeout"
    assert (await _at_the_deadline([young, None], set(), **three)).reason == "prober_fault"
    assert (await _at_the_deadline([None], set())).reason == "prober_fault"
    assert await _at_the_deadline([0], set()) is None
    assert await _at_the_deadline([], set()) is None
