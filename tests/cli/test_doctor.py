"""``slawatch doctor`` on witnesses; nobody is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from slawatch.cli.doctor import examine
from slawatch.config.configuration import Configuration
from slawatch.config.loader import load
from slawatch.config.models import Box
from slawatch.probes.witness import Witness

CLIENT = """\
client: acme
endpoints:
  router: {probe: icmp, target: 192.168.7.1}
  site: {probe: icmp, target: 203.0.113.20}
"""


def found(folder: Path, witnesses: str) -> tuple[str, str]:
    (folder / "clients").mkdir()
    (folder / "clients" / "acme.yaml").write_text(CLIENT, encoding="utf-8")
    text = f"resolvers: [127.0.0.1]\ndatabase: sqlite:///{folder}/slawatch.db\n{witnesses}"
    (folder / "slawatch.yaml").write_text(text, encoding="utf-8")
    return told(load(folder))


def told(configuration: Configuration) -> tuple[str, str]:
    [row] = [row for row in examine(lambda: configuration) if row["check"] == "witnesses"]
    return row["result"], row["detail"]


@pytest.mark.parametrize(
    ("witnesses", "expected"),
    [
        ("", ("weak", "none for the path internet, lan: if it is lost, what lies on it is down")),
        (
            "witnesses: {lan: [192.168.7.10, 192.168.7.11]}\n",
            ("weak", "none for the path internet: if it is lost, what lies on it is down"),
        ),
        (
            "witnesses: {lan: [192.168.7.10, 192.168.7.11], internet: [198.51.100.53, 203.0.113.53]}\n",
            ("fine", "for the paths lan, internet"),
        ),
    ],
)
def test_paths_without_witnesses_are_weak(tmp_path: Path, witnesses: str, expected: tuple[str, str]) -> None:
    assert found(tmp_path, witnesses) == expected


def test_a_witness_that_is_this_machine_fails() -> None:
    """Addresses of this machine are known when it runs, not when the file is read: loopback stands for one here."""
    witnesses = {"lan": [Witness("127.0.0.9", 4), Witness("192.0.2.1", 4)]}
    box = Box.model_construct(**{**dict(Box()), "witnesses": witnesses, "resolvers": ("127.0.0.1",)})
    assert told(Configuration(box, ())) == ("fails", "127.0.0.9: this machine itself, which vouches for nothing")


def test_the_spool_and_the_ballast(tmp_path: Path) -> None:
    """Where facts would wait, and how much room they may take; then what is there. Nothing is made by asking."""
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "acme.yaml").write_text(CLIENT, encoding="utf-8")
    text = f"resolvers: [127.0.0.1]\ndatabase: sqlite:///{tmp_path}/a.db\nspool: {{ballast: 1MiB}}\n"
    (tmp_path / "slawatch.yaml").write_text(text, encoding="utf-8")
    configuration = load(tmp_path)

    def told_of(check: str) -> tuple[str, str]:
        [row] = [row for row in examine(lambda: configuration) if row["check"] == check]
        return row["result"], row["detail"]

    place = f"{tmp_path}/a.db"
    assert told_of("spool") == ("fine", f"empty, up to 256 MiB in {place}.spool")
    assert told_of("ballast") == ("weak", f"1 MiB are not in {place}.ballast (`slawatch run` makes it)")
    (tmp_path / "a.db.ballast").write_bytes(b"")
    (tmp_path / "a.db.spool").write_bytes(b"x" * 3 * 2**20)
    assert told_of("ballast") == ("fine", f"1 MiB in {place}.ballast")
    assert told_of("spool") == ("fine", f"3 MiB, of up to 256 MiB in {place}.spool")
    nowhere = configuration.box.model_copy(
        update={"spool": configuration.box.spool.model_copy(update={"folder": "/no"})}
    )
    configuration = Configuration(nowhere, configuration.clients)
    assert told_of("spool")[0] == "weak"
