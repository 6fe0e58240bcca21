"""What documents show can be used as it stands: configuration loads clean, and the tutorial prints what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.reading import DOCUMENTS, ROOT, Block, blocks, name
from slawatch.cli.app import main
from slawatch.cli.running import Hooks
from slawatch.config.loader import load, load_client_text
from slawatch.config.models import Box, Client

TUTORIAL = ROOT / "docs" / "tutorial" / "first-contract.md"
FROM_A_FILE = ROOT / "docs" / "how-to" / "judge-a-history-file.md"

_PLAIN_CLIENT = """
client: acme
endpoints: {website: {probe: http, target: "https://acme.example/"}}
services: {shop: {kind: applications, up_when: website}}
contracts: {shop: {service: shop, standard: 99%, period: month}}
"""


def examples(model: type[Box | Client]) -> list[Block]:
    """The blocks of YAML whose keys are those of one of our files."""
    keys = {field.alias or key for key, field in model.model_fields.items()}
    found = [block for path in DOCUMENTS for block in blocks(path, "yaml")]
    return [block for block in found if _keys(block.text) and _keys(block.text) <= keys]


def _keys(text: str) -> set[str]:
    document = yaml.safe_load(text)
    return set(document) if isinstance(document, dict) else set()


def shown(block: Block) -> str:
    return f"{name(block.document)}: {' '.join(block.text.split())[:40]}"


CLIENTS = [block for block in examples(Client) if "client" in _keys(block.text)]
PARTS = [block for block in examples(Client) if _keys(block.text) <= {"endpoints", "maintenance", "exclusions"}]
BOXES = examples(Box)


def test_there_are_examples_of_each_kind() -> None:
    assert min(len(CLIENTS), len(PARTS), len(BOXES)) >= 3


@pytest.mark.parametrize("block", CLIENTS, ids=shown)
def test_a_client_file_loads_clean(block: Block) -> None:
    assert load_client_text(block.text).contracts


@pytest.mark.parametrize("block", PARTS, ids=shown)
def test_a_part_of_a_client_file_fits_into_one(block: Block) -> None:
    """Endpoints and the like come beside those of a plain file; what is renamed is known by its old name before."""
    whole: dict[str, Any] = yaml.load(_PLAIN_CLIENT, yaml.BaseLoader)
    for key, value in _with_booleans(yaml.load(block.text, yaml.BaseLoader)).items():
        if isinstance(whole.get(key), dict):
            whole[key] = {**whole[key], **value}
        else:
            whole[key] = value
    whole["endpoints"] = {
        endpoint: value
        for endpoint, value in whole["endpoints"].items()
        if endpoint not in {other.get("formerly") for other in whole["endpoints"].values()}
    }
    first = next(iter(whole["endpoints"]))
    whole["services"]["shop"]["up_when"] = first
    assert load_client_text(json.dumps(whole)).contracts


def _with_booleans(value: Any) -> Any:
    """Everything stays the text that it is in the file, but for true and false."""
    if isinstance(value, dict):
        return {key: _with_booleans(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_booleans(item) for item in value]
    return {"true": True, "false": False}.get(value, value)


@pytest.mark.parametrize("block", BOXES, ids=shown)
def test_a_file_of_the_box_loads_clean(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "database").write_text("postgresql://slawatch@db.example/slawatch", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "acme.yaml").write_text(_PLAIN_CLIENT, encoding="utf-8")
    (tmp_path / "slawatch.yaml").write_text(block.text, encoding="utf-8")
    assert load(tmp_path).database


# --- Judged as it is written -----------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    def nothing(*_: object) -> int:
        return 0

    assert main(Hooks(run=nothing, watch=nothing, demo=nothing), arguments) == 0
    return capsys.readouterr().out


def unpadded(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def test_the_tutorial_prints_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The fortnight of 3 h 21 m 36 s is met; one second more is a breach, with its credit."""
    [client] = [block for block in CLIENTS if block.document == TUTORIAL]
    [history] = blocks(TUTORIAL, "csv")
    told = [block.text for block in blocks(TUTORIAL, "") if "verdict" in block.text]
    contract, file = tmp_path / "acme.yaml", tmp_path / "fortnight.csv"
    contract.write_text(client.text, encoding="utf-8")
    for length, table in zip(("01:21:36", "01:21:37"), told, strict=True):
        file.write_text(history.text.replace("01:21:36", length), encoding="utf-8")
        assert unpadded(run(capsys, "evaluate", str(file), "--contract", str(contract))) == unpadded(table)


def test_the_history_of_another_monitor_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Down 14:03 to 16:40, less maintenance 14:30 to 15:30 (UTC): 27 min + 70 min = 1 h 37 m."""
    [client] = [block for block in CLIENTS if block.document == FROM_A_FILE]
    [history] = blocks(FROM_A_FILE, "csv")
    contract, file = tmp_path / "acme.yaml", tmp_path / "history.csv"
    contract.write_text(client.text, encoding="utf-8")
    file.write_text(history.text, encoding="utf-8")
    judged = json.loads(run(capsys, "evaluate", str(file), "--contract", str(contract), "--format", "json"))
    first = judged[0]
    assert first["time_us"]["down"] == (27 + 70) * 60_000_000
    assert first["excluded_us"] == {"maintenance": 3_600_000_000}
    assert first["verdict"] == "met"


def test_the_sample_in_the_readme_has_the_columns_of_status() -> None:
    from slawatch.cli import status

    [sample] = [block.text for block in blocks(ROOT / "README.md", "") if "slawatch status" in block.text]
    header = re.split(r"\s{2,}", sample.splitlines()[1].strip())
    assert header == [column.replace("_", " ") for column in status._STATUS_COLUMNS]
