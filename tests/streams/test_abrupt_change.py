"""A linear target whose weights jump."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases


@pytest.mark.parametrize("interval", [1, 4, 7, 40])
def test_weights_are_constant_between_multiples_of_the_interval(interval):
    """Recovered from the examples of each interval alone."""
    dim = min(interval, 3)
    stream = cases.with_arrays(af.AbruptChangeStream(dim, interval, noise_std=0.0))
    begin = cases.begun(stream, jr.key(1))
    experience, end = cases.rolled(stream, begin, 4 * interval)
    found = []
    for part in range(4):
        rows = slice(part * interval, (part + 1) * interval)
        x = np.asarray(experience.observation[rows], np.float64)
        y = np.asarray(experience.target[rows], np.float64)
        w = np.linalg.lstsq(x, y)[0]
        np.testing.assert_allclose(x @ w, y, atol=2e-5)
        found.append(w[:, 0])
    for w, other in zip(found, [np.asarray(begin.true_weights), *found], strict=False):
        assert np.max(np.abs(w - other)) > 0.05
    np.testing.assert_allclose(end.true_weights, found[-1], atol=1e-3)


def test_weights_of_init_are_never_used():
    stream = cases.with_arrays(af.AbruptChangeStream(4, 10))
    begin = cases.begun(stream, jr.key(3))
    other = begin.replace(true_weights=begin.true_weights + 100.0)
    expected, _ = cases.rolled(stream, begin, 20)
    experience, _ = cases.rolled(stream, other, 20)
    np.testing.assert_array_equal(experience.target, expected.target)


def test_weights_are_standard_normal():
    stream = cases.with_arrays(af.AbruptChangeStream(1, 1, noise_std=0.0))
    experience, _ = cases.rolled(stream, cases.begun(stream, jr.key(0)), 4000)
    w = np.asarray(experience.target / experience.observation)
    assert abs(np.mean(w)) < 5 / np.sqrt(w.size)
    assert abs(np.std(w) - 1) < 5 / np.sqrt(2 * w.size)
