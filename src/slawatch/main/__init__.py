"""The composition root: the only place that knows every floor."""

from __future__ import annotations

import sys
from pathlib import Path

from slawatch.cli.app import main as command_line
from slawatch.cli.running import DemoRequest, Hooks, WatchRequest


def main() -> None:
    """The ``slawatch`` program."""
    sys.exit(command_line(Hooks(run=_run, watch=_watch, demo=_demo)))


def _run(config: Path, log_level: str) -> int:
    from slawatch.main.running import run

    return run(config, log_level)


def _watch(request: WatchRequest) -> int:
    from slawatch.main.watching import watch

    return watch(request)


def _demo(request: DemoRequest) -> int:
    from slawatch.main.demo import demo

    return demo(request)
