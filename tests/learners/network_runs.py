"""Runs of the network learners that share their compiled programs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from tests.learners import network_cases, runs


def understood(options):
    """Those that the installed compiler knows."""
    known = {}
    for name, value in options.items():
        try:
            jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
        except jax.errors.JaxRuntimeError:
            continue
        known[name] = value
    return known


# A program of some hundred steps runs for less time than its optimization takes.
UNOPTIMIZED = understood(
    {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
)
run = jax.jit(runs.updates, compiler_options=UNOPTIMIZED)


def begun(learner, params, feature_dim=network_cases.DIM):
    """As `begin`, for use inside other compiled functions."""
    return learner.init(feature_dim, jax.random.key(0)).replace(**params)


_begin = jax.jit(begun, static_argnums=2, compiler_options=UNOPTIMIZED)


def begin(learner, params, feature_dim=network_cases.DIM):
    """The state of `init` with other parameters, by name; nothing is drawn for them."""
    return _begin(learner, params, feature_dim)


@functools.partial(jax.jit, compiler_options=UNOPTIMIZED)
def _predictions(learner, state, observations):
    return jax.lax.map(lambda x: learner.predict(state, x), observations)


def predictions(learner, state, observations):
    """One row for each observation."""
    return np.asarray(_predictions(learner, state, jnp.asarray(observations)))


def run_in_chunks(learner, state, *columns):
    """The last state and the results of all steps, from runs of one length each."""
    parts, chunk = [], network_cases.CHUNK
    for start in range(0, len(columns[0]), chunk):
        state, results = run(learner, state, *(jnp.asarray(c[start:][:chunk]) for c in columns))
        parts.append(results)
    return state, jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def experienced(case):
    """Learner, and a state that has seen some ordinary data: no part of it is at its start."""
    learner = case.build()
    columns = network_cases.regression(case, network_cases.CHUNK, seed=9)
    return learner, run_in_chunks(learner, begin(learner, case.parameters()), *columns)[0]


@functools.partial(jax.jit, compiler_options=UNOPTIMIZED)
def update_lanes(learner, state, *columns):
    """One update from the same state for every row, as lanes of one program."""
    return jax.vmap(lambda *now: learner.update(state, *now))(*columns)


@functools.partial(jax.jit, compiler_options=UNOPTIMIZED)
def update(learner, state, *now):
    """One update."""
    return learner.update(state, *now)


@functools.partial(jax.jit, compiler_options=UNOPTIMIZED)
def update_states(learner, states, *now):
    """The same update of every state of a batch."""
    return jax.vmap(lambda state: learner.update(state, *now))(states)
