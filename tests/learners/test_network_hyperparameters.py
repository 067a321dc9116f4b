"""Every number inside a network learner, however deep, can be swept and differentiated."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import network_cases, network_runs, runs
from tests.learners.network_cases import CHUNK, HEADS, Case, MultiHeadCase
from tests.learners.test_hyperparameters import VALUES, follow
from tests.trees import assert_finite, assert_leaves_close, lane

HALF = (("gamma", 0.5), ("lamda", 0.5))
DECAYS = np.array([[0.0, 0.5, 0.9], [0.9, 0.0, 0.5]])
SWEPT = [
    Case(
        network_cases.IDBD,
        network_cases.EMA,
        network_cases.OBGD,
        network_cases.AUTOSTEP,
        arguments=(*HALF, ("leaky_relu_slope", 0.1)),
    ),
    Case(network_cases.LMS, network_cases.WELFORD, network_cases.AGC),
    MultiHeadCase(
        network_cases.AUTOSTEP,
        network_cases.EMA,
        network_cases.AGC,
        network_cases.IDBD,
        arguments=network_cases.HEAD_DECAYS,
    ),
    MultiHeadCase(network_cases.LMS, network_cases.EMA, network_cases.OBGD, None, (), HALF),
]
MORE_VALUES = VALUES | {
    "leaky_relu_slope": [0.0, 0.5, -0.25],
    "per_head_gamma_lamda": DECAYS,
    "step_size": [0.0, 0.1],
    "kappa": [0.0, 20.0],
    # The initial ones lie at -3.9.
    "min_log_step_size": [-10.0, -3.5],
}
# A product with the other one, which is 0: without effect.
WITHOUT_EFFECT = {"gamma", "lamda"}


def numbers(case):
    """Paths of all numeric leaves that matter, with the values that each is given."""
    learner = case.build()
    for path, _ in jax.tree_util.tree_leaves_with_path(learner):
        name = path[-1].name
        if name in WITHOUT_EFFECT and not learner.gamma:
            continue
        if name == "leaky_relu_slope" and not learner.hidden_sizes:
            continue
        for value in MORE_VALUES[name]:
            yield path, value


def changed(learner, path, value):
    return eqx.tree_at(lambda l: follow(l, path), learner, value)


def data(case):
    return tuple(map(jnp.asarray, network_cases.regression(case, CHUNK)))


def outputs(results):
    """What the learner said, NaN of inactive heads aside."""
    return jax.tree.map(jnp.nan_to_num, eqx.tree_at(lambda r: r.state, results, None))


def learn(learner, params, columns):
    state, results = runs.updates(learner, network_runs.begun(learner, params), *columns)
    # Born at different times.
    return eqx.tree_at(lambda s: s.life, state, None), outputs(results)


single = jax.jit(learn, compiler_options=network_runs.UNOPTIMIZED)


@functools.partial(jax.jit, compiler_options=network_runs.UNOPTIMIZED)
def sweep(learners, params, columns):
    """Each leaf has one value per lane."""
    return jax.vmap(learn, in_axes=(0, None, None))(learners, params, columns)


@pytest.mark.parametrize("case", SWEPT, ids=str)
def test_a_sweep_over_any_number_is_the_python_loop(case):
    """One program: in each of its lanes another number of the learner is another one."""
    base, params, columns = case.build(), case.parameters(), data(case)
    changes = list(numbers(case))
    learners = [base, *(changed(base, path, value) for path, value in changes)]
    stacked = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves), jnp.float32), *learners)
    batched = sweep(stacked, params, columns)
    singles = [single(learner, params, columns) for learner in learners]
    for index, expected in enumerate(singles):
        # Forty closed steps: rounding of the first is amplified by those after it.
        ours = lane(batched, index)
        assert_leaves_close(ours, expected, relative=1e-4, absolute=1e-5)
    # At least one of the values of each number does something, or nothing was compared.
    effects = {jax.tree_util.keystr(path): False for path, _ in changes}
    for (path, _), ours in zip(changes, singles[1:], strict=True):
        same = jax.tree.leaves(jax.tree.map(np.array_equal, ours, singles[0]))
        effects[jax.tree_util.keystr(path)] |= not all(same)
    assert all(effects.values()), effects


def mlp(slope, step_size):
    return af.MLPLearner((8,), af.LMS(step_size), leaky_relu_slope=slope, sparsity=0.5)


def linear_heads(gamma, lamda):
    return af.MultiHeadMLPLearner(HEADS, (), af.LMS(0.02), gamma=gamma, lamda=lamda)


def own_decays(decays):
    return af.MultiHeadMLPLearner(HEADS, (), af.LMS(0.02), per_head_gamma_lamda=decays)


MLP, HEADS_ALONE = network_cases.MLP[0], MultiHeadCase(network_cases.LMS, hidden_sizes=())
BUILDS = {
    "slope and step size": (MLP, mlp, (np.array([0.0, 0.3]), np.array([0.1, 0.01]))),
    "gamma and lamda": (HEADS_ALONE, linear_heads, (np.array([0.5, 0.9]), np.array([0.0, 1.0]))),
    "decay of every head": (HEADS_ALONE, own_decays, (DECAYS,)),
}


@pytest.mark.parametrize("case, build, values", BUILDS.values(), ids=BUILDS)
def test_learners_are_built_inside_a_vmap(case, build, values):
    params, columns = case.parameters(), data(case)

    @functools.partial(jax.jit, compiler_options=network_runs.UNOPTIMIZED)
    def swept(*values):
        return eqx.filter_vmap(lambda *now: learn(build(*now), params, columns))(*values)

    batched = swept(*(jnp.asarray(v, jnp.float32) for v in values))
    singles = [single(build(*now), params, columns) for now in zip(*values, strict=True)]
    for index, expected in enumerate(singles):
        assert_leaves_close(lane(batched, index), expected, relative=1e-5, absolute=1e-6)
    same = jax.tree.map(np.array_equal, *singles)
    assert not all(jax.tree.leaves(same))


def test_learners_are_built_batched():
    """Fields with a leading axis at construction, in the learner and in its optimizer."""
    params, columns = MLP.parameters(), data(MLP)
    slopes, step_sizes = jnp.array([0.0, 0.3]), jnp.array([0.1, 0.01])
    batched = sweep(
        jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, 2), mlp(slopes, step_sizes)),
        params,
        columns,
    )
    for index in range(2):
        learner = mlp(float(slopes[index]), float(step_sizes[index]))
        expected = single(learner, params, columns)
        assert_leaves_close(lane(batched, index), expected, relative=1e-5, absolute=1e-6)
    batched = linear_heads(jnp.array([0.5, 0.9]), jnp.array([0.0, 1.0]))
    np.testing.assert_array_equal(batched.lamda, [0.0, 1.0])


@pytest.mark.parametrize("case", [SWEPT[0], SWEPT[2]], ids=str)
def test_gradients_through_learning_are_finite(case):
    """With an error of exactly zero, an input of zeros and a dead layer among the data."""
    learner, params = case.build(), case.parameters()
    learner = jax.tree.map(jnp.float32, learner)
    x, y = data(case)
    x = x.at[4].set(0.0)
    y = y.at[0].set(0.0)
    below = params["params" if "params" in params else "trunk_params"]
    dead = af.MLPParams((jnp.zeros_like(below.weights[0]), *below.weights[1:]), below.biases)

    def loss(learner, params):
        _, told = learn(learner, params, (x, y))
        return jnp.mean(jnp.square(told.errors if case.targets else told.error))

    slope = jax.jit(jax.grad(loss, argnums=(0, 1)), compiler_options=network_runs.UNOPTIMIZED)
    by_numbers, by_params = slope(learner, params)
    assert_finite((by_numbers, by_params))
    assert any(np.any(leaf != 0) for leaf in jax.tree.leaves(by_numbers.optimizer))
    name = next(key for key in params if key.endswith("params") and key != "head_params")
    assert_finite(slope(learner, params | {name: dead}))
