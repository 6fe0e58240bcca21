"""From probe to transition (S8, S11-S13): every sentence a row.

Probes come every 60 s with a timeout of 5 s, so one speaks for 125 s.
"""

from __future__ import annotations

import pytest

from domain.small_cases import cadence, changes, ledger, observed, s, seconds_of, seen_until, spell, spell_facts
from slawatch.domain.facts import Blip, Change, State, Suspicion
from slawatch.domain.interval import MINUTE, SECOND
from slawatch.domain.observation import Cause
from slawatch.domain.state_machine import Cadence, EndpointState, blind, disown, expire, pass_over, resume
from slawatch.domain.timeline import HIGH, LOW, POINT, endpoint_timeline


@pytest.mark.parametrize(
    ("confirm", "observations", "facts"),
    [
        # one failure is enough: down from it, changed after the last good at 60
        (1, "U0 U60 F120", ["up 0", "down 120 [60..120]"]),
        # the first failure is only a suspicion, stored at once
        (2, "U0 U60 F120", ["up 0", "suspect 120"]),
        # the second confirms; time counts from the first
        (2, "U0 U60 F120 F130", ["up 0", "suspect 120", "down 120 [60..120]"]),
        (3, "U0 U60 F120 F130", ["up 0", "suspect 120"]),
        (3, "U0 U60 F120 F130 F140", ["up 0", "suspect 120", "down 120 [60..120]"]),
        # a good one in between breaks the run: it was a blip, from last good to next good
        (2, "U0 U60 F120 U130 F190", ["up 0", "suspect 120", "blip down 120 [60..130] x1", "suspect 190"]),
        (3, "U0 U60 F120 F130 U140", ["up 0", "suspect 120", "blip down 120 [60..140] x2"]),
        # failures that follow a confirmed outage change nothing
        (2, "U0 F60 F70 F80 F90", ["up 0", "suspect 60", "down 60 [0..60]"]),
    ],
)
def test_s12_failures_in_a_row_confirm(confirm: int, observations: str, facts: list[str]) -> None:
    """S12: `confirm` failures in a row make an outage from the first of them; fewer are kept as a blip."""
    assert spell_facts(observed(observations, cadence(confirm))[1]) == facts


@pytest.mark.parametrize(
    ("recover", "observations", "facts"),
    [
        # one good probe ends it: up from it, changed after the last failed at 70
        (1, "U0 F60 F70 U80", ["up 80 [70..80]"]),
        (2, "U0 F60 F70 U80", []),
        # the first of the good ones that end it
        (2, "U0 F60 F70 U80 U90", ["up 80 [70..80]"]),
        (3, "U0 F60 F70 U80 U90 U100", ["up 80 [70..80]"]),
        # a failure breaks the run: a success inside the outage, from last failed to next failed
        (2, "U0 F60 F70 U80 F90", ["blip up 80 [70..90] x1"]),
        (3, "U0 F60 F70 U80 U90 F100", ["blip up 80 [70..100] x2"]),
        (2, "U0 F60 F70 U80 F90 U100 U110", ["blip up 80 [70..90] x1", "up 100 [90..100]"]),
        # degraded is good enough to end an outage
        (1, "U0 F60 F70 D80", ["degraded 80 [70..80]"]),
        # the run may change its level: up from the first, degraded from the second, changed between them
        (2, "U0 F60 F70 U80 D90", ["up 80 [70..80]", "degraded 90 [80..90]"]),
        (2, "U0 F60 F70 D80 U90", ["degraded 80 [70..80]", "up 90 [80..90]"]),
    ],
)
def test_s12_good_ones_in_a_row_end_an_outage(recover: int, observations: str, facts: list[str]) -> None:
    """S12: `recover` good probes in a row end an outage at the first of them."""
    assert spell_facts(observed(observations, cadence(2, recover))[1])[3:] == facts


def test_s12_confirmation_is_dated_by_the_probe_that_confirmed() -> None:
    """S12: alerts act on confirmation, so a change knows when it was confirmed."""
    down = observed("U0 F60 F70 F80", cadence(3))[1][-1]
    assert isinstance(down, Change)
    assert (down.at, down.confirmed_at) == (s(60), s(80))
    up = observed("U0 F60 F70 U80 U90", cadence(2, 2))[1][-1]
    assert isinstance(up, Change)
    assert (up.at, up.confirmed_at) == (s(80), s(90))


def test_s12_a_suspicion_knows_the_last_good_probe() -> None:
    """S12: the first suspect failure is stored at once, with the other end of its bracket."""
    assert observed("U0 U60 F120")[1][-1] == Suspicion(s(120), s(60))
    assert observed("F120")[1] == [Suspicion(s(120), None)]


@pytest.mark.parametrize(
    ("observations", "point"),
    [
        # unknown before the first probe, whatever it says (S5)
        ("U60", "0 unknown, 60 up"),
        ("D60", "0 unknown, 60 degraded"),
        # a lone failure is no outage yet
        ("F60", "0 unknown"),
        # two are, from the first
        ("F60 F70", "0 unknown, 60 down"),
        ("F60 U70", "0 unknown, 70 up"),
        ("V60 U70", "0 unknown, 70 up"),
    ],
)
def test_s5_the_first_observation_is_not_carried_back(observations: str, point: str) -> None:
    """S5: nothing turns unknown time into up, not the first sample either; edge case 30."""
    assert spell(seen_until(observations, 80), end=80) == point


def test_s12_an_outage_from_the_start_is_one_change() -> None:
    """S12: a service found down is down once, from the first failed probe, not once for each failure of the run."""
    assert spell_facts(observed("F60 F70 F80", cadence(3))[1]) == ["suspect 60", "down 60"]


@pytest.mark.parametrize(
    ("observations", "facts"),
    [
        # void makes unknown from its own start; the last good was at 60, so it may have gone from there on
        ("U0 U60 V120", ["up 0", "unknown 120 [60..120] prober_fault"]),
        ("U0 U60 P120", ["up 0", "unknown 120 [60..120] path_lost"]),
        # the first valid one that agrees ends it
        ("U0 U60 V120 U130", ["up 0", "unknown 120 [60..120] prober_fault", "up 130"]),
        ("U0 U60 V120 D130", ["up 0", "unknown 120 [60..120] prober_fault", "degraded 130"]),
        # one that contradicts does not: what was not measured is not up, and one failure is not down
        ("U0 U60 V120 F130", ["up 0", "unknown 120 [60..120] prober_fault", "suspect 130"]),
        ("U0 U60 V120 F130 F140", ["up 0", "unknown 120 [60..120] prober_fault", "suspect 130", "down 130"]),
        # more void ones of the same cause say nothing new, another cause does
        ("U0 V60 V70", ["up 0", "unknown 60 [0..60] prober_fault"]),
        ("U0 V60 P70", ["up 0", "unknown 60 [0..60] prober_fault", "unknown 70 path_lost"]),
    ],
)
def test_s11_void_probes_make_unknown_from_their_own_start(observations: str, facts: list[str]) -> None:
    """S11: a failure without an alibi is void and makes UNKNOWN, with the cause."""
    assert spell_facts(observed(observations)[1]) == facts


@pytest.mark.parametrize(
    ("observations", "point"),
    [
        # 60 failed, 70 void, 80 failed: two failures, so down; but from 70 to 80 nobody could see
        ("U0 F60 V70 F80 F90", "0 up, 60 down, 70 unknown, 80 down"),
        # the void one does not count: one failure stays one
        ("U0 F60 V70", "0 up, 70 unknown"),
        # nor does it reset a run that began in unknown time
        ("U0 V30 F60 V70 F80 F90", "0 up, 30 unknown, 60 down, 70 unknown, 80 down"),
        ("U0 P30 F60 V70 F80 F90", "0 up, 30 unknown, 60 down, 70 unknown, 80 down"),
        # nor a run of good ones in an outage (recover 2 below); two void ones are two spans
        ("U0 F60 V70 V80 F90 V95 F100", "0 up, 60 down, 70 unknown, 90 down, 95 unknown, 100 down"),
        ("F60 V70 F80 F90", "0 unknown, 60 down, 70 unknown, 80 down"),
    ],
)
def test_s12_void_probes_neither_count_nor_reset(observations: str, point: str) -> None:
    """S11, S12: a run goes on over void probes, and the time that they could not see stays UNKNOWN."""
    assert spell(seen_until(observations, 110), end=110) == point


def test_s12_void_probes_in_a_run_of_three() -> None:
    """S12: with confirm 3 the third failure confirms all three; the void spans between them stay UNKNOWN."""
    seen = seen_until("U0 V30 F60 V70 F80 V85 F90", 95, cadence(3))
    assert spell(seen, end=95) == "0 up, 30 unknown, 60 down, 70 unknown, 80 down, 85 unknown, 90 down"


def test_s12_void_probes_in_a_run_that_recovers() -> None:
    """S12: down from 60; good at 80 and 100 end it at 80, the void at 90 is unknown until 100."""
    seen = seen_until("U0 F60 F70 U80 V90 U100 U110", 120, cadence(2, 2))
    assert spell(seen, end=120) == "0 up, 60 down, 80 up, 90 unknown, 100 up"
    assert spell(seen, LOW, end=110) == "0 down, 90 unknown, 100 up"
    # high: from the good at 0 until 60 it may have been up, down only 60 to 70 for certain
    assert spell(seen, HIGH, end=120) == "0 up, 60 down, 70 up, 90 unknown, 100 up"


def test_s8_a_bracket_does_not_reach_over_unknown_time() -> None:
    """S8: the failure before the void probe is not a neighbour of the one after it."""
    seen = seen_until("F60 V70 F80 F90", 90)
    assert spell(seen, HIGH, end=90) == "0 unknown, 60 up, 70 unknown, 80 down"
    assert spell(seen, LOW, end=90) == "0 unknown, 60 down, 70 unknown, 80 down"


@pytest.mark.parametrize(
    ("observations", "facts"),
    [
        # 60 + 125 s = 185: exactly then nothing has expired yet
        ("U0 U60 .185", ["up 0"]),
        ("U0 U60 .186", ["up 0", "unknown 185 [60..185] stale"]),
        # a probe that starts at the very end of the span is in time
        ("U0 U60 U185", ["up 0"]),
        ("U0 U60 U186", ["up 0", "unknown 185 [60..185] stale", "up 186"]),
        # an expired span resets a run: the failure at 60 is a blip, 200 is a first one again
        (
            "U0 F60 .200 F200",
            ["up 0", "suspect 60", "blip down 60 [0..185] x1", "unknown 185 [0..185] stale", "suspect 200"],
        ),
        # void probes do not keep an endpoint fresh: unknown by fault from 100, and the run ends at 185
        (
            "U0 F60 V100 V160 F190 F195",
            [
                "up 0",
                "suspect 60",
                "unknown 100 [0..100] prober_fault",
                "blip down 60 [0..185] x1",
                "suspect 190",
                "down 190",
            ],
        ),
        # an outage goes stale as well; the next failure agrees with it and needs no confirmation
        ("U0 F60 F70 .300 F300", ["up 0", "suspect 60", "down 60 [0..60]", "unknown 195 [70..195] stale", "down 300"]),
        # the next good one ends it
        ("U0 F60 F70 .300 U300", ["up 0", "suspect 60", "down 60 [0..60]", "unknown 195 [70..195] stale", "up 300"]),
    ],
)
def test_s13_silence_ends_what_is_known(observations: str, facts: list[str]) -> None:
    """S13: an observation speaks for 2 · 60 s + 5 s = 125 s after its start, then the endpoint is UNKNOWN."""
    assert spell_facts(observed(observations)[1]) == facts


def test_s13_the_last_state_never_comes_back_by_itself() -> None:
    """S5, S13: with recover 2 a lone success after unknown time leaves it unknown, and the second one confirms both."""
    text = "U0 F60 F70 .300 U300"
    assert spell(seen_until(text, 310, cadence(2, 2)), end=310) == "0 up, 60 down, 195 unknown"
    assert spell(seen_until(text + " U360", 370, cadence(2, 2)), end=370) == "0 up, 60 down, 195 unknown, 300 up"


def test_s13_the_cadence_sets_both_spans() -> None:
    """S13, S23: 2 · 60 + 5 = 125 s; 60 + 2 · 10 + 5 = 85 s."""
    rhythm = cadence()
    assert rhythm.speaks_for == 125 * SECOND
    assert rhythm.confirmation_span == 85 * SECOND
    assert Cadence(MINUTE, 5 * SECOND, 10 * SECOND).confirm == 2
    assert Cadence(MINUTE, 5 * SECOND, 10 * SECOND).recover == 1


@pytest.mark.parametrize(
    ("observations", "facts"),
    [
        ("U0 U60 D120", ["up 0", "degraded 120 [60..120]"]),
        ("D0 D60 U120", ["degraded 0", "up 120 [60..120]"]),
        ("D0 D60 F120 F130", ["degraded 0", "suspect 120", "down 120 [60..120]"]),
        # the bracket opens at the last good probe, degraded ones included
        ("U0 D60 F120 F130", ["up 0", "degraded 60 [0..60]", "suspect 120", "down 120 [60..120]"]),
        # a blip, and another level after it
        ("U0 F60 D70", ["up 0", "suspect 60", "blip down 60 [0..70] x1", "degraded 70 [0..70]"]),
    ],
)
def test_s12_degraded_needs_no_confirmation(observations: str, facts: list[str]) -> None:
    """S12 confirms failures only; a slower answer is an answer."""
    assert spell_facts(observed(observations)[1]) == facts


@pytest.mark.parametrize(
    ("observations", "end", "point", "low", "high"),
    [
        # good at 0 and 60, failed at 120 and 130, good at 140 and 200.
        # point: down from the first failed to the first good; low: from last good to first good;
        # high: from first failed to last failed
        (
            "U0 U60 F120 F130 U140 U200",
            200,
            "0 up, 120 down, 140 up",
            "0 up, 60 down, 140 up",
            "0 up, 120 down, 130 up",
        ),
        # a blip touches low only: from last good to next good
        ("U0 U60 F120 U130 U190", 190, "0 up", "0 up, 60 down, 130 up", "0 up"),
        # the open end: after the last good probe at 60 nothing is certain
        ("U0 U60", 100, "0 up", "0 up, 60 down", "0 up"),
        ("U0 F60 F70", 100, "0 up, 60 down", "0 down", "0 up, 60 down, 70 up"),
        # degraded: the worse of the two neighbours in low, the better in high
        ("U0 U60 D120 D180", 180, "0 up, 120 degraded", "0 up, 60 degraded", "0 up, 120 degraded"),
        ("D0 D60 U120 U180", 180, "0 degraded, 120 up", "0 degraded, 120 up", "0 degraded, 60 up"),
    ],
)
def test_s8_low_point_and_high(observations: str, end: int, point: str, low: str, high: str) -> None:
    """S8: all ends are probe starts."""
    seen = seen_until(observations, end)
    assert spell(seen, POINT, end=end) == point
    assert spell(seen, LOW, end=end) == low
    assert spell(seen, HIGH, end=end) == high


def test_s8_a_success_inside_an_outage_raises_high_only() -> None:
    """S8: with recover 2 the good probe at 80 leaves the outage standing; high is down 60-70 and 90-100 only."""
    seen = seen_until("U0 F60 F70 U80 F90 F100 U110 U120", 120, cadence(2, 2))
    assert spell(seen, POINT, end=120) == "0 up, 60 down, 110 up"
    assert spell(seen, LOW, end=120) == "0 down, 110 up"
    assert spell(seen, HIGH, end=120) == "0 up, 60 down, 70 up, 90 down, 100 up"


def test_s13_the_closing_edge_is_what_silence_will_record() -> None:
    """S13: a reader at 100 sees unknown from 100, a reader at 300 from 185, and so does the ledger once it is told."""
    state, _ = observed("U0 U60")
    early, late = state.closing_edge(s(100)), state.closing_edge(s(300))
    assert early == Change(s(100), State.UNKNOWN, s(60), s(100), Cause.NO_FURTHER_DATA)
    assert late == Change(s(185), State.UNKNOWN, s(60), s(185), Cause.STALE)
    assert expire(state, s(300))[1] == [late]
    assert observed("V0")[0].closing_edge(s(10)) is None


def resumed(text: str, after: str, alive: int, *, confirm: int = 2, recover: int = 1) -> list[str]:
    """Observe, be killed, come back knowing that the old run was alive until ``alive``, and observe further."""
    rhythm = cadence(confirm, recover)
    killed, facts = observed(text, rhythm)
    kept, _ = ledger(facts)
    stored = [fact for fact in facts if isinstance(fact, Suspicion)]
    resolved = [i for i, fact in enumerate(facts) if isinstance(fact, Blip) or _known(fact)]
    latest = stored[-1] if stored and facts.index(stored[-1]) > max(resolved, default=-1) else None
    state = resume(kept, latest, killed.last_good, killed.last_failed, rhythm)
    state, silent = expire(state, s(alive))
    state, stopped = blind(state, s(alive), Cause.MONITOR_STOPPED)
    return spell_facts([*silent, *stopped, *observed(after, rhythm, state)[1]])


def _known(fact: object) -> bool:
    return isinstance(fact, Change) and fact.state is not State.UNKNOWN


@pytest.mark.parametrize(
    ("before", "alive", "after", "facts"),
    [
        # up until the last sign of life, unknown from there, up again with the first good probe
        ("U0 U60", 70, "U300", ["unknown 70 [60..70] monitor_stopped", "up 300"]),
        # an open outage stays open: its next failure needs no confirmation, a good probe ends it
        ("U0 F60 F70", 80, "F300", ["unknown 80 [70..80] monitor_stopped", "down 300"]),
        ("U0 F60 F70", 80, "U300", ["unknown 80 [70..80] monitor_stopped", "up 300"]),
        # a suspicion survives: the second failure, in time, confirms it from the first, changed after the good at 0
        (
            "U0 F60",
            70,
            "F100",
            ["unknown 70 [0..70] monitor_stopped", "down 60 [0..60]", "down 100"],
        ),
        # too late: 60 + 125 s = 185, the suspicion has expired and was a blip
        ("U0 F60", 70, "F200", ["unknown 70 [0..70] monitor_stopped", "blip down 60 [0..185] x1", "suspect 200"]),
        # a suspicion that a void probe followed before the crash keeps its bracket: down 60-65, changed after 0
        (
            "U0 F60 V65",
            70,
            "F100",
            ["unknown 70 monitor_stopped", "down 60 [0..60]", "down 100"],
        ),
        # the old run was silent before it died: unknown begins where freshness ended, not at the crash
        ("U0", 500, "U600", ["unknown 125 [0..125] stale", "unknown 500 monitor_stopped", "up 600"]),
    ],
)
def test_s12_a_crash_loses_nothing(before: str, alive: int, after: str, facts: list[str]) -> None:
    """S12, S13: the state comes from the ledger; time after the last sign of life is UNKNOWN."""
    assert resumed(before, after, alive) == facts


def test_s12_a_suspicion_after_unknown_time_survives_a_crash() -> None:
    """S12: up, void at 30, failed at 60, killed; failed at 100: down from 60, with nothing known before it."""
    assert resumed("U0 V30 F60", "F100", 70) == ["unknown 70 [60..70] monitor_stopped", "down 60", "down 100"]


def test_resume_with_an_empty_ledger_is_the_beginning() -> None:
    """S5: an endpoint without facts was never observed."""
    assert resume((), None, None, None, cadence()) == EndpointState()


def test_s3_a_clock_step_disowns_its_span() -> None:
    """S3: what was recorded in the ambiguous span becomes UNKNOWN, by later entries at the same instants (S17)."""
    state, facts = observed("U0 U60 F120 F130 U140")
    kept, blips = ledger(facts)
    state, more = disown(state, kept, s(100), s(135), cadence(), Cause.CLOCK_STEP)
    again, _ = ledger([*facts, *more])
    seen = endpoint_timeline(again, blips)
    assert spell(seen, end=200) == "0 up, 100 unknown, 140 up"
    assert spell_facts(more)[0] == "unknown 100 [0..100] clock_step"
    assert not state.known
    assert state.cause is Cause.CLOCK_STEP
    assert state.run == ()


def test_s3_after_a_step_back_facts_never_run_backwards() -> None:
    """S3: an observation dated before the latest change counts from that change on."""
    state, facts = observed("U0 U60 F120 F130")
    state, more = disown(state, ledger(facts)[0], s(40), s(125), cadence(), Cause.CLOCK_STEP)
    state, last = observed("U110", state=state)
    assert spell_facts(more) == ["unknown 40 [0..40] clock_step", "unknown 120 clock_step"]
    assert spell_facts(last) == ["up 120"]


@pytest.mark.parametrize(
    ("observations", "start", "first"),
    [
        # ahead of all that was seen, as after a step forward: the bracket opens at the last observation that agreed
        ("U0 U60 U120", 130, "unknown 130 [120..130] clock_step"),
        ("U0 F60 F70 F80", 85, "unknown 85 [80..85] clock_step"),
        # in the midst of it, as after a step back: the last observation before 400 was after 400 − 125, and no more
        # is known of it; the one at 420 lies in the span and does not count
        ("U0 U60 U120 U180 U240 U300 U360 U420", 400, "unknown 400 [275..400] clock_step"),
        # but not before what held then began
        ("U0 U60 U120 F180 F190 U300 U360 U420", 400, "unknown 400 [300..400] clock_step"),
        ("U0 F60 F70 F80 F90 F100 U110 U120", 95, "unknown 95 [60..95] clock_step"),
        # unknown before: nothing was seen
        ("U0 V60 U120 U180", 100, "unknown 100 clock_step"),
        ("U60 U120", 30, "unknown 30 clock_step"),
    ],
)
def test_s3_what_was_seen_before_the_span(observations: str, start: int, first: str) -> None:
    """S8, S3: what can lie between the last observation before the span and its start is in the bracket."""
    state, facts = observed(observations)
    _, more = disown(state, ledger(facts)[0], s(start), s(500), cadence(), Cause.CLOCK_STEP)
    assert next(text for text in spell_facts(more) if text.startswith("unknown")) == first


@pytest.mark.parametrize(
    ("observations", "start", "end", "facts"),
    [
        # up at 60 speaks until 185
        ("U0 U60", 70, 185, []),  # and with it at the very end of the stall
        ("U0 U60", 70, 186, ["unknown 70 [60..70] prober_fault"]),
        ("U0 U60", 185, 200, ["unknown 185 [60..185] prober_fault"]),
        ("U0 U60", 186, 300, []),  # it had fallen silent before: that is told as stale
        ("V0", 10, 300, []),  # nothing spoke
        ("U0 V60", 70, 200, []),  # unknown for another cause, and stays so
        # an outage as well; a run ends as a blip and is not confirmed after the stall (S12)
        ("U0 F60 F70", 75, 300, ["unknown 75 [70..75] prober_fault"]),
        ("U0 F60", 65, 300, ["blip down 60 [0..65] x1", "unknown 65 [0..65] prober_fault"]),
    ],
)
def test_s13_a_stall_makes_unknown_from_its_start(observations: str, start: int, end: int, facts: list[str]) -> None:
    """S13: from the last instant at which the prober is known to have been alive, not from the end of freshness."""
    state, _ = observed(observations)
    after, more = pass_over(state, s(start), s(end), Cause.PROBER_FAULT)
    assert spell_facts(more) == facts
    assert after.visible is (State.UNKNOWN if facts else state.visible)


def test_s12_nothing_before_a_stall_confirms_after_it() -> None:
    state, _ = observed("U0 F60")
    state, _ = pass_over(state, s(65), s(300), Cause.PROBER_FAULT)
    assert spell_facts(observed("F310", state=state)[1]) == ["suspect 310"]
    assert spell_facts(observed("U310", state=state)[1]) == ["up 310"]


def test_s3_a_step_ends_a_run_as_a_blip() -> None:
    """S3, S12: an unconfirmed failure before the step is kept as a blip, and nothing resumes it later."""
    state, facts = observed("U0 U60 F120")
    state, more = disown(state, ledger(facts)[0], s(125), s(130), cadence(), Cause.CLOCK_STEP)
    assert spell_facts(more) == ["blip down 120 [60..125] x1", "unknown 125 [60..125] clock_step"]
    assert spell_facts(observed("F140 F150", state=state)[1]) == ["suspect 140", "down 140"]


def test_a_late_answer_counts_from_the_latest_change() -> None:
    """An answer that arrives after its endpoint went stale is not carried back before that. It is the neighbour of the
    observation before all the same: nothing was unseen between them."""
    state, facts = observed("U0 .126")
    assert spell_facts(facts) == ["up 0", "unknown 125 [0..125] stale"]
    assert spell_facts(observed("U124", state=state)[1]) == ["up 125 [0..125]"]
    assert spell_facts(observed("F124 F130", state=state)[1]) == ["suspect 125", "down 125 [0..125]"]
    assert spell_facts(observed("F126 F130", state=state)[1]) == ["suspect 126", "down 126"]


def test_s8_an_outage_that_ended_unseen_is_not_certain_up_to_a_late_answer() -> None:
    """Down at 0; the loop stands still, and a success of 120 is read when 0 has long gone stale: it may have been up
    since just after 0, and high says so."""
    state, facts = observed("F0 .126", cadence(confirm=1))
    late = observed("U120", cadence(confirm=1), state)[1]
    line = endpoint_timeline(*ledger([*facts, *late]))
    assert spell(line, HIGH, 0, 200) == "0 up"
    assert spell(line, POINT, 0, 200) == "0 down, 125 up"
    assert spell(line, LOW, 0, 200) == "0 down, 125 up"


def test_s5_a_late_void_probe_does_not_make_certain_what_was_not() -> None:
    """Stale at 125, so anything may have been since 0; a void probe of 120 that ends later says nothing new."""
    state, _ = observed("U0 .126")
    assert observed("V120", state=state)[1] == []
    assert spell_facts(observed("V130", state=state)[1]) == ["unknown 130 prober_fault"]


@pytest.mark.parametrize(
    ("observations", "suspect", "visible"),
    [
        ("U0", False, State.UP),
        ("U0 F60", True, State.UP),
        ("U0 F60 F70", True, State.DOWN),
        ("U0 F60 F70 U80", False, State.UP),
        ("U0 V60", False, State.UNKNOWN),
        ("U0 V60 F70", True, State.UNKNOWN),
        ("", False, State.UNKNOWN),
    ],
)
def test_s12_what_is_probed_sooner(observations: str, suspect: bool, visible: State) -> None:
    """S12: suspect or down endpoints are probed at `retry_every`."""
    state, _ = observed(observations)
    assert state.suspect is suspect
    assert state.visible is visible


def test_s27_the_same_observations_make_the_same_facts() -> None:
    """S27: replaying gives the same."""
    text = "U0 U60 F120 V130 F140 D150 P200 U210 F270 F280 .900 U910"
    assert observed(text) == observed(text)
    assert [seconds_of(change.at) for change in changes("up 0, down 10")] == [0, 10]
