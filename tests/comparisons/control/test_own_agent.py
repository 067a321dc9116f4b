"""An agent of a user's own takes part in a comparison in control, beside one of the library."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

pytest.importorskip("gymnasium")


class CounterState(af.AbstractState):
    steps: jax.Array
    feature_dim: int = eqx.field(static=True)


class Alternating(af.AbstractAgent[Any]):
    """Acts 0, 1, 0, 1, ... or with `stubborn` always 0; it learns nothing and draws nothing."""

    stubborn: bool = eqx.field(static=True, default=False)
    unused: float = 0.0
    box: bool = eqx.field(static=True, default=False)

    @property
    def action_space(self):
        return af.BoxActions((1,), -1.0, 1.0) if self.box else af.DiscreteActions(2)

    def init(self, feature_dim):
        return CounterState(jnp.int32(0), feature_dim)

    def start(self, state, observation):
        return jnp.int32(0), state

    def act_and_learn(self, state, reward, observation, terminated, truncated):
        after = state.replace(steps=state.steps + 1)
        action = jnp.where(self.stubborn, 0, after.steps % 2)
        return af.AgentStep(after, action, {"reward": jnp.float32(reward)}, ~jnp.isfinite(reward))

    def act(self, state, observation, key, *, explore=True):
        return jnp.int32(0)


def comparison(**agents):
    return af.ControlComparison(
        "own", {"id": "CartPole-v1"}, agents, episodes=3, evaluate_last=3, seeds=2
    )


def test_its_episodes_are_those_of_a_loop_by_hand():
    import gymnasium

    theirs = af.SARSAAgent(af.SARSAConfig(2), (), af.LMS(0.1), sparsity=0.0)
    both = comparison(Own=af.Contender(Alternating(), {"unused": [0.0, 1.0]}), Sarsa=theirs)
    result = af.run_control_comparison(both)
    env = gymnasium.make("CartPole-v1")
    for seed in range(2):
        env.reset(seed=seed)
        lengths, steps = [], 0
        for episode in range(3):
            if episode:
                env.reset()
            action, length, over = 0, 0, False
            while not over:
                _, _, terminated, truncated, _ = env.step(action)
                steps, length, over = steps + 1, length + 1, terminated or truncated
                action = steps % 2
            lengths.append(length)
        for point in range(2):
            np.testing.assert_array_equal(result.agents["Own"].steps[point, seed], lengths)
    assert result.agents["Own"].rejected.sum() == 0
    assert result.agents["Sarsa"].returns.shape == (1, 2, 3)


def test_its_configuration_is_read():
    config = comparison(Own=Alternating(stubborn=True)).to_config()
    again = af.control_comparison_from_config(config)
    assert again.agents["Own"].learner == Alternating(stubborn=True)


def test_what_does_not_suit_is_named():
    with pytest.raises(ValueError, match=r"agents\.Own: must act by number, got actions in"):
        comparison(Own=Alternating(box=True))
    with pytest.raises(ValueError, match=r"agents\.Own: must be an AbstractAgent"):
        comparison(Own=af.LinearLearner())
    with pytest.raises(ValueError, match=r"learners\.Own: Alternating acts in environments"):
        af.Comparison("own", af.RandomWalkStream(2), {"Own": Alternating()}, 10, 10, 10)
