"""Adaptive contexts: arithmetic at the extremes, costs, arguments."""

import math

import numpy as np
import pytest
from numba import njit

from ivc.entropy import (
    COST_BITS,
    Estimator,
    Probe,
    adapt,
    bit_cost,
    code_bit,
    new_contexts,
    probability_of_zero,
    take_cost,
)
from ivc.errors import UsageError


@njit(cache=True)
def learn(contexts, bits):
    probabilities = np.zeros(len(bits), np.int64)
    for j in range(len(bits)):
        adapt(contexts, 0, bits[j])
        probabilities[j] = probability_of_zero(contexts, 0)
    return probabilities


@njit(cache=True)
def costs(contexts):
    return bit_cost(contexts, 0, 0), bit_cost(contexts, 0, 1)


@njit(cache=True)
def cost_twice(coder, contexts, bit):
    first = code_bit(coder, contexts, 0, bit)
    once = take_cost(coder)
    code_bit(coder, contexts, 0, bit)
    return first, once, take_cost(coder)


def test_exact_probabilities():
    assert new_contexts(1).tolist() == [[32768, 32767, 0, 4 + 16 * 7]]
    assert learn(new_contexts(1), np.array([0, 0, 1, 1])).tolist() == [98304, 109226, 81920, 65537]
    assert learn(new_contexts(1), np.array([1, 1, 0, 0])).tolist() == [32768, 21846, 49152, 65535]


@pytest.mark.parametrize("fast, slow", [(1, 1), (1, 8), (4, 7), (8, 8)])
def test_probabilities_stay_inside(fast, slow):
    for bit in (0, 1):
        contexts = new_contexts(1, fast, slow)
        probabilities = learn(contexts, np.full(5000, bit))
        assert 1 <= probabilities.min() <= probabilities.max() <= 131071
        back = learn(contexts, np.full(5000, 1 - bit))
        assert abs(int(back[-1]) + int(probabilities[-1]) - 131072) <= 512


def test_probability_is_learnt():
    bits = (np.random.default_rng(0).random(20_000) < 0.1).astype(np.int64)
    probabilities = learn(new_contexts(1, 5, 8), bits)[1000:]
    assert probabilities.mean() / 131072 == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("probability", [0.01, 0.25, 0.5, 0.9])
def test_first_probability_and_its_cost(probability):
    contexts = new_contexts(1, probability=probability)
    zero, one = costs(contexts)
    assert zero / 2**COST_BITS == pytest.approx(-math.log2(1 - probability), abs=0.02)
    assert one / 2**COST_BITS == pytest.approx(-math.log2(probability), abs=0.02)


def test_a_probe_leaves_contexts_alone():
    contexts = new_contexts(1)
    probe = Probe()
    bit, once, again = cost_twice(probe.coder, contexts, 1)
    assert (bit, once) == (1, again)
    assert once == pytest.approx(1 << COST_BITS, rel=0.001)
    assert (contexts == new_contexts(1)).all()
    assert probe.bits == 0  # the kernel has taken it
    _, once, again = cost_twice(Estimator().coder, contexts, 1)
    assert again < once
    assert contexts[0, 2] == 2


@pytest.mark.parametrize(
    "arguments", [(0, 7), (5, 4), (4, 9), (4, 7, 0.0), (4, 7, 1.0), (4, 7, float("nan"))]
)
def test_bad_arguments(arguments):
    with pytest.raises(UsageError):
        new_contexts(1, *arguments)
