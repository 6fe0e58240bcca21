"""Documents lead somewhere, can be found, and name rules and decisions that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.reading import DOCUMENTS, ROOT, name, prose
from slawatch.exposition.metrics import METRICS, Kind
from slawatch.exposition.rules.recordings import RECORDINGS

DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
SEMANTICS = (DOCS / "explanation" / "semantics.md").read_text(encoding="utf-8")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def links(path: Path) -> list[str]:
    """Where a document's links lead, those off this repository left out."""
    found: list[str] = _LINK.findall(prose(path))
    return [link for link in found if not re.match(r"https?://", link)]


def anchors(path: Path) -> set[str]:
    """The names of a document's headings, as links give them."""
    headings = [heading.lower() for heading in _HEADING.findall(prose(path))]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        place, _, anchor = link.partition("#")
        target = (document.parent / place).resolve() if place else document
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_the_index_names_every_document() -> None:
    listed = {(INDEX.parent / link).resolve() for link in links(INDEX)}
    assert {path for path in DOCUMENTS if path.is_relative_to(DOCS)} - {INDEX} == listed


def test_every_rule_is_there_once_and_in_order() -> None:
    numbers = [int(number) for number in re.findall(r"^\*\*S(\d+)\. ", SEMANTICS, re.MULTILINE)]
    assert numbers == list(range(1, 37))


@pytest.mark.parametrize("folder", ["src", "docs"])
def test_rules_that_are_named_exist(folder: str) -> None:
    texts = [
        path.read_text(encoding="utf-8") for ending in ("py", "md") for path in (ROOT / folder).rglob(f"*.{ending}")
    ]
    named = {int(number) for text in texts for number in re.findall(r"(?<![\w./-])S(\d{1,2})(?![\w./-])", text)}
    assert named
    assert named <= set(range(1, 37))


def test_decisions_are_numbered_without_a_gap() -> None:
    files = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    for number, path in enumerate(files, 1):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. ")
        assert _HEADING.findall(text)[1:] == ["Context", "Decision", "Consequences"]
        assert len(text.splitlines()) <= 40, path.name


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_metrics_that_are_named_exist(document: Path) -> None:
    known = {metric.name for metric in METRICS} | {f"{m.name}_bucket" for m in METRICS if m.kind is Kind.HISTOGRAM}
    known |= {rule.name.split(":")[1] for rule in RECORDINGS}  # level:metric:operations
    named = set(re.findall(r"\bslawatch_[a-z_]+", document.read_text(encoding="utf-8")))
    assert named - {"slawatch_reader"} <= known  # a role of the database


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_fences_are_closed(document: Path) -> None:
    lines = document.read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("```") for line in lines) % 2 == 0
