"""Small deterministic environments for lives whose every number is known."""

import jax.numpy as jnp
import numpy as np

import alberta_framework as af


class Tabular(af.AbstractEnvironment):
    """States 0 to S - 1 and a table of what each action does in each.

    `features` [S, d] are seen; `following` [S, A] is the next state; `rewards`, `terminated`,
    `truncated` [S, A]. Each episode begins in state 0. Equal shapes are one compiled program.
    """

    features: object
    following: object
    rewards: object
    terminated: object
    truncated: object

    @property
    def observation_size(self):
        return self.features.shape[1]

    @property
    def action_space(self):
        return af.DiscreteActions(self.following.shape[1])

    def reset(self, key):
        del key
        return jnp.int32(0), self.features[0]

    def step(self, state, action, key):
        del key
        after = self.following[state, action]
        return after, af.EnvStep(
            observation=self.features[after],
            reward=self.rewards[state, action],
            terminated=self.terminated[state, action],
            truncated=self.truncated[state, action],
        )


def tabular(features, following, rewards, terminated=False, truncated=False):
    following = np.asarray(following, np.int32)
    shape = following.shape
    return Tabular(
        jnp.asarray(features, jnp.float32),
        jnp.asarray(following),
        jnp.asarray(np.broadcast_to(np.float32(rewards), shape)),
        jnp.asarray(np.broadcast_to(np.asarray(terminated, bool), shape)),
        jnp.asarray(np.broadcast_to(np.asarray(truncated, bool), shape)),
    )


def corridor(features, rewards, ends, actions=1):
    """One state after the other, whatever is done; `ends`: one of " TXB" for each step.

    T terminates, X truncates, B does both. A step that is the last of the table goes to the last
    row of `features`, which has one row more than there are steps.
    """
    steps = len(ends)
    features = np.asarray(features, np.float32)
    assert len(features) == steps + 1 and len(rewards) == steps
    following = np.repeat(np.minimum(np.arange(steps + 1) + 1, steps)[:, None], actions, axis=1)

    def column(values):
        return np.repeat(np.asarray([*values, values[-1]])[:, None], actions, axis=1)

    return tabular(
        features,
        following,
        column(np.float32(rewards)),
        column([end in "TB" for end in ends]),
        column([end in "XB" for end in ends]),
    )


def telling(actions=3, states=8, size=4, seed=0):
    """A random world, forward to its end, whose rewards tell which action was taken."""
    rng = np.random.default_rng(seed)
    shape = (states, actions)
    rewards = rng.integers(-3, 4, size=(states, 1)) + np.arange(actions) / 8.0
    at = np.arange(states)[:, None]
    following = np.minimum(at + rng.integers(1, 3, size=shape), states - 1)
    # Ends of all three kinds at the last states, and some before.
    draws = rng.random(shape)
    terminated = (at == states - 3) | (at == states - 1) | (draws < 0.05)
    truncated = (at >= states - 2) | (draws > 0.95)
    return tabular(rng.normal(size=(states, size)), following, rewards, terminated, truncated)


def told_actions(rewards, actions=3):
    """The actions that rewards of `telling` stand for."""
    return np.int64(np.round((np.float64(rewards) % 1.0) * 8.0)) % actions


def table(state):
    """Weights [action, feature] of an agent without a trunk, or of its life."""
    learner = getattr(state, "agent_state", state).learner_state
    return np.asarray(learner.head_params.weights[:, 0], np.float64)


def biases(state):
    learner = getattr(state, "agent_state", state).learner_state
    return np.asarray(learner.head_params.biases[:, 0], np.float64)
