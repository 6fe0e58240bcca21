"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slawatch.cli.output import Format

if TYPE_CHECKING:
    from slawatch.config.configuration import Configuration

DEFAULT_CONFIG = Path("/etc/slawatch")

ConfigPath = Annotated[
    Path,
    typer.Option(
        "--config",
        envvar="SLAWATCH_CONFIG",
        help="The configuration: its folder, or the slawatch.yaml in it.",
        show_default=str(DEFAULT_CONFIG),
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How data is printed.")]


def configured(path: Path) -> Configuration:
    """The configuration for a command; every mistake in it at once as ``ConfigurationError``."""
    from slawatch.config.loader import load

    return load(path)
