"""The ``ivc`` command: it reads what a person types, calls ``ivc.api`` and says what came of it.

No coding happens here. Modules of this package import nothing heavy at their top, so that help and
listings appear at once; what a command needs is imported when it runs.

Exit codes: 0 done, 1 failed (one line on standard error), 2 usage, 130 and 143 interrupted by
Ctrl-C or SIGTERM, 141 nobody reads the output any more.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import click

from ivc import __version__
from ivc.cli.bench import bench
from ivc.cli.compare import compare
from ivc.cli.decode import decode
from ivc.cli.encode import encode
from ivc.cli.extract import extract
from ivc.cli.help import Group
from ivc.cli.info import info
from ivc.cli.profiles import profiles
from ivc.cli.terminal import USAGE, report_error, signals_as_exceptions
from ivc.cli.train import train
from ivc.cli.verify import verify

__all__ = ["app", "main"]


@click.group(
    cls=Group,
    invoke_without_command=True,
    context_settings={"max_content_width": 100},
    commands=[encode, decode, info, extract, verify, profiles, compare, bench, train],
    examples=(
        ("ivc encode photo.png", "writes photo.ivc"),
        ("ivc decode photo.ivc -o photo.png", ""),
        ("ivc encode clip.mp4 --bitrate 800k", "writes clip.ivc, sound included"),
        ("ivc decode clip.ivc -o - | mpv -", "plays it"),
        ("ivc info clip.ivc", "what is in the file, layer by layer"),
        ("ivc compare photo.png", "beside JPEG, WebP, JPEG XL and AVIF"),
    ),
)
@click.version_option(__version__, prog_name="ivc", message="%(prog)s %(version)s")
@click.pass_context
def app(context: click.Context) -> None:
    """An intelligent video codec: stills and clips into .ivc files and back."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: what follows ``ivc`` on the command line; None takes ``sys.argv``.
    """
    if "_IVC_COMPLETE" in os.environ:
        app.main(prog_name="ivc", complete_var="_IVC_COMPLETE")
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names may hold what the terminal's encoding does not.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with signals_as_exceptions():
            # Not app.main(), which has its own ideas of errors and signals.
            with app.make_context("ivc", arguments) as context:
                app.invoke(context)
            sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except BaseException as error:
        return report_error(error)
    return 0
