"""A linear target that cycles through fixed weights."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases


@pytest.mark.parametrize("length, count", [(1, 1), (1, 4), (5, 3), (20, 2)])
def test_each_vector_stays_a_cycle_length_and_comes_back_in_order(length, count):
    stream = cases.with_arrays(af.CyclicStream(3, length, count, noise_std=0.0))
    begin = cases.begun(stream, jr.key(4))
    steps = 2 * length * count + 3
    experience, end = cases.rolled(stream, begin, steps)
    active = (np.arange(steps) // length) % count
    w = np.asarray(begin.configurations, np.float64)[active]
    expected = np.sum(w * np.asarray(experience.observation, np.float64), axis=1)
    np.testing.assert_allclose(experience.target[:, 0], expected, atol=1e-5)
    np.testing.assert_array_equal(end.configurations, begin.configurations)
    assert end.position == steps % (length * count)


def test_vectors_differ():
    state = af.CyclicStream(8, num_configurations=6).init(jr.key(0))
    distances = np.linalg.norm(state.configurations[:, None] - state.configurations[None], axis=-1)
    assert np.min(distances[~np.eye(6, dtype=bool)]) > 0.5
