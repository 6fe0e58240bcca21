"""A history that was told wrongly, for people: the seed, a strip of it, and what lies around the first mistake."""

from __future__ import annotations

from collections.abc import Sequence

from slawatch.domain.interval import SECOND, Instant
from slawatch.domain.observation import Observation, Verdict
from truth.history import Told
from truth.judging import Piece, of_endpoint
from truth.site import Watched
from truth.world import LABELS

WIDTH = 120
AROUND = 12
_LETTERS = {0: "D", 1: "g", 2: ".", 3: "?"}


def readable(told: Told, wrongs: Sequence[str]) -> str:
    """What to read when a history fails; ``live(seed, sort)`` lives through it again."""
    lines = [f"live({told.seed}, {told.sort}): {len(wrongs)} wrong", *(f"  {wrong}" for wrong in wrongs[:8]), ""]
    lines += ["  . up   g degraded   D down   ? unknown; of a cell the worst; probes: V void, * several"]
    for endpoint in told.endpoints:
        lines += _strip(told, endpoint)
    return "\n".join(lines)


def _strip(told: Told, endpoint: Watched) -> list[str]:
    pace = endpoint.cadence
    mine = of_endpoint(told, endpoint)
    rhythm = f"every {pace.every / SECOND} s, timeout {pace.timeout / SECOND} s, retry {pace.retry_every / SECOND} s"
    lines = ["", f"  {endpoint.key.name}: {rhythm}, confirm {pace.confirm}, recover {pace.recover}"]
    for row, column in (("truth", 2), ("low", 3), ("point", 4), ("high", 5)):
        lines.append(f"    {row:7}{_cells(told, mine, column)}")
    lines.append(f"    {'probes':7}{_probes(told, endpoint.log)}")
    first = next((piece for piece in mine if piece.known and not piece.low <= piece.truth <= piece.high), None)
    if first is not None:
        lines += _around(told, endpoint, first)
    return lines


def _cell(told: Told, instant: Instant) -> int:
    return min(WIDTH - 1, (instant - told.start) * WIDTH // (told.end - told.start))


def _cells(told: Told, mine: Sequence[Piece], column: int) -> str:
    cells = [" "] * WIDTH
    order = ".g?D"
    for piece in mine:
        letter = _LETTERS[int(piece[column])]
        for index in range(_cell(told, piece.start), _cell(told, piece.end - 1) + 1):
            cells[index] = max(cells[index], letter, key=lambda each: order.find(each))
    return "".join(cells)


def _letter(observation: Observation) -> str:
    return "V" if observation.verdict is Verdict.VOID else {0: "D", 1: "g", 2: "U"}[int(LABELS[observation.verdict])]


def _probes(told: Told, log: Sequence[Observation]) -> str:
    cells = [" "] * WIDTH
    for each in log:
        index = _cell(told, each.started)
        letter = _letter(each)
        cells[index] = letter if cells[index] in (" ", letter) else "*"
    return "".join(cells)


def _around(told: Told, endpoint: Watched, wrong: Piece) -> list[str]:
    """Everything that happened near the first wrong piece, in seconds from the start."""
    truth = endpoint.will.truth
    rows = [(at, f"truth   {state.word}") for at, state in zip(truth.instants, truth.states, strict=True)]
    rows += [
        (each.started, f"probe   {each.verdict} ({each.reason}), took {each.duration / SECOND} s")
        for each in endpoint.log
    ]
    rows += [(at, f"daemon  {what}") for at, what in told.happened]
    rows += [(wrong.start, f"WRONG   {wrong.length / SECOND} s: low {wrong.low.word}, high {wrong.high.word}")]
    rows.sort(key=lambda row: row[0])
    middle = next(index for index, row in enumerate(rows) if row[1].startswith("WRONG"))
    some = rows[max(0, middle - AROUND) : middle + AROUND]
    return ["", *(f"    {(at - told.start) / SECOND:14.6f}  {what}" for at, what in some)]
