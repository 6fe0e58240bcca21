"""slawatch and a slow second-by-second model say exactly the same of random contracts and histories."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from differential.model import Judged, judge
from differential.random_cases import SERVICES, random_case
from slawatch.domain.account import Account
from slawatch.domain.history import read_rows
from slawatch.domain.interval import SECOND
from slawatch.domain.terms import contract_of
from slawatch.evaluation.offline import Offline


def of_slawatch(account: Account) -> dict[str, Any]:
    """An account in the model's words."""
    found, settlement = account.compliance, account.settlement
    versions = (found.low, found.classes, found.high)
    names = ("down", "degraded", "up", "unknown")
    by_version = [{name: getattr(classes, name) for name in names} for classes in versions]
    aside = {"excluded": found.excluded, "outside_hours": found.outside_hours}
    return {
        "start": found.period.start,
        "end": found.period.end,
        "partial": found.period.partial,
        "classes": by_version[1] | aside | {"outside_contract": found.outside_contract},
        "by_version": by_version,
        "excluded": dict(found.excluded_by),
        "service": found.service_time,
        "suppressed": found.suppressed,
        "figures": [found.availability.low, found.availability.point, found.availability.high],
        "if_unknown": [found.if_unknown_down, found.if_unknown_up],
        "without_exclusions": found.without_exclusions,
        "coverage": found.coverage,
        "allowed": found.budget.allowed,
        "used": found.budget.used,
        "verdict": found.verdict.value,
        "credit": None if settlement is None or settlement.amount is None else f"{settlement.amount.amount:f}",
        "finals": [found.worst, found.best],
    }


def of_model(judged: Judged) -> dict[str, Any]:
    """The model's account in microseconds."""

    def micro(classes: dict[str, int]) -> dict[str, int]:
        return {name: seconds * SECOND for name, seconds in classes.items()}

    return {
        "start": judged.start * SECOND,
        "end": judged.end * SECOND,
        "partial": judged.partial,
        "classes": micro(judged.classes),
        "by_version": [micro(classes) for classes in judged.by_version],
        "excluded": micro(judged.excluded),
        "service": judged.service * SECOND,
        "suppressed": judged.suppressed * SECOND,
        "figures": judged.figures,
        "if_unknown": [judged.if_unknown_down, judged.if_unknown_up],
        "without_exclusions": judged.without_exclusions,
        "coverage": judged.coverage,
        "allowed": judged.allowed,
        "used": judged.used,
        "verdict": judged.verdict,
        "credit": judged.credit,
        "finals": list(judged.finals),
    }


def agree(seed: int, most_days: int) -> None:
    case = random_case(seed, most_days)
    history = read_rows(case.rows)
    history.seal()
    accounts = Offline([contract_of(case.terms)], [], history).accounts(case.at * SECOND, "all")
    expected = judge(case.terms, case.tree, SERVICES, case.rows, case.until, case.at)
    assert [of_slawatch(account) for account in accounts] == [of_model(judged) for judged in expected]


@pytest.mark.parametrize("name", ["model", "states", "times", "words", "random_cases"])
def test_the_model_shares_no_code_with_slawatch(name: str) -> None:
    """A mistake that both made would not be seen: the model imports nothing of what it checks."""
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text("utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [module for module in imported if module.startswith("slawatch")]


@pytest.mark.parametrize("seed", range(200))
def test_slawatch_agrees_with_the_model(seed: int) -> None:
    """S1 to S28 on random cases of up to three days."""
    agree(seed, 3)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(10_000, 12_000))
def test_slawatch_agrees_with_the_model_over_a_month(seed: int) -> None:
    """The same, up to a month."""
    agree(seed, 31)
