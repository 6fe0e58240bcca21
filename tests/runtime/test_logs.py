"""Logs: events and exceptions, for a terminal and for the journal, and never the values of variables."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from slawatch.runtime.logs import set_up_logging

CANARY = "canary-3c1e"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def fail(token: str) -> None:
    """The token is a local variable here and in the caller, and nowhere else."""
    raise RuntimeError(f"{len(token)} characters")


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "journal"])
@pytest.mark.parametrize("library", [False, True])
def test_an_exception_is_told_without_the_values_of_variables(stream: io.StringIO, library: bool) -> None:
    set_up_logging("debug", stream)
    log = logging.getLogger("some.library") if library else structlog.get_logger()
    try:
        fail(CANARY)
    except RuntimeError:
        log.exception("it failed")
    told = stream.getvalue()
    assert "it failed" in told
    assert "RuntimeError: 11 characters" in told
    assert "in fail" in told
    assert CANARY not in told


def test_the_journal_gets_one_json_object_a_line() -> None:
    stream = io.StringIO()
    set_up_logging("info", stream)
    structlog.get_logger().info("serving", address="http://127.0.0.1:9797/")
    structlog.get_logger().debug("too fine")
    [line] = stream.getvalue().splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"], said["address"]) == ("serving", "info", "http://127.0.0.1:9797/")
