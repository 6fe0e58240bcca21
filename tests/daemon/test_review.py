"""Somebody signs that they looked: the command, the running daemon, its ledger, and the daemon after that."""

from __future__ import annotations

import json

import pytest

from daemon.conftest import MakeSlawatch
from daemon.test_real_input import client
from support.process import free_port
from support.servers import MakeNginx
from support.waiting import eventually


@pytest.mark.server("nginx")
def test_a_signature_is_on_record_with_what_was_seen(slawatch: MakeSlawatch, nginx: MakeNginx) -> None:
    agreed = client(nginx().port, free_port()).replace(
        "    penalty: 10% of charges\n", '    penalty: 10% of charges\n    review_at: ["00:00", "12:00"]\n'
    )
    daemon = slawatch(agreed)
    daemon.start()
    eventually(lambda: daemon.endpoint("website")["state"] == "up")
    (shop, network) = daemon.status()["contracts"]
    assert (shop["review_overdue_us"], network["review_overdue_us"]) == (0, None)
    assert daemon.get("/metrics").count("slawatch_review_overdue_seconds{") == 1
    (signed,) = json.loads(
        daemon.configured("review", "acme", "--by", "owner@msp.example", "--note", "calm", "--format", "json")
    )
    assert (signed["contract"], signed["verdict"]) == ("shop", "open")
    assert "acme/network" in daemon.configured("review", "acme/network", "--by", "owner@msp.example")
    (first, second) = daemon.events("reviewed")
    assert (first["by"], first["note"]) == ("owner@msp.example", "calm")
    assert first["seen"] == signed
    assert second["seen"]["contract"] == "network"
    for wrong in (("nobody",), ("acme/nothing",), ("acme", "--by", " ")):
        by = () if "--by" in wrong else ("--by", "owner@msp.example")
        daemon.configured("review", *wrong, *by, status=2)
    assert len(daemon.events("reviewed")) == 2
    daemon.stop()
    daemon.configured("review", "acme", "--by", "owner@msp.example", status=1)  # nobody is there to sign with
    daemon.start()
    assert [event["seen"] for event in daemon.events("reviewed")] == [first["seen"], second["seen"]]
