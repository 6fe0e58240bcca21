"""How a DNS server of ours fares: the rules, without a server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slawatch.domain.interval import MILLISECOND, MINUTE, SECOND, Duration, Instant
from slawatch.probes.dns_exchange import Server
from slawatch.probes.server_health import SLOW, TRY_AGAIN, ServerBook, ServerHealth

ONE, TWO, THREE = servers = [(f"192.0.2.{number}", 53) for number in (1, 2, 3)]

Step = Callable[[ServerHealth], ServerHealth]


def helped(took: Duration = MILLISECOND) -> Step:
    return lambda health: health.asked(0).helped(took, took)


def unhelped(name: str, now: Instant = MINUTE + MILLISECOND) -> Step:
    return lambda health: health.asked(0).could_not_help(now, MILLISECOND, name)


def failed(health: ServerHealth) -> ServerHealth:
    return health.asked(0).failed()


def after(*steps: Step, server: Server = ONE) -> ServerHealth:
    health = ServerHealth(server)
    for step in steps:
        health = step(health)
    return health


@pytest.mark.parametrize(
    ("steps", "up", "rank"),
    [
        ([], None, 0),
        ([failed], None, 1),
        ([failed, failed], False, 2),
        ([helped()], True, 0),
        ([helped(), failed], True, 1),
        ([helped(), failed, failed], False, 2),
        ([failed, failed, helped()], True, 0),
        ([failed, helped(), failed], True, 1),
        ([helped(SLOW)], True, 0),
        ([helped(SLOW + 1)], True, 1),
        # One broken zone is not the server's fault; three names in a row are.
        ([unhelped("a")] * 9, True, 0),
        ([unhelped("a"), unhelped("b")], True, 0),
        ([unhelped("a"), unhelped("b"), unhelped("c")], False, 2),
        ([unhelped("a"), unhelped("b"), helped(), unhelped("c")], True, 0),
        ([unhelped("a"), unhelped("b"), unhelped("c"), helped()], True, 0),
        # Some names are missing, others are not: a minute without any help is the least.
        ([helped(), *(unhelped(name, MINUTE) for name in "abc")], True, 0),
        ([helped(), *(unhelped(name) for name in "abc")], False, 2),
        ([unhelped(name, 0) for name in "abc"], False, 2),
        # It answers, though not to the point: it is there.
        ([failed, failed, unhelped("a")], True, 0),
    ],
)
def test_whether_it_can_be_counted_on(steps: list[Step], up: bool | None, rank: int) -> None:
    health = after(*steps)
    assert (health.up, health.rank) == (up, rank)


def test_what_is_counted() -> None:
    health = after(helped(), failed, unhelped("a"), failed, failed)
    assert (health.answered, health.unhelpful, health.silent, health.failures) == (1, 1, 3, 2)
    assert (health.last_asked, health.last_help, health.last_answer) == (0, MILLISECOND, MINUTE + MILLISECOND)


@pytest.mark.parametrize(
    ("times", "smoothed", "patience"),
    [
        ([], None, SLOW),
        ([MILLISECOND], MILLISECOND, 100 * MILLISECOND),
        ([60 * MILLISECOND], 60 * MILLISECOND, 180 * MILLISECOND),
        ([40 * MILLISECOND, 80 * MILLISECOND], 50 * MILLISECOND, 150 * MILLISECOND),
        ([SECOND], SECOND, SLOW),
    ],
)
def test_how_long_it_is_waited_for(times: list[Duration], smoothed: Duration | None, patience: Duration) -> None:
    health = after(*map(helped, times))
    assert (health.answer_time, health.patience) == (smoothed, patience)


@pytest.mark.parametrize(
    ("one", "two", "three", "order"),
    [
        ([], [], [], [ONE, TWO, THREE]),
        ([helped()], [helped()], [helped()], [ONE, TWO, THREE]),
        ([failed], [], [helped()], [TWO, THREE, ONE]),
        ([failed, failed], [helped(SECOND)], [helped()], [THREE, TWO, ONE]),
        ([failed, failed], [failed, failed], [failed], [THREE, ONE, TWO]),
        ([failed], [failed], [failed], [ONE, TWO, THREE]),
    ],
)
def test_who_is_asked_first(one: list[Step], two: list[Step], three: list[Step], order: list[Server]) -> None:
    assert book(one, two, three).order() == order


def book(*fates: list[Step]) -> ServerBook:
    made = ServerBook()
    made.configure(servers)
    for server, steps in zip(servers, fates, strict=True):
        made.put(after(*steps, server=server))
    return made


def test_who_stands_back_is_asked_again_every_ten_seconds() -> None:
    made = book([failed], [helped()], [failed, failed])
    assert made.trials(TRY_AGAIN - 1) == []
    assert made.trials(TRY_AGAIN) == [ONE, THREE]
    made.put(made.of(ONE).asked(TRY_AGAIN))
    assert made.trials(TRY_AGAIN) == [THREE]


def test_where_all_stand_back_nobody_needs_a_trial() -> None:
    assert book([failed, failed], [failed, failed], [failed, failed]).trials(TRY_AGAIN) == []


@pytest.mark.parametrize(
    ("one", "two", "three", "lost"),
    [
        ([], [], [], False),
        ([failed, failed], [failed, failed], [], False),
        ([failed, failed], [failed, failed], [helped()], False),
        ([failed, failed], [failed, failed], [failed, failed], True),
    ],
)
def test_when_all_are_lost(one: list[Step], two: list[Step], three: list[Step], lost: bool) -> None:
    assert book(one, two, three).lost is lost


def test_no_server_is_none_that_is_lost() -> None:
    assert not ServerBook().lost


def test_servers_come_and_go() -> None:
    made = book([helped()], [failed], [])
    made.configure([TWO, ONE])
    assert made.rows() == (after(failed, server=TWO), after(helped()))
    made.put(after(helped(), server=THREE))
    assert len(made.rows()) == 2
    made.configure([THREE])
    assert made.rows() == (ServerHealth(THREE),)
