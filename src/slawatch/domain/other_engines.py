"""The same events as engines of other kinds would count them, by the contract's own period, hours and penalty.

These are descriptions of methods, not of products. Such an engine has one figure, not three, and no floor of coverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from slawatch.domain.account import exclusions_for
from slawatch.domain.changes import Changes
from slawatch.domain.contract import Contract, Figure, UnknownPolicy
from slawatch.domain.exclusions import ExclusionKind
from slawatch.domain.facts import Change, State
from slawatch.domain.flattery import Scene, View, time_view
from slawatch.domain.grammar import spell_duration
from slawatch.domain.history import History
from slawatch.domain.interval import MINUTE, Duration, Instant, IntervalSet
from slawatch.domain.timeline import POINT, Timeline, cause_of, pack_all, painted, state_in


@dataclass(frozen=True, slots=True)
class HardStates:
    """An outage begins with the ``tries``-th failed check, ``apart`` after one another; a shorter one never was."""

    tries: int = 3
    apart: Duration = MINUTE


def engine_views(
    scene: Scene, hard: HardStates = HardStates(), samples: Sequence[Duration] = (MINUTE, 5 * MINUTE)
) -> tuple[View, ...]:
    """One view a method. None for counted measurements, which have no time."""
    if scene.contract.counting is not None:
        return ()
    contract = one_figure(scene.contract)
    found = [
        _view(scene, "hard states: from the confirming probe", scene.timeline(hardened(scene.history, None)), contract),
        _view(
            scene,
            f"hard states: {hard.tries} tries, {spell_duration(hard.apart)} apart",
            scene.timeline(hardened(scene.history, (hard.tries - 1) * hard.apart)),
            contract,
        ),
    ]
    timeline = scene.timeline()
    for every in samples:
        sampled_timeline = sampled(timeline, scene.period.start, every)
        found.append(_view(scene, f"samples, one every {spell_duration(every)}", sampled_timeline, contract))
    kind = replace(contract, options=replace(contract.options, unknown=UnknownPolicy.UP))
    found.append(_view(scene, "unknown time as up", timeline, kind))
    found.append(_maintenance_as_up(scene, timeline, contract))
    return tuple(found)


def one_figure(contract: Contract) -> Contract:
    """The contract as an engine without error bars and without a floor of coverage has it."""
    options = replace(contract.options, settle_on=Figure.POINT, coverage_floor=Fraction(0))
    return replace(contract, options=options)


def _view(scene: Scene, name: str, timeline: Timeline, contract: Contract) -> View:
    return time_view(scene, "engine", name, flat(timeline), scene.period, contract, scene.announcements)


def flat(timeline: Timeline) -> Timeline:
    """The point version in all three."""
    starts: list[Instant] = []
    codes: list[int] = []
    for start, code in zip(timeline.starts, timeline.codes, strict=True):
        state = state_in(code, POINT)
        plain = pack_all((state, state, state), cause_of(code))
        if not codes or codes[-1] != plain:
            starts.append(start)
            codes.append(plain)
    return Timeline(starts, codes)


def hardened(history: History, delay: Duration | None) -> History:
    """The history with every outage of every endpoint beginning later: by ``delay``, or with None at the probe that
    confirmed it, as far as that is on record. An outage that ends before leaves no trace, and neither do blips."""
    changes = {endpoint: Changes(_later(rows, delay)) for endpoint, rows in history.changes.items()}
    return replace(history, changes=changes, blips={})


def _later(rows: Sequence[Change], delay: Duration | None) -> list[Change]:
    moved: list[Change] = []
    for index, row in enumerate(rows):
        at = row.at
        if row.state is State.DOWN:
            if index and rows[index - 1].state is State.DOWN:
                continue
            at = (row.confirmed_at or row.at) if delay is None else row.at + delay
            end = next((other.at for other in rows[index + 1 :] if other.state is not State.DOWN), None)
            if end is not None and end <= at:
                continue
        moved.append(row._replace(at=at, earliest=at, latest=at))
    return moved


def sampled(timeline: Timeline, origin: Instant, every: Duration) -> Timeline:
    """What samples see: the state at each ``origin + k * every`` stands for the time until the next one."""
    starts: list[Instant] = []
    codes: list[int] = []
    for start, code in zip(timeline.starts, timeline.codes, strict=True):
        seen = origin - (origin - start) // every * every
        if starts and starts[-1] == seen:
            starts.pop()
            codes.pop()
        if not codes or codes[-1] != code:
            starts.append(seen)
            codes.append(code)
    return Timeline(starts, codes)


def _maintenance_as_up(scene: Scene, timeline: Timeline, contract: Contract) -> View:
    by_kind = dict(exclusions_for(contract, scene.announcements, scene.period.interval).by_kind)
    credited = painted(flat(timeline), by_kind.get(ExclusionKind.MAINTENANCE, IntervalSet()), State.UP)
    others = [entry for entry in scene.announcements if entry.kind is not ExclusionKind.MAINTENANCE]
    return time_view(scene, "engine", "maintenance as up", credited, scene.period, contract, others)
