"""Streams with scaled observations, and ranges of scales."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases
from tests.trees import assert_same_bits

SCALES = np.float32([0.001, -2.0, 300.0])


def test_observations_are_multiplied_and_targets_stay():
    inner = cases.with_arrays(af.RandomWalkStream(3, 0.1))
    stream = cases.with_arrays(af.ScaledStreamWrapper(inner, SCALES))
    begin = cases.begun(stream, jr.key(0))
    assert_same_bits(
        cases.key_data(begin.inner_state), cases.key_data(cases.begun(inner, jr.key(0)))
    )
    scaled, end = cases.rolled(stream, begin, 20)
    plain, inner_end = cases.rolled(inner, begin.inner_state, 20)
    np.testing.assert_array_equal(scaled.observation, np.asarray(plain.observation) * SCALES)
    np.testing.assert_allclose(scaled.target, plain.target, rtol=1e-6, atol=1e-6)
    assert_same_bits(jr.key_data(end.inner_state.key), jr.key_data(inner_end.key))


def test_both_observations_of_a_transition_are_multiplied():
    inner = cases.with_arrays(af.RandomWalkChainStream(3, 0.9))
    stream = cases.with_arrays(af.ScaledStreamWrapper(inner, SCALES))
    begin = cases.begun(stream, jr.key(0))
    scaled, _ = cases.rolled(stream, begin, 20)
    plain, _ = cases.rolled(inner, begin.inner_state, 20)
    for name in ("observation", "next_observation"):
        np.testing.assert_array_equal(
            getattr(scaled, name), np.asarray(getattr(plain, name)) * SCALES
        )
    np.testing.assert_array_equal(scaled.reward, plain.reward)
    np.testing.assert_array_equal(scaled.gamma, plain.gamma)


def test_wrappers_nest():
    inner = af.ScaledStreamWrapper(af.AbruptChangeStream(3), [2.0, 3.0, 4.0])
    stream = cases.with_arrays(af.ScaledStreamWrapper(inner, [5.0, 7.0, -1.0]))
    once = cases.with_arrays(af.ScaledStreamWrapper(af.AbruptChangeStream(3), [10.0, 21.0, -4.0]))
    begin = cases.begun(stream, jr.key(0))
    twice, end = cases.rolled(stream, begin, 10)
    expected, _ = cases.rolled(once, cases.begun(once, jr.key(0)), 10)
    np.testing.assert_allclose(twice.observation, expected.observation, rtol=1e-6)
    assert end.inner_state.inner_state.step_count == 10
    assert stream.feature_dim == 3


class Ramp(eqx.Module):
    """A user's stream: no base class, no rollout, and it looks at the number of the step."""

    slope: float

    @property
    def feature_dim(self):
        return 2

    def init(self, key):
        return jr.key_data(key)

    def step(self, state, idx):
        x = jnp.stack([self.slope * jnp.float32(idx), jnp.ones(())]).astype(jnp.float32)
        return af.TimeStep(x, jnp.ones(1, jnp.float32)), state


def test_a_stream_without_rollout_is_stepped_with_the_number_of_the_step():
    stream = af.ScaledStreamWrapper(Ramp(1.0), [10.0, 1.0])
    begin = stream.init(jr.key(0))
    first, between = cases.rolled(stream, begin, 3)
    second, _ = cases.rolled(stream, between, 2)
    np.testing.assert_array_equal(first.observation[:, 0], [0.0, 10.0, 20.0])
    np.testing.assert_array_equal(second.observation[:, 0], [30.0, 40.0])
    np.testing.assert_array_equal(stream.step(begin, 7)[0].observation, [70.0, 1.0])
    with pytest.raises(ValueError, match="`num_steps` must be an integer >= 0"):
        stream.rollout(begin, -1)


def test_scales_are_kept_as_float32():
    inner = af.RandomWalkStream(2)
    for scales in ([1, 2], (1.0, 2.0), np.array([1.0, 2.0]), jnp.array([1, 2])):
        kept = af.ScaledStreamWrapper(inner, scales).feature_scales
        assert isinstance(kept, jax.Array) and kept.dtype == jnp.float32
        np.testing.assert_array_equal(kept, [1.0, 2.0])


@pytest.mark.parametrize(
    "scales, error, found",
    [
        ([1.0, 2.0], ValueError, r"got shape \(2,\)"),
        (1.0, ValueError, r"got shape \(\)"),
        (np.ones((3, 1)), ValueError, r"got shape \(3, 1\)"),
        (np.ones((1, 3)), ValueError, r"got shape \(1, 3\)"),
        ("abc", TypeError, "got 'abc'"),
        (None, TypeError, "got None"),
        ([[1.0], [2.0, 3.0], 1.0], TypeError, r"got \[\[1.0\], \[2.0, 3.0\], 1.0\]"),
    ],
)
def test_scales_are_one_for_each_feature(scales, error, found):
    message = (
        rf"ScaledStreamWrapper: `feature_scales` must be a real array of shape \(3,\), {found}"
    )
    with pytest.raises(error, match=message):
        af.ScaledStreamWrapper(af.RandomWalkStream(3), scales)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_scales_are_finite(bad):
    with pytest.raises(ValueError, match="`feature_scales` must be finite, got"):
        af.ScaledStreamWrapper(af.RandomWalkStream(2), [1.0, bad])


def test_traced_scales_are_checked_by_shape():
    inner = af.RandomWalkStream(3)
    build = jax.jit(lambda scales: af.ScaledStreamWrapper(inner, scales).feature_scales)
    assert np.isnan(build(jnp.array([1.0, jnp.nan, 2.0]))[1])
    with pytest.raises(ValueError, match="`feature_scales`"):
        build(jnp.ones(2))


def test_only_streams_are_wrapped():
    for inner in (None, af.LMS(), 3):
        with pytest.raises(TypeError, match="`inner_stream` must be a stream"):
            af.ScaledStreamWrapper(inner, [1.0])


def test_ranges_rise_in_equal_ratios_or_steps():
    logs = np.log(np.float64(af.make_scale_range(9, 0.5, 40.0)))
    np.testing.assert_allclose(np.diff(logs), np.full(8, np.log(80) / 8), rtol=1e-6)
    steps = np.diff(np.float64(af.make_scale_range(9, -0.5, 40.0, log_spaced=False)))
    np.testing.assert_allclose(steps, np.full(8, 40.5 / 8), rtol=1e-6)


@pytest.mark.parametrize("log_spaced", [True, False])
def test_the_ends_of_a_range_are_exact(log_spaced):
    for low, high in ((0.1, 0.7), (1e-3, 1e3), (3.0, 3.0)):
        scales = af.make_scale_range(11, low, high, log_spaced)
        assert (scales[0], scales[-1]) == (np.float32(low), np.float32(high))
        np.testing.assert_array_equal(af.make_scale_range(1, low, high, log_spaced), [scales[0]])


def test_ranges_are_float32_in_64_bit_mode_too():
    with jax.enable_x64(True):
        assert af.make_scale_range(3).dtype == jnp.float32


@pytest.mark.parametrize(
    "arguments",
    [
        {"min_scale": 0.0},
        {"min_scale": -1.0},
        {"min_scale": 2.0, "max_scale": 1.0},
        {"min_scale": 2.0, "max_scale": 1.0, "log_spaced": False},
        {"min_scale": np.nan},
        {"max_scale": np.inf},
        {"max_scale": np.inf, "log_spaced": False},
    ],
)
def test_ranges_refuse_scales_out_of_order(arguments):
    message = "make_scale_range: `min_scale` and `max_scale` must be finite, .*, got"
    with pytest.raises(ValueError, match=message):
        af.make_scale_range(5, **arguments)


def test_ranges_refuse_what_is_no_number():
    with pytest.raises(ValueError, match="`feature_dim` must be an integer >= 1, got 0"):
        af.make_scale_range(0)
    with pytest.raises(TypeError, match="`feature_dim`"):
        af.make_scale_range(True)
    with pytest.raises(TypeError, match="`max_scale` must be a real number, got '9'"):
        af.make_scale_range(3, max_scale="9")
