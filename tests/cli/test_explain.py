"""``slawatch explain``: from a client file and a history to words, numbers and views; and the page that explains it.

``PYTHONPATH=tests python -m cli.test_explain`` writes the output into ``docs/explanation/flattery.md`` again.
"""

from __future__ import annotations

import csv
import io
import json
import re
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from daemon.conftest import Slawatch
from slawatch.cli.app import application
from slawatch.cli.running import Hooks
from slawatch.domain.interval import HOUR, parse_instant
from slawatch.runtime.errors import UsageError
from support.waiting import eventually

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "flattery.md"
_OUTPUT = re.compile(r"(<!-- output -->\n```\n).*?(```\n<!-- end -->)", re.DOTALL)

COUNTED = """
  nightly: {service: nightly, measurement: on_time, standard: 99%, period: month, valid: {from: "2026-01-01"}}
"""


def example(kind: str) -> str:
    [block] = re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


def invoke(*arguments: str) -> Result:
    hooks = Hooks(run=lambda *_: 0, watch=lambda _: 0, demo=lambda _: 0)
    return CliRunner().invoke(application(hooks), ["explain", *arguments])


def explain(folder: Path, *arguments: str, client: str = "", contract: str = "acme/network") -> Result:
    """On the page's example."""
    (folder / "acme.yaml").write_text(client or example("yaml"), encoding="utf-8")
    (folder / "history.jsonl").write_text(example("jsonl"), encoding="utf-8")
    files = ("--contract", str(folder / "acme.yaml"), "--history", str(folder / "history.jsonl"))
    return invoke(contract, *files, *arguments)


def output(folder: Path) -> str:
    return "".join(f"{line.rstrip()}\n" for line in explain(folder).stdout.splitlines())


def test_the_page_shows_what_the_command_prints(tmp_path: Path) -> None:
    found = _OUTPUT.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0].removeprefix(found[1]).removesuffix(found[2]) == output(tmp_path)


def document(folder: Path, *arguments: str, **more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(explain(folder, *arguments, "--format", "json", **more).stdout)
    return found


def test_json_has_words_numbers_and_views(tmp_path: Path) -> None:
    """1 % of 336 h; the judged period with 3.3 h of 328 h; of the year's rest most was never measured."""
    found = document(tmp_path)
    assert (found["client"], found["contract"], found["at"]) == ("acme", "network", "2026-02-01T00:00:00Z")
    assert all(f"`{key}`" in PAGE.read_text(encoding="utf-8") for key in found)
    assert list(found["clauses"]) == ["definition", "measurement", "standard", "verdict", "penalty", "exclusions"]
    first = found["allows"][0]
    assert (first["start"], first["service_us"]) == ("2026-01-18T23:00:00Z", 336 * HOUR)
    assert first["allowed_us"] == 12_096_000_000
    assert first["breach"] == {
        "outage_us": 12_096_000_001,
        "outage": "longer than 3 h 21 m 36 s",
        "credit": "60.00 EUR",
        "rule": "10% of charges",
    }
    views = {view["clause"]: view for view in found["views"]}
    assert views["as agreed"]["figure"].startswith("0.989939024390")  # 1 - 3.3/328
    assert views["as agreed"]["verdict"] == "breached"
    assert views["as agreed"]["credit"] == "60.00"
    assert views["maintenance as up"]["figure"].startswith("0.990178571428")  # 1 - 3.3/336
    assert views["maintenance as up"]["verdict"] == "met"
    assert views["maintenance as up"]["flatters"] is True
    rest = parse_instant("2026-12-31T23:00:00Z") - parse_instant("2026-02-01T00:00:00Z")
    assert views["a year"]["assumed_up_us"] == rest


def test_the_judged_period_can_be_chosen(tmp_path: Path) -> None:
    """By default the last that is over; ``current`` is the running one, without any outage."""
    default, current = document(tmp_path), document(tmp_path, "--period", "current")
    assert default["views"][0]["start"] == "2026-01-04T23:00:00Z"
    assert current["views"][0]["start"] == "2026-01-18T23:00:00Z"
    assert current["views"][0]["figure"] == "1"
    assert current["views"][0]["assumed_up_us"] == 23 * HOUR  # from 1 to 2 February, at midnight in Berlin
    named = document(tmp_path, "--period", "2026-01-10T00:00:00Z")
    assert named["views"] == default["views"]
    text = explain(tmp_path, "--period", "current").stdout
    assert "(still running: what is to come is taken as up)" in text


def test_csv_is_the_views(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(explain(tmp_path, "--format", "csv").stdout)))
    assert [row["group"] for row in rows].count("period") == 6
    assert rows[0]["clause"] == "as agreed"
    assert rows[0]["credit"] == "60.00"


def test_without_a_history_the_contract_is_explained_alone(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(example("yaml"), encoding="utf-8")
    result = invoke("acme/network", "--contract", str(tmp_path / "acme.yaml"), "--at", "2026-03-20T00:00:00Z")
    assert "3 h 21 m of downtime in 335 h of service time" in result.stdout
    assert "under other clauses" not in result.stdout


def test_a_box_without_a_daemon_and_without_a_database(tmp_path: Path) -> None:
    """The contract is explained all the same, and why nothing is compared is told."""
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "acme.yaml").write_text(example("yaml"), encoding="utf-8")
    (tmp_path / "slawatch.yaml").write_text(f"database: sqlite:///{tmp_path}/none.db\n", encoding="utf-8")
    result = invoke("acme/network", "--config", str(tmp_path), "--at", "2026-01-10T00:00:00Z")
    assert result.exit_code == 0
    assert "3 h 21 m 36 s of downtime in 336 h" in result.stdout
    assert "no history, so no comparison" in result.stderr
    assert not (tmp_path / "none.db").exists()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Slawatch]:
    """A running daemon that watches a listener of the test's own, with a contract since this morning."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"127.0.0.1:{listener.getsockname()[1]}"
        client = example("yaml").replace("probe: icmp, target: 192.0.2.1", f"probe: tcp, target: '{target}', every: 1s")
        daemon = Slawatch(tmp_path / "box", client.replace("2026-01-05", datetime.now(UTC).date().isoformat()))
        with daemon:
            yield daemon


def test_the_daemon_is_asked_and_else_its_database(watched: Slawatch) -> None:
    """The same endpoint, first from the running daemon, then from what it left behind."""
    eventually(lambda: watched.endpoint("router")["state"] == "up")
    asked = json.loads(watched.configured("explain", "acme/network", "--format", "json"))
    watched.stop()
    left = json.loads(watched.configured("explain", "acme/network", "--format", "json"))
    for found in (asked, left):
        assert found["views"][0]["figure"] == "1"
        assert found["views"][0]["clause"] == "as agreed"
        assert len(found["views"]) == 17
        assert found["allows"][0]["start"] <= found["at"] < found["allows"][0]["end"]


def test_an_earlier_now_knows_nothing_of_later_events(tmp_path: Path) -> None:
    """On 6 January at 12:00 UTC the outage had lasted 2 h less 30 s; the rest is taken as up."""
    found = document(tmp_path, "--at", "2026-01-06T12:00:00Z", "--period", "current")
    down = 7170 * 10**6
    assert Fraction(found["views"][0]["figure"]) == pytest.approx(1 - Fraction(down, 328 * HOUR), abs=10**-15)


def test_counted_measurements_are_explained_too(tmp_path: Path) -> None:
    client = example("yaml").replace(
        "services:\n", '  backup: {probe: heartbeat, target: b, schedule: "0 2 * * *", deadline: 4h}\nservices:\n', 1
    )
    client = client.replace("contracts:\n", f"  nightly: {{kind: batch, up_when: backup}}\ncontracts:{COUNTED}", 1)
    result = explain(tmp_path, client=client, contract="acme/nightly")
    assert "0 of 28 runs may be missed" in result.stdout
    assert "99% of 10 events allows none; one may be missed from 100 events on" in result.stdout
    views = {view["clause"]: view for view in document(tmp_path, client=client, contract="acme/nightly")["views"]}
    # the maintenance leaves out the night of 9 January; nobody listened to any of the others
    assert views["as agreed"]["counts"] == {"n": 30, "missed": 0, "unknown": 30, "allowed": 0}
    assert views["without exclusions"]["counts"]["n"] == 31
    assert views["as agreed"]["figure"] is None


@pytest.mark.parametrize(
    ("contract", "arguments", "told"),
    [
        ("network", (), "'network': expected CLIENT/CONTRACT, as acme/network"),
        ("acme/net", (), "there is no contract 'acme/net': acme has acme/network"),
        ("other/network", (), "is the file of acme, not of other"),
        ("acme/network", ("--period", "first"), "--period: 'first': expected last, current or an instant"),
        ("acme/network", ("--at", "now"), "--at: 'now' is not an instant"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, contract: str, arguments: tuple[str, ...], told: str) -> None:
    result = explain(tmp_path, *arguments, contract=contract)
    assert isinstance(result.exception, UsageError)
    assert told in str(result.exception)


def main() -> None:
    """Write the output into the page."""
    with tempfile.TemporaryDirectory() as folder:
        shown = output(Path(folder))
    text = _OUTPUT.sub(lambda match: f"{match[1]}{shown}{match[2]}", PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
