"""Agents in daemons: those of the library and two of a user's own, and events for them."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import alberta_framework as af
from alberta_framework.daemon import Daemon
from tests.trees import assert_same_bits

DIM = 4
EPSILON = af.Linear(1.0, 0.1, 200)
STACK = af.Pipeline((af.RewardScaler(0.9), af.ObservationNormalizer(), af.TimeFeature(20)))
PUSH = af.GaussianPolicy([-1.0, -2.0], [1.0, 2.0])


def net(outputs, hidden=(6,)):
    return af.StreamMLP(hidden, outputs)


class NaiveState(af.AbstractState):
    weights: jax.Array
    last: jax.Array


class Naive(af.AbstractAgent[NaiveState]):
    """Knows nothing of numbers that are none: each of them spoils its weights for good."""

    step_size: float = 0.01

    @property
    def action_space(self):
        return af.DiscreteActions(2)

    def init(self, feature_dim, key=None):
        return NaiveState(jnp.zeros(feature_dim), jnp.zeros(feature_dim))

    def start(self, state, observation):
        return self.act(state, observation, None), state.replace(last=observation)

    def act_and_learn(self, state, reward, observation, terminated, truncated):
        weights = 0.99 * state.weights + self.step_size * reward * state.last
        state = NaiveState(weights, observation)
        action = self.act(state, observation, None)
        return af.AgentStep(state, action, {}, jnp.zeros((), bool))

    def act(self, state, observation, key, *, explore=True):
        return (jnp.sum(state.weights * observation) > 0).astype(jnp.int32)


class CountingState(af.AbstractLearnerState):
    weights: jax.Array
    last: jax.Array
    life: af.Lifecycle

    @property
    def feature_dim(self):
        return self.weights.shape[-1]


class Unguarded(Naive):
    """Has a life, and forgets to count in it."""

    def init(self, feature_dim, key=None):
        zeros = jnp.zeros(feature_dim)
        return CountingState(zeros, zeros, af.Lifecycle.begin())

    def act_and_learn(self, state, reward, observation, terminated, truncated):
        weights = 0.99 * state.weights + self.step_size * reward * state.last
        state = state.replace(weights=weights, last=observation)
        action = self.act(state, observation, None)
        return af.AgentStep(state, action, {}, jnp.zeros((), bool))


class Lever(af.AbstractAgent[NaiveState]):
    """One number in a box, and no number where it sees none. Tells a metric of two parts."""

    gain: float = 0.5
    width: int = eqx.field(static=True, default=2)

    @property
    def action_space(self):
        return af.BoxActions((), -1.0, 3.0)

    def init(self, feature_dim, key=None):
        return NaiveState(jnp.ones(feature_dim), jnp.zeros(feature_dim))

    def start(self, state, observation):
        return self.act(state, observation, None), state.replace(last=observation)

    def act_and_learn(self, state, reward, observation, terminated, truncated):
        state = NaiveState(0.9 * state.weights + 0.1 * reward, observation)
        action = self.act(state, observation, None)
        metrics = {"squared_error": reward**2, "parts": jnp.full(self.width, reward)}
        return af.AgentStep(state, action, metrics, jnp.zeros((), bool))

    def act(self, state, observation, key, *, explore=True):
        return jnp.clip(self.gain * jnp.sum(state.weights * observation), -1.0, 3.0)


NUMBERED = {
    "StreamQ": af.StreamQ(2, net(2), epsilon=EPSILON),
    "StreamSARSA": af.StreamSARSA(2, net(2), epsilon=EPSILON),
    "QRC": af.QRC(2, net(2), auxiliary_network=net(2), epsilon=EPSILON),
    "StreamAC": af.StreamAC(af.SoftmaxPolicy(2), net(2), net(1)),
    "SARSAAgent": af.SARSAAgent(
        af.SARSAConfig(2, 0.9, 0.3), (6,), bounder=af.ObGDBounding(), lamda=0.8
    ),
    "WithFeatures": af.WithFeatures(af.StreamQ(2, net(2), epsilon=EPSILON), STACK),
}
IN_A_BOX = {
    "a Gaussian StreamAC": af.StreamAC(PUSH, net(4), net(1)),
    "AVG": af.AVG(af.TanhGaussianPolicy([-1.0, -2.0], [1.0, 2.0]), net(4), net(1)),
}
OF_THE_LIBRARY = NUMBERED | IN_A_BOX
OWN = {"Naive": Naive(), "Lever": Lever()}
AGENTS = OF_THE_LIBRARY | OWN


def daemon(name, seed=0, **options):
    return Daemon(AGENTS[name], DIM, key=jr.key(seed), **options)


@functools.cache
def kept(name):
    """One daemon of each for tests that need no new one, compiled once."""
    return daemon(name)


def events(steps, seed=0):
    """What `act` is given, in episodes that end in every way; the first of each has no reward."""
    rng, rows, begins = np.random.default_rng(seed), [], True
    for observation in np.float32(rng.normal(size=(steps, DIM))):
        if begins:
            rows.append((observation, None, False, False))
            begins = False
            continue
        terminated, truncated = (rng.random(2) < 0.1).tolist()
        rows.append((observation, float(np.float32(rng.normal())), terminated, truncated))
        begins = terminated or truncated
    return rows


def legal(space, action):
    """Whether an action is of the space, and of the kind that a daemon answers."""
    if isinstance(space, af.DiscreteActions):
        return type(action) is int and 0 <= action < space.n
    kind = isinstance(action, np.ndarray) and action.dtype == np.float32
    return kind and action.shape == space.shape and bool(space.contains(action))


def same_result(ours, expected):
    """But for the metrics, which are NaN where nothing was learned."""
    np.testing.assert_array_equal(ours.action, expected.action)
    assert ours[1:4] == expected[1:4]
    assert ours.metrics.keys() == expected.metrics.keys()
    for name, value in ours.metrics.items():
        np.testing.assert_array_equal(value, expected.metrics[name])


def same_life(ours, expected):
    """Two states, bit for bit, but for the clocks of those that have any."""
    ours, expected = _without_clocks(ours), _without_clocks(expected)
    assert_same_bits(ours, expected)


def _without_clocks(state):
    if hasattr(state, "birth_timestamp"):
        state = state.replace(birth_timestamp=0.0, uptime_s=0.0)
    return jax.tree.map(
        lambda leaf: jr.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf,
        state,
    )
