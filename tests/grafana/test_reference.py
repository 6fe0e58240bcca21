"""The reference of dashboards is what the dashboards say; the how-to names the files that there are."""

from __future__ import annotations

import re

from grafana.reference import DOCUMENT, reference
from slawatch.exposition.grafana.files import files

HOW_TO = DOCUMENT.parents[1] / "how-to" / "grafana.md"


def test_the_reference_is_made_from_the_dashboards() -> None:
    assert DOCUMENT.read_text("utf-8") == reference(), "PYTHONPATH=tests .venv/bin/python -m grafana.reference"


def test_the_how_to_names_files_that_there_are() -> None:
    named = set(re.findall(r"config/grafana/([\w./-]+\.\w+)", HOW_TO.read_text("utf-8")))
    assert named
    assert named <= set(files())
