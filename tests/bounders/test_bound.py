"""What each bounder promises about the change that is applied."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.bounders import cases

SHAPES = ((3, 4), (3,), (1, 3), (1,), (), (2, 3, 2))


@jax.jit
def bound_each(bounder, steps, errors, params):
    return jax.vmap(bounder.bound)(steps, errors, params)


def draw(count=100, shapes=SHAPES, seed=0):
    rng = np.random.default_rng(seed)

    def tensors():
        size = 10 ** rng.uniform(-3, 1, size=count)
        return tuple(
            np.float32(size.reshape(-1, *[1] * len(s)) * rng.normal(size=(count, *s)))
            for s in shapes
        )

    return tensors(), np.float32(rng.normal(size=count) * 3), tensors()


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_follows_the_formula(case):
    steps, errors, params = draw()
    bounded, metrics = bound_each(case.build(), steps, errors, params)
    for t, error in enumerate(errors):
        expected, metric = case.oracle([s[t] for s in steps], error, [w[t] for w in params])
        np.testing.assert_allclose(metrics[t], metric, rtol=1e-5)
        for ours, theirs in zip(bounded, expected, strict=True):
            np.testing.assert_allclose(ours[t], theirs, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("kappa", [1.0, 2.0, 30.0])
def test_obgd_never_overshoots(kappa):
    steps, errors, params = draw(seed=1)
    bounded, factors = bound_each(af.ObGDBounding(kappa), steps, errors, params)
    norm = sum(np.abs(np.float64(s)).reshape(len(errors), -1).sum(axis=1) for s in bounded)
    assert np.all(kappa * np.maximum(np.abs(errors), 1) * norm <= 1 + 1e-5)
    assert np.all(np.asarray(factors) <= 1)


def test_obgd_leaves_a_short_step_as_it_is():
    steps = (jnp.array([0.01, -0.02]), jnp.array([[0.03]]))
    bounded, factor = af.ObGDBounding(2.0).bound(steps, 0.5, steps)
    assert factor == 1
    for ours, given in zip(bounded, steps, strict=True):
        np.testing.assert_array_equal(ours, given)


def test_obgd_with_kappa_zero_never_bounds():
    steps = (jnp.array([1e20, -3.0]),)
    (bounded,), factor = af.ObGDBounding(0.0).bound(steps, 1e10, steps)
    assert factor == 1
    np.testing.assert_array_equal(bounded, steps[0])


@pytest.mark.parametrize("unit_axis, axis", [(0, 1), (-1, 0)])
def test_agc_bounds_every_unit_by_its_own_weights(unit_axis, axis):
    steps, errors, params = draw(shapes=((4, 3),), seed=2)
    bounder = af.AGCBounding(clip_factor=0.2, eps=1e-2, unit_axis=unit_axis)
    ((bounded,), fraction) = bound_each(bounder, steps, errors, params)
    change = np.abs(errors)[:, None] * np.linalg.norm(np.float64(bounded), axis=axis + 1)
    limit = 0.2 * np.maximum(np.linalg.norm(np.float64(params[0]), axis=axis + 1), 1e-2)
    assert np.all(change <= limit * (1 + 1e-5))
    asked = np.abs(errors)[:, None] * np.linalg.norm(np.float64(steps[0]), axis=axis + 1)
    np.testing.assert_allclose(fraction, (asked > limit).mean(axis=1), rtol=1e-6)
    assert 0 < np.mean(fraction) < 1


def test_agc_takes_an_output_unit_as_one_by_default():
    """A head is one output unit: its row is scaled as a whole, so its direction stays."""
    step, weights = jnp.array([[3.0, 4.0]]), jnp.array([[0.6, 0.8]])
    ((bounded,), fraction) = af.AGCBounding(clip_factor=0.1).bound((step,), 1.0, (weights,))
    assert fraction == 1
    np.testing.assert_allclose(bounded, [[0.06, 0.08]], rtol=1e-5)
    ((each,), _) = af.AGCBounding(clip_factor=0.1, unit_axis=-1).bound((step,), 1.0, (weights,))
    np.testing.assert_allclose(each, [[0.06, 0.08]], rtol=1e-5)
    step = jnp.array([[3.0, 0.01]])
    ((bounded,), _) = af.AGCBounding(clip_factor=0.1).bound((step,), 1.0, (weights,))
    np.testing.assert_allclose(bounded[0, 0] / bounded[0, 1], 300.0, rtol=1e-5)
    ((each,), fraction) = af.AGCBounding(clip_factor=0.1, unit_axis=-1).bound(
        (step,), 1.0, (weights,)
    )
    np.testing.assert_allclose(each, [[0.06, 0.01]], rtol=1e-5)
    assert fraction == 0.5


@pytest.mark.parametrize("unit_axis", [0, -1])
def test_agc_takes_vectors_and_scalars_element_by_element(unit_axis):
    steps = (jnp.array([1.0, 0.001]), jnp.array(5.0))
    params = (jnp.array([1.0, 1.0]), jnp.array(-2.0))
    bounder = af.AGCBounding(clip_factor=0.1, unit_axis=unit_axis)
    bounded, fraction = bounder.bound(steps, -2.0, params)
    np.testing.assert_allclose(bounded[0], [0.05, 0.001], rtol=1e-6)
    np.testing.assert_allclose(bounded[1], 0.1, rtol=1e-6)
    np.testing.assert_allclose(fraction, 2 / 3, rtol=1e-6)


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_zero_steps_and_no_tensors_at_all_are_left_alone(case):
    bounder = case.build()
    empty, metric = bounder.bound((), 1.0, ())
    assert empty == ()
    assert metric == (1.0 if case.kind == "ObGDBounding" else 0.0)
    zeros = (jnp.zeros((2, 3)), jnp.zeros(2))
    bounded, metric = bounder.bound(zeros, 3.0, zeros)
    assert metric == (1.0 if case.kind == "ObGDBounding" else 0.0)
    for ours in bounded:
        np.testing.assert_array_equal(ours, 0 * ours)


@pytest.mark.parametrize("kind", ["ObGDBounding", "AGCBounding"])
def test_the_bound_sees_the_size_of_the_error_not_its_sign(kind):
    steps, errors, params = draw(seed=3)
    bounder = getattr(af, kind)()
    ours, metric = bound_each(bounder, steps, errors, params)
    mirrored, same = bound_each(bounder, steps, -errors, params)
    np.testing.assert_array_equal(metric, same)
    for a, b in zip(ours, mirrored, strict=True):
        np.testing.assert_array_equal(a, b)
