"""What a reload changes, told by key."""

from __future__ import annotations

from slawatch.config.configuration import Configuration
from slawatch.config.difference import difference
from slawatch.config.loader import load_client_text
from slawatch.config.models import Box

CLIENT = """\
client: acme
endpoints:
  router: {probe: icmp, target: 192.0.2.1}
  isp: {probe: icmp, target: 198.51.100.1, behind: router}
  website: {probe: http, target: "https://acme.example/"}
services:
  network: {kind: network, up_when: router and isp}
  web: {kind: applications, up_when: website}
contracts:
  network: {service: network, standard: 99%, period: month}
  web: {service: web, standard: 99%, period: month}
"""


def _configuration(text: str = CLIENT, **box: object) -> Configuration:
    return Configuration(Box.model_validate(box), (load_client_text(text),))


def test_the_same_text_changes_nothing() -> None:
    """Comments and order of keys are no change."""
    text = "# a comment\n" + CLIENT.replace("{probe: icmp, target: 192.0.2.1}", "{target: 192.0.2.1, probe: icmp}")
    found = difference(_configuration(), _configuration(text))
    assert found.is_empty
    assert found.unchanged == ("acme/router", "acme/isp", "acme/website")


def test_endpoints_come_go_and_change() -> None:
    """A default that is written out is no change; another interval, option or target is."""
    text = CLIENT.replace('"https://acme.example/"', '"https://acme.example/", every: 60s, method: HEAD')
    text = text.replace("endpoints:\n", "endpoints:\n  mail: {probe: tcp, target: 'mail.example:25'}\n")
    text = text.replace("  isp: {probe: icmp, target: 198.51.100.1, behind: router}\n", "")
    text = text.replace("router and isp", "router").replace("target: 192.0.2.1}", "target: 192.0.2.1, every: 60s}")
    found = difference(_configuration(), _configuration(text))
    assert (found.added, found.removed, found.changed) == (("acme/mail",), ("acme/isp",), ("acme/website",))
    assert found.unchanged == ("acme/router",)
    assert found.contracts_changed == ("acme/network",)
    assert not found.is_empty


def test_a_rename_is_neither_new_nor_gone() -> None:
    """``formerly`` keeps the history; what else changed is told as well."""
    text = CLIENT.replace("website: {probe: http", "shop: {formerly: website, probe: http").replace(
        "up_when: website", "up_when: shop"
    )
    found = difference(_configuration(), _configuration(text))
    assert found.renamed == (("acme/website", "acme/shop"),)
    assert (found.added, found.removed, found.changed) == ((), (), ())
    faster = text.replace("formerly: website,", "formerly: website, every: 10s,")
    assert difference(_configuration(), _configuration(faster)).changed == ("acme/shop",)
    later = difference(_configuration(text), _configuration(text))
    assert later.is_empty
    assert "acme/shop" in later.unchanged


def test_contracts_come_go_and_change() -> None:
    """S29: a change of terms is a new version; of a probe's address it is none."""
    text = CLIENT.replace("  web: {service: web, standard: 99%", "  shop: {service: web, standard: 99%")
    text = text.replace("{service: network, standard: 99%", "{service: network, standard: 99.5%")
    found = difference(_configuration(), _configuration(text))
    assert found.contracts_added == ("acme/shop",)
    assert found.contracts_removed == ("acme/web",)
    assert found.contracts_changed == ("acme/network",)
    moved = CLIENT.replace("198.51.100.1", "198.51.100.2")
    assert difference(_configuration(), _configuration(moved)).contracts_changed == ()


def test_what_only_a_restart_changes_is_named() -> None:
    """The daemon cannot move its database while it runs."""
    found = difference(_configuration(), _configuration(listen="[::1]:9000", retention="60d"))
    assert found.needs_restart == ("listen",)
    assert not found.is_empty
