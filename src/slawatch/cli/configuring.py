"""Commands about configuration: ``check-config`` and ``new client``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from slawatch.cli.options import DEFAULT_CONFIG, ConfigPath, configured
from slawatch.cli.output import messages
from slawatch.config.loader import json_schema
from slawatch.config.newclient import Answers, render_client
from slawatch.runtime.errors import ConfigurationError, UsageError


def add_commands(app: typer.Typer) -> None:
    """Add ``check-config`` and ``new``."""

    @app.command("check-config")
    def check_config(
        config: ConfigPath = DEFAULT_CONFIG,
        schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema for editors instead.")] = False,
    ) -> None:
        """Every mistake in the configuration at once, as file:line:column: key: what is wrong, what is expected."""
        if schema:
            sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
            return
        try:
            found = configured(config)
        except ConfigurationError as error:
            for finding in error.findings:
                sys.stdout.write(f"{finding}\n")
            raise typer.Exit(78) from None
        counts = f"{len(found.clients)} clients, {len(found.endpoints)} endpoints, {len(found.contracts)} contracts"
        messages.print(f"fine: {counts}", markup=False)

    new = typer.Typer(help="Write a file from a few questions.", no_args_is_help=True)
    app.add_typer(new, name="new")

    @new.callback()
    def _new() -> None:
        """Write a file from a few questions."""

    @new.command("client")
    def new_client(
        config: ConfigPath = DEFAULT_CONFIG,
        name: Annotated[str, typer.Option(prompt="The client's name")] = "",
        address: Annotated[str, typer.Option(prompt="What to watch (a URL, or an address to ping)")] = "",
        promise: Annotated[str, typer.Option(prompt="What was promised")] = "99%",
        penalty: Annotated[str, typer.Option(prompt="What a miss costs")] = "10% of charges",
        charges: Annotated[str, typer.Option(prompt="What the client pays")] = "1000.00 EUR per month",
        timezone: Annotated[str, typer.Option(prompt="The client's time zone")] = "Europe/Berlin",
    ) -> None:
        """A commented client file, ready to be refined."""
        folder = (config if config.is_dir() else config.parent) / "clients"
        try:
            identifier, text = render_client(Answers(name, address, promise, penalty, charges, timezone))
        except ValueError as error:
            raise UsageError(str(error)) from None
        path = folder / f"{identifier}.yaml"
        if path.exists():
            raise UsageError(f"{path} exists: choose another name, or edit that file")
        _write(path, text)
        messages.print(f"wrote {path}; `slawatch check-config --config {config}` checks it", markup=False)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
