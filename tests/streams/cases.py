"""One row for each stream; a new stream is a new row."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af


@dataclasses.dataclass(frozen=True)
class Row:
    """`arguments` make changes frequent; `numbers` holds two other values of each number."""

    kind: str
    arguments: dict
    numbers: dict
    told: str = ""

    def __str__(self):
        return self.kind + self.told

    def build(self, **changes):
        return getattr(af, self.kind)(**self.arguments | changes)

    def traced(self, **changes):
        """With every number an array, as the loops see it."""
        return with_arrays(self.build(**changes))


def with_arrays(stream):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), stream)


def _recorded(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


NOISE = {"noise_std": (0.0, 0.7)}
NOISE_AND_SIZE = NOISE | {"feature_std": (0.0, 2.0)}
INNER = af.RandomWalkStream(6, drift_rate=0.1)
RECORD = {"observations": _recorded(11, 3), "targets": _recorded(11, 2)}
TRANSITIONS = {
    "observations": _recorded(11, 3),
    "rewards": _recorded(11),
    "next_observations": _recorded(11, 3),
    "gammas": np.float32(_recorded(11) > 0),
}

SYNTHETIC = [
    Row(
        "RandomWalkStream",
        {"feature_dim": 10, "drift_rate": 0.05},
        {"drift_rate": (0.0, 0.3)} | NOISE_AND_SIZE,
    ),
    Row(
        "AbruptChangeStream",
        {"feature_dim": 8, "change_interval": 7},
        {"change_interval": (1, 12)} | NOISE_AND_SIZE,
    ),
    Row(
        "CyclicStream",
        {"feature_dim": 5, "cycle_length": 6, "num_configurations": 3},
        {"cycle_length": (1, 11)} | NOISE_AND_SIZE,
    ),
    Row(
        "PeriodicChangeStream",
        {"feature_dim": 9, "period": 30},
        {"period": (1, 17), "amplitude": (0.0, -3.0)} | NOISE_AND_SIZE,
    ),
    Row(
        "SuttonExperiment1Stream",
        {"num_relevant": 4, "num_irrelevant": 5, "change_interval": 6},
        {"change_interval": (1, 11)},
    ),
    Row(
        "SlowlyChangingRegressionStream",
        {"num_inputs": 7, "num_slow": 5, "change_interval": 6, "num_target_units": 30},
        {"change_interval": (1, 11), "beta": (0.3, 0.9)},
    ),
    Row(
        "SlowlyChangingRegressionStream",
        {
            "num_inputs": 7,
            "num_slow": 5,
            "change_interval": 6,
            "num_target_units": 9,
            "flip": "one",
        },
        {"change_interval": (1, 11), "beta": (0.3, 0.9)},
        " flipping one",
    ),
    Row(
        "DynamicScaleShiftStream",
        {"feature_dim": 6, "scale_change_interval": 9, "weight_change_interval": 5},
        {
            "scale_change_interval": (1, 4),
            "weight_change_interval": (1, 13),
            "min_scale": (0.5, 100.0),
            "max_scale": (0.01, 7.0),
        }
        | NOISE,
    ),
    Row(
        "ScaleDriftStream",
        {"feature_dim": 6, "weight_drift_rate": 0.05, "scale_drift_rate": 0.4},
        {
            "weight_drift_rate": (0.0, 0.3),
            "scale_drift_rate": (0.0, 1.0),
            "min_log_scale": (-0.5, 0.2),
            "max_log_scale": (-0.5, 0.5),
        }
        | NOISE,
    ),
    Row(
        "RandomWalkChainStream",
        {"n_states": 3, "gamma": 0.9},
        {"gamma": (0.0, 1.0), "left_reward": (-1.0, 2.0), "right_reward": (0.0, 3.0)},
    ),
    Row(
        "RandomWalkChainStream",
        {"n_states": 5, "gamma": 0.9, "features": "dependent"},
        {"gamma": (0.0, 1.0), "left_reward": (-1.0, 2.0), "right_reward": (0.0, 3.0)},
        " dependent",
    ),
]
DATA = af.LabelledArrays(_recorded(12, 6), np.arange(12) % 4)
SYNTHETIC += [
    Row(
        "PermutedClassificationStream",
        {"data": DATA, "change_interval": 7, "permute": permute, "one_hot": one_hot},
        {"change_interval": (1, 12)},
        f" of {permute}{'' if one_hot else ', numbered'}",
    )
    for permute, one_hot in (("inputs", True), ("inputs", False), ("labels", False))
]
WRAPPED = [
    Row(
        "ScaledStreamWrapper",
        {"inner_stream": INNER, "feature_scales": af.make_scale_range(6)},
        {},
    ),
    Row(
        "ScaledStreamWrapper",
        {
            "inner_stream": af.RandomWalkChainStream(5, features="dependent"),
            "feature_scales": [1.0, -2.0, 0.5],
        },
        {},
        " of transitions",
    ),
]
ARRAYS = [
    Row("ArrayStream", RECORD, {}),
    Row("TDArrayStream", TRANSITIONS, {}),
    Row("RecordedStream", {"record": af.TimeStep(*RECORD.values())}, {}),
]
ALL = [*SYNTHETIC, *WRAPPED, *ARRAYS]

each = pytest.mark.parametrize("row", ALL, ids=str)
each_number = pytest.mark.parametrize(
    "row, field",
    [pytest.param(row, field, id=f"{row}.{field}") for row in SYNTHETIC for field in row.numbers],
)


@jax.jit
def begun(stream, key):
    return stream.init(key)


@jax.jit
def stepped_once(stream, state):
    return stream.step(state)


def stepped(stream, state, num_steps):
    """One compiled step after the other."""
    seen = []
    for _ in range(num_steps):
        experience, state = stepped_once(stream, state)
        seen.append(experience)
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *seen), state


def rolled(stream, state, num_steps):
    return _rolled(stream, state, num_steps=num_steps)


@jax.jit(static_argnames="num_steps")
def _rolled(stream, state, num_steps):
    return stream.rollout(state, num_steps)


def key_data(tree):
    """The tree with typed keys as the numbers that they stand for."""

    def plain(leaf):
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return jax.random.key_data(leaf) if is_key else leaf

    return jax.tree.map(plain, tree)
