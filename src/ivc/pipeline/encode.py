"""Encoding: a source is cut into segments, coded by an executor, and written as a stream.

    source ─cut─► segments ─executor─► layers ─► OUT.ivc.part ─publish─► OUT.ivc

Rate targets, resuming and verification stand here once and serve every codec.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ivc import __version__
from ivc.codecs import Profile, by_name
from ivc.codecs.base import Codec, Layers, Settings
from ivc.errors import IvcError, MediaError, UnsupportedError, UsageError, WorkerError
from ivc.media import Source
from ivc.pipeline.executors import Executor, make_executor
from ivc.pipeline.options import (
    EncodeOptions,
    EncodeResult,
    Progress,
    ProgressCallback,
    make_settings,
)
from ivc.pipeline.part import PartFile, Plan
from ivc.pipeline.rate import PlayingTime, RateControl
from ivc.pipeline.segments import Spool, cut, default_segment_frames
from ivc.pipeline.tasks import EncodeTask, encode_segment
from ivc.stream import Encryption, StreamHeader, StreamWriter, open_stream, smallest_level
from ivc.types import StreamInfo

if TYPE_CHECKING:
    from ivc.metrics import Meter

AUTO = {True: "image", False: "roadmap/dct"}
"""What the profile ``auto`` is for stills and for clips."""


@dataclasses.dataclass
class Written:
    """A stream that was written to its end.

    Attributes:
        frames: frames in it.
        bytes: size of the stream.
        seconds: playing time, if known.
        meter: the target's metric over all frames; None without one, or after a resume.
    """

    frames: int
    bytes: int
    seconds: float | None
    meter: Meter | None = None


@dataclasses.dataclass
class Job:
    """An encode under way: everything that its stages share."""

    source: Source
    profile: Profile
    codec: Codec[Any]
    options: EncodeOptions
    settings: Settings
    length: int
    executor: Executor
    progress: ProgressCallback
    shared: Layers = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def info(self) -> StreamInfo:
        """What is true of all pictures."""
        return self.source.info

    @cached_property
    def header(self) -> StreamHeader:
        """Header of the stream to write; kept, for hashing weights can take a while."""
        return StreamHeader(
            codec=self.profile.number,
            codec_version=self.codec.version,
            info=self.info,
            level=smallest_level(self.info, self.length),
            weights_hash=self.codec.weights_hash(self.settings),
        )

    def tasks(self, settings: Settings, first_segment: int, metric: str) -> Iterator[EncodeTask]:
        """The segments to encode, as they are read."""
        for segment in cut(self.source, self.length, first_segment):
            yield EncodeTask(self.profile.name, settings, segment, self.shared, metric)

    def open_writer(self, file: BinaryIO) -> StreamWriter:
        """A writer that has written all that comes before the segments."""
        writer = StreamWriter(file, self.header, encryption=self.options.encryption)
        self.write_front(writer)
        return writer

    def write_front(self, writer: StreamWriter) -> None:
        """Write what comes before the segments and is not written yet."""
        if self.shared and not writer.shared_written:
            writer.write_shared(self.shared)
        for attachment in self.source.attachments()[writer.attachments_written :]:
            writer.write_attachment(attachment)


def encode(
    source: Source,
    destination: Path | BinaryIO,
    options: EncodeOptions | None = None,
    progress: ProgressCallback | None = None,
) -> EncodeResult:
    """Encode a source into an ``.ivc`` file or pipe.

    Args:
        source: an open source; the caller closes it.
        destination: a path, which appears complete or not at all, or a writable binary file.
        options: how to encode.
        progress: called after every segment.

    Raises:
        IvcError: for whatever the input, the options or the destination cause.
        KeyboardInterrupt: passed on; the part file of a clip then stays for ``resume``.
    """
    options = options or EncodeOptions()
    profile = by_name(AUTO[source.info.still] if options.profile == "auto" else options.profile)
    codec = profile.load()
    if not codec.supports(source.info.format):
        raise UnsupportedError(f"{profile.name} does not code {source.info.format}")
    if options.target and source.info.still and options.target.kind == "bitrate":
        raise UnsupportedError("a still has no bitrate; give a size instead")
    prepares = type(codec).prepare is not Codec.prepare
    several_passes = bool(options.target) or options.verify or prepares
    with ExitStack() as stack:
        if several_passes and not source.seekable:
            source = stack.enter_context(Spool(source))
        job = Job(
            source=source,
            profile=profile,
            codec=codec,
            options=options,
            settings=make_settings(profile.name, codec, options),
            length=_segment_frames(source.info, options),
            executor=stack.enter_context(make_executor(options.jobs, still=source.info.still)),
            progress=progress or (lambda _: None),
        )
        if prepares:
            job.shared = codec.prepare(cut(source, job.length), job.settings)
        if isinstance(destination, Path):
            return _encode_to_path(job, PartFile(destination))
        if several_passes:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ivc-")))
            result = _encode_to_path(job, PartFile(folder / "out.ivc"))
            with (folder / "out.ivc").open("rb") as file:
                shutil.copyfileobj(file, destination)
            return result
        writer = job.open_writer(destination)
        return _result(job, job.settings, _write(job, writer, job.settings, PlayingTime()))


def _segment_frames(info: StreamInfo, options: EncodeOptions) -> int:
    if info.still:
        return 1
    return options.segment_frames or default_segment_frames(info)


def _plan(job: Job) -> Plan:
    options = job.options
    return {
        "ivc": __version__,
        "input": job.source.fingerprint(),
        "format": str(job.info),
        "profile": f"{job.profile.name} {job.codec.version}",
        "settings": str(job.settings),
        "target": str(options.target),
        "segment length": job.length,
        "encryption": _scope(options.encryption),
        "attempts": [],
    }


def _scope(encryption: Encryption | None) -> str:
    """What is encrypted; the key itself is checked against the part file."""
    if encryption is None:
        return "none"
    chosen = (encryption.layers, encryption.attachments)
    return str([None if kinds is None else sorted(map(int, kinds)) for kinds in chosen])


def _encode_to_path(job: Job, part: PartFile) -> EncodeResult:
    plan = _plan(job)
    with part:
        resumed = part.load(plan) if job.options.resume else None
        if resumed and not _has_segments(part):
            resumed = None
        if job.options.resume and resumed is None:
            job.notes.append("nothing to resume: encoded from the start")
        try:
            return _attempts(job, part, resumed or plan, resume=resumed is not None)
        except BaseException as error:
            # What the input or the settings cause would stop a resumed run, too.
            lasting = isinstance(error, IvcError) and not isinstance(error, WorkerError)
            if lasting or job.info.still or not plan["input"] or not _has_segments(part):
                part.discard()
            if isinstance(error, OSError) and error.filename is None and error.strerror:
                error.filename = str(part.path)
            raise


def _has_segments(part: PartFile) -> bool:
    try:
        with open_stream(part.path) as stream:
            return len(stream.segments) > 0
    except (IvcError, OSError):
        return False


def _attempts(job: Job, part: PartFile, plan: Plan, *, resume: bool) -> EncodeResult:
    """Write whole files until one meets the target (at once, if there is none), then publish."""
    target = job.options.target
    metric = target.kind if target and target.is_metric else ""
    control = RateControl(job, plan["attempts"]) if target else None
    metrics = {}
    while True:
        settings = job.settings
        if control:
            settings = job.codec.at_quality(settings, control.quality())
        part.save(plan)
        written = _write_part(job, part, settings, metric, resume=resume)
        resume = False
        if control is None:
            break
        value: float = written.bytes
        if metric:
            scores = _compared(job, part, metric) if written.meter is None else written.meter
            metrics[metric] = scores.scores()[metric].pooled
            value = metrics[metric]
        if control.accepts(value, written.seconds):
            job.notes.extend(control.notes)
            break
    if job.options.verify:
        exact = job.codec.is_exact(settings)
        scores = _compared(job, part, "psnr", exact=exact)
        metrics["psnr"] = scores.scores()["psnr"].pooled
    part.publish()
    return _result(job, settings, written, control.probes if control else 0, metrics)


def _compared(job: Job, part: PartFile, metric: str, *, exact: bool = False) -> Meter:
    # imports the metrics and their kernels, which most runs do without
    from ivc.pipeline.verify import compare

    return compare(job, part.path, metric, exact=exact)


def _write_part(
    job: Job, part: PartFile, settings: Settings, metric: str, *, resume: bool
) -> Written:
    if not resume:
        with part.path.open("wb") as file:
            return _write(job, job.open_writer(file), settings, PlayingTime(), metric)
    playing = PlayingTime()
    with open_stream(part.path) as stream:
        for entry in stream.segments:
            playing.add(entry.pts, entry.duration)
    writer = StreamWriter.resume(part.path, encryption=job.options.encryption)
    with writer.file:
        if writer.header != job.header:
            raise UsageError(f"{part.path} is not what --resume expects; delete it to start anew")
        job.notes.append(f"resumed after {writer.frames_written} frames")
        job.write_front(writer)
        written = _write(job, writer, settings, playing, metric)
    # The frames before the interruption were not measured in this run.
    return dataclasses.replace(written, meter=None)


def _write(
    job: Job, writer: StreamWriter, settings: Settings, playing: PlayingTime, metric: str = ""
) -> Written:
    """Encode and write all segments that are not written yet, and finish the stream."""
    meter: Meter | None = None
    expected = job.source.frame_count
    for encoded in job.executor.map(
        encode_segment, job.tasks(settings, writer.segments_written, metric)
    ):
        writer.write_segment(encoded.frames, encoded.layers, encoded.pts, encoded.duration)
        # What is finished must outlive this process, however it ends.
        writer.file.flush()
        playing.add(encoded.pts, encoded.duration)
        if encoded.meter is not None:
            meter = encoded.meter if meter is None else meter.merged(encoded.meter)
        job.progress(Progress("encode", writer.frames_written, expected, writer.bytes_written))
    if writer.frames_written == 0:
        raise MediaError("the input holds no picture")
    if expected is not None and writer.frames_written != expected:
        raise MediaError(
            f"the input declares {expected} frames but {writer.frames_written} could be read"
        )
    writer.finish()
    return Written(writer.frames_written, writer.bytes_written, playing.seconds(job.info), meter)


def _result(
    job: Job,
    settings: Settings,
    written: Written,
    probes: int = 0,
    metrics: dict[str, float] | None = None,
) -> EncodeResult:
    return EncodeResult(
        profile=job.profile.name,
        settings=settings,
        frames=written.frames,
        width=job.info.width,
        height=job.info.height,
        bytes=written.bytes,
        seconds=written.seconds,
        probes=probes,
        metrics=metrics or {},
        notes=tuple(job.notes),
    )
