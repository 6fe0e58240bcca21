"""The composition root: the only place that knows every floor."""

from __future__ import annotations

import sys

from slawatch.cli.app import main as command_line
from slawatch.cli.running import Hooks
from slawatch.main.demo import demo
from slawatch.main.running import run
from slawatch.main.watching import watch


def main() -> None:
    """The ``slawatch`` program."""
    sys.exit(command_line(Hooks(run=run, watch=watch, demo=demo)))
