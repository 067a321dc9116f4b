"""Methods called by themselves: one program each, nothing learned but what was handed over."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.trees import assert_same_bits

DIM = 3
X, Y = np.float32([0.5, -1.0, 2.0]), np.float32([-0.3, 0.7, 1.1])
TENSOR, BIAS = np.ones((2, DIM), np.float32), np.ones(2, np.float32)
HALF = np.full(DIM, 0.5, np.float32)
KEY, OTHER_KEY = jr.key(0), jr.key(1)
WALK = af.RandomWalkStream(DIM)
RECORD = af.ArrayStream(np.ones((9, DIM)), np.ones(9))


def learner_calls(learner):
    state = learner.init(DIM, KEY)
    targets = np.float32([1.0])
    return {
        "predict": lambda c, x, e: c.predict(state, x),
        "update": lambda c, x, e: c.update(state, x, targets * e),
    }


def optimizer_calls(optimizer):
    state = optimizer.init(DIM)
    calls = {
        "init": lambda c, x, e: c.init(DIM),
        "change": lambda c, x, e: c.change(state, e, x, HALF, 0.5 * e),
        "bias_step_size": lambda c, x, e: c.bias_step_size(state),
    }
    if not isinstance(optimizer, af.ObGD):
        of_tensor = optimizer.init_for_shape(TENSOR.shape)
        calls |= {
            "init_for_shape": lambda c, x, e: c.init_for_shape(TENSOR.shape),
            "step_on": lambda c, x, e: c.step_on(of_tensor, TENSOR * e, None, TENSOR),
            "step_on, error": lambda c, x, e: c.step_on(of_tensor, TENSOR, e, TENSOR),
            "step_sizes": lambda c, x, e: c.step_sizes(of_tensor),
        }
    return calls


def td_optimizer_calls(optimizer):
    state = optimizer.init(DIM)
    return {
        "init": lambda c, x, e: c.init(DIM),
        "update": lambda c, x, e: c.update(state, e, x, Y, 0.9 * e),
        "reset_traces": lambda c, x, e: c.reset_traces(state),
    }


def normalizer_calls(normalizer):
    state = normalizer.init(DIM)
    return {
        "init": lambda c, x, e: c.init(DIM),
        "normalize": lambda c, x, e: c.normalize(state, x),
        "normalize_only": lambda c, x, e: c.normalize_only(state, x),
        "for_prediction": lambda c, x, e: c.for_prediction(state, x),
        "update_only": lambda c, x, e: c.update_only(state, x),
    }


def bounder_calls(bounder):
    del bounder
    return {"bound": lambda c, x, e: c.bound((TENSOR, BIAS), e, (TENSOR, BIAS))}


def stream_calls(stream):
    state = stream.init(KEY)
    keys = {1.0: KEY, 0.25: OTHER_KEY}
    return {
        "init": lambda c, x, e: c.init(keys[e]),
        "step": lambda c, x, e: c.step(state, 3 * round(4 * e)),
        "rollout": lambda c, x, e: c.rollout(state, 5),
    }


# Each with another set of its numbers, and its calls.
CASES = {
    "LMS": (af.LMS(0.1), af.LMS(np.float64(0.2)), optimizer_calls),
    "IDBD": (af.IDBD(0.02), af.IDBD(0.03, 1), optimizer_calls),
    "Autostep": (af.Autostep(0.02), af.Autostep(0.03, 0.5, 10), optimizer_calls),
    "FADE": (af.FADE(0.02), af.FADE(0.03, 1), optimizer_calls),
    "ObGD": (af.ObGD(0.5), af.ObGD(1, 3), optimizer_calls),
    "TDIDBD": (af.TDIDBD(0.02), af.TDIDBD(0.03), td_optimizer_calls),
    "AutoTDIDBD": (af.AutoTDIDBD(0.02), af.AutoTDIDBD(0.03), td_optimizer_calls),
    "EMANormalizer": (af.EMANormalizer(), af.EMANormalizer(decay=1), normalizer_calls),
    "WelfordNormalizer": (
        af.WelfordNormalizer(),
        af.WelfordNormalizer(epsilon=1e-6),
        normalizer_calls,
    ),
    "ObGDBounding": (af.ObGDBounding(), af.ObGDBounding(3), bounder_calls),
    "AGCBounding": (af.AGCBounding(), af.AGCBounding(0.3), bounder_calls),
    "RandomWalkStream": (WALK, af.RandomWalkStream(DIM, 0.3, 1), stream_calls),
    "SuttonExperiment1Stream": (
        af.SuttonExperiment1Stream(2, 1),
        af.SuttonExperiment1Stream(2, 1, change_interval=7),
        stream_calls,
    ),
    "ArrayStream": (RECORD, af.ArrayStream(np.zeros((9, DIM)), np.arange(9)), stream_calls),
    "MLPLearner": (
        af.MLPLearner((4,), af.LMS(0.1)),
        af.MLPLearner((4,), af.LMS(0.2), leaky_relu_slope=0.3),
        learner_calls,
    ),
}
CALLS = [(name, call) for name, (one, _, calls) in CASES.items() for call in calls(one)]


@pytest.mark.parametrize(("name", "call"), CALLS)
def test_a_method_by_itself_is_one_program_for_all_numbers(name, call):
    one, other, calls = CASES[name]
    fn = calls(one)[call]
    jax.block_until_ready(fn(one, X, 1.0))  # what the first call needs besides, as its checker
    jax.clear_caches()
    with count_compilations() as compiled:
        jax.block_until_ready(fn(one, X, 1.0))
    # The method, and for a component of several numbers their array, or a key's data.
    # What only hands on a part of a state compiles nothing.
    assert len(compiled) <= 3
    jax.block_until_ready(fn(other, Y, 0.25))
    with count_compilations() as compiled:
        jax.block_until_ready(fn(one, Y, 1.0))
        jax.block_until_ready(fn(other, np.float64(X), 0.25))
    assert not compiled


TAKERS = {
    "LinearLearner.update": (
        af.LinearLearner(af.LMS(0.01)),
        lambda c, state, x: c.update(state, x, 1.0).state,
    ),
    "LinearLearner.update, normalized": (
        af.LinearLearner(af.IDBD(), af.EMANormalizer()),
        lambda c, state, x: c.update(state, x, 1.0).state,
    ),
    "TDLinearLearner.update": (
        af.TDLinearLearner(),
        lambda c, state, x: c.update(state, x, 1.0, x, 0.9).state,
    ),
    "GradientTD.update": (
        af.GradientTD(),
        lambda c, state, x: c.update(state, x, 1.0, x, 0.9, 1.5).state,
    ),
    "EMANormalizer.normalize": (
        af.EMANormalizer(),
        lambda c, state, x: c.normalize(state, x)[1],
    ),
    "LMS.update": (af.IDBD(), lambda c, state, x: c.update(state, 0.1, x).new_state),
}


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("features", [3, 512])
def test_a_buffer_that_is_filled_anew_is_what_it_was_when_it_was_handed_over(taker, features):
    """JAX shares the memory of an array on a cache line, and computes after a call returned."""
    component, take = TAKERS[taker]
    rows = np.random.default_rng(0).normal(size=(40, features)).astype(np.float32)
    raw = np.zeros(4 * features + 64, np.uint8)
    start = -raw.ctypes.data % 64
    buffer = raw[start : start + 4 * features].view(np.float32)
    state = fresh = component.init(features)
    for row in rows:
        buffer[:] = row
        state, fresh = take(component, state, buffer), take(component, fresh, row.copy())
    buffer[:] = np.nan
    for ours, theirs in zip(jax.tree.leaves(state), jax.tree.leaves(fresh), strict=True):
        if jnp.issubdtype(ours.dtype, jnp.floating):  # births differ
            np.testing.assert_array_equal(ours, theirs)


def test_what_debugging_finds_is_told_by_jax():
    learner = af.LinearLearner(af.IDBD())
    state = learner.init(2)
    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        learner.update(state, np.array([1.0, 2.0]), float("nan"))
    with jax.disable_jit():
        assert learner.update(state, np.array([1.0, 2.0]), 1.0).rejected == False  # noqa: E712


def test_after_the_caches_are_cleared_the_numbers_are_the_same():
    learner = af.LinearLearner(af.IDBD(), af.EMANormalizer())
    state = learner.update(learner.init(3), np.ones(3), 1.0).state
    before = learner.update(state, np.arange(3.0), -1.0)
    af.clear_caches()
    assert_same_bits(learner.update(state, np.arange(3.0), -1.0), before)
