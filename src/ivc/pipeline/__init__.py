"""From pictures to ``.ivc`` and back: the room that knows media, codecs and streams together.

    encode:  media.Source ─► segments ─► codec (executor) ─► layers ─► stream ─► OUT.ivc
    decode:  IN.ivc ─► stream ─► layers ─► codec (executor) ─► segments ─► media.Sink

====================  ==========================================================================
``encode``            one pass, or several for a target, verification or global layers
``decode``            all frames or a range of them, at full size or smaller
``options``           what can be asked for and what is answered
``executors``         where segments are worked on
``rate``, ``search``  targets: size, bitrate, PSNR, SSIM, MS-SSIM, for every codec
``part``              the part file that makes outputs atomic and encodes resumable
``tasks``             the pure functions that workers run
====================  ==========================================================================
"""

from ivc.pipeline.decode import decode, decoded_info, decoded_segments, thumbnail_reduction
from ivc.pipeline.encode import encode
from ivc.pipeline.options import (
    DecodeOptions,
    DecodeResult,
    EncodeOptions,
    EncodeResult,
    Progress,
    ProgressCallback,
    Target,
    reduction_of,
)

__all__ = [
    "DecodeOptions",
    "DecodeResult",
    "EncodeOptions",
    "EncodeResult",
    "Progress",
    "ProgressCallback",
    "Target",
    "decode",
    "decoded_info",
    "decoded_segments",
    "encode",
    "reduction_of",
    "thumbnail_reduction",
]
