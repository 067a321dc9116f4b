"""Methods against loss of plasticity, one row for each, and small networks that have them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import alberta_framework as af
from tests.learners.network_runs import UNOPTIMIZED
from tests.oracles import mlp
from tests.streams.cases import key_data

DIM, HEADS = 6, 3


@dataclasses.dataclass(frozen=True)
class Row:
    """`numbers` holds another value of each number that may be swept."""

    kind: str
    arguments: dict
    numbers: dict
    told: str = ""

    def __str__(self):
        return self.kind + self.told

    def build(self, **changes):
        return method(self.kind, **self.arguments | changes)


def method(kind, **arguments):
    return getattr(af, kind)(**arguments)


# Every period ends with the sixth step.
PERIOD = 6
ROWS = [
    Row(
        "ContinualBackprop",
        {"replacement_rate": 0.25, "maturity_threshold": 2},
        {"replacement_rate": 0.125, "decay_rate": 0.5, "maturity_threshold": 1, "gain": 2.0},
    ),
    Row("L2Init", {"step_size": 0.1, "strength": 0.1}, {"step_size": 0.3, "strength": 0.5}),
    Row(
        "ShrinkAndPerturb",
        {"step_size": 0.1, "decay": 0.1, "sigma": 0.1},
        {"step_size": 0.3, "decay": 0.5, "sigma": 0.5},
    ),
    Row(
        "UPGD",
        {"step_size": 0.1, "sigma": 0.1, "beta_utility": 0.9, "weight_decay": 0.1},
        {
            "step_size": 0.3,
            "sigma": 0.5,
            "beta_utility": 0.5,
            "weight_decay": 0.5,
            "scale": 2.0,
        },
    ),
    Row("WeightClipping", {"kappa": 0.5}, {"kappa": 0.8}),
    Row("HareAndTortoise", {"decay": 0.5, "period": PERIOD}, {"decay": 0.9}),
    Row("SoftReset", {"rate": 0.1}, {"rate": 0.3}),
    Row(
        "SpectralPenalty",
        {"step_size": 0.1, "strength": 0.1},
        {"step_size": 0.2, "strength": 0.3, "target": 2.0},
    ),
    # A threshold that a third of the units are below.
    Row(
        "ReDo",
        {"threshold": 0.5, "period": PERIOD, "decay_rate": 0.9},
        {"threshold": 0.9, "decay_rate": 0.5},
    ),
]
ROW_OF = {row.kind: row for row in ROWS}


def network(plasticity=None, hidden_sizes=(8,), optimizer=None, **changes):
    """Leaky units without normalization, every input connected."""
    parts = {"sparsity": 0.0, "leaky_relu_slope": 0.1, "use_layer_norm": False} | changes
    if plasticity is not None:
        parts["plasticity"] = plasticity
    optimizer = af.LMS(0.02) if optimizer is None else optimizer
    return af.MLPLearner(hidden_sizes, optimizer, **parts)


def regression(steps, seed=0, outputs=()):
    """Targets of a fixed network of tanh units and noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(steps, DIM)) + [0.0, 1.0, -0.2, 0.0, 0.5, 0.0]
    y = np.tanh(x @ rng.normal(size=(DIM, 6))) @ rng.normal(size=(6, *outputs))
    y += 0.1 * rng.normal(size=y.shape)
    return jnp.float32(x), jnp.float32(y)


@jax.jit(compiler_options=UNOPTIMIZED)
def states_after(learner, state, xs, ys):
    """The state after each step, of learners whose update takes an observation and targets."""

    def step(state, now):
        result = learner.update(state, *now)
        return result.state, result.state

    return jax.lax.scan(step, state, (xs, ys))[1]


@jax.jit
def begun(learner, key):
    return learner.init(DIM, key)


class History:
    """A run: `states[t]` is that before step t, with plain numbers in place of keys."""

    def __init__(self, learner, xs, ys, state=None, seed=0):
        self.xs, self.ys = np.asarray(xs, np.float64), np.asarray(ys, np.float64)
        self.begin = begun(learner, jax.random.key(seed)) if state is None else state
        after = states_after(learner, self.begin, xs, ys)
        joined = jax.tree.map(
            lambda first, rest: np.concatenate([np.asarray(first)[None], np.asarray(rest)]),
            key_data(self.begin),
            key_data(after),
        )
        leaves, structure = jax.tree.flatten(joined)
        self.states = [
            jax.tree.unflatten(structure, [leaf[t] for leaf in leaves])
            for t in range(len(self.xs) + 1)
        ]

    def __len__(self):
        return len(self.xs)

    @property
    def last(self):
        return self.states[-1]

    def tensors(self, k):
        """Tensor k of w0, b0, w1, ... after each step."""
        return np.stack([tensors(state)[k] for state in self.states[1:]])


def tensors(state):
    return mlp.interleaved(state.params.weights, state.params.biases)


def layers(params):
    """Weights and biases in float64."""
    return [[np.asarray(t, np.float64) for t in part] for part in (params.weights, params.biases)]
