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


EVERY_NUMBER = [
    pytest.param(learner, path, id=name + jax.tree_util.keystr(path))
    for name, learner in LEARNERS.items()
    for path in numbers(learner)
]


def columns(learner):
    td = isinstance(learner, af.TDLinearLearner)
    return tuple(map(jnp.asarray, (cases.transitions if td else cases.regression)(cases.CHUNK)))


@pytest.mark.parametrize("learner, path", EVERY_NUMBER)
def test_a_sweep_over_any_number_is_the_python_loop(learner, path):
    values = jnp.asarray(VALUES[path[-1].name], jnp.float32)
    data = columns(learner)

    def run(learner, state):
        state = state.replace(optimizer_state=learner.optimizer.init(cases.DIM))
        return runs.updates(learner, state, *data)

    state = learner.init(cases.DIM)
    swept = eqx.tree_at(lambda l: follow(l, path), learner, values)
    batched = eqx.filter_vmap(run, in_axes=(eqx.if_array(0), None))(swept, state)
    compiled = jax.jit(run)
    singles = [
        compiled(eqx.tree_at(lambda l: follow(l, path), learner, float(value)), state)
        for value in values
    ]
    for index, single in enumerate(singles):
        # Forty closed steps: rounding of the first is amplified by those after it.
        assert_leaves_close(lane(batched, index), single, relative=1e-5, absolute=1e-6)
    weights = [np.asarray(single[1].state.weights) for single in singles]
    assert np.any(weights[0] != weights[2]), "the number has no effect: nothing was compared"


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
