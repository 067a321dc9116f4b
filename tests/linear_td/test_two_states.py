"""A chain of two states with given policies: each learner finds the values of its target policy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

GAMMA, STEPS = 0.5, 20_000
# In both states: the probabilities of going to state 0 and to state 1.
TARGET, BEHAVIOUR = np.array([0.2, 0.8]), np.array([0.5, 0.5])
REWARDS = np.array([[1.0, -1.0], [0.5, 2.0]])


def values(policy):
    transitions = np.stack([policy, policy])
    return np.linalg.solve(np.eye(2) - GAMMA * transitions, (transitions * REWARDS).sum(1))


def drawn():
    states = np.random.default_rng(0).choice(2, STEPS + 1, p=BEHAVIOUR)
    here, there = states[:-1], states[1:]
    one_hot = np.eye(2, dtype=np.float32)
    log_pi, log_b = np.log(TARGET), np.log(BEHAVIOUR)
    rho = af.importance_ratio(np.float32(log_pi[there]), np.float32(log_b[there]))
    return one_hot[here], np.float32(REWARDS[here, there]), one_hot[there], rho


@eqx.filter_jit
def averaged(learner, rows):
    """The mean of the weights over the second half of a life."""

    def step(state, row):
        x, reward, after, rho = row
        state = learner.update(state, x, reward, after, GAMMA, rho).state
        return state, state.weights

    _, weights = jax.lax.scan(step, learner.init(2), tuple(map(jnp.asarray, rows)))
    return jnp.mean(weights[STEPS // 2 :], axis=0)


CLIPPED = np.minimum(TARGET, BEHAVIOUR) / np.minimum(TARGET, BEHAVIOUR).sum()
LEARNERS = [
    (af.OffPolicyTD(0.02, 0.0), TARGET),
    (af.OffPolicyTD(0.02, 0.7), TARGET),
    (af.GradientTD(0.02, 0.05, 0.4), TARGET),
    (af.GradientTD(0.02, 0.05, 0.0, weight_expectation=True), TARGET),
    (af.GradientTD(0.1, 0.1, 0.0, variant="gtd2"), TARGET),
    (af.GradientTD(0.05, 0.05, 0.4, regularization=1.0), TARGET),
    (af.EmphaticTD(0.01, 0.0), TARGET),
    (af.EmphaticTD(0.01, 0.6), TARGET),
    (af.VTrace(0.02, 0.7, np.inf, 1.0), TARGET),
    (af.VTrace(0.02, 0.7), CLIPPED),
]


@pytest.mark.parametrize("learner, policy", LEARNERS, ids=str)
def test_it_finds_the_values_of_its_target_policy(learner, policy):
    found = averaged(learner, drawn())
    np.testing.assert_allclose(found, values(policy), atol=0.06)
    # Those of the behaviour, and of the clipped policy, are others.
    others = [other for other in (BEHAVIOUR, TARGET, CLIPPED) if other is not policy]
    assert all(np.max(np.abs(found - values(other))) > 0.1 for other in others)
