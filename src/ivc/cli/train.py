"""``ivc train``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ivc.cli import values
from ivc.cli.help import Command, option
from ivc.cli.terminal import Terminated, note, show_warnings, summary

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from ivc.train.outcome import Outcome, Status


@click.command(
    cls=Command,
    short_help="Train the networks of a codec.",
    examples=(
        ("ivc train recipes/image.toml --data photos", "again: goes on where it was"),
        ("ivc train recipes/image.toml --data photos --hours 1 --export model", ""),
        ("ivc train recipes/image.toml --data a --data b --set entropy.batch=12", ""),
        ("torchrun --nproc-per-node 4 -m ivc train recipes/image-gpu.toml --data photos", ""),
    ),
)
@click.argument("recipe", metavar="RECIPE")
@option(
    "--data",
    multiple=True,
    metavar="DIR",
    section="Training",
    help="Folder of pictures, searched recursively; may be repeated. Default: the recipe's.",
)
@option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    section="Training",
    help="Another value for a key of the recipe, such as entropy.batch=12; may be repeated.",
)
@option(
    "--hours",
    type=float,
    metavar="H",
    section="Training",
    help="Length of the whole training, split among its stages as the recipe has it.",
)
@option(
    "--out",
    metavar="DIR",
    section="Output",
    help="For checkpoints, logs and plots. Default: the recipe's, or training/ and its name.",
)
@option(
    "--export",
    metavar="DIR",
    section="Output",
    help="Write the trained model into this folder, for 'ivc encode --model DIR'.",
)
@option("--quiet", is_flag=True, section="Output", help="No progress, evaluations or summary.")
def train(
    recipe: str,
    data: tuple[str, ...],
    settings: tuple[str, ...],
    hours: float | None,
    out: str | None,
    export: str | None,
    quiet: bool,
) -> None:
    """Train what RECIPE, a TOML file, describes, or go on from the last checkpoint.

    Ctrl-C writes a checkpoint first. Needs PyTorch: pip install 'ivc[train]'.
    """
    from ivc.train import run

    watch = _Watch(quiet=quiet)
    try:
        with show_warnings(), watch:
            outcome = run(
                recipe,
                data=data,
                out=out,
                settings=values.parse_settings(settings),
                hours=hours,
                export=export,
                watch=watch,
            )
    except (KeyboardInterrupt, Terminated) as interruption:
        if watch.last is not None:
            at = f"at step {watch.last.step} of {watch.last.stage}"
            interruption.args = (f"saved {at}; the same command goes on from there",)
        raise
    if not quiet and watch.last is not None:
        summary(_summary(outcome))


def _summary(outcome: Outcome) -> str:
    facts = [f"{outcome.steps} steps", f"{outcome.seconds / 3600:.2f} h"]
    if outcome.model:
        facts.append(f"model in {outcome.model}")
    return f"{outcome.folder}: {', '.join(facts)}"


class _Watch:
    """Shows a training: a bar on a terminal, and one line for each evaluation.

    Args:
        quiet: show nothing.

    Attributes:
        last: the latest status.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.last: Status | None = None
        self._quiet = quiet
        self._bar: Bar | None = None
        self._tasks: dict[str, Any] = {}
        self._shown = ""

    def __enter__(self) -> _Watch:
        if not self._quiet and sys.stderr.isatty():
            self._bar = _make_bar()
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, status: Status) -> None:
        """Show where the training is."""
        self.last = status
        if self._quiet:
            return
        if status.curve:
            points = ", ".join(f"{p.bpp:.3f} bpp {p.psnr:.2f} dB" for p in status.curve)
            line = f"{status.stage}, step {status.step}, {status.seconds / 3600:.2f} h: {points}"
            if self._bar:
                self._bar.console.print(line, highlight=False, soft_wrap=True)
            else:
                note(line)
        if self._bar is None:
            return
        if status.stage not in self._tasks:
            self._tasks[status.stage] = self._bar.add_task(status.stage, total=1.0, facts="")
        if status.metrics:
            self._shown = "  ".join(f"{k} {v:.4g}" for k, v in status.metrics.items())
        facts = f"step {status.step}  {self._shown}"
        self._bar.update(self._tasks[status.stage], completed=status.progress, facts=facts)


def _make_bar() -> Bar:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:9}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[facts]}"),
        console=Console(stderr=True),
        refresh_per_second=2,
    )
