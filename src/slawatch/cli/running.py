"""Commands that run the daemon: ``run``, ``watch``, ``demo``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from slawatch.cli.options import DEFAULT_CONFIG, ConfigPath


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What ``watch`` was asked for, checked by whoever runs it."""

    urls: tuple[str, ...]
    standard: str
    period: str
    every: str
    listen: str
    save: Path | None
    database: Path | None


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """What ``demo`` was asked for. ``keep`` is the folder of its database; a temporary one when None."""

    listen: str
    keep: Path | None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What starts daemons: given by the composition root."""

    run: Callable[[Path, str], int]
    watch: Callable[[WatchRequest], int]
    demo: Callable[[DemoRequest], int]


def add_commands(app: typer.Typer, hooks: Hooks) -> None:
    """Add ``run``, ``watch`` and ``demo``."""

    @app.command()
    def run(
        config: ConfigPath = DEFAULT_CONFIG,
        log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    ) -> None:
        """The daemon: probe, record, judge and serve until stopped."""
        raise typer.Exit(hooks.run(config, log_level))

    @app.command()
    def watch(
        urls: Annotated[list[str], typer.Argument(metavar="URL...", help="icmp://, tcp://, http:// or https://")],
        standard: Annotated[str, typer.Option(help="The percentage that is promised.")] = "99%",
        period: Annotated[str, typer.Option(help="'2 weeks', 'week', 'month' …, from today on.")] = "2 weeks",
        every: Annotated[str, typer.Option(help="Time between two probes.")] = "10s",
        listen: Annotated[str, typer.Option(help="Address and port of the page.")] = "127.0.0.1:9797",
        save: Annotated[
            Path | None, typer.Option(help="Write what is watched as configuration into this folder.")
        ] = None,
        database: Annotated[
            Path | None, typer.Option(help="Keep the history in this file; it is forgotten at the end otherwise.")
        ] = None,
    ) -> None:
        """Monitor these addresses now, with no file at all."""
        raise typer.Exit(hooks.watch(WatchRequest(tuple(urls), standard, period, every, listen, save, database)))

    @app.command()
    def demo(
        listen: Annotated[str, typer.Option(help="Address and port of the page.")] = "127.0.0.1:9797",
        keep: Annotated[Path | None, typer.Option(help="Keep the demonstration's database in this folder.")] = None,
    ) -> None:
        """The whole daemon against a small estate of its own on loopback, which breaks and heals."""
        raise typer.Exit(hooks.demo(DemoRequest(listen, keep)))
