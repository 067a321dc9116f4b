"""Every streaming transform with the arguments it is tested under, and a life to run through it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import alberta_framework as af
from tests.oracles import features as oracles

DIM, STEPS = 3, 60


@dataclasses.dataclass(frozen=True)
class Case:
    """`numbers`: three values for every number, integers among them."""

    kind: str
    arguments: dict
    numbers: dict

    def __str__(self):
        return f"{self.kind}({self.arguments})"

    def build(self, **changes):
        return getattr(af, self.kind)(**self.arguments | changes)

    def oracle(self):
        return getattr(oracles, self.kind)(**self.arguments)


EPSILON = (1e-8, 0.1, 1)
CASES = [
    Case("ObservationNormalizer", {}, {"epsilon": EPSILON}),
    Case("ObservationNormalizer", {"epsilon": 0.5}, {"epsilon": EPSILON}),
    Case("RewardScaler", {"gamma": 0.9}, {"gamma": (0, 0.9, 1), "epsilon": EPSILON}),
    Case("RewardScaler", {"gamma": 1, "epsilon": 0.5}, {"gamma": (0, 0.9, 1)}),
    Case("TimeFeature", {"limit": 7}, {"limit": (1, 7, 1000)}),
    Case("ObservationTrace", {}, {"beta": (0, 0.5, 0.999)}),
    Case("ObservationTrace", {"beta": 0.0}, {}),
    Case("Clipped", {"limit": 10.5}, {"limit": (1, 10.5, 100)}),
    Case("TilesOfEach", {"low": 8.0, "high": 12.0}, {"low": (-3, 0.5, 8), "high": (12, 100.0, 9)}),
    Case("TilesOfEach", {"low": 9.5, "high": 10.5, "tilings": 3, "tiles": 2}, {}),
]
ONE_OF_EACH = list({case.kind: case for case in reversed(CASES)}.values())


def stack():
    """The usual stack, and its oracle."""
    ours = af.Pipeline([af.RewardScaler(0.9), af.ObservationNormalizer(), af.TimeFeature(30)])
    parts = [oracles.RewardScaler(0.9), oracles.ObservationNormalizer(), oracles.TimeFeature(30)]
    return ours, oracles.Pipeline(parts)


def side_by_side():
    """Three representations of one observation, and their oracle."""
    ours = af.Concatenated(
        [af.ObservationTrace(0.9), af.TimeFeature(30), af.ObservationNormalizer()]
    )
    parts = [
        oracles.ObservationTrace(0.9),
        oracles.TimeFeature(30),
        oracles.ObservationNormalizer(),
    ]
    return ours, oracles.Concatenated(parts)


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A life of several episodes: what each reset and each step showed."""

    resets: np.ndarray
    observations: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray

    @property
    def over(self):
        return self.terminated | self.truncated


def recorded(seed=0, steps=STEPS, offset=10.0):
    rng = np.random.default_rng(seed)
    draw = np.random.default_rng(seed + 1).random(steps)
    return Recorded(
        np.float32(offset + rng.normal(size=(steps + 1, DIM))),
        np.float32(offset + rng.normal(size=(steps, DIM))),
        np.float32(rng.normal(size=steps) - 0.5),
        draw < 0.07,
        (draw > 0.03) & (draw < 0.1),
    )


def through(features, life):
    """Every observation shown, resets too, every reward shown, and the last state."""
    x, last = _through(features, *(getattr(life, f.name) for f in dataclasses.fields(life)))
    after, anew, rewards, begun = map(np.asarray, x)
    rows = [begun]
    for t, over in enumerate(life.over):
        # What would begin after a step that ended nothing was never shown.
        rows += [after[t], anew[t]] if over else [after[t]]
    return np.stack(rows), rewards, last


@jax.jit
def _through(features, resets, observations, rewards, terminated, truncated):
    begin = af.Percept(resets[0], first=jnp.ones((), bool))
    shown, state = features.see(features.init(DIM), begin)
    first = shown.observation

    def one(state, now):
        reset, observation, reward, terminated, truncated = now
        percept = af.Percept(observation, reward, terminated, truncated, jnp.zeros((), bool))
        shown, state = features.see(state, percept)
        anew, begun = features.see(state, af.Percept(reset, first=jnp.ones((), bool)))
        over = terminated | truncated
        state = jax.tree.map(lambda a, b: jnp.where(over, a, b), begun, state)
        return state, (shown.observation, anew.observation, shown.reward)

    rows = resets[1:], observations, rewards, terminated, truncated
    state, found = jax.lax.scan(one, state, rows)
    return (*found, first), state


def through_oracle(oracle, life):
    """As `through`, in float64."""
    shown, rewards = [oracle.reset(np.float64(life.resets[0]))], []
    for t, over in enumerate(life.over):
        x, reward = oracle.step(
            np.float64(life.observations[t]), np.float64(life.rewards[t]), bool(over)
        )
        shown.append(x)
        rewards.append(reward)
        if over:
            shown.append(oracle.reset(np.float64(life.resets[t + 1])))
    return np.stack(shown), np.array(rewards)
