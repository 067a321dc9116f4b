"""Hordes and agents with every part, and ordinary data for them."""

import functools

import jax.numpy as jnp
import jax.random as jr
import numpy as np

import alberta_framework as af
from tests.horde import runs

# Size and length of every run here, so that they share their programs.
DIM, CHUNK, DEMONS, ACTIONS = 4, 12, 3, 2
DEMON_ROWS = [(0.9, 0.8, 1, 0.5), (0.5, 1.0, -1, 0.0), (0.0, 0.0, 0, 0.0)]
PARTS = {
    "hidden_sizes": (6,),
    "optimizer": af.IDBD(0.02, 0.005),
    "bounder": af.ObGDBounding(),
    "normalizer": af.EMANormalizer(),
    "sparsity": 0.5,
}


def horde(*, demons=DEMON_ROWS, **changes):
    return af.HordeLearner(runs.spec(*(runs.demon(*row) for row in demons)), **PARTS | changes)


def transitions(steps=CHUNK, seed=0):
    """A random process of features; some transitions end, some cumulants are missing."""
    rng = np.random.default_rng(seed)
    x = np.float32(rng.normal(size=(steps + 1, DIM)) + 0.3)
    cumulants = np.float32(rng.normal(size=(steps, DEMONS)))
    cumulants[rng.random(cumulants.shape) < 0.1] = np.nan
    return {
        "observation": x[:-1].copy(),
        "cumulants": cumulants,
        "next_observation": x[1:].copy(),
        "signals": np.float32(rng.normal(size=(steps, 2))),
        "terminated": np.float32(rng.random(steps) < 0.15),
        "gammas": np.float32(rng.uniform(0, 1, size=(steps, DEMONS))),
    }


def first(columns):
    return {name: column[0] for name, column in columns.items()}


@functools.cache
def experienced_horde():
    """The learner, and a state no part of which is at its start."""
    learner = horde()
    state, _ = runs.run(learner, learner.init(DIM, jr.key(3)), **transitions(seed=9))
    return learner, state


def agent(*, epsilon=0.3, lamda=0.8, demons=DEMON_ROWS, **changes):
    numbered = runs.spec(*(runs.demon(*row) for row in demons)).demons if demons else None
    config = af.SARSAConfig(ACTIONS, 0.9, epsilon, 0.05, 50)
    return af.SARSAAgent(config, prediction_demons=numbered, lamda=lamda, **PARTS | changes)


def control(steps=CHUNK, seed=0):
    """Arguments of an agent's `update`."""
    rng = np.random.default_rng(seed)
    return {
        "reward": np.float32(rng.normal(size=steps)),
        "observation": np.float32(rng.normal(size=(steps, DIM)) + 0.3),
        "terminated": np.float32(rng.random(steps) < 0.15),
        "next_action": np.int32(rng.integers(0, ACTIONS, size=steps)),
        "prediction_cumulants": transitions(steps, seed)["cumulants"],
        "truncated": np.zeros(steps, bool),
    }


@functools.cache
def experienced_agent():
    learner = agent()
    state = learner.init(DIM, jr.key(3)).replace(
        last_action=jnp.int32(1), last_observation=jnp.ones(DIM)
    )
    state, _ = runs.run(learner, state, **control(seed=9))
    return learner, state
