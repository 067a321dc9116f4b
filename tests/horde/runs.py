"""Hordes and agents run over arrays; runs of equal shapes share their compiled programs."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import alberta_framework as af

# A program of some hundred steps runs for less time than its optimization takes.
UNOPTIMIZED = {"xla_backend_optimization_level": 0}


def updates(learner, state, columns):
    """The last state and the results of every step; `columns` are arguments of `update`."""

    def step(state, now):
        result = learner.update(state, **now)
        return result.state, result

    return jax.lax.scan(step, state, columns)


_run = jax.jit(updates, compiler_options=UNOPTIMIZED)


def run(learner, state, **columns):
    return _run(learner, state, {name: jnp.asarray(column) for name, column in columns.items()})


@functools.partial(jax.jit, compiler_options=UNOPTIMIZED)
def _lanes(learner, states, columns):
    return jax.vmap(lambda state, now: learner.update(state, **now))(states, columns)


def update_lanes(learner, states, **columns):
    """One update for every lane of the states and row of the columns."""
    return _lanes(learner, states, {name: jnp.asarray(c) for name, c in columns.items()})


def repeated(state, lanes):
    """A batch of equal states."""
    return jax.tree.map(lambda leaf: jnp.stack([leaf] * lanes), state)


def demon(gamma=0.9, lamda=0.8, index=-1, terminal_reward=0.0, name="d"):
    return af.GVFSpec(name, af.DemonType.PREDICTION, gamma, lamda, index, terminal_reward)


def spec(*demons):
    """Of demons that differ in name: d0, d1, ..."""
    fields = ("gamma", "lamda", "cumulant_index", "terminal_reward")
    numbered = [
        demon(*(getattr(one, field) for field in fields), name=f"d{i}")
        for i, one in enumerate(demons)
    ]
    return af.create_horde_spec(numbered)


def linear(*demons, step_size=0.1, **arguments):
    """A horde without a trunk, its weights zero at the start."""
    return af.HordeLearner(
        spec(*demons), (), arguments.pop("optimizer", af.LMS(step_size)), sparsity=1.0, **arguments
    )


def one_hot(size, *indices):
    """One row for each index."""
    return np.eye(size, dtype=np.float32)[list(indices)]
