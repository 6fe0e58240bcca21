"""The power fails under the whole daemon, and the judge of crashes looks at what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from crash import judge
from crash.driver import Torture
from power.disk import compile_shim


@pytest.mark.server("tcc")
def test_power_cuts_under_the_daemon(tmp_path: Path) -> None:
    """Six cuts over one ledger: nothing acknowledged lost, nothing twice, no false downtime, outages go on."""
    subject, shim = Torture(tmp_path, 7, None), compile_shim(tmp_path)
    try:
        for _ in range(6):
            subject.lose_power(shim)
        record = subject.stop()
    finally:
        subject.close()
    assert len(record.runs) == 7
    assert len(record.acknowledged) > 50
    assert judge.findings(record) == []
