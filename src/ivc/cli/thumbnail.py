"""``ivc extract IN.ivc thumbnail``: the first picture, decoded small."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from ivc.cli import paths
from ivc.errors import DecryptionError
from ivc.types import AttachmentKind

if TYPE_CHECKING:
    from ivc.pipeline import DecodeResult
    from ivc.stream import Stream

NAME = "thumbnail"
SUFFIX = ".thumbnail.png"


def write_thumbnail(stream: Stream, destination: str, model: str) -> DecodeResult:
    """Write the first picture of a stream at the size of a thumbnail.

    The ICC profile goes with it, so that its colours are right; all else would outweigh it.

    Args:
        stream: an open stream, of which only the layers that this needs are read.
        destination: a file, whose extension chooses the format, or ``-``, which gets a PNG.
        model: folder of the user's own model; empty for none.

    Raises:
        UnsupportedError: when the codec decodes at full size only.
        IvcError: for whatever is wrong with the stream, the key or the output.
    """
    from ivc.media import open_sink
    from ivc.pipeline import DecodeOptions, decode, decoded_info, thumbnail_reduction

    options = DecodeOptions(stop=1, reduction=thumbnail_reduction(stream), model=model)
    info = decoded_info(stream, options)
    beside = []
    with contextlib.suppress(DecryptionError):
        beside = stream.attachments([AttachmentKind.ICC])
    pipe = destination == paths.PIPE
    target = sys.stdout.buffer if pipe else destination
    with open_sink(target, info, beside, format="png" if pipe else None) as sink:
        return decode(stream, sink, options)
