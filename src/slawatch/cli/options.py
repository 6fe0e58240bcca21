"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from slawatch.cli.output import Format
from slawatch.config.configuration import Configuration
from slawatch.config.loader import load

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
    return load(path)


def default_config() -> Path:
    """``/etc/slawatch``, or the folder that SLAWATCH_CONFIG names."""
    return Path(os.environ.get("SLAWATCH_CONFIG", DEFAULT_CONFIG))
