"""Updates in a row as one compiled program; learner, state and data are its arguments."""

import jax
import jax.numpy as jnp
import numpy as np

from tests.learners import cases


def updates(learner, state, *columns):
    """The last state and the results of every step, in order of the columns' rows."""

    def step(state, now):
        result = learner.update(state, *now)
        return result.state, result

    return jax.lax.scan(step, state, columns)


run = jax.jit(updates)


def run_in_chunks(learner, state, *columns, chunk):
    """The results of all steps, from runs of one length each."""
    parts = []
    for start in range(0, len(columns[0]), chunk):
        state, results = run(learner, state, *(jnp.asarray(c[start:][:chunk]) for c in columns))
        parts.append(results)
    return state, jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def experienced(case):
    """A state that has seen some ordinary data, so that no part of it is at its start."""
    data = cases.transitions if isinstance(case, cases.TDCase) else cases.regression
    learner = case.build()
    columns = map(jnp.asarray, data(cases.CHUNK, seed=9))
    return run(learner, learner.init(cases.DIM), *columns)[0]
