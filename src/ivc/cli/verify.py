"""``ivc verify``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ivc.cli import paths, values
from ivc.cli.help import Command, option
from ivc.cli.terminal import ProgressBar, about, print_json
from ivc.codecs import Profile, by_name, by_number
from ivc.errors import (
    BitstreamError,
    DecryptionError,
    IvcError,
    MediaError,
    ModelError,
    UnsupportedError,
    UsageError,
)

if TYPE_CHECKING:
    from ivc.stream import Report, Stream


@dataclass
class Verdict:
    """What was found.

    Attributes:
        problems: one line each.
        facts: names and values that describe the file.
    """

    problems: list[str]
    facts: dict[str, Any]


@click.command(
    cls=Command,
    short_help="Check a file: structure, level, checksums.",
    examples=(
        ("ivc verify clip.ivc", ""),
        ("ivc verify clip.ivc --decode --jobs 4", "decodes all of it, too"),
        ("ivc verify secret.ivc --key-file key", "decrypts all of it"),
        ("ivc verify clip.ivc --profile dct --level 3", "exactly this profile, at most level 3"),
    ),
)
@click.argument("input", metavar="IN.ivc")
@option("--decode", "decoding", is_flag=True, section="Checks", help="Also decode every frame.")
@option(
    "--profile",
    metavar="NAME",
    section="Checks",
    help="The profile that the file must have. Default: the one it names.",
)
@option("--level", type=int, metavar="N", section="Checks", help="The highest level permitted.")
@option(
    "--key-file", metavar="FILE", section="Checks", help="Key, to check what is encrypted, too."
)
@option(
    "--model",
    metavar="DIR",
    section="Checks",
    help="For --decode: folder of the model that the file was encoded with, if not ivc's own.",
)
@option(
    "--jobs",
    type=int,
    default=1,
    metavar="N",
    section="Checks",
    help="For --decode: worker processes for a clip, threads for a still. Default: 1 process, its "
    "codec on all cores if it can.",
)
@option("--json", "as_json", is_flag=True, section="Output", help="Print one JSON object.")
@option("--quiet", is_flag=True, section="Output", help="Print nothing but an error.")
def verify(
    input: str,
    decoding: bool,
    profile: str | None,
    level: int | None,
    key_file: str | None,
    model: str | None,
    jobs: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check a file from its first to its last byte: structure, index, profile, level, checksums.

    Bytes without a checksum are only checked by --decode. Exits with 1 if anything is wrong.
    """
    from ivc.stream import DEFAULT_MAX_LEVEL, open_stream

    required = None if profile is None else by_name(profile)
    highest = DEFAULT_MAX_LEVEL if level is None else level
    key = values.read_key(key_file, input)
    if input == paths.PIPE:
        raise UsageError("verifying goes through a file more than once: name a file, not a pipe")
    try:
        with (
            open_stream(input, key=key, max_level=highest) as stream,
            ProgressBar(quiet=quiet or as_json) as progress,
        ):
            verdict = _verify(stream, required)
            if decoding:
                with about(input):
                    done = _decode(stream, jobs, model or "", verdict, progress)
                verdict.facts["decoded_frames"] = done
    except (BitstreamError, DecryptionError, UnsupportedError) as error:
        verdict = Verdict([str(error)], {})
    if as_json:
        document = {"file": input, "ok": not verdict.problems, "problems": verdict.problems}
        print_json(document | verdict.facts)
    elif not quiet:
        _print(input, verdict)
    if verdict.problems:
        others = len(verdict.problems) - 1
        more = f" (and {others} more problem{'s' if others > 1 else ''})" if others else ""
        raise BitstreamError(f"{input}: {verdict.problems[0]}{more}")


def _verify(stream: Stream, required: Profile | None) -> Verdict:
    from ivc.stream import verify as check

    try:
        profile = required or by_number(stream.header.codec)
        report = check(stream, profile)
        name = profile.name
    except UnsupportedError:
        report = check(stream)
        name = f"codec {stream.header.codec}, which this build does not have"
    return Verdict(list(report.problems), _facts(stream, name, report))


def _facts(stream: Stream, profile: str, report: Report) -> dict[str, Any]:
    return {
        "profile": profile,
        "level": stream.header.level,
        "segments": report.segments,
        "frames": report.frames,
        "checked_bytes": report.checked_bytes,
        "unchecked_bytes": report.unchecked_bytes,
    }


def _decode(stream: Stream, jobs: int, model: str, verdict: Verdict, progress: ProgressBar) -> int:
    from ivc.pipeline import DecodeOptions, Progress, decoded_segments

    done = 0
    try:
        for segment in decoded_segments(stream, DecodeOptions(jobs=jobs, model=model)):
            done += len(segment.frames)
            progress(Progress("decode", done, stream.total_frames, 0))
    except (UsageError, MediaError, ModelError):
        raise  # nothing is wrong with the file
    except IvcError as error:
        if str(error) not in verdict.problems:
            verdict.problems.append(str(error))
    return done


def _print(path: str, verdict: Verdict) -> None:
    print(f"{path}: {'not good' if verdict.problems else 'good'}")
    for name, value in verdict.facts.items():
        text = f"{value:,}" if isinstance(value, int) else str(value)
        print(f"  {name.replace('_', ' '):<16}{text}")
    for problem in verdict.problems:
        print(f"  {'problem':<16}{problem}")
