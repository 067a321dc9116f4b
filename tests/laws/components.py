"""Rows for the laws: how to build each component, what to run it on, which numbers it has.

`run(component, inputs)` is a pure function of arrays; a new component is a new row.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

import alberta_framework as af
from tests.normalizers import runs as normalizer_runs
from tests.optimizers import runs as optimizer_runs

STEPS, DIM = 12, 3


@dataclasses.dataclass(frozen=True)
class Row:
    """`numbers` holds three valid values for every numeric hyperparameter, integers among them."""

    kind: str
    path: str
    arguments: dict
    numbers: dict
    run: Callable
    inputs: tuple

    def __str__(self):
        told = ",".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.kind}({told})-{self.path}"

    def build(self, **changes):
        return getattr(af, self.kind)(**self.arguments | changes)


def _draw(*shape, seed):
    return jnp.asarray(np.float32(np.random.default_rng(seed).normal(size=shape)))


ERRORS = _draw(STEPS, seed=0)
ROWS_X = _draw(STEPS, DIM, seed=1).at[3, 1].set(0.0)
NEXT_X = _draw(STEPS, DIM, seed=2)
GAMMAS = jnp.full(STEPS, 0.9).at[5].set(0.0)
GRADIENTS = _draw(STEPS, 2, DIM, seed=3).at[2, 0, 1].set(0.0)
TENSORS = (_draw(STEPS, 2, DIM, seed=4), _draw(STEPS, 2, seed=5))
PARAMS = (_draw(STEPS, 2, DIM, seed=6), _draw(STEPS, 2, seed=7))


def supervised(component, inputs):
    return optimizer_runs.supervised(component, *inputs)


def tensor(component, inputs):
    return optimizer_runs.tensor(component, *inputs)


def td(component, inputs):
    return optimizer_runs.td(component, *inputs)


def bounded(component, inputs):
    return jax.lax.map(lambda now: component.bound(*now), inputs)


def normalized(component, inputs):
    return normalizer_runs.normalized(component, *inputs)


STEP_SIZE = {"step_size": (0, 0.01, 0.3)}
IDBD = {
    "initial_step_size": (0.001, 0.01, 1),
    "meta_step_size": (0, 0.01, 0.1),
    "min_log_step_size": (-10, -5.0, -4.6),
    "max_log_step_size": (-4.61, -4.5, 2),
}
GUARDED = {"initial_step_size": 0.1, "meta_step_size": 0.3}
GUARDED |= {"max_effective_step": 0.5, "max_log_step_change": 0.1}
# Under the guards other bounds are not reached.
GUARDED_IDBD = {
    "max_effective_step": (0.1, 0.5, 1),
    "max_log_step_change": (0.01, 0.1, 2),
}
AUTOSTEP = {
    "initial_step_size": (0.001, 0.01, 1),
    "meta_step_size": (0, 0.01, 0.1),
    "tau": (1, 10.0, 1e4),
    "min_step_size": (0, 0.009, 0.01),
    "max_step_size": (0.005, 1, float("inf")),
}
FADE = {
    "initial_step_size": (0.001, 0.05, 1),
    "meta_step_size": (0, 0.01, 0.1),
    "initial_decay": (0.001, 0.1, 1),
    "decay_meta_step_size": (0, 0.03, 1),
    "min_decay": (1e-6, 0.01, 0.1),
    "max_decay": (0.1, 0.5, 1),
}
OBGD = {
    "step_size": (0, 0.01, 1.0),
    "kappa": (0, 1.0, 3.0),
    "gamma": (0, 0.9, 1),
    "lamda": (0, 0.5, 1),
}
TDIDBD = IDBD | {"trace_decay": (0, 0.5, 1)}
AUTO_TDIDBD = TDIDBD | {"normalizer_decay": (1, 10.0, 1e4)}

SUPERVISED = [
    Row("LMS", "linear", {}, STEP_SIZE, supervised, (ERRORS, ROWS_X)),
    Row("IDBD", "linear", {}, IDBD, supervised, (ERRORS, ROWS_X)),
    Row("IDBD", "linear", GUARDED, GUARDED_IDBD, supervised, (ERRORS, ROWS_X)),
    Row("Autostep", "linear", {}, AUTOSTEP, supervised, (ERRORS, ROWS_X)),
    Row("FADE", "linear", {}, FADE, supervised, (ERRORS, ROWS_X)),
    Row("ObGD", "linear", {"gamma": 0.9, "lamda": 0.8}, OBGD, supervised, (ERRORS, ROWS_X)),
]
TENSOR = [
    Row("LMS", "tensor", {}, STEP_SIZE, tensor, (ERRORS, GRADIENTS)),
    Row("IDBD", "tensor", {}, IDBD, tensor, (ERRORS, GRADIENTS)),
    Row("IDBD", "errors inside", {}, IDBD, tensor, (None, GRADIENTS)),
    Row("IDBD", "tensor", {"h_decay_mode": "loss_grads"}, IDBD, tensor, (ERRORS, GRADIENTS)),
    Row("IDBD", "tensor", {"param_meta": "prediction"}, IDBD, tensor, (ERRORS, GRADIENTS)),
    Row("IDBD", "tensor", GUARDED, GUARDED_IDBD, tensor, (ERRORS, GRADIENTS)),
    Row("Autostep", "tensor", {}, AUTOSTEP, tensor, (ERRORS, GRADIENTS)),
    Row("Autostep", "errors inside", {}, AUTOSTEP, tensor, (None, GRADIENTS)),
    Row("FADE", "tensor", {}, FADE, tensor, (ERRORS, GRADIENTS)),
    Row("FADE", "errors inside", {}, FADE, tensor, (None, GRADIENTS)),
]
TD_INPUTS = (ERRORS, ROWS_X, NEXT_X, GAMMAS)
TD = [
    Row("TDIDBD", "td", {"trace_decay": 0.8}, TDIDBD, td, TD_INPUTS),
    Row(
        "TDIDBD",
        "td",
        {"trace_decay": 0.8, "use_semi_gradient": False},
        TDIDBD,
        td,
        TD_INPUTS,
    ),
    Row(
        "TDIDBD",
        "td",
        {"trace_decay": 0.8, "trace_discount": "outgoing"},
        TDIDBD,
        td,
        TD_INPUTS,
    ),
    Row(
        "TDIDBD",
        "td",
        GUARDED | {"trace_decay": 0.8},
        GUARDED_IDBD | {"trace_decay": (0, 0.5, 1)},
        td,
        TD_INPUTS,
    ),
    Row("AutoTDIDBD", "td", {"trace_decay": 0.8}, AUTO_TDIDBD, td, TD_INPUTS),
    Row(
        "AutoTDIDBD",
        "td",
        {"initial_step_size": 0.3, "trace_decay": 0.8, "max_effective_step": 0.5},
        {"max_effective_step": (0.1, 0.5, 1)},
        td,
        TD_INPUTS,
    ),
]
BOUNDERS = [
    Row("ObGDBounding", "bound", {}, {"kappa": (0, 0.1, 3.0)}, bounded, (TENSORS, ERRORS, PARAMS)),
    *(
        Row(
            "AGCBounding",
            "bound",
            {"unit_axis": axis},
            {"clip_factor": (0.01, 0.5, 2), "eps": (1e-3, 1, 5.0)},
            bounded,
            (TENSORS, ERRORS, PARAMS),
        )
        for axis in (0, -1)
    ),
]
NORMALIZERS = [
    Row(
        "EMANormalizer",
        "normalize",
        {},
        {"epsilon": (1e-8, 0.1, 1), "decay": (0, 0.9, 1)},
        normalized,
        (ROWS_X, NEXT_X),
    ),
    Row(
        "WelfordNormalizer",
        "normalize",
        {},
        {"epsilon": (1e-8, 0.1, 1)},
        normalized,
        (ROWS_X, NEXT_X),
    ),
    Row(
        "WelfordNormalizer",
        "normalize",
        {"clip": 0.5},
        {"epsilon": (1e-8, 0.1, 1), "clip": (0.1, 0.5, 2)},
        normalized,
        (ROWS_X, NEXT_X),
    ),
    Row(
        "WelfordNormalizer",
        "normalize",
        {"memory": 4},
        {"epsilon": (1e-8, 0.1, 1), "memory": (2, 3.5, 6)},
        normalized,
        (ROWS_X, NEXT_X),
    ),
]
ALL = [*SUPERVISED, *TENSOR, *TD, *BOUNDERS, *NORMALIZERS]
# One row for every class: its default construction runs here, options aside.
ONE_OF_EACH = list({row.kind: row for row in reversed(ALL)}.values())
