"""What compiles the methods of hordes and agents again, and what does not."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.control import agents
from tests.horde import runs
from tests.loops import test_sarsa as recorded

X, Y = np.float32([0.5, -1.0]), np.float32([0.1, 2.0])
NUMBERS = [0.25, 1, np.float32(0.3), np.float64(0.35)]


def horde(number):
    demons = [runs.demon(number, number, -1, number), runs.demon(number, 1.0, 0)]
    return runs.linear(*demons, step_size=number, leaky_relu_slope=number)


def used(learner, state, x, number):
    columns = (np.float32([number, 0.5]), Y)
    options = {"signals": np.float32([number]), "terminated": number > 0.3, "gammas": Y / 4}
    for given in ({}, options):
        state = learner.update(state, x, *columns, **given).state
    learner.predict(state, x)
    return learner.reset_traces(state)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: type(n).__name__)
def test_no_number_of_a_horde_compiles_again(number):
    learner = horde(0.5)
    state = used(learner, learner.init(2, jr.key(0)), X, 0.5)
    with count_compilations() as seen:
        other = horde(number)
        used(other, state.replace(step_count=2**40), Y, 0.75)
        used(other, other.init(2, jr.key(1)), X, 0.125)
    assert not seen


def agent(number):
    steps = int(100 * number)
    demons = runs.spec(runs.demon(number, number, -1, number)).demons
    return agents.linear(
        2,
        gamma=number,
        epsilon=number,
        epsilon_end=number / 2,
        epsilon_decay_steps=steps,
        step_size=number,
        lamda=number,
        prediction_demons=demons,
    )


def acted(learner, state, x, number):
    action, state = learner.start(state, x)
    for ended in (False, True):
        following, key = learner.select_action(state, x)
        cumulants = np.float32([number])
        state = state.replace(rng_key=key)
        state = learner.update(state, number, x, ended, following, cumulants, truncated=ended).state
    return learner.update(state, number, x, True, action).state


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: type(n).__name__)
def test_no_number_of_an_agent_compiles_again(number):
    learner = agent(0.5)
    state = acted(learner, learner.init(2, jr.key(0)), X, 0.5)
    with count_compilations() as seen:
        other = agent(number)
        acted(other, state, Y, 0.75)
        acted(other, other.init(2, jr.key(1)), X, 0.125)
    assert not seen


ACTION_KINDS = [int, np.int32, np.int64, jnp.int32]


@pytest.mark.parametrize("kind", ACTION_KINDS, ids=lambda kind: kind.__name__)
def test_the_first_updates_of_an_agent_are_one_program(kind):
    """Whatever the action comes as, and however often the state has been through."""
    learner = agent(0.5)
    _, state = learner.start(learner.init(2, jr.key(0)), X)
    state = learner.update(state, 1.0, X, False, jnp.int32(1), np.float32([1.0])).state
    with count_compilations() as seen:
        for _ in range(3):
            state = learner.update(state, 1.0, X, False, kind(1), np.float32([1.0])).state
    assert not seen


def test_loops_compile_once():
    def run(number, seed):
        learner = horde(number)
        rng, steps = np.random.default_rng(seed), 9
        data = np.float32(rng.normal(size=(3, steps, 2)))
        af.run_horde_learning_loop(learner, learner.init(2, jr.key(seed)), *data)
        af.run_horde_learning_loop_batched(learner, *data, jr.split(jr.key(seed), 2))
        control = agents.linear(3, epsilon=number, lamda=number, step_size=number)
        columns = recorded.recorded(seed, steps)
        begun = control.init(recorded.DIM, jr.key(seed))
        for actions in (None, recorded.ACTIONS[:steps]):
            af.run_sarsa_from_arrays(control, begun, **columns, actions=actions)

    run(0.5, 0)
    with count_compilations() as seen:
        run(0.25, 1)
    assert not seen


def test_a_large_horde_compiles_like_a_small_one():
    """Heads are stacked: as many equations for 200 of them as for 2."""

    def program(count):
        learner, x = runs.linear(*[runs.demon()] * count), np.zeros(3, np.float32)
        state = learner.init(3, jr.key(0))
        update = jax.make_jaxpr(lambda s, c: learner.update(s, x, c, x))
        return equations(update(state, np.zeros(count, np.float32)).jaxpr)

    assert program(2) == program(200) > 20


def equations(jaxpr):
    """How many, those inside others too."""
    inner = [p for e in jaxpr.eqns for p in jax.tree.leaves(list(e.params.values()))]
    closed = [getattr(p, "jaxpr", p) for p in inner]
    return len(jaxpr.eqns) + sum(equations(p) for p in closed if hasattr(p, "eqns"))
