"""The door ``/probe`` beside blackbox_exporter: the same metrics with the same labels, and the same values."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import pytest
import uvloop
import yaml

from parity.both import deadline
from parity.door import Both, Samples, put_to_door
from parity.door_differences import DIFFERENCES, SOMETIMES
from parity.row import Row
from parity.rows_door import ROWS as OWN_ROWS
from parity.table import ROWS as VERDICT_ROWS
from probes.certificates import authority
from slawatch.domain.interval import SECOND
from slawatch.exposition import probe_metrics
from slawatch.exposition.metrics import Metric
from slawatch.exposition.probe_text import FAMILIES
from slawatch.operations.probe_modules import built_in
from slawatch.probes.registry import kinds
from support.blackbox import MakeBlackbox
from support.servers import TREE, Run

pytestmark = [pytest.mark.server("nginx"), pytest.mark.server("knot")]

ROWS = [row for row in (*VERDICT_ROWS, *OWN_ROWS) if row.theirs != "never" and "bomb" not in row.name]
"""Bombs cost the exporter seconds of processor time each, and what they do to a verdict is shown elsewhere."""
OVERRUN = 4.0
"""Seconds beyond its deadline that a probe may seem to take: every awkward server, floods too, runs on the same loop.

That deadlines hold to 250 ms is shown in ``test_parity``, where each probe has a process of its own.
"""

NEXT_LOOK = 0.5
"""Seconds: a phase that a failure ended is closed a moment after the whole was measured; the kernel may run others."""

TIMES = frozenset({"probe_duration_seconds", "probe_dns_lookup_time_seconds"})
PHASES = frozenset({"probe_http_duration_seconds", "probe_icmp_duration_seconds", "probe_dns_duration_seconds"})
TIMED_BY_ONE = frozenset({"resolve", "setup"})
"""Phases that the exporter measures also where there is nothing to do: a literal address is not resolved here."""


@pytest.fixture(scope="module")
def seen(blackbox: MakeBlackbox, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Both]:
    """What both said of every row."""
    root = authority(tmp_path_factory.mktemp("authority"))
    folder = tmp_path_factory.mktemp("real")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # asyncio's own TLS servers do not end well
        return runner.run(put_to_door(ROWS, blackbox, root, folder, OWN_ROWS))


def differing(both: Both) -> set[str]:
    """Metrics that are not the same: there or not, with other labels, or with another value."""
    ours, theirs = both.ours.samples, both.theirs.samples
    names = {name for name, _ in both.ours.shapes ^ both.theirs.shapes}
    names |= {name for name in set(ours) & set(theirs) - TIMES - PHASES if ours[name] != theirs[name]}
    return names | set(_passed_otherwise(ours, theirs))


def _passed_otherwise(ours: Samples, theirs: Samples) -> Iterator[str]:
    """Phases of HTTP and ICMP that only one of the two came through."""
    for name in PHASES - {"probe_dns_duration_seconds"}:
        for labels, length in ours.get(name, {}).items():
            known = dict(labels)["phase"] in TIMED_BY_ONE
            if not known and (length > 0) != (theirs[name][labels] > 0):
                yield name


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_row(seen: Mapping[str, Both], row: Row) -> None:
    both = seen[str(row)]
    explained, _ = DIFFERENCES.get(str(row), ((), ""))
    if row.why and row not in OWN_ROWS:
        assert both.ours.value("probe_success") == float(row.verdict in ("up", "degraded"))
    elif str(row) in SOMETIMES:
        assert differing(both) <= set(explained)
    else:
        assert differing(both) == set(explained), (both.ours.text, both.theirs.text)
    assert both.theirs.value("probe_success") == float(row.theirs == "up")


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_help_and_type_are_the_exporters(seen: Mapping[str, Both], row: Row) -> None:
    both = seen[str(row)]
    assert {name: both.theirs.heads.get(name, head) for name, head in both.ours.heads.items()} == both.ours.heads
    assert list(both.ours.heads) == sorted(both.ours.samples)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_durations_fit_into_one_another(seen: Mapping[str, Both], row: Row) -> None:
    """No phase is longer than the whole, and the whole is no longer than it may be."""
    ours = seen[str(row)].ours
    whole = ours.value("probe_duration_seconds")
    assert whole is not None
    assert 0 < whole <= deadline(row) / SECOND + OVERRUN
    for name in PHASES & set(ours.samples):
        lengths = ours.samples[name].values()
        assert min(lengths) >= 0
        assert sum(lengths) <= whole + NEXT_LOOK


@pytest.mark.parametrize("row", OWN_ROWS, ids=str)
def test_debug_says_the_verdict_its_reason_and_the_phases(seen: Mapping[str, Both], row: Row) -> None:
    words = seen[str(row)].words
    assert f"\nverdict: {row.verdict}, {row.ours}" in words
    assert f"\nprobe_success {int(row.theirs == 'up')}\n" in words
    assert ("\nphase " in words) or row.ask.prober == "icmp"


def test_every_metric_of_the_table_was_seen_from_both(seen: Mapping[str, Both]) -> None:
    """Nothing is compared that the exporter does not have, and nothing of its own is missing."""
    table = {each.name: each.help for each in vars(probe_metrics).values() if isinstance(each, Metric)}
    for told in ([both.ours for both in seen.values()], [both.theirs for both in seen.values()]):
        assert {name: head[0].removeprefix("HELP ") for each in told for name, head in each.heads.items()} == table


@pytest.mark.server("blackbox")
def test_every_module_of_the_exporters_own_file_is_built_in() -> None:
    """Of Debian's package, as it is installed. We speak no gRPC."""
    text = (TREE.root / "etc/prometheus/blackbox.yml").read_text(encoding="utf-8")
    theirs = {name: module["prober"] for name, module in yaml.safe_load(text)["modules"].items()}
    assert len(theirs) > 8
    ours = {name: module.kind for name, module in built_in().items()}
    assert {name: ours.get(name) for name, prober in theirs.items() if prober != "grpc"}.items() <= theirs.items()


def test_there_is_a_family_for_every_kind() -> None:
    assert set(FAMILIES) == set(kinds())


def test_there_are_no_other_differences_and_no_two_rows_of_one_name() -> None:
    assert set(DIFFERENCES) <= {str(row) for row in ROWS}
    assert len({str(row) for row in ROWS}) == len(ROWS) > 300


def test_promtool_finds_no_fault_that_it_does_not_find_in_the_exporters(
    seen: Mapping[str, Both], promtool: Run
) -> None:
    """It complains of names that both have, `probe_http_status_code` for one: of ours not more than of theirs."""
    good = {row.ask.prober: row for row in OWN_ROWS if row.ours == "answered"}
    for row in (*good.values(), *(row for row in OWN_ROWS if "zone" in row.name or "over TLS" in row.name)):
        both = seen[str(row)]
        ours, theirs = (promtool("check", "metrics", stdin=told.text) for told in (both.ours, both.theirs))
        assert (ours.returncode, ours.stderr) == (theirs.returncode, theirs.stderr)
