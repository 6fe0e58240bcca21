"""The words of the command line. Each command imports what does its work when it runs: `--help` stays quick."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from slawatch.cli.backup_commands import add_backing_up
from slawatch.cli.import_commands import add_importing
from slawatch.cli.options import DEFAULT_CONFIG, ConfigPath, FormatOption
from slawatch.cli.output import Format, messages
from slawatch.cli.running import DemoRequest, Hooks, WatchRequest
from slawatch.runtime.errors import ConfigurationError, InputError, SlawatchError, UsageError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CONFIGURATION = 78
"""EX_CONFIG of sysexits(3); the systemd unit does not restart after it."""


def main(hooks: Hooks, arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 fine, 1 failed, 2 usage, 78 configuration."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # the same bytes under every locale
    try:
        application(hooks)(args=arguments, prog_name="slawatch")
    except ConfigurationError as error:
        for finding in error.findings:
            messages.print(str(finding), markup=False)
        return EXIT_CONFIGURATION
    except (UsageError, InputError) as error:
        messages.print(f"slawatch: {error}", markup=False)
        return EXIT_USAGE
    except SlawatchError as error:
        messages.print(f"slawatch: {error}", markup=False)
        return EXIT_FAILED
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_FAILED
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_FAILED
    return 0


def application(hooks: Hooks) -> typer.Typer:
    """The command line. ``hooks`` start daemons, which this floor knows nothing of."""
    app = typer.Typer(
        name="slawatch",
        help="Measures what a service level agreement promises, with error bars, money and evidence.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.callback(invoke_without_command=True)
    def top(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
        if version:
            from slawatch import __version__

            sys.stdout.write(f"slawatch {__version__}\n")
            raise typer.Exit

    _add_running(app, hooks)
    _add_configuring(app)
    _add_looking(app)
    _add_history(app)
    _add_judging(app)
    add_importing(app)
    add_backing_up(app)
    return app


def _add_running(app: typer.Typer, hooks: Hooks) -> None:
    @app.command()
    def run(
        config: ConfigPath = DEFAULT_CONFIG,
        log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    ) -> None:
        """The daemon: probe, record, judge and serve until stopped."""
        raise typer.Exit(hooks.run(config, log_level))

    @app.command()
    def watch(
        urls: Annotated[
            list[str], typer.Argument(metavar="URL...", help="dns://, http://, https://, icmp://, tcp:// or tls://")
        ],
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


def _add_configuring(app: typer.Typer) -> None:
    @app.command("check-config")
    def check_config(
        config: ConfigPath = DEFAULT_CONFIG,
        schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema for editors instead.")] = False,
    ) -> None:
        """Every mistake in the configuration at once, as file:line:column: key: what is wrong, what is expected."""
        from slawatch.cli import configuring

        raise typer.Exit(configuring.print_schema() if schema else configuring.check(config))

    @app.command()
    def rules(
        config: ConfigPath = DEFAULT_CONFIG,
        common: Annotated[
            bool, typer.Option("--common", help="The file that serves every configuration; none is read.")
        ] = False,
        runbooks: Annotated[str, typer.Option(help="Where docs/ is published: it goes before each runbook.")] = "",
    ) -> None:
        """Prometheus's rules, with the burn rates of the contracts that are configured."""
        from slawatch.cli import rules as work

        work.print_rules(config, runbooks, common=common)

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
        from slawatch.cli import configuring

        configuring.write_client(config, name, address, promise, penalty, charges, timezone)

    @app.command()
    def dashboards(
        write_to: Annotated[
            Path | None, typer.Option(help="Write them and the provisioning files into this folder instead.")
        ] = None,
    ) -> None:
        """The dashboards for Grafana: one a line as JSON, or as files."""
        from slawatch.cli import dashboards as work

        if write_to is None:
            work.print_dashboards()
        else:
            work.write_files(write_to)


def _add_looking(app: typer.Typer) -> None:
    @app.command()
    def status(
        config: ConfigPath = DEFAULT_CONFIG,
        fail: Annotated[bool, typer.Option("--fail", help="Exit 1 if something is down, breaching or lost.")] = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """What is up, at risk, breached, by the running daemon's latest judgement."""
        from slawatch.cli import status as work

        bad = work.print_status(config, form)
        raise typer.Exit(EXIT_FAILED if fail and bad else 0)

    @app.command()
    def probe(
        what: Annotated[str, typer.Argument(metavar="KIND|CLIENT/ENDPOINT")],
        target: Annotated[str | None, typer.Argument(help="What to ask, with a kind.")] = None,
        option: Annotated[list[str] | None, typer.Option(help="An option of the kind, as key=value.")] = None,
        timeout: Annotated[str, typer.Option(help="When it counts as failed.")] = "5s",
        config: ConfigPath = DEFAULT_CONFIG,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """One probe now: the verdict, its named reason, and how long each phase took. Exit 1 unless it is up."""
        from slawatch.cli import probing

        good = probing.print_probe(what, target, option or (), timeout, config, form)
        raise typer.Exit(0 if good else EXIT_FAILED)

    @app.command()
    def review(
        what: Annotated[str, typer.Argument(metavar="CLIENT[/CONTRACT]")],
        by: Annotated[str, typer.Option(help="Who looked.")],
        note: Annotated[str, typer.Option(help="What there is to say about it.")] = "",
        config: ConfigPath = DEFAULT_CONFIG,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """Sign that somebody looked at a contract, or at all of a client's that agree times for it."""
        from slawatch.cli import reviewing

        reviewing.sign(config, what, by, note, form)

    @app.command()
    def doctor(config: ConfigPath = DEFAULT_CONFIG, form: FormatOption = Format.TABLE) -> None:
        """What this box can and cannot do: ICMP rights, clock, resolver, file descriptors, disk, database."""
        from slawatch.cli import doctor as examination

        raise typer.Exit(0 if examination.print_findings(config, form) else EXIT_FAILED)


def _add_history(app: typer.Typer) -> None:
    @app.command()
    def history(
        config: ConfigPath = DEFAULT_CONFIG,
        show: Annotated[
            str,
            typer.Option(
                help="all, transitions, blips, outages, events, observations, days, weeks, months, latency or strip."
            ),
        ] = "all",
        client: Annotated[str | None, typer.Option(help="Only this client.")] = None,
        endpoint: Annotated[str | None, typer.Option(help="Only this endpoint; needs --client.")] = None,
        service: Annotated[str | None, typer.Option(help="Only endpoints of this service; needs --client.")] = None,
        contract: Annotated[
            str | None, typer.Option(help="Only endpoints that this contract counts; its own days, weeks, months.")
        ] = None,
        start: Annotated[str | None, typer.Option("--from", help="From this instant on.")] = None,
        end: Annotated[str | None, typer.Option("--to", help="Up to this instant.")] = None,
        state: Annotated[str | None, typer.Option(help="Only this state.")] = None,
        cause: Annotated[str | None, typer.Option(help="Only unknown time with this cause.")] = None,
        reason: Annotated[str | None, typer.Option(help="Only failures with this reason.")] = None,
        event: Annotated[str | None, typer.Option(help="Only events of this name.")] = None,
        ongoing: Annotated[str | None, typer.Option(help="yes: outages that go on; no: those that ended.")] = None,
        longer_than: Annotated[str | None, typer.Option(help="Only outages longer than this, as 5m.")] = None,
        sort: Annotated[str | None, typer.Option(help="at, -at; outages: length, -length too.")] = None,
        limit: Annotated[int | None, typer.Option(help="At most so many rows, and a cursor for more.")] = None,
        cursor: Annotated[str | None, typer.Option(help="Go on where a page ended.")] = None,
        cost: Annotated[str | None, typer.Option(help="no: outages without what they cost, which is faster.")] = None,
        form: FormatOption = Format.JSONL,
    ) -> None:
        """What is on record: transitions, blips, outages, availability. `evaluate` reads its jsonl and csv as it is."""
        from slawatch.cli import history as work

        given = {
            "show": None if show == "all" else show,
            "client": client,
            "endpoint": endpoint,
            "service": service,
            "contract": contract,
            "from": start,
            "to": end,
            "state": state,
            "cause": cause,
            "reason": reason,
            "event": event,
            "ongoing": ongoing,
            "longer_than": longer_than,
            "sort": sort,
            "limit": None if limit is None else str(limit),
            "cursor": cursor,
            "cost": cost,
        }
        work.print_history(config, [(key, text) for key, text in given.items() if text is not None], form)


def _add_judging(app: typer.Typer) -> None:
    @app.command()
    def evaluate(
        history: Annotated[Path, typer.Argument(help="JSON, JSON Lines or CSV; - is standard input.")],
        contract: Annotated[Path, typer.Option("--contract", help="A client file, as in clients/*.yaml.")],
        at: Annotated[str | None, typer.Option(help='"Now": an instant; the end of the history when left out.')] = None,
        until: Annotated[str | None, typer.Option(help="Where the history ends, whatever it says itself.")] = None,
        period: Annotated[str, typer.Option(help="last, current, all, or an instant in the period.")] = "all",
        terms_of_file: Annotated[
            bool,
            typer.Option("--terms-of-file", help="Judge by the file even where the history says what was agreed."),
        ] = False,
        form: FormatOption = Format.TABLE,
    ) -> None:
        """Judge a history file, with no daemon and no database."""
        from slawatch.cli import judging

        judging.evaluate(history, contract, judging.Wish(at, until, period, terms_of_file), form)

    @app.command()
    def explain(
        contract: Annotated[str, typer.Argument(metavar="CLIENT/CONTRACT")],
        config: ConfigPath = DEFAULT_CONFIG,
        client_file: Annotated[
            Path | None, typer.Option("--contract", help="A client file to read instead of the configuration.")
        ] = None,
        history: Annotated[
            Path | None, typer.Option(help="A history file, instead of what the daemon has on record.")
        ] = None,
        at: Annotated[str | None, typer.Option(help='"Now": an instant; the end of the history when left out.')] = None,
        period: Annotated[str, typer.Option(help="Judged: last, current, or an instant in the period.")] = "last",
        form: FormatOption = Format.TABLE,
    ) -> None:
        """A contract in plain words and numbers, and how its events would score under other clauses and engines."""
        from slawatch.cli import explaining

        explaining.explain_contract(explaining.Wish(contract, config, client_file, history, at, period), form)
