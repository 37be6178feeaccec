"""Numbers that encoder, decoder and training share; part of the syntax (docs/codecs/image.md)."""

from __future__ import annotations

LEVELS = 6
"""Levels of the wavelet decomposition; level 1 is the finest."""
SHARED_LEVEL = 4
"""Levels from here on share their networks."""
STEPS_PER_OCTAVE = 128
MAX_STEP_INDEX = 9 * STEPS_PER_OCTAVE
TILE = 256
"""Side of the tiles of coefficients that are coded one after the other in each pass."""

FLAGS = 5
"""Decisions of a coefficient: non-zero, negative, above 1, above 2, and each further one."""
BUCKETS = 128
"""Contexts of each decision: two neighbouring logits share one."""
SURROUNDINGS = 4
"""Classes of what was coded around a coefficient; each has contexts of its own."""
ESCAPE_CONTEXTS = 16
UNARY_LIMIT = 18
"""Magnitudes from here on are coded with an escape."""
MAX_MAGNITUDE = 32767
LOGIT_BITS = 4
"""Fractional bits of the networks' outputs, which are logits from -8 to just below 8."""
FEATURE_BITS = 4
"""Fractional bits of what networks see of coefficients, and of the logarithm of the step."""
MAX_FEATURE = 255

LAMBDA = 0.07
"""Encoder: squared steps that a bit is worth."""
SHRINK = 2
"""Encoder: how far decoded magnitudes are moved towards zero, in 1/64 step."""

VERTICAL, HORIZONTAL, DIAGONAL = 0, 1, 2
"""Bands of details, named after the directions in which they are high-pass."""

# Levels by layer, coarse to fine.
STRUCTURE_LEVELS = (6, 5, 4)
PICTURE_LEVELS = (3, 2)
ENHANCEMENT_LEVELS = (1,)


def step_size(index: int) -> float:
    """Quantisation step of an index in 8-bit sample units: 2**(index / 128 - 1), 0.5 to 256."""
    return float(2.0 ** (index / STEPS_PER_OCTAVE - 1))


def step_feature(index: int) -> int:
    """What networks see of a step: 16 log2 of its size, rounded half up; -16 to 128."""
    return (index + 4) // 8 - 16
