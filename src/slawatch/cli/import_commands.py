"""The words of ``slawatch import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slawatch.cli.options import DEFAULT_CONFIG, ConfigPath, FormatOption
from slawatch.cli.output import Format

Client = Annotated[str, typer.Option(help="The client whose endpoints these are.")]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", help="NAME=ENDPOINT: what is called NAME there is this endpoint here; several times."),
]
Interval = Annotated[
    str | None,
    typer.Option(help="How often it was looked; what the source says, or else the endpoint's own when left out."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


def add_importing(app: typer.Typer) -> None:
    """The group and its commands."""
    group = typer.Typer(help="Bring configuration or history along from another monitor.", no_args_is_help=True)
    app.add_typer(group, name="import")
    _add_csv(group)
    _add_uptime_kuma(group)
    _add_gatus(group)
    _add_blackbox(group)


def _add_csv(group: typer.Typer) -> None:
    @group.callback()
    def _import() -> None:
        """Bring configuration or history along from another monitor."""

    @group.command("csv")
    def import_csv(
        file: Annotated[Path, typer.Argument(help="States (endpoint, at, state) or samples (at, endpoint, ok).")],
        client: Client,
        config: ConfigPath = DEFAULT_CONFIG,
        endpoint: Annotated[str | None, typer.Option(help="Whose samples these are, if no column says so.")] = None,
        interval: Interval = None,
        name: Names = None,
        dry_run: DryRun = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """History from a CSV file."""
        from slawatch.cli import importing
        from slawatch.moving.csv_samples import read_csv

        wish = importing.Wish(config, client, interval, name or (), dry_run, form)
        importing.import_history(wish, read_csv(file, endpoint))


WriteTo = Annotated[
    Path | None,
    typer.Option(help="Write what it watched as FOLDER/CLIENT.yaml instead, and import no history."),
]


def _add_uptime_kuma(group: typer.Typer) -> None:
    @group.command("uptime-kuma")
    def import_uptime_kuma(
        file: Annotated[Path, typer.Argument(help="Its kuma.db, a copy together with kuma.db-wal.")],
        client: Client,
        config: ConfigPath = DEFAULT_CONFIG,
        write_to: WriteTo = None,
        name: Names = None,
        dry_run: DryRun = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """Monitors and heartbeats of Uptime Kuma 2.x."""
        from slawatch.cli import importing
        from slawatch.moving import uptime_kuma

        if write_to is not None:
            importing.write_client(write_to, client, "Uptime Kuma", uptime_kuma.read_configuration(file))
            return
        wish = importing.Wish(config, client, None, name or (), dry_run, form)
        importing.import_history(wish, uptime_kuma.read_series(file))


def _add_gatus(group: typer.Typer) -> None:
    @group.command("gatus")
    def import_gatus(
        file: Annotated[Path, typer.Argument(help="Its YAML (with --write-to), or its SQLite database.")],
        client: Client,
        config: ConfigPath = DEFAULT_CONFIG,
        write_to: WriteTo = None,
        interval: Interval = None,
        name: Names = None,
        dry_run: DryRun = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """Endpoints and results of Gatus."""
        from slawatch.cli import importing
        from slawatch.moving import gatus

        if write_to is not None:
            importing.write_client(write_to, client, "Gatus", gatus.read_configuration(file))
            return
        wish = importing.Wish(config, client, interval, name or (), dry_run, form)
        importing.import_history(wish, gatus.read_series(file))


def _add_blackbox(group: typer.Typer) -> None:
    @group.command("blackbox")
    def import_blackbox(
        file: Annotated[Path, typer.Argument(help="blackbox.yml.")],
        client: Client,
        write_to: Annotated[Path, typer.Option(help="Write the endpoints as FOLDER/CLIENT.yaml.")],
        target: Annotated[list[str], typer.Option(help="MODULE=TARGET; several times.")],
    ) -> None:
        """Modules of blackbox_exporter, each with the targets that it is asked for."""
        from slawatch.cli import importing
        from slawatch.moving import blackbox

        importing.write_client(write_to, client, "blackbox_exporter", blackbox.read_configuration(file, target))
