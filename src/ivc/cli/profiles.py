"""``ivc profiles``."""

from __future__ import annotations

import click

from ivc.cli.help import Command, option
from ivc.cli.terminal import print_json, print_table
from ivc.codecs import CODECS


@click.command(
    cls=Command,
    short_help="List what this build encodes and decodes.",
    examples=(
        ("ivc profiles", ""),
        ("ivc encode photo.png --profile dct", "roadmap/ may be left out"),
    ),
)
@option("--json", "as_json", is_flag=True, section="Output", help="Print one JSON object.")
def profiles(as_json: bool) -> None:
    """List the profiles that this build encodes and decodes."""
    if as_json:
        print_json(
            {
                "profiles": [
                    {
                        "name": profile.name,
                        "number": profile.number,
                        "family": profile.family,
                        "lossless": profile.lossless,
                        "layers": [layer.label for layer in sorted(profile.layers)],
                        "summary": profile.summary,
                    }
                    for profile in CODECS
                ]
            }
        )
        return
    rows = (
        (
            profile.name,
            profile.family,
            "lossless" if profile.lossless else "lossy",
            ", ".join(layer.label for layer in sorted(profile.layers)),
            profile.summary,
        )
        for profile in CODECS
    )
    print_table(("profile", "family", "by default", "layers", ""), rows, left=5)
