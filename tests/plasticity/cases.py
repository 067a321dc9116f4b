"""Methods against loss of plasticity, one row for each, and small networks that have them."""

import dataclasses

import jax
import numpy as np

import alberta_framework as af
from alberta_framework.compilation.boundary import strong
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
        {"threshold": 0.5, "period": PERIOD},
        {"threshold": 0.9, "gain": 2.0},
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
    x = rng.normal([0.0, 1.0, -0.2, 0.0, 0.5, 0.0], size=(steps, DIM))
    y = np.tanh(x @ rng.normal(size=(DIM, 6))) @ rng.normal(size=(6, *outputs))
    y += 0.1 * rng.normal(size=y.shape)
    return np.float32(x), np.float32(y)


def states_after(learner, state, xs, ys):
    """The state after each step."""

    def step(state, now):
        state = learner.update(state, *now).state
        return state, state

    return jax.lax.scan(step, state, (xs, ys))[1]


# Runs of all lengths are made of chunks of one, and share their programs.
CHUNK = 50


@jax.jit(compiler_options=UNOPTIMIZED)
def _chunk_after(learner, state, xs, ys, last):
    """The states after the steps up to `last`, what follows besides, and the last of them."""
    after = states_after(learner, state, xs, ys)
    return key_data(after), jax.tree.map(lambda leaf: leaf[last], after)


def begun(learner, seed=0):
    return strong(learner).init(DIM, jax.random.key(seed))


def with_key(state, key):
    """The state with another key wherever it has one."""

    def other(leaf):
        return key if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf

    return jax.tree.map(other, state)


def told(state):
    """With plain numbers in place of keys."""
    return jax.tree.map(np.asarray, jax.device_get(key_data(state)))


class History:
    """A run: `states[t]` is that before step t; `end` is the last one, to go on from."""

    def __init__(self, learner, xs, ys, state=None):
        self.xs, self.ys = np.asarray(xs, np.float64), np.asarray(ys, np.float64)
        self.begin = begun(learner) if state is None else state
        parts, steps = [], len(xs)
        wrapped = np.arange(-(-steps // CHUNK) * CHUNK) % steps
        state = self.begin
        for start in range(0, steps, CHUNK):
            rows = wrapped[start : start + CHUNK]
            last = min(steps - start, CHUNK) - 1
            after, state = _chunk_after(strong(learner), state, xs[rows], ys[rows], np.int32(last))
            after = jax.tree.map(np.asarray, after)
            parts.append(jax.tree.map(lambda leaf, last=last: leaf[: last + 1], after))
        self.end = state
        leaves = [np.concatenate(part) for part in zip(*map(jax.tree.leaves, parts), strict=True)]
        first, structure = jax.tree.flatten(told(self.begin))
        self.states = [
            jax.tree.unflatten(structure, [leaf[t] for leaf in leaves]) for t in range(steps)
        ]
        self.states.insert(0, jax.tree.unflatten(structure, first))

    def __len__(self):
        return len(self.xs)

    @property
    def last(self):
        return self.states[-1]

    def tensors(self, k):
        """Tensor k of w0, b0, w1, ... after each step."""
        return np.stack([tensors(state)[k] for state in self.states[1:]])


def updated(learner, state, x, y):
    """The state after one update."""
    return History(learner, np.float32([x]), np.float32([y]), state).end


def tensors(state):
    return mlp.interleaved(state.params.weights, state.params.biases)


def layers(params):
    """Weights and biases in float64."""
    return [[np.asarray(t, np.float64) for t in part] for part in (params.weights, params.biases)]
