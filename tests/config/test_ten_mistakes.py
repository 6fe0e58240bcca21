"""A configuration with ten different mistakes prints ten lines, each at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from slawatch.config.loader import load, render_findings
from slawatch.runtime.errors import ConfigurationError

TEN = Path(__file__).parent / "invalid" / "ten"

EXPECTED = """
clients/acme.yaml:2:11: timezone: 'Europe/Berlinn' is no time zone
clients/acme.yaml:5:51: endpoints.router.every: 10 has no unit
clients/acme.yaml:6:54: endpoints.isp_a.behind: 'rooter' is no endpoint: did you mean router?
clients/acme.yaml:10:33: endpoints.website.expect.body: YAML reads an unquoted no as false
clients/acme.yaml:15:14: services.network.up_when: 'isp_b' is no endpoint or service: did you mean isp_a?
clients/acme.yaml:20:15: contracts.network.standard: '0.99' is no percentage
clients/acme.yaml:21:13: contracts.network.period: 'every fortnight' is no period
clients/twin.yaml:1:9: client: 'acme' is already the client of
slawatch.yaml:2:9: listen: others could read without signing in
slawatch.yaml:3:1: retension: unknown key: did you mean retention?
""".strip().split("\n")


@pytest.mark.parametrize("path", [TEN, TEN / "slawatch.yaml"], ids=["folder", "file"])
def test_ten_mistakes_are_ten_lines_in_order(path: Path) -> None:
    """Across files, sorted by place, none twice, none hidden by another."""
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    lines = render_findings(caught.value.findings).split("\n")
    assert len(lines) == len(EXPECTED)
    for line, expected in zip(lines, EXPECTED, strict=True):
        assert line.startswith(f"{TEN}/{expected}")
    assert str(caught.value) == "\n".join(lines)
