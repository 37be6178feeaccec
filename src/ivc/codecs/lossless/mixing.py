"""Decisions whose probability is mixed from many models that learn while they code.

parametric probabilities ─┐
adaptive contexts ────────┤ stretch ─► three mixers ─► second mixer ─► two SSE ─► coder
constant ─────────────────┘
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ivc.codecs.lossless.logistic import SQUASH, squash, stretch
from ivc.entropy.chances import code_chance

PARAMETRIC = 9
CONTEXTS = 14
INPUTS = PARAMETRIC + CONTEXTS + 1
"""A multiple of 8: the kernels add in eight lanes."""
SETS = 3
NODES = 32
LEVELS = 12
SLOTS = 1024 * LEVELS * NODES
SSE_STEPS = 33


SELECTIONS = 1024
SSE_CONTEXTS = 2048


class Learning(NamedTuple):
    """Constants of the mixer, found by measurement on training pictures.

    Attributes:
        parametric: first weight of parametric probabilities.
        context: first weight of contexts.
        limit: samples after which a context adapts no more slowly.
        early: added to that count; larger is slower at first.
        secondary: share of each secondary estimate in the probability.
        secondary_rate: of their adaptation.
        final_rate: of the second mixer.
        rate: of the first mixers in the long run.
        first_rate: added to that at first.
        slowing: how fast the addition goes.
    """

    parametric: float = 0.15
    context: float = 0.04
    limit: int = 100
    early: float = 3.5
    secondary: float = 0.1
    secondary_rate: float = 0.02
    final_rate: float = 0.002
    rate: float = 0.005
    first_rate: float = 0.04
    slowing: float = 0.02


LEARNING = Learning()


class Mixer(NamedTuple):
    """What is learnt of decisions; all arrays are changed by coding.

    Attributes:
        slots: (CONTEXTS, SLOTS) uint32: P(1) of 22 bits and a count of 10 bits; 0 if unseen.
        weights: (SETS, SELECTIONS, INPUTS) float64.
        final: (SELECTIONS, SETS) float64.
        sse: (2, SSE_CONTEXTS, SSE_STEPS) float64.
        rates: (1024,) float64, by count.
        inputs: (INPUTS,) float64.
        at: (CONTEXTS,) int64: first slot of each context for the sample in hand.
        select: (SETS,) int64.
        outputs: (SETS,) float64.
        counts: (SETS, SELECTIONS) float64: how often each set of weights was used.
        lanes: (8,) float64, scratch.
        learning: constants.
    """

    slots: np.ndarray
    weights: np.ndarray
    final: np.ndarray
    sse: np.ndarray
    rates: np.ndarray
    inputs: np.ndarray
    at: np.ndarray
    select: np.ndarray
    outputs: np.ndarray
    counts: np.ndarray
    lanes: np.ndarray
    learning: Learning


def new_mixer(learning: Learning = LEARNING) -> Mixer:
    """A mixer that knows nothing yet."""
    weights = np.zeros((SETS, SELECTIONS, INPUTS))
    weights[:, :, :PARAMETRIC] = learning.parametric
    weights[:, :, PARAMETRIC:-1] = learning.context
    sse = np.zeros((2, SSE_CONTEXTS, SSE_STEPS))
    sse[:] = SQUASH[[12 * 64 + (j - 16) * 32 for j in range(SSE_STEPS)]]
    rates = np.array([1 / (min(n, learning.limit) + learning.early) for n in range(1024)])
    return Mixer(
        np.zeros((CONTEXTS, SLOTS), np.uint32), weights, np.full((SELECTIONS, SETS), 1 / SETS), sse,
        rates, np.zeros(INPUTS), np.zeros(CONTEXTS, np.int64), np.zeros(SETS, np.int64),
        np.zeros(SETS), np.zeros((SETS, SELECTIONS)), np.zeros(8), learning,
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def code_mixed(coder, mixer, node, small, first, second, bit):
    """Code one decision; ``mixer.inputs[:PARAMETRIC]`` hold probabilities of 1 already stretched.

    Args:
        coder: any of the four kinds.
        mixer: a ``Mixer``.
        node: which decision of a sample it is, below NODES.
        small: selects weights of the second mixer.
        first: context of the first SSE, below SSE_CONTEXTS.
        second: context of the second SSE.
        bit: 0 or 1 (decoder: ignored).

    Returns:
        The bit.
    """
    # bound once a call, and no views below: each would count references, which takes time
    x, at, select, learning = mixer.inputs, mixer.at, mixer.select, mixer.learning
    weights, final, outputs, sse = mixer.weights, mixer.final, mixer.outputs, mixer.sse
    slots, counts, rates = mixer.slots, mixer.counts, mixer.rates
    for i in range(CONTEXTS):
        slot = slots[i, at[i] + node]
        x[PARAMETRIC + i] = stretch((slot >> np.uint32(10)) * (1.0 / 4194304.0)) if slot else x[1]
    x[INPUTS - 1] = 0.3
    lanes = mixer.lanes
    total = 0.0
    for s in range(SETS):
        e = select[s]
        for i in range(8):
            lanes[i] = (
                weights[s, e, i] * x[i] + weights[s, e, i + 8] * x[i + 8]
                + weights[s, e, i + 16] * x[i + 16]
            )  # fmt: skip
        dot = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + (
            (lanes[4] + lanes[5]) + (lanes[6] + lanes[7])
        )
        dot = min(max(dot, -11.0), 11.0)
        outputs[s] = dot
        total += final[small, s] * dot
    total = min(max(total, -11.0), 11.0)
    p = squash(total)
    # secondary estimation: what has become of such probabilities in these contexts
    y = (min(max(total, -7.999), 7.999) + 8.0) * 2.0
    j = max(min(int(y), SSE_STEPS - 2), 0)
    f = y - j
    p1 = sse[0, first, j] + (sse[0, first, j + 1] - sse[0, first, j]) * f
    p2 = sse[1, second, j] + (sse[1, second, j + 1] - sse[1, second, j]) * f
    mixed = (1.0 - 2.0 * learning.secondary) * p + learning.secondary * (p1 + p2)
    chance = min(max(int(mixed * 131072.0), 4), 131072 - 4)
    bit = code_chance(coder, chance, bit)
    # learn
    target = 1.0 if bit else 0.0
    rate = learning.secondary_rate
    sse[0, first, j] += (target - sse[0, first, j]) * (1.0 - f) * rate
    sse[0, first, j + 1] += (target - sse[0, first, j + 1]) * f * rate
    sse[1, second, j] += (target - sse[1, second, j]) * (1.0 - f) * rate
    sse[1, second, j + 1] += (target - sse[1, second, j + 1]) * f * rate
    error = (target - p) * learning.final_rate
    for s in range(SETS):
        k = select[s]
        final[small, s] += error * outputs[s]
        n = counts[s, k]
        counts[s, k] = n + 1.0
        step = (target - squash(outputs[s])) * (
            learning.rate + learning.first_rate / (1.0 + n * learning.slowing)
        )
        for i in range(INPUTS):
            weights[s, k, i] += step * x[i]
    prior = 4194304.0 * min(max(squash(x[1]), 0.001), 0.999)
    for i in range(CONTEXTS):
        k = at[i] + node
        slot = slots[i, k]
        count = slot & np.uint32(1023)
        p22 = float(slot >> np.uint32(10)) if slot else prior
        p22 += (4194303.0 * target - p22) * rates[count]
        count += np.uint32(count < 1023)
        slots[i, k] = (np.uint32(p22) << np.uint32(10)) | count
    return bit
