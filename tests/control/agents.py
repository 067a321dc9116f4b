"""Agents without a trunk: their weights are tables [action, feature]."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np

import alberta_framework as af


def linear(actions=2, *, gamma=0.9, epsilon=0.0, step_size=0.1, **arguments):
    """Its weights are zero at the start; greedy unless told otherwise."""
    ends = {
        key: arguments.pop(key)
        for key in ("epsilon_end", "epsilon_decay_steps")
        if key in arguments
    }
    config = af.SARSAConfig(actions, gamma, epsilon, **{"epsilon_end": epsilon} | ends)
    optimizer = arguments.pop("optimizer", af.LMS(step_size))
    return af.SARSAAgent(config, (), optimizer, sparsity=1.0, **arguments)


def pending(learner, action, observation, weights=None, seed=0):
    """Its first state, after it took this action here; `weights` [head, feature] if given."""
    state = learner.init(len(observation), jr.key(seed)).replace(
        last_action=jnp.int32(action), last_observation=jnp.asarray(observation, jnp.float32)
    )
    if weights is None:
        return state
    network = state.learner_state
    heads = af.MLPParams(jnp.asarray(np.float32(weights)[:, None, :]), network.head_params.biases)
    return state.replace(learner_state=network.replace(head_params=heads))


def table(state):
    """Weights [head, feature]."""
    return np.asarray(state.learner_state.head_params.weights[:, 0])


def biases(state):
    return np.asarray(state.learner_state.head_params.biases[:, 0])


def traces(state):
    return np.asarray(state.learner_state.head_traces.w[:, 0])


def without_clock(state):
    """The same with its time of birth and uptime at zero, to compare runs."""
    network = state.learner_state.replace(birth_timestamp=0.0, uptime_s=0.0)
    return state.replace(learner_state=network)
