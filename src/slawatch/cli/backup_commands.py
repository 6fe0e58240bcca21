"""The words of ``slawatch backup``, ``restore`` and ``migrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slawatch.cli.options import DEFAULT_CONFIG, ConfigPath, FormatOption
from slawatch.cli.output import Format


def add_backing_up(app: typer.Typer) -> None:
    """The three commands."""

    @app.command()
    def backup(
        file: Annotated[Path, typer.Argument(help="The file to write.")],
        config: ConfigPath = DEFAULT_CONFIG,
        force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """The whole ledger as of now in one file, while the daemon goes on; compared with what was read."""
        from slawatch.cli import backup as work

        work.backup(config, file, force=force, form=form)

    @app.command()
    def restore(
        file: Annotated[Path, typer.Argument(help="A file that backup wrote.")],
        config: ConfigPath = DEFAULT_CONFIG,
        force: Annotated[
            bool, typer.Option("--force", help="Move a ledger that is there aside; nothing is deleted.")
        ] = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """Make the configured database of a backup, of this version's or an older one. Not while the daemon runs."""
        from slawatch.cli import backup as work

        work.restore(config, file, force=force, form=form)

    @app.command()
    def migrate(
        source: Annotated[str, typer.Argument(metavar="FROM", help="The ledger's database, as a URL.")],
        target: Annotated[str, typer.Argument(metavar="TO", help="An empty database, as a URL.")],
        verify: Annotated[bool, typer.Option("--verify", help="Copy nothing: only compare the two.")] = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """Copy a ledger from SQLite to PostgreSQL or back, and prove that both are the same. Exit 1 if they are not."""
        from slawatch.cli import backup as work

        raise typer.Exit(0 if work.migrate(source, target, verify=verify, form=form) else 1)
