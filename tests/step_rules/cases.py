"""Every step rule with the arguments it is tested under, its oracle, and one life of errors."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import alberta_framework as af
from tests.oracles.streaming.adaptive import Adaptive
from tests.oracles.streaming.adaptive_obgd import AdaptiveObGD
from tests.oracles.streaming.alpha_bound import AlphaBound
from tests.oracles.streaming.descent import SGD, Adam, FromDescent
from tests.oracles.streaming.fixed_step import FixedStep
from tests.oracles.streaming.implicit import Implicit
from tests.oracles.streaming.implicit_td import ImplicitTD
from tests.oracles.streaming.intentional import Intentional
from tests.oracles.streaming.obgd import ObGD
from tests.oracles.streaming.trees import dot

STEPS, DECAY = 200, 0.72
SHAPES = {"bias": (3,), "heads": (2, 2, 3), "scale": (), "weights": (3, 4)}


@dataclasses.dataclass(frozen=True)
class Case:
    """`make`: the rule of its numbers; `numbers`: three values for each, integers among them."""

    name: str
    make: Callable[..., Any]
    oracle: Callable[..., Any]
    numbers: dict

    def __str__(self):
        return self.name

    def build(self, **numbers):
        """As an agent of gamma lamda = 0.72 has it."""
        return self.make(**numbers).averaging(DECAY)


STEP_SIZE = {"step_size": (0, 0.1, 1)}
OBGD = STEP_SIZE | {"kappa": (0, 0.5, 3)}
AVERAGES = {"beta2": (0, 0.9, 0.999), "average_decay": (0, 0.5, 0.9)}
ERRORS = {"clip_mult": (0.5, 1, 20), "beta_clip": (0.5, 0.9, 0.9998), "beta_norm": (0, 0.5, 0.999)}
INTENTIONAL = {"eta": (0.05, 0.5, 1)} | AVERAGES
CLIPPED = {"clip_mult": 1.5, "beta_clip": 0.9}  # the cap of the defaults is wide for long
CASES = [
    Case("StreamObGD", af.StreamObGD, ObGD, OBGD),
    Case(
        "AdaptiveObGD",
        af.AdaptiveObGD,
        AdaptiveObGD,
        OBGD | {"beta2": (0, 0.9, 0.999), "eps": (1e-8, 0.1, 1)},
    ),
    Case("Intentional", af.Intentional, Intentional, INTENTIONAL),
    Case(
        "Intentional, normalized and clipped",
        lambda **n: af.Intentional(**CLIPPED | n, normalize_delta=True),
        lambda: Intentional(**CLIPPED, normalize_delta=True),
        ERRORS,
    ),
    Case(
        "Adaptive",
        af.Adaptive,
        Adaptive,
        STEP_SIZE | {"eps": (0.01, 0.1, 1), "clip": (0.1, 1, 10.0), "average_decay": (0, 0.5, 0.9)},
    ),
    *(
        Case(
            f"ImplicitTD, {mode}",
            lambda step_size=0.3, mode=mode: af.ImplicitTD(step_size, mode),
            lambda mode=mode: ImplicitTD(0.3, mode),
            STEP_SIZE,
        )
        for mode in ("norm", "pred", "full")
    ),
    *(
        Case(
            f"Implicit, {mode}",
            lambda mode=mode, **n: af.Implicit(mode=mode, **n),
            lambda mode=mode: Implicit(mode=mode),
            INTENTIONAL | {"kappa": (0, 1.5, 3)} if mode == "full" else {},
        )
        for mode in ("norm", "pred", "full")
    ),
    Case(
        "Implicit, normalized and clipped",
        lambda **n: af.Implicit(**CLIPPED | n, normalize_delta=True),
        lambda: Implicit(**CLIPPED, normalize_delta=True),
        ERRORS,
    ),
    Case("AlphaBound", af.AlphaBound, AlphaBound, {"initial": (0.001, 0.1, 1)}),
    Case(
        "PerTensor(LMS)",
        lambda step_size=0.1: af.PerTensor(af.LMS(step_size)),
        lambda: FixedStep(0.1),
        STEP_SIZE,
    ),
    Case(
        "PerTensor(LMS, ObGDBounding)",
        lambda step_size=1.0, kappa=2.0: af.PerTensor(af.LMS(step_size), af.ObGDBounding(kappa)),
        ObGD,
        OBGD,
    ),
    Case(
        "FromOptax(sgd)",
        lambda learning_rate=0.1: af.FromOptax("sgd", learning_rate=learning_rate),
        lambda: FromDescent(SGD(0.1)),
        {"learning_rate": (0, 0.1, 1)},
    ),
    Case(
        "FromOptax(adam)",
        lambda **n: af.FromOptax("adam", **{"learning_rate": 0.01, "b1": 0.9, "b2": 0.999} | n),
        lambda: FromDescent(Adam(0.01)),
        {"learning_rate": (0, 0.1, 1), "b1": (0, 0.5, 0.9), "b2": (0.5, 0.9, 0.999)},
    ),
]
# What these compute is the code of others here, so that laws need not be tried on them again.
SHARED = (
    "ImplicitTD, pred",
    "Implicit, norm",
    "Implicit, pred",
    "PerTensor(LMS)",
    "FromOptax(sgd)",
)
APART = [case for case in CASES if str(case) not in SHARED]
ALONE = [case for case in CASES if case.make().needs == "nothing"]
AHEAD = [case for case in CASES if case.make().needs != "nothing"]
AVERAGING = [case for case in CASES if "average_decay" in case.numbers]


@dataclasses.dataclass(frozen=True)
class Life:
    """Per step: g, gamma g', the error, the decay, and whether the trace is cut after it."""

    gradients: dict
    ahead: dict
    errors: np.ndarray
    decays: np.ndarray
    resets: np.ndarray

    def rows(self):
        return tuple(getattr(self, field.name) for field in dataclasses.fields(self))


def life(steps=STEPS, seed=0):
    """Errors and gradients of any sign, decays of any size, some of them 0 where nothing was cut:
    a discount may be 0 within an episode."""
    rng = np.random.default_rng(seed)

    def tree():
        return {name: rng.normal(size=(steps, *shape)) for name, shape in SHAPES.items()}

    drawn = Life(
        tree(),
        tree(),
        rng.normal(size=steps) * 10 ** rng.uniform(-2, 1, size=steps),
        rng.choice([0.0, 0.3, DECAY, 0.95], size=steps),
        rng.random(steps) < 0.1,
    )
    # Float32 numbers, so that the oracle sees the same.
    rounded = jax.tree.map(lambda a: a.astype(np.float32), drawn.rows()[:-1])
    return Life(*rounded, drawn.resets)


def zeros():
    return {name: jnp.zeros(shape) for name, shape in SHAPES.items()}


def along(ahead, direction):
    """gamma g'.D"""
    products = jax.tree.map(lambda g, d: jnp.sum(g * d), ahead, direction)
    return sum(jax.tree.leaves(products), jnp.float32(0))


def one_step(rule, state, now):
    """The rule's answer to one row of a life: the changes, the state, the info."""
    gradient, ahead, error, decay, reset = now
    direction, state = rule.direction(state, gradient, decay)
    bootstrap = af.Bootstrap(jnp.float32(0), along(ahead, direction), ahead)
    return rule.step(state, gradient, direction, error, bootstrap, decay, reset, params=zeros())


def strong(tree):
    """Its numbers as arrays, as they pass an agent's boundary: one program for all of them."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), tree)


def stepped(rule, state, now):
    return _stepped(strong(rule), state, now)


def lived(rule, rows):
    return _lived(strong(rule), rows)


_stepped = eqx.filter_jit(one_step)


def life_of(rule, rows):
    """The last state, and of every step the changes, the trace after it, and the info."""

    def one(state, now):
        changes, state, info = one_step(rule, state, now)
        return state, (changes, trace_of(state), info)

    return jax.lax.scan(one, rule.init(zeros()), rows)


def trace_of(state):
    """The leaves of its trace, in the order of the tree."""
    return jax.tree.leaves(state.traces if isinstance(state, af.PerTensorState) else state.trace)


def replayed(oracle, told):
    """The same of the oracle: leaves of changes and traces, and its info, per step."""
    leaves = [np.zeros(shape) for shape in SHAPES.values()]
    oracle.init(leaves, DECAY)
    found = []
    for t in range(len(told.errors)):
        gradient, ahead = (
            [np.float64(tree[name][t]) for name in SHAPES] for tree in (told.gradients, told.ahead)
        )
        decay, reset = np.float64(told.decays[t]), told.resets[t]
        direction = oracle.direction(gradient, decay)
        directional = dot(ahead, direction)
        error = np.float64(told.errors[t])
        steps = oracle.step(gradient, direction, error, directional, decay, reset)
        found.append((steps, oracle.trace, oracle.info))
    return found


_lived = eqx.filter_jit(life_of)
