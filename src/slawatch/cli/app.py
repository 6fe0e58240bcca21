"""The whole command line, and how its errors end a process."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from slawatch import __version__
from slawatch.cli import configuring, history, judging, looking, running
from slawatch.cli.output import messages
from slawatch.cli.running import Hooks
from slawatch.runtime.errors import ConfigurationError, InputError, SlawatchError, UsageError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CONFIGURATION = 78
"""EX_CONFIG of sysexits(3); the systemd unit does not restart after it."""


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
    def top(
        version: bool = typer.Option(False, "--version", help="Print the version and end."),
    ) -> None:
        if version:
            sys.stdout.write(f"slawatch {__version__}\n")
            raise typer.Exit

    running.add_commands(app, hooks)
    configuring.add_commands(app)
    looking.add_commands(app)
    history.add_commands(app)
    judging.add_commands(app)
    return app


def main(hooks: Hooks, arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 fine, 1 failed, 2 usage, 78 configuration."""
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
