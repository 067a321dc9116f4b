"""The numbers of hordes and agents can be swept: each lane is the run with its own numbers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.control import agents
from tests.horde import cases, runs
from tests.horde.cases import DIM
from tests.loops.test_sarsa import ACTIONS, recorded
from tests.loops.test_sarsa import DIM as CONTROL_DIM
from tests.trees import assert_leaves_close, lane

DEMONS = [(0.9, 0.8, -1, 1.0), (0.5, 0.3, -1, 0.0), (0.0, 0.0, -1, 0.0)]
SWEPT = np.float32([[0.0, 0.5, 0.9], [0.9, 0.0, 0.25], [1.0, 1.0, 0.5]])


def columns():
    """Discounts are the demons' own."""
    given = cases.transitions(seed=2)
    return {name: jnp.asarray(v) for name, v in given.items() if name not in ("gammas", "signals")}


@pytest.mark.parametrize("field", ["gammas", "lamdas", "terminal_rewards"])
def test_a_sweep_over_numbers_of_demons_is_the_python_loop(field):
    learner = runs.linear(*(runs.demon(*row) for row in DEMONS), optimizer=af.IDBD(0.05, 0.01))
    begun, given = learner.init(DIM, jr.key(0)), columns()

    def changed(values):
        return eqx.tree_at(lambda h: getattr(h.horde_spec, field), learner, values)

    def run(values):
        state, results = runs.updates(changed(values), begun, given)
        return state, results.td_errors

    states, errors = jax.jit(jax.vmap(run))(jnp.asarray(SWEPT))
    for i, values in enumerate(SWEPT):
        state, results = runs.run(changed(values), begun, **given)
        assert_leaves_close(lane(states, i), state, relative=1e-5, absolute=1e-6)
        np.testing.assert_allclose(errors[i], results.td_errors, rtol=1e-5, atol=1e-6)
    ends = [np.asarray(states.head_params.weights[i]) for i in range(3)]
    assert np.any(ends[0] != ends[1]) and np.any(ends[1] != ends[2])


def arguments(name, value):
    given = {"gamma": 0.9, "lamda": 0.8, "epsilon": 0.4, "epsilon_end": 0.05}
    return given | {"epsilon_decay_steps": 20, "step_size": 0.05, name: value}


@pytest.mark.parametrize("name", ["epsilon", "epsilon_end", "gamma", "lamda", "step_size"])
def test_a_sweep_over_numbers_of_an_agent_is_the_python_loop(name):
    """Acting by itself, so that epsilon counts."""
    data, values = recorded(), np.float32([0.0, 0.3, 1.0])

    def run(value):
        learner = agents.linear(3, **arguments(name, value))
        begun = learner.init(CONTROL_DIM, jr.key(2))
        result = af.run_sarsa_from_arrays(learner, begun, **data)
        return agents_numbers(result)

    swept = eqx.filter_jit(eqx.filter_vmap(run))(jnp.asarray(values))
    for i, value in enumerate(values):
        expected = run(float(value))
        for ours, theirs in zip(swept, expected, strict=True):
            np.testing.assert_allclose(ours[i], theirs, rtol=1e-5, atol=1e-6)
    assert np.any(np.asarray(swept[0][0]) != np.asarray(swept[0][2]))


def agents_numbers(result):
    network = result.state.learner_state
    return (
        jnp.concatenate([network.head_params.weights.ravel(), result.state.epsilon[None]]),
        result.td_errors,
        result.actions,
    )


def test_a_sweep_over_decay_steps_is_the_python_loop():
    data, values = recorded(), np.array([0, 5, 1000])

    def run(value):
        learner = agents.linear(3, **arguments("epsilon_decay_steps", value))
        begun = learner.init(CONTROL_DIM, jr.key(2))
        return af.run_sarsa_from_arrays(learner, begun, **data, actions=ACTIONS).state.epsilon

    swept = eqx.filter_jit(eqx.filter_vmap(run))(jnp.asarray(values))
    np.testing.assert_allclose(swept, [0.4, 0.05, 0.4 - 0.35 * 0.03], rtol=1e-5)


def test_agents_of_many_keys_are_lanes_of_one_program():
    learner, data = agents.linear(3, lamda=0.8, epsilon=0.4), recorded()

    def run(key):
        result = af.run_sarsa_from_arrays(learner, learner.init(CONTROL_DIM, key), **data)
        return agents_numbers(result)

    keys = jr.split(jr.key(3), 3)
    swept = jax.jit(jax.vmap(run))(keys)
    for i, key in enumerate(keys):
        for ours, theirs in zip(swept, run(key), strict=True):
            np.testing.assert_allclose(ours[i], theirs, rtol=1e-5, atol=1e-6)
    assert np.any(np.asarray(swept[2][0]) != np.asarray(swept[2][1]))
