"""The search for a quality that meets a target."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivc.pipeline.search import search


def counted(function):
    calls = []

    def measure(quality):
        calls.append(quality)
        return function(quality)

    return measure, calls


@pytest.mark.parametrize("aim", [22.0, 30.0, 37.7, 48.5])
def test_finds_decibels_in_few_probes(aim):
    measure, calls = counted(lambda q: 20 + 0.3 * q + 1.5 * math.sin(q / 15))
    found = search(measure, aim - 0.1, aim + 0.1, aim=aim)
    assert found.met
    assert abs(found.value - aim) <= 0.1
    assert len(calls) <= 7


@given(st.floats(0.1, 5), st.floats(0.5, 3), st.floats(0.02, 0.98))
def test_finds_any_smooth_rising_function(scale, power, place):
    def rising(q):
        return scale * (q / 100) ** power

    aim = rising(100 * place)
    window = 0.02 * scale
    measure, calls = counted(rising)
    found = search(measure, aim - window, aim + window, aim=aim)
    assert found.met
    assert len(calls) <= 12


def test_out_of_range_ends_at_the_edge():
    measure, calls = counted(lambda q: q)
    found = search(measure, 200, 210, aim=205)
    assert not found.met
    assert found.quality == 100
    assert len(calls) <= 6
    assert search(lambda q: 50 + q, 10, 20, aim=15).quality == 0


def test_steps_too_coarse_for_the_window_give_the_nearest_and_respect_a_cap():
    def stepped(q):
        return 10 * (q // 10)

    near = search(stepped, 41, 49, aim=48)
    assert not near.met
    assert near.value == 50
    capped = search(stepped, 41, 49, aim=48, capped=True)
    assert not capped.met
    assert capped.value == 40


def test_a_flat_function_ends():
    measure, calls = counted(lambda q: 7.0)
    assert not search(measure, 8, 9, aim=8.5).met
    assert len(calls) <= 12
