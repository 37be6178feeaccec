"""Files and pipes to frames, and frames to files and pipes.

    open_source(path)  ->  Source:  info, frames(), attachments()
    open_sink(path)    ->  Sink:    write(segment), close() or abort()

The format of an input is found from its first bytes, that of an output from its name. Formats and
what they keep are listed in docs/media.md.

>>> import io, numpy as np
>>> from ivc.media import frames_from_array, frames_to_array
>>> frames = frames_from_array(np.full((2, 3, 3), 7, np.uint8))
>>> int(frames_to_array(frames).sum())
126
"""

from __future__ import annotations

from ivc.media.arrays import frames_from_array, frames_to_array, from_pillow, to_pillow
from ivc.media.base import RawVideo, Sink, Source, TimedFrame
from ivc.media.files import open_sink, open_source

__all__ = [
    "RawVideo",
    "Sink",
    "Source",
    "TimedFrame",
    "frames_from_array",
    "frames_to_array",
    "from_pillow",
    "open_sink",
    "open_source",
    "to_pillow",
]
