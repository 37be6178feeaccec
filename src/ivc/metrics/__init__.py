"""How far decoded pictures are from their originals: PSNR, SSIM, MS-SSIM and others on ``Frames``.

    measure("psnr", reference, test)   one number
    Meter(["psnr", "ssim"])            a clip, segment by segment, in bounded memory
    available("vmaf")                  why a metric cannot run here, or None

====================  ==========================================================================
name                  what is compared
====================  ==========================================================================
``psnr``              RGB: all samples of the three planes; gray and YUV: luma
``psnr-y``            luma
``psnr-yuv``          (6 Y + U + V) / 8 of the planes' PSNRs; gray: luma
``ssim``              luma, Wang et al. 2004
``ms-ssim``           luma, Wang et al. 2003
``vmaf``              luma and its motion, model vmaf_v0.6.1; needs FFmpeg with libvmaf
``ssimulacra2``       RGB, SSIMULACRA 2.1
``lpips``             RGB, a distance: 0 is identical; needs Torch and weights
``dists``             RGB, a distance: 0 is identical; needs Torch and weights
====================  ==========================================================================

The first five are ``METRICS``, the others ``OPTIONAL_METRICS``. The luma of RGB is that of BT.601
(see ``ivc.metrics.luma``). The peak is 2**depth - 1 at every range. Alpha is ignored. Identical
pictures have a PSNR of infinity and an (MS-)SSIM of 1.
"""

from ivc.metrics.meter import Meter, Score, measure
from ivc.metrics.table import METRICS, OPTIONAL_METRICS, Metric, available, metric, metric_name

__all__ = [
    "METRICS",
    "OPTIONAL_METRICS",
    "Meter",
    "Metric",
    "Score",
    "available",
    "measure",
    "metric",
    "metric_name",
]
