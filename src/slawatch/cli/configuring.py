"""``check-config`` and ``new client``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from slawatch.cli.options import configured
from slawatch.cli.output import messages
from slawatch.config.newclient import Answers, render_client
from slawatch.config.schema import json_schema
from slawatch.runtime.errors import ConfigurationError, UsageError


def print_schema() -> int:
    """The JSON Schema of the files, for editors."""
    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0


def check(config: Path) -> int:
    """Print every mistake, one a line; the exit status."""
    try:
        found = configured(config)
    except ConfigurationError as error:
        for finding in error.findings:
            sys.stdout.write(f"{finding}\n")
        return 78
    counts = f"{len(found.clients)} clients, {len(found.endpoints)} endpoints, {len(found.contracts)} contracts"
    messages.print(f"fine: {counts}", markup=False)
    return 0


def write_client(
    config: Path, name: str, address: str, promise: str, penalty: str, charges: str, timezone: str
) -> None:
    """Write a first file for a client; ``UsageError`` when the answers or the place will not do."""
    folder = (config if config.is_dir() else config.parent) / "clients"
    try:
        identifier, text = render_client(Answers(name, address, promise, penalty, charges, timezone))
    except ValueError as error:
        raise UsageError(str(error)) from None
    path = folder / f"{identifier}.yaml"
    if path.exists():
        raise UsageError(f"{path} exists: choose another name, or edit that file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    messages.print(f"wrote {path}; `slawatch check-config --config {config}` checks it", markup=False)
