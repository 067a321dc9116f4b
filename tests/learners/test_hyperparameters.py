"""Every number inside a learner, however deep, can be swept and differentiated."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import cases, runs
from tests.trees import assert_finite, assert_leaves_close, lane

LEARNERS = {
    "IDBD": af.LinearLearner(af.IDBD(), af.EMANormalizer(), af.ObGDBounding()),
    "Autostep": af.LinearLearner(af.Autostep(), af.WelfordNormalizer(), af.AGCBounding()),
    "ObGD": af.LinearLearner(af.ObGD(gamma=0.9, lamda=0.8)),
    "TDIDBD": af.TDLinearLearner(af.TDIDBD(trace_decay=0.5), af.EMANormalizer()),
    "AutoTDIDBD": af.TDLinearLearner(af.AutoTDIDBD(trace_decay=0.5)),
}
# Three values for each number, all valid.
VALUES = {
    "step_size": [0.0, 0.1, 1.0],
    "initial_step_size": [0.001, 0.01, 0.1],
    "meta_step_size": [0.0, 0.01, 0.1],
    "min_log_step_size": [-10.0, -5.0, -4.0],
    "max_log_step_size": [-5.0, -4.5, 2.0],
    "tau": [1.0, 100.0, 1e4],
    "min_step_size": [0.0, 1e-8, 0.02],
    "max_step_size": [0.005, 0.02, np.inf],
    "kappa": [0.0, 1.0, 20.0],
    "gamma": [0.0, 0.5, 1.0],
    "lamda": [0.0, 0.5, 1.0],
    "trace_decay": [0.0, 0.5, 1.0],
    "normalizer_decay": [1.0, 100.0, 1e4],
    "epsilon": [1e-8, 0.1, 1.0],
    "decay": [0.0, 0.9, 1.0],
    "clip_factor": [0.01, 0.1, 1.0],
    "eps": [1e-3, 0.1, 1.0],
}


def numbers(learner):
    """Paths of all numeric leaves."""
    return [path for path, _ in jax.tree_util.tree_leaves_with_path(learner)]


def follow(tree, path):
    for key in path:
        tree = getattr(tree, key.name)
    return tree


def columns(learner):
    td = isinstance(learner, af.TDLinearLearner)
    return tuple(map(jnp.asarray, (cases.transitions if td else cases.regression)(cases.CHUNK)))


def updates_from_the_start(learner, state, data):
    """All updates, from an optimizer state made under the learner's own numbers."""
    state = state.replace(optimizer_state=learner.optimizer.init(cases.DIM))
    return runs.updates(learner, state, *data)


single = jax.jit(updates_from_the_start)
swept = jax.jit(jax.vmap(updates_from_the_start, in_axes=(0, None, None)))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_sweep_over_any_number_is_the_python_loop(name):
    """Every number takes three values in turn while the others stay: a lane for each."""
    learner, data = LEARNERS[name], columns(LEARNERS[name])
    state = learner.init(cases.DIM)
    lanes, told = [], []
    for path in numbers(learner):
        for value in VALUES[path[-1].name]:
            lanes.append(eqx.tree_at(lambda l, path=path: follow(l, path), learner, value))
            told.append(f"{jax.tree_util.keystr(path)} = {value}")
    batch = jax.tree.map(lambda *leaves: jnp.asarray(leaves, jnp.float32), *lanes)
    results = swept(batch, state, data)
    weights = np.asarray(results[1].state.weights)
    for index, (one, text) in enumerate(zip(lanes, told, strict=True)):
        # Forty closed steps: rounding of the first is amplified by those after it.
        truth = single(one, state, data)
        try:
            assert_leaves_close(lane(results, index), truth, relative=1e-5, absolute=1e-6)
        except AssertionError as error:
            raise AssertionError(text) from error
    for index in range(0, len(lanes), 3):
        assert np.any(weights[index] != weights[index + 2]), f"no effect: {told[index]}"


@pytest.mark.parametrize("name", LEARNERS)
def test_gradients_through_learning_are_finite(name):
    """Errors of exactly zero and features of exactly zero are among the data."""
    learner = jax.tree.map(jnp.float32, LEARNERS[name])
    data = columns(learner)
    data = (data[0].at[4, 1].set(0.0), data[1].at[0].set(0.0), *data[2:])
    state = learner.init(cases.DIM)

    def loss(learner):
        begun = state.replace(optimizer_state=learner.optimizer.init(cases.DIM))
        _, results = runs.updates(learner, begun, *data)
        return jnp.mean(results.metrics[:, 0])

    gradient = jax.jit(jax.grad(loss))(learner)
    assert_finite(gradient)
    assert gradient.optimizer != jax.tree.map(jnp.zeros_like, gradient.optimizer)


@pytest.mark.parametrize("kind", ["IDBD", "Autostep"])
def test_the_gradient_of_the_meta_step_size_is_that_of_the_equations(kind):
    """Against central differences of the float64 learner."""
    x, y = cases.regression(cases.CHUNK)
    case = next(c for c in cases.LINEAR if str(c) == kind)

    def truth(theta):
        arguments = case.optimizer.arguments | {"meta_step_size": theta}
        changed = cases.Case(type(case.optimizer)(kind, arguments)).oracle()
        return np.mean([changed.update(*now)[1] ** 2 for now in zip(x, y, strict=True)])

    def ours(theta):
        learner = case.build()
        learner = eqx.tree_at(lambda l: l.optimizer.meta_step_size, learner, theta)
        state = learner.init(cases.DIM)
        results = runs.updates(learner, state, jnp.asarray(x), jnp.asarray(y))[1]
        return jnp.mean(results.error**2)

    theta = case.optimizer.arguments["meta_step_size"]
    expected = (truth(theta + 1e-5) - truth(theta - 1e-5)) / 2e-5
    np.testing.assert_allclose(jax.jit(jax.grad(ours))(jnp.float32(theta)), expected, rtol=1e-2)


def test_the_three_spellings_of_a_sweep_agree():
    values, data = jnp.array([0.0, 0.01, 0.1]), columns(LEARNERS["IDBD"])

    def build(theta):
        return af.LinearLearner(af.IDBD(meta_step_size=theta), af.EMANormalizer())

    def run(learner):
        state = runs.updates(learner, begun, *data)[0]
        return state.weights

    begun = build(0.5).init(cases.DIM)
    in_axes = eqx.if_array(0)
    built_inside = eqx.filter_vmap(lambda theta: run(build(theta)))(values)
    built_batched = eqx.filter_vmap(run, in_axes=in_axes)(build(values))
    swapped = eqx.tree_at(lambda l: l.optimizer.meta_step_size, build(0.5), values)
    np.testing.assert_array_equal(built_inside, built_batched)
    np.testing.assert_array_equal(eqx.filter_vmap(run, in_axes=in_axes)(swapped), built_batched)
    for index, theta in enumerate([0.0, 0.01, 0.1]):
        np.testing.assert_allclose(built_inside[index], run(build(theta)), rtol=1e-5, atol=1e-6)
