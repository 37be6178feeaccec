"""How far decoded pictures are from their originals: PSNR, SSIM, MS-SSIM on ``Frames``.

    measure("psnr", reference, test)   one number
    Meter(["psnr", "ssim"])            a clip, segment by segment, in bounded memory

====================  ==========================================================================
name                  what is compared
====================  ==========================================================================
``psnr``              RGB: all samples of the three planes; gray and YUV: luma
``psnr-y``            luma
``psnr-yuv``          (6 Y + U + V) / 8 of the planes' PSNRs; gray: luma
``ssim``              luma, Wang et al. 2004
``ms-ssim``           luma, Wang et al. 2003
====================  ==========================================================================

The luma of RGB is that of BT.601 (see ``ivc.metrics.luma``). The peak is 2**depth - 1 at every
range. Alpha is ignored. Identical pictures have a PSNR of infinity and an (MS-)SSIM of 1.
"""

from ivc.metrics.meter import METRICS, Meter, Score, measure, metric_name

__all__ = ["METRICS", "Meter", "Score", "measure", "metric_name"]
