"""What a renderer keeps from scrape to scrape never shows: every answer is the one that is written from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.exposition import choose_encoder

from evaluation.test_evaluator import CONTRACTS, CORRECTION, EVENTS, NAMES, START, Scene
from exposition.test_renderer import OWN
from slawatch.domain.interval import DAY, HOUR, SECOND
from slawatch.domain.observation import Observation, Verdict
from slawatch.evaluation.board import Snapshot
from slawatch.evaluation.estate import EndpointFace, Estate
from slawatch.exposition import metrics
from slawatch.exposition.endpoint_columns import STEP
from slawatch.exposition.endpoint_text import EndpointText
from slawatch.exposition.renderer import Renderer, by_the_library, render
from web import samples


def from_nothing(snapshot: Snapshot) -> bytes:
    encode, _ = choose_encoder("")
    return by_the_library(snapshot, OWN, encode)


def kept(renderer: Renderer, snapshot: Snapshot) -> bytes:
    return b"".join(renderer.pieces(snapshot, OWN))


@given(
    events=EVENTS,
    corrected=st.booleans(),
    pause=st.sampled_from([1, 30, 400, 4_000]),
    back=st.integers(0, 50),
    phases=st.lists(st.tuples(st.sampled_from(["connect", "tls", "50%", "%s"]), st.integers(0, 10**13)), max_size=3),
)
def test_every_answer_is_the_one_from_nothing(
    events: Sequence[tuple[int, str, Verdict]],
    corrected: bool,
    pause: int,
    back: int,
    phases: list[tuple[str, int]],
) -> None:
    """Over facts, silence, a clock that is set back, corrections, and certificates that come and go."""
    scene, renderer = Scene(corrections=(CORRECTION,) if corrected else ()), Renderer()
    assert kept(renderer, snapshot := scene.evaluator.publish()) == from_nothing(snapshot)
    for number, (seconds, name, verdict) in enumerate(events):
        scene.clock.advance(seconds * SECOND)
        scene.observe(name, verdict)
        if number % 3 == 0:
            expiry = START + DAY if number % 2 else None
            seen = Observation(
                scene.clock.now(), number, Verdict.UP, "told", phases=tuple(dict(phases).items()),
                certificate_expiry=expiry,
            )  # fmt: skip
            scene.recorder.record("acme/c", seen)
        if number == 4:
            scene.judge_by(CONTRACTS[:2])
        snapshot = scene.evaluator.publish()
        assert kept(renderer, snapshot) == from_nothing(snapshot)
    scene.clock.step_wall(-back * SECOND)
    assert kept(renderer, snapshot := scene.evaluator.publish()) == from_nothing(snapshot)
    scene.clock.advance(pause * SECOND)
    scene.recorder.expire_silent()
    assert kept(renderer, snapshot := scene.evaluator.publish()) == from_nothing(snapshot)


def test_what_has_not_changed_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, renderer = Scene(), Renderer()
    scene.observe("a", Verdict.UP)
    scene.observe("b", Verdict.UP)
    scene.clock.advance(SECOND)
    kept(renderer, scene.evaluator.publish())
    looked: list[Any] = []
    write = EndpointText.write

    def looking(self: EndpointText, *status: Any) -> list[int]:
        looked.append(self.labels[1])
        return write(self, *status)

    monkeypatch.setattr(EndpointText, "write", looking)
    scene.clock.advance(SECOND)
    kept(renderer, scene.evaluator.publish())
    assert looked == []
    scene.observe("b", Verdict.UP)
    scene.clock.advance(SECOND)
    kept(renderer, scene.evaluator.publish())
    assert looked == ["b"]
    scene.clock.advance(HOUR)  # freshness is over: the state may have changed though nothing was seen
    kept(renderer, scene.evaluator.publish())
    assert looked == ["b", "a", "b"]


def test_what_was_followed_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, renderer = Scene(), Renderer()
    kept(renderer, scene.evaluator.publish())
    scene.observe("a", Verdict.UP)
    scene.clock.advance(SECOND)
    snapshot = scene.evaluator.publish()
    assert set(renderer.follow(snapshot, OWN.site)) == {b""}
    monkeypatch.setattr(EndpointText, "write", None)
    assert kept(renderer, snapshot) == from_nothing(snapshot)


def test_two_scrapes_at_once_each_say_their_own_instant() -> None:
    scene, renderer = Scene(), Renderer()
    kept(renderer, scene.evaluator.publish())
    scene.observe("a", Verdict.UP)
    scene.clock.advance(SECOND)
    first = scene.evaluator.publish()
    scene.observe("a", Verdict.DOWN)
    scene.observe("b", Verdict.DOWN)
    scene.clock.advance(SECOND)
    second = scene.evaluator.publish()
    one, other = iter(renderer.pieces(first, OWN)), iter(renderer.pieces(second, OWN))
    texts: list[list[bytes]] = [[next(one)], []]
    texts[1] += other
    texts[0] += one
    assert [b"".join(text) for text in texts] == [from_nothing(first), from_nothing(second)]
    assert kept(renderer, second) == from_nothing(second)


def test_a_scrape_that_is_given_up_spoils_nothing() -> None:
    scene, renderer = Scene(), Renderer()
    kept(renderer, scene.evaluator.publish())
    scene.observe("a", Verdict.UP)
    scene.clock.advance(SECOND)
    pieces = iter(renderer.pieces(scene.evaluator.publish(), OWN))
    next(pieces)
    del pieces
    assert kept(renderer, snapshot := scene.evaluator.publish()) == from_nothing(snapshot)


def test_a_step_is_a_bounded_number_of_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the event loop has its turn."""
    written = 0
    write = EndpointText.write

    def counting(self: EndpointText, *status: Any) -> list[int]:
        nonlocal written
        written += 1
        return write(self, *status)

    monkeypatch.setattr(EndpointText, "write", counting)
    many = [samples.endpoint_status(f"router{number}") for number in range(9 * STEP + 1)]
    before, most = 0, 0
    for _ in Renderer().pieces(samples.snapshot(endpoints=many), OWN):
        most, before = max(most, written - before), written
    assert (written, most) == (9 * STEP + 1, STEP)


def test_series_are_capped_and_counted() -> None:
    status = samples.endpoint_status()
    assert status.last is not None
    many = tuple((f"p{number:02}", number) for number in range(20))
    last = replace(status.last, phases=many, certificate_expiry=samples.NOON)
    text = render(samples.snapshot(endpoints=[replace(status, last=last)]), OWN)[0].decode()
    assert text.count('endpoint="router"') == 26  # 3 of its state, 1 transition, 4 counts, 1 + 16 durations, 1 expiry
    assert text.count("slawatch_probe_duration_seconds{") == 1 + metrics.PHASES_PER_ENDPOINT
    assert "slawatch_withheld_series 4.0\n" in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert f"slawatch_exposed_series {float(len(lines))}\n" in text


def test_large_numbers_are_written_as_go_writes_them() -> None:
    """With an exponent, and whatever stands in a label."""
    status = samples.endpoint_status("50%r%d.0")
    assert status.last is not None
    last = replace(status.last, duration=2 * 10**12, phases=(("%r", 3), ("%d.0", 10**12)))
    snapshot = samples.snapshot(endpoints=[replace(status, last=last, counts={"up": 1_234_567, "down": 999_999})])
    assert render(snapshot, OWN)[0] == from_nothing(snapshot)
    assert b" 1.234567e+06\n" in render(snapshot, OWN)[0]


def test_another_order_of_endpoints_is_another_order_of_lines() -> None:
    """A reload may put endpoints elsewhere; what was kept at a place does not stay there."""
    scene, renderer = Scene(), Renderer()
    for name in NAMES:
        scene.observe(name, Verdict.UP)
    scene.clock.advance(SECOND)
    kept(renderer, scene.evaluator.publish())
    faces = tuple(EndpointFace("acme", name, "icmp", "192.0.2.1", "lan", None, SECOND) for name in ("c", "a"))
    scene.evaluator.judge_by(Estate(endpoints=faces))
    assert kept(renderer, snapshot := scene.evaluator.publish()) == from_nothing(snapshot)


def test_a_clients_share() -> None:
    """Its endpoints and contracts, and nothing of the box or of others."""
    estate = samples.estate()
    other = samples.endpoint_status("router", client="other")
    text, _ = render(replace(estate, endpoints=(*estate.endpoints, other)), OWN, client="acme")
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    assert 'client="acme"' in text.decode()
    assert [line for line in lines if 'client="acme"' not in line] == [
        line for line in lines if line.startswith("slawatch_evaluation_timestamp_seconds ")
    ]
    whole = render(estate, OWN)[0].decode().splitlines()
    assert [line for line in whole if 'client="acme"' in line] == [line for line in lines if 'client="acme"' in line]
