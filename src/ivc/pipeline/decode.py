"""Decoding: a stream's segments are decoded by an executor and written as pictures.

IN.ivc ─stream─► layers ─executor─► segments ─sink─► file or pipe
"""

from __future__ import annotations

from collections.abc import Iterator

from ivc.errors import BitstreamError, UsageError
from ivc.media import Sink
from ivc.pipeline.executors import make_executor
from ivc.pipeline.options import DecodeOptions, DecodeResult, Progress, ProgressCallback
from ivc.pipeline.tasks import DecodeTask, decode_segment
from ivc.stream import SegmentEntry, Stream
from ivc.types import Layer, Segment, SegmentHeader


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
        options: which frames, with how many workers.
        progress: called after every segment.

    Raises:
        IvcError: for whatever is wrong with the stream, the key or the output.
    """
    options = options or DecodeOptions()
    info = stream.header.info
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
    tasks = decode_tasks(stream, options.start, options.stop)
    with make_executor(options.jobs) as executor:
        yield from executor.map(decode_segment, tasks)


def decode_tasks(stream: Stream, start: int = 0, stop: int | None = None) -> Iterator[DecodeTask]:
    """What to decode, segment by segment, as it is read; works on pipes."""
    head = stream.header
    info = head.info
    shared = stream.shared()
    for entry, layers in _segments(stream, start):
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
                info.format, info.width, info.height, entry.frames, head.codec_version
            ),
            layers=layers,
            shared=shared,
            index=entry.index,
            pts=entry.pts,
            duration=duration,
            keep=None if last - first == entry.frames else slice(first, last),
        )


def _segments(stream: Stream, start: int) -> Iterator[tuple[SegmentEntry, dict[Layer, bytes]]]:
    if not start or not stream.seekable or start >= stream.total_frames:
        yield from stream.iter_segments()
        return
    for index in range(stream.segment_at(start).index, len(stream.segments)):
        entry = stream.segments[index]
        yield entry, stream.read_layers(entry)


def _total(stream: Stream, options: DecodeOptions) -> int | None:
    if not stream.seekable:
        return None
    total = stream.total_frames
    stop = total if options.stop is None else min(options.stop, total)
    return max(stop - options.start, 0)
