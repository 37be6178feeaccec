"""Decoding: a stream's segments are decoded by an executor and written as pictures.

IN.ivc ─stream─► layers ─executor─► segments ─sink─► file or pipe
"""

from __future__ import annotations

from collections.abc import Iterator

from ivc.codecs import Profile, by_number
from ivc.errors import BitstreamError, UnsupportedError, UsageError
from ivc.media import Sink
from ivc.pipeline.executors import make_executor
from ivc.pipeline.options import DecodeOptions, DecodeResult, Progress, ProgressCallback
from ivc.pipeline.tasks import DecodeTask, decode_segment
from ivc.stream import SegmentEntry, Stream
from ivc.types import Layer, Segment, SegmentHeader, StreamInfo, reduced

THUMBNAIL_SIDE = 64
"""Fewest luma samples of the longer side of a thumbnail, unless the picture itself has fewer."""


def decode(
    stream: Stream,
    sink: Sink,
    options: DecodeOptions | None = None,
    progress: ProgressCallback | None = None,
) -> DecodeResult:
    """Decode a stream into a sink, which the caller closes.

    A file that is cut short is decoded up to its last whole segment; the result says so.

    Args:
        stream: an open stream.
        sink: where the frames go.
        options: which frames, at what size, with how many workers.
        progress: called after every segment.

    Raises:
        IvcError: for whatever is wrong with the stream, the key or the output.
    """
    options = options or DecodeOptions()
    info = decoded_info(stream, options)
    done = 0
    first_pts = 0
    for segment in decoded_segments(stream, options):
        if done == 0 and options.start and segment.pts:
            first_pts = segment.pts[0]
        if first_pts:
            segment.pts = tuple(pts - first_pts for pts in segment.pts)
        sink.write(segment)
        done += len(segment.frames)
        if progress:
            progress(Progress("decode", done, _total(stream, options), 0))
    if done == 0:
        if stream.truncated:
            raise BitstreamError("the file is cut short before its first whole segment")
        raise UsageError(f"the stream ends before frame {options.start}")
    expected = _total(stream, options)
    if expected is not None and done != expected and not stream.truncated:
        raise BitstreamError(f"{done} frames were decoded, the index declares {expected}")
    return DecodeResult(done, info.width, info.height, stream.truncated)


def decoded_segments(stream: Stream, options: DecodeOptions) -> Iterator[Segment]:
    """The decoded segments that hold the frames asked for, cut to these frames."""
    with make_executor(options.jobs, still=stream.header.info.still) as executor:
        yield from executor.map(decode_segment, decode_tasks(stream, options))


def decoded_info(stream: Stream, options: DecodeOptions) -> StreamInfo:
    """What is true of the pictures that decoding with these options gives.

    Raises:
        UsageError: when the codec cannot decode at that reduction.
        UnsupportedError: when this build lacks the codec, and only it knows its reductions.
    """
    info = stream.header.info
    if options.reduction == 1:
        return info
    profile = by_number(stream.header.codec)
    _check_reduction(profile, options.reduction)
    return info.replace(
        width=reduced(info.width, options.reduction), height=reduced(info.height, options.reduction)
    )


def _check_reduction(profile: Profile, reduction: int) -> None:
    offered = profile.load().reductions
    if reduction not in offered:
        smaller = ", ".join(f"1/{n}" for n in offered if n > 1)
        can = f"at 1 and {smaller}" if smaller else "at full size only"
        raise UsageError(f"{profile.name} decodes {can}, not at 1/{reduction}")


def thumbnail_reduction(stream: Stream) -> int:
    """The greatest reduction that leaves the longer side at least ``THUMBNAIL_SIDE`` samples.

    Raises:
        UnsupportedError: when the codec decodes at full size only.
    """
    profile, info = by_number(stream.header.codec), stream.header.info
    offered = profile.load().reductions
    if len(offered) == 1:
        raise UnsupportedError(f"{profile.name} decodes at full size only: it has no thumbnails")
    longer = max(info.width, info.height)
    return max((n for n in offered if reduced(longer, n) >= THUMBNAIL_SIDE), default=1)


def decode_tasks(stream: Stream, options: DecodeOptions) -> Iterator[DecodeTask]:
    """What to decode, segment by segment, as it is read; works on pipes.

    Layers that decoding at the reduction does not need are neither read nor decrypted.
    """
    head = stream.header
    info = head.info
    profile = by_number(head.codec)
    _check_reduction(profile, options.reduction)
    wanted = profile.load().layers_at(options.reduction)
    shared = stream.shared(wanted)
    start, stop = options.start, options.stop
    for entry, layers in _segments(stream, start, wanted):
        end = entry.first_frame + entry.frames
        if end <= start:
            continue
        if stop is not None and entry.first_frame >= stop:
            return
        first, last = max(start - entry.first_frame, 0), entry.frames
        duration = entry.duration
        if stop is not None and stop < end:
            last = stop - entry.first_frame
            duration = entry.pts[last] - entry.pts[last - 1]
        yield DecodeTask(
            codec=head.codec,
            header=SegmentHeader(
                format=info.format,
                width=info.width,
                height=info.height,
                frames=entry.frames,
                codec_version=head.codec_version,
                reduction=options.reduction,
                weights_hash=head.weights_hash,
                model=options.model,
            ),
            layers=layers,
            shared=shared,
            index=entry.index,
            pts=entry.pts,
            duration=duration,
            keep=None if last - first == entry.frames else slice(first, last),
        )


def _segments(
    stream: Stream, start: int, wanted: frozenset[Layer] | None
) -> Iterator[tuple[SegmentEntry, dict[Layer, bytes]]]:
    if not start or not stream.seekable or start >= stream.total_frames:
        yield from stream.iter_segments(wanted)
        return
    for index in range(stream.segment_at(start).index, len(stream.segments)):
        entry = stream.segments[index]
        yield entry, stream.read_layers(entry, wanted)


def _total(stream: Stream, options: DecodeOptions) -> int | None:
    if not stream.seekable:
        return None
    total = stream.total_frames
    stop = total if options.stop is None else min(options.stop, total)
    return max(stop - options.start, 0)
