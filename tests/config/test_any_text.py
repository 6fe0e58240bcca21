"""Whatever a file holds, the loader answers with a configuration or with findings, never with anything else."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from slawatch.config.configuration import ClientConfig
from slawatch.config.document import parse
from slawatch.config.loader import load, load_client_text
from slawatch.domain.interval import DAY, Interval, parse_instant
from slawatch.runtime.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "config" / "clients" / "acme.yaml").read_text(encoding="utf-8")
LINES = TEXT.splitlines(keepends=True)

_SYNTAX = [
    "",
    " ",
    "\n",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: ",
    "!x ",
    "'",
    '"',
    "#",
    "|",
    "%",
    "\t",
    "(" * 400,
]
_VALUES = [
    "1:30",
    "no",
    "012",
    "0.1",
    "99%",
    "-1",
    "9" * 400,
    "10s",
    "99999999d",
    "null",
    "true",
    "always",
    "not ",
    "é",
]
_DATES = ["2026-02-30", "9999-12-31", "0001-01-01", "every 0 days from 2026-01-01", "every 9999 weeks from 9999-01-01"]
_PIECES = st.sampled_from([*_SYNTAX, *_VALUES, *_DATES, "\x07", "\u2028", "network", "router"])


NOW = parse_instant("2026-01-15T12:00:00Z")


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    """The example with pieces replaced, and lines moved, dropped or doubled."""
    lines = list(LINES)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(["drop", "double", "move"]))
        line = lines.pop(place) if change != "double" else lines[place]
        if change != "drop":
            lines.insert(draw(st.integers(0, len(lines))), line)
    text = "".join(lines)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(_PIECES | st.text(max_size=5)) + text[start + draw(st.integers(0, 12)) :]
    return text


def _findings(text: str) -> int:
    try:
        client = load_client_text(text)
    except ConfigurationError as error:
        places = [(finding.line, finding.column) for finding in error.findings]
        last = (
            text.count("\n") + text.count("\r") + text.count("\u2028") + text.count("\u2029") + text.count("\x85") + 2
        )
        assert all(1 <= line <= last and column >= 1 for line, column in places)
        return len(places)
    assert isinstance(client, ClientConfig)
    for item in client.contracts:
        item.contract.periods.containing(NOW)
    for announced in client.announcements:
        announced.announcement.within(Interval(NOW, NOW + DAY))
    return 0


def test_the_text_that_is_mutated_is_right() -> None:
    """So that a mutation has something to break."""
    assert _findings(TEXT) == 0


@given(text=_mutated())
def test_a_mutated_client_gives_a_configuration_or_findings(text: str) -> None:
    """Each finding has a place in the text, and what loads can be asked about."""
    assert _findings(text) >= 0


@given(text=st.text())
def test_any_text_gives_a_tree_or_findings(text: str) -> None:
    """The reader itself raises nothing."""
    assert parse(text, "f").file == "f"


def test_five_thousand_endpoints_load(tmp_path: Path) -> None:
    """All of them, in one file, with a service over all and each behind the first."""
    endpoints = "".join(f"  e{n}: {{probe: icmp, target: 192.0.2.1, behind: e0}}\n" for n in range(1, 5000))
    (tmp_path / "slawatch.yaml").write_text("clients: big.yaml\n", encoding="utf-8")
    (tmp_path / "big.yaml").write_text(
        f"client: big\nendpoints:\n  e0: {{probe: icmp, target: 192.0.2.1}}\n{endpoints}"
        f"services:\n  all: {{kind: network, up_when: '{' and '.join(f'e{n}' for n in range(5000))}'}}\n"
        "contracts:\n  all: {service: all, standard: 99%, period: month}\n",
        encoding="utf-8",
    )
    configuration = load(tmp_path)
    assert len(configuration.endpoints) == 5000
    assert len(configuration.contracts[0].contract.parents) == 4999


def test_a_mistake_five_thousand_times_is_told_five_thousand_times() -> None:
    """Looking for a similar name does not take for ever."""
    for mistake in ("behind: x{}", "every: {}"):
        lines = [f"  e{n}: {{probe: icmp, target: 192.0.2.1, {mistake.format(n)}}}\n" for n in range(5000)]
        assert _findings(f"client: big\nendpoints:\n{''.join(lines)}") == 5000
