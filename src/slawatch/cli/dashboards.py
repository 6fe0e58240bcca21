"""``slawatch dashboards``: the dashboards for Grafana, and the files that provision them."""

from __future__ import annotations

import sys
from pathlib import Path

from slawatch.cli.output import json_line, messages
from slawatch.exposition.grafana.files import dashboards, files
from slawatch.runtime.errors import UsageError


def print_dashboards() -> None:
    """Every dashboard as one line of JSON."""
    for dashboard in dashboards():
        sys.stdout.write(json_line(dashboard.json()))


def write_files(folder: Path) -> None:
    """Dashboards and provisioning files below ``folder``; those of the same names are replaced, no others touched.

    ``UsageError`` where the folder cannot be written.
    """
    for name, text in files().items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
        messages.print(f"wrote {path}", markup=False)
