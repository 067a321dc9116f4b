"""A SARSA agent whose rewards are centered, against the published update in float64."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af

pytestmark = pytest.mark.versions

FEATURES, ACTIONS, STEPS = 3, 2, 60
GAMMA, ALPHA, BETA = 0.9, 0.05, 0.1


def agent(centering, **changes):
    config = af.SARSAConfig(ACTIONS, GAMMA, 0.3)
    return af.SARSAAgent(
        config, (), af.LMS(ALPHA), sparsity=0.0, reward_centering=centering, **changes
    )


@pytest.mark.parametrize("mode", ["value", "simple"])
def test_it_learns_of_rewards_less_their_average(mode):
    rng = np.random.default_rng(0)
    x = np.float32(rng.normal(size=(STEPS + 1, FEATURES)))
    rewards = np.float32(5.0 + rng.normal(size=STEPS))
    rewards[[20, 41]] = np.nan, np.inf
    ends = rng.random((2, STEPS)) < 0.1
    ours = agent(af.RewardCentering(mode, BETA))
    state = ours.init(FEATURES, jr.key(0))
    head = state.learner_state.head_params
    w, b = np.float64(head.weights)[:, 0], np.float64(head.biases)[:, 0]
    action, state = ours.start(state, x[0])
    rate, here, pending = 0.0, x[0], True
    for t in range(STEPS):
        step = ours.act_and_learn(state, rewards[t], x[t + 1], *ends[:, t])
        if np.isfinite(rewards[t]) and pending:
            a, following = int(action), int(step.action)
            ahead = 0.0 if ends[0, t] else GAMMA * (w[following] @ x[t + 1] + b[following])
            delta = rewards[t] - rate + ahead - (w[a] @ here + b[a])
            w[a], b[a] = w[a] + ALPHA * delta * here, b[a] + ALPHA * delta
            rate += BETA * (delta if mode == "value" else rewards[t] - rate)
            np.testing.assert_allclose(step.td_error, delta, rtol=1e-4, atol=1e-4)
        pending = np.isfinite(rewards[t])
        np.testing.assert_allclose(step.state.centering.reward_rate, rate, rtol=1e-5)
        here, action, state = x[t + 1], step.action, step.state
        if ends[:, t].any() or not pending:
            action, state = ours.start(state, here)
            pending = True
    np.testing.assert_allclose(state.learner_state.head_params.weights[:, 0], w, atol=1e-4)
    assert rate > 0.5


def test_without_it_nothing_is_changed():
    plain = agent(None)
    assert "reward_centering" not in plain.to_config()
    assert plain.init(FEATURES, jr.key(0)).centering is None
    still = agent(af.RewardCentering("value", 0.0))
    lives = [af.interact(one, af.CartPole(), 200, jr.key(1)).state for one in (plain, still)]
    weights = [life.agent_state.learner_state.head_params.weights for life in lives]
    np.testing.assert_allclose(*weights, rtol=1e-5, atol=1e-6)


def test_a_prediction_of_another_policy_is_refused():
    demon = af.GVFSpec(
        "left", af.DemonType.PREDICTION, 0.9, 0.0, -1, 0.0, af.FixedTargetPolicy((1.0, 0.0))
    )
    with pytest.raises(ValueError, match="SARSAAgent: demon 'left' must have no `target_policy`"):
        agent(None, prediction_demons=[demon])
