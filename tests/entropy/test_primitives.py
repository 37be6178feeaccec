"""Decisions and binarisations: written, read and estimated by the same functions."""

import numpy as np
import pytest
from numba import njit

from ivc.entropy import (
    Decoder,
    Encoder,
    Estimator,
    code_adaptive_exp_golomb,
    code_bit,
    code_bits,
    code_bypass,
    code_exp_golomb,
    code_signed_exp_golomb,
    code_tree,
    code_unary,
    new_contexts,
)
from ivc.errors import BitstreamError


@njit(cache=True, nogil=True)
def code_mixture(coder, contexts, kinds, values):
    """One of each kind of syntax element, as ``kinds`` says."""
    for j in range(len(kinds)):
        kind, value = kinds[j], values[j]
        if kind == 0:
            value = code_bit(coder, contexts, 0, value & 1)
        elif kind == 1:
            value = code_bypass(coder, value & 1)
        elif kind == 2:
            value = code_bits(coder, value, 48)
        elif kind == 3:
            value = code_exp_golomb(coder, value, 3)
        elif kind == 4:
            value = code_signed_exp_golomb(coder, -value, 0)
        elif kind == 5:
            value = code_unary(coder, contexts, 1, 3, 20, min(value, 20))
        elif kind == 6:
            value = code_tree(coder, contexts, 8, 5, value & 31)
        else:
            value = code_adaptive_exp_golomb(coder, contexts, 40, 6, 1, value)
        values[j] = value


def test_every_element_comes_back():
    generator = np.random.default_rng(7)
    kinds = generator.integers(0, 8, 20_000)
    values = generator.integers(0, 1 << 31, 20_000) >> generator.integers(0, 31, 20_000)
    encoder = Encoder()
    written = values.copy()
    code_mixture(encoder.coder, new_contexts(60), kinds, written)
    data = encoder.finish()
    decoder = Decoder(data)
    read = np.zeros_like(values)
    code_mixture(decoder.coder, new_contexts(60), kinds, read)
    decoder.finish()
    assert (read == written).all()
    estimator = Estimator()
    code_mixture(estimator.coder, new_contexts(60), kinds, values.copy())
    assert estimator.bits == pytest.approx(8 * len(data), rel=0.005)


def test_missing_bytes_are_reported():
    encoder = Encoder()
    kinds, values = np.full(100, 2), np.full(100, 123_456_789)
    code_mixture(encoder.coder, new_contexts(60), kinds, values)
    decoder = Decoder(encoder.finish()[:-8])
    code_mixture(decoder.coder, new_contexts(60), kinds, values)
    with pytest.raises(BitstreamError, match="cut short"):
        decoder.finish()
