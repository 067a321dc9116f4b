"""Environments with known answers and known logs."""

import gymnasium as gym
import numpy as np


class OneState(gym.Env):
    """One state, reward 1 for ever, cut off every few steps."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, cut_after=2, ends=False):
        self.cut_after, self.ends, self.count, self.resets = cut_after, ends, 0, 0

    def reset(self, *, seed=None, options=None):
        self.count, self.resets = 0, self.resets + 1
        return np.ones(1, np.float32), {}

    def step(self, action):
        self.count += 1
        over = self.count == self.cut_after
        return np.ones(1, np.float32), 1.0, over and self.ends, over and not self.ends, {}


class Scripted(gym.Env):
    """Plays rows of (observation, reward, terminated, truncated); logs the actions it is given.

    An observation of a reset is marked by its episode's number in the first feature.
    """

    observation_space = gym.spaces.Box(-np.inf, np.inf, (2, 2), np.float64)

    def __init__(self, rows, actions=2, pause=0.0):
        self.rows, self.actions, self.episode = list(rows), [], 0
        self.action_space = gym.spaces.Discrete(actions)
        self.at = 0

    def reset(self, *, seed=None, options=None):
        self.episode += 1
        return np.array([[self.episode, 1.0], [0.5, -1.0]]), {}

    def step(self, action):
        assert type(action) is int and self.action_space.contains(action)
        self.actions.append(action)
        observation, reward, terminated, truncated = self.rows[self.at % len(self.rows)]
        self.at += 1
        return np.asarray(observation, np.float64), reward, terminated, truncated, {}


def script(steps=20, seed=0, ends=0.2, cuts=0.2):
    """Random rows; some terminate, some truncate, one does both, one has no number."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(steps):
        observation = rng.normal(size=(2, 2))
        rows.append((observation, float(rng.normal()), rng.random() < ends, rng.random() < cuts))
    return rows
