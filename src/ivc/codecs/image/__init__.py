"""``image``: a learned codec for stills that is the same on every machine.

A 9/7 wavelet whose details are predicted by a float network and coded with the probabilities of
exact integer networks, coarse to fine:

    codec       segments and layers           frame      one picture, encoder and decoder
    level       one level: passes and tiles   passes     the order of coding
    syntax      header, decisions, choices    model      the networks at work
    planes      pixels to planes and back     constants  numbers of the syntax

In the line of wavelet-like learned transforms (Ma et al., "End-to-End Optimized Versatile Image
Compression With Wavelet-Like Transform", IEEE TPAMI 2022) and of learned contexts in parallel
(He et al., "Checkerboard Context Model for Efficient Learned Image Compression", CVPR 2021).
The syntax is specified in docs/codecs/image.md.
"""

from ivc.codecs.image.codec import Image, ImageSettings

__all__ = ["Image", "ImageSettings"]
