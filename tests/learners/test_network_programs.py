"""How many programs the network learners compile, and how large these are."""

import time

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.learners import network_cases

X, DIM = np.float32([0.5, -1.0, 0.2]), 3


def one(number):
    return af.MLPLearner(
        (4,),
        af.IDBD(number, number),
        bounder=af.ObGDBounding(number),
        gamma=number,
        lamda=number,
        normalizer=af.EMANormalizer(decay=number),
        leaky_relu_slope=number,
        head_optimizer=af.LMS(number),
    )


def many(number):
    return af.MultiHeadMLPLearner(
        2,
        (4,),
        af.LMS(number),
        bounder=af.AGCBounding(number, number),
        gamma=number,
        normalizer=af.EMANormalizer(decay=number),
        leaky_relu_slope=number,
        head_optimizer=af.IDBD(number, number),
        per_head_gamma_lamda=(number, 0.5),
    )


KINDS = {
    "float": 0.25,
    "int": 1,
    "np.float32": np.float32(0.3),
    "np.float64": np.float64(0.3),
    "0-d array": np.array(0.35, np.float32),
    "0-d jax array": jnp.float32(0.4),
}
EACH = pytest.mark.parametrize("build", [one, many])


def update(learner, state, x, number):
    targets = number if isinstance(learner, af.MLPLearner) else np.array([number, 0.5])
    return learner.update(state, x, targets)


def warmed(build):
    """A learner of which every method has been called once."""
    learner = build(0.5)
    state = learner.init(DIM, jr.key(0))
    learner.predict(state, X)
    state = update(learner, state, X, 0.5).state
    return learner, learner.reset_traces(state)


@pytest.mark.parametrize("number", KINDS.values(), ids=KINDS)
@EACH
def test_another_number_in_the_component_does_not_compile(build, number):
    _, state = warmed(build)
    other = build(number)
    with count_compilations() as seen:
        other.init(DIM, jr.key(1))
        other.predict(state, X)
        other.reset_traces(update(other, state, X, 0.5).state)
    assert not seen


@pytest.mark.parametrize("number", KINDS.values(), ids=KINDS)
@EACH
def test_another_number_in_the_data_does_not_compile(build, number):
    learner, state = warmed(build)
    x = jnp.asarray(X)
    with count_compilations() as seen:
        update(learner, state, 2 * X, number)
        update(learner, state, [1, 0, -2], 0.5)
        learner.predict(state, x)
    assert not seen


@EACH
def test_another_state_does_not_compile(build):
    learner, state = warmed(build)
    older = state.replace(birth_timestamp=1.0e9, step_count=2**40, uptime_s=1.0e6)
    with count_compilations() as seen:
        update(learner, older, X, 0.5)
        learner.predict(older, X)
        fresh = learner.init(DIM, jr.key(7))
        for _ in range(3):
            fresh = update(build(0.5), fresh, X, 0.5).state
    assert not seen


def test_another_number_in_a_loop_does_not_compile():
    def run(number, key):
        stream = af.RandomWalkStream(DIM, drift_rate=number, noise_std=number)
        state, _ = af.run_mlp_learning_loop(one(number), stream, 30, key)
        af.run_mlp_learning_loop(one(number), stream, 30, key, state)
        learner = many(number)
        data = np.full((20, DIM), number), np.full((20, 2), number)
        af.run_multi_head_learning_loop(learner, learner.init(DIM, key), *data)
        af.run_multi_head_learning_loop_batched(learner, *data, jr.split(key, 2))

    keys = jr.split(jr.key(1))
    first, second = keys[0], keys[1]
    run(0.5, first)
    with count_compilations() as seen:
        run(0.1, second)
    assert not seen


def equations(jaxpr):
    """Of a program and of all programs inside it."""
    count = 0
    for equation in jaxpr.eqns:
        count += 1
        for parameter in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")
        ):
            inner = getattr(parameter, "jaxpr", parameter)
            if hasattr(inner, "eqns"):
                count += equations(inner)
    return count


def arguments(case, n_heads):
    learner = case.build() if n_heads is None else many_heads(case, n_heads)
    state = jax.eval_shape(lambda: learner.init(network_cases.DIM, jr.key(0)))
    x = jax.ShapeDtypeStruct((network_cases.DIM,), np.float32)
    targets = jax.ShapeDtypeStruct((n_heads,), np.float32)
    return learner, state, x, targets


def many_heads(case, n_heads):
    decays = tuple(np.linspace(0, 1, n_heads))
    return af.MultiHeadMLPLearner(
        n_heads,
        case.hidden_sizes,
        case.optimizer.build(),
        bounder=case.bounder and case.bounder.build(),
        normalizer=case.normalizer and case.normalizer.build(),
        sparsity=0.5,
        per_head_gamma_lamda=decays,
    )


def step(learner, *now):
    return learner.update(*now)


@pytest.mark.parametrize("case", network_cases.MULTI_HEAD, ids=str)
def test_the_program_of_an_update_does_not_grow_with_the_heads(case):
    few, more = (
        equations(jax.make_jaxpr(step)(*arguments(case, n_heads)).jaxpr) for n_heads in (2, 200)
    )
    assert few == more > 30


def test_the_program_of_init_does_not_grow_with_the_heads():
    def draw(learner, key):
        return learner.init(network_cases.DIM, key)

    few, more = (
        equations(jax.make_jaxpr(draw)(many_heads(network_cases.MULTI_HEAD[0], n), jr.key(0)).jaxpr)
        for n in (2, 200)
    )
    assert few == more > 10


@pytest.mark.slow
def test_two_hundred_heads_compile_about_as_fast_as_two():
    """At most 1.5 times the processor time; the less of two, for other work disturbs it."""

    def seconds(n_heads):
        # Another function each time: JAX keeps what it has compiled.
        fresh = jax.jit(lambda *given: step(*given))
        lowered = fresh.lower(*arguments(network_cases.FULL_MULTI_HEAD, n_heads))
        start = time.process_time()
        with count_compilations() as seen:
            lowered.compile()
        assert len(seen) == 1
        return time.process_time() - start

    few, more = (min(seconds(n_heads) for _ in range(2)) for n_heads in (2, 200))
    assert more < 1.5 * few
