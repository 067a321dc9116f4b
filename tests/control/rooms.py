"""One task behind spaces of every kind, which logs what it is given."""

import gymnasium as gym
import numpy as np
from gymnasium import spaces

# Whatever the space of the observations, an agent sees six numbers.
SIZE, ACTIONS = 6, 3
OBSERVED = {
    "box": spaces.Box(-9, 9, (6,), np.float32),
    "float64 matrix": spaces.Box(-9, 9, (2, 3), np.float64),
    "image": spaces.Box(0, 255, (3, 2), np.uint8),
    "discrete": spaces.Discrete(6),
    "discrete, start 5": spaces.Discrete(6, start=5),
    "discrete, start -7": spaces.Discrete(6, start=-7),
    "multi-discrete": spaces.MultiDiscrete([2, 4]),
    "multi-binary": spaces.MultiBinary((3, 2)),
    "dict": spaces.Dict(b=spaces.Box(-9, 9, (2,)), a=spaces.Discrete(4, start=2)),
    "tuple": spaces.Tuple((spaces.Discrete(3, start=-1), spaces.MultiBinary(3))),
}
ACTED = {
    "0, 1, 2": spaces.Discrete(ACTIONS),
    "5, 6, 7": spaces.Discrete(ACTIONS, start=5),
    "-2, -1, 0": spaces.Discrete(ACTIONS, start=-2),
}


class Room(gym.Env):
    """Plays a script that the actions do not change: samples of the space, rewards, two ends.

    `given` holds every action of every room since `Room.given.clear()`.
    """

    given: list = []  # noqa: RUF012  # of the class on purpose

    def __init__(self, observed="box", acted="0, 1, 2", length=8, terminates=True):
        self.observation_space, self.action_space = OBSERVED[observed], ACTED[acted]
        self.length, self.terminates = length, terminates
        self.observation_space.seed(3)
        self.script = [self.observation_space.sample() for _ in range(length + 1)]
        self.rewards = np.random.default_rng(3).normal(size=length)
        self.at = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = 0
        return self.script[0], {}

    def step(self, action):
        assert self.action_space.contains(action), action
        self.given.append(action)
        reward, self.at = float(self.rewards[self.at]), self.at + 1
        over = self.at == self.length
        return self.script[self.at], reward, over and self.terminates, over, {}


gym.register("Room-v0", Room, disable_env_checker=True, order_enforce=False)
