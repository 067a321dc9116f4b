"""An environment whose every transition tells where it comes from."""

import gymnasium
import numpy as np

ENDS = (("terminated",), ("truncated",), ("terminated", "truncated"))


class Counting(gymnasium.Env):
    """Observes (episode, time in it, action before); rewards 100 episode + time.

    Episode e = 1, 2, ... takes 1 + e mod 4 steps, and its end is terminated, truncated or both in
    turn. `calls` holds every reset's seed and every step's action.
    """

    metadata = {"render_modes": []}  # noqa: RUF012  # Gymnasium's form
    observation_space = gymnasium.spaces.Box(-1e6, 1e6, (3,), np.float64)
    action_space = gymnasium.spaces.Discrete(4)

    def __init__(self, end=None, length=None):
        self.end, self.length = end, length
        self.episode, self.time, self.calls = 0, 0, []
        self.closed = False
        self.buffer = np.zeros(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.time = self.episode + 1, 0
        self.calls.append(("reset", seed))
        self.buffer[:] = self.episode, 0, -1
        return self.observed(), {}

    def step(self, action):
        self.time += 1
        self.calls.append(("step", action))
        self.buffer[:] = self.episode, self.time, action
        over = self.time == (self.length or 1 + self.episode % 4)
        end = (self.end or ENDS[self.episode % 3]) if over else ()
        reward = 100.0 * self.episode + self.time
        return self.observed(), reward, "terminated" in end, "truncated" in end, {}

    def observed(self):
        return self.buffer.copy()

    def close(self):
        self.closed = True


class Reusing(Counting):
    """Gives the same array away again and again, as fast environments do."""

    def observed(self):
        return self.buffer


def expected_end(episode, time):
    """Whether the step that leads to `time` ends the episode, as (terminated, truncated)."""
    over = time == 1 + episode % 4
    end = ENDS[episode % 3] if over else ()
    return "terminated" in end, "truncated" in end


def cycling():
    """A policy with a memory, so that every action tells when it was picked."""
    picked = []

    def policy(observation):
        picked.append(np.array(observation))
        return (len(picked) - 1) % 4

    policy.picked = picked
    return policy
