"""What a bound on overshooting promises: Elsayed, Vasan and Mahmood (2024), section 3.

The bounded step has norm1 at most 1 / (kappa max(|error|, 1)), so that the parameters move by at
most min(|error|, 1) / kappa, and a prediction which changes by at most `c` for every unit that the
parameters move overshoots its target only where c > kappa.
"""

import dataclasses

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

import alberta_framework as af
from tests.learners import network_cases, network_runs
from tests.learners.network_cases import DIM, HEADS

SETTINGS = settings(max_examples=40, deadline=None, derandomize=True, database=None)
# Inputs of at most 1, the features of a network of which the paper speaks.
UNIT = st.floats(-1, 1, width=32)
INPUTS = hnp.arrays(np.float32, DIM, elements=UNIT)
TARGETS = st.floats(-1e4, 1e4, width=32)
KAPPA = st.floats(1, 8, width=32)
STEP_SIZE = st.floats(0, 16, width=32)
# Rounding of the sums of the step and of the parameters that it moves.
SLACK = 1e-5
DEEP = network_cases.Case(network_cases.LMS, bounder=network_cases.OBGD)
LINEAR = dataclasses.replace(DEEP, hidden_sizes=())
MANY = network_cases.MultiHeadCase(network_cases.LMS, bounder=network_cases.OBGD)


def norm1(new, old):
    return sum(
        float(np.abs(np.float64(a) - np.float64(b)).sum())
        for a, b in zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True)
    )


def starting(case):
    @pytest.fixture(scope="module")
    def state():
        return network_runs.begin(case.build(), case.parameters())

    return state


linear, deep, many = starting(LINEAR), starting(DEEP), starting(MANY)


@SETTINGS
@given(INPUTS, TARGETS, KAPPA, STEP_SIZE)
def test_a_bounded_linear_learner_never_overshoots(linear, x, target, kappa, step_size):
    """However large the step size: the new prediction lies between the old one and the target."""
    learner = af.MLPLearner((), af.LMS(step_size), bounder=af.ObGDBounding(kappa))
    result = learner.update(linear, x, target)
    error, state = float(result.error[0]), result.state
    moved = float(learner.predict(state, x)[0]) - float(result.prediction[0])
    slack = SLACK * (1 + abs(moved))
    assert moved * np.sign(error) >= -slack
    assert abs(moved) <= min(abs(error), 1.0) / kappa + slack
    assert abs(moved) <= abs(error) + slack


@SETTINGS
@given(INPUTS, TARGETS, KAPPA, STEP_SIZE)
def test_all_tensors_of_a_network_move_by_at_most_the_bound(deep, x, target, kappa, step_size):
    """And by just that much where the bound acts."""
    learner = af.MLPLearner((8,), af.LMS(step_size), bounder=af.ObGDBounding(kappa))
    result = learner.update(deep, x, target)
    error, factor = abs(float(result.error[0])), float(result.metrics[2])
    moved, bound = norm1(result.state.params, deep.params), min(error, 1.0) / kappa
    assert 0 <= factor <= 1
    assert moved <= bound + SLACK
    if factor < 0.999:
        np.testing.assert_allclose(moved, bound, rtol=1e-3, atol=SLACK)


@SETTINGS
@given(INPUTS, hnp.arrays(np.float32, HEADS, elements=TARGETS), KAPPA, STEP_SIZE)
def test_every_head_and_the_trunk_have_a_bound_of_their_own(many, x, targets, kappa, step_size):
    """The trunk's steps hold the errors: its bound is that of an error of 1."""
    learner = af.MultiHeadMLPLearner(HEADS, (8,), af.LMS(step_size), bounder=af.ObGDBounding(kappa))
    result = learner.update(many, x, targets)
    state, factor = result.state, float(result.trunk_bounding_metric)
    moved = norm1(state.trunk_params, many.trunk_params)
    assert 0 <= factor <= 1
    assert moved <= 1 / kappa + SLACK
    if factor < 0.999:
        np.testing.assert_allclose(moved, 1 / kappa, rtol=1e-3, atol=SLACK)
    for i, error in enumerate(np.abs(result.errors)):
        new, old = state.head_params, many.head_params
        pair = (new.weights[i], new.biases[i]), (old.weights[i], old.biases[i])
        assert norm1(*pair) <= min(float(error), 1.0) / kappa + SLACK


@SETTINGS
@given(INPUTS, TARGETS)
def test_the_bound_changes_the_length_of_the_step_and_not_its_direction(deep, x, target):
    step_size, kappa = 4.0, 2.0
    free = af.MLPLearner((8,), af.LMS(step_size)).update(deep, x, target)
    bounder = af.ObGDBounding(kappa)
    bounded = af.MLPLearner((8,), af.LMS(step_size), bounder=bounder).update(deep, x, target)
    factor = bounded.metrics[2]
    for old, long, short in zip(
        *(jax.tree.leaves(s.params) for s in (deep, free.state, bounded.state)), strict=True
    ):
        expected = factor * (jnp.asarray(long) - old)
        scale = np.abs(long).max()
        np.testing.assert_allclose(
            short - old, expected, rtol=1e-4, atol=SLACK * (1 + scale * factor)
        )


@SETTINGS
@given(INPUTS, TARGETS, STEP_SIZE, st.floats(2**-10, 1, width=32))
def test_clipping_holds_every_unit_to_its_share(deep, x, target, step_size, clip_factor):
    """Brock et al. (2021): a row moves by at most the factor times its norm, floored by eps."""
    bounder = af.AGCBounding(clip_factor, eps=0.1)
    learner = af.MLPLearner((8,), af.LMS(step_size), bounder=bounder)
    result = learner.update(deep, x, target)
    assert 0 <= float(result.metrics[2]) <= 1
    for new, old in zip(
        jax.tree.leaves(result.state.params), jax.tree.leaves(deep.params), strict=True
    ):
        new, old = np.float64(new), np.float64(old)
        size = np.linalg.norm if old.ndim == 2 else lambda v, axis: np.abs(v)
        moved, norm = size(new - old, axis=-1), size(old, axis=-1)
        assert np.all(moved <= (1 + 1e-4) * clip_factor * np.maximum(norm, 0.1) + 1e-6)
