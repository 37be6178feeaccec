"""Comparing a stream on disk with the input it was made from, sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ivc.errors import IvcError
from ivc.metrics import Meter
from ivc.pipeline.decode import decode_tasks
from ivc.pipeline.options import DecodeOptions, Progress
from ivc.pipeline.segments import cut
from ivc.pipeline.tasks import decode_segment, model_of
from ivc.stream import open_stream

if TYPE_CHECKING:
    from ivc.pipeline.encode import Job


def compare(job: Job, path: Path, metric: str, *, exact: bool = False) -> Meter:
    """Decode a finished stream and measure it against the job's source.

    Args:
        job: the encode that wrote the stream.
        path: the stream.
        metric: what to measure.
        exact: every sample must be equal.

    Raises:
        IvcError: when the stream differs from the input in its frames, their times or, with
            ``exact``, in any sample.
    """
    meter = Meter([metric])
    secret = job.options.encryption
    done = 0
    with open_stream(path, key=secret.key if secret else None) as stream:
        options = DecodeOptions(model=model_of(job.settings))
        decoded = job.executor.map(decode_segment, decode_tasks(stream, options))
        for original in cut(job.source, job.length):
            copy = next(decoded, None)
            if copy is None:
                break
            if copy.pts != original.pts or len(copy.frames) != len(original.frames):
                raise IvcError(f"verification failed: the times of segment {copy.index} differ")
            if exact and copy.frames != original.frames:
                raise IvcError(f"verification failed: segment {copy.index} is not exact")
            meter.add(original.frames, copy.frames)
            done += len(copy.frames)
            job.progress(Progress("verify", done, stream.total_frames, 0))
        if done != stream.total_frames or next(decoded, None) is not None:
            raise IvcError(
                f"verification failed: {done} frames agree, the file has {stream.total_frames}"
            )
    return meter
