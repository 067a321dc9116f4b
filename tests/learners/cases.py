"""The linear learners under every combination of their parts, and the data they are run on."""

import dataclasses

import numpy as np

import alberta_framework as af
from tests.bounders import cases as bounder_cases
from tests.normalizers import cases as normalizer_cases
from tests.optimizers import cases as optimizer_cases
from tests.oracles import linear, td_linear

# The length of every compiled run of the learners' tests, so that they share their programs.
CHUNK, DIM = 40, 3


@dataclasses.dataclass(frozen=True)
class Case:
    """A learner put together from the cases of its parts; a part may be None."""

    optimizer: optimizer_cases.Case
    normalizer: normalizer_cases.Case | None = None
    bounder: bounder_cases.Case | None = None

    def __str__(self):
        parts = (self.optimizer, self.normalizer, self.bounder)
        return "+".join(part.kind for part in parts if part is not None)

    def parts(self):
        parts = {"normalizer": self.normalizer, "bounder": self.bounder}
        return {name: part.build() for name, part in parts.items() if part is not None}

    def build(self, **arguments):
        return af.LinearLearner(self.optimizer.build(), **self.parts(), **arguments)

    def oracle(self, **arguments):
        normalizer = self.normalizer and self.normalizer.oracle(DIM)
        bound = self.bounder and self.bounder.oracle
        return linear.LinearLearner(DIM, self.optimizer.oracle(DIM), normalizer, bound, **arguments)


@dataclasses.dataclass(frozen=True)
class TDCase(Case):
    def build(self, **arguments):
        return af.TDLinearLearner(self.optimizer.build(), **self.parts(), **arguments)

    def oracle(self, **arguments):
        normalizer = self.normalizer and self.normalizer.oracle(DIM)
        return td_linear.TDLinearLearner(DIM, self.optimizer.oracle(DIM), normalizer, **arguments)


OPTIMIZERS = [
    optimizer_cases.Case("LMS", {"step_size": 0.03}),
    optimizer_cases.Case("IDBD", {"initial_step_size": 0.03, "meta_step_size": 0.01}),
    optimizer_cases.Case("Autostep", {"initial_step_size": 0.05, "meta_step_size": 0.02}),
    optimizer_cases.Case("ObGD", {"step_size": 0.5, "gamma": 0.9, "lamda": 0.8}),
]
TD_OPTIMIZERS = [
    optimizer_cases.Case("TDIDBD", {"meta_step_size": 0.02, "trace_decay": 0.8}),
    optimizer_cases.Case(
        "TDIDBD", {"meta_step_size": 0.02, "trace_decay": 0.8, "use_semi_gradient": False}
    ),
    optimizer_cases.Case("AutoTDIDBD", {"meta_step_size": 0.02, "trace_decay": 0.8}),
]
NORMALIZERS = [None, *normalizer_cases.KINDS]
BOUNDERS = [
    None,
    bounder_cases.Case("ObGDBounding", {}),
    bounder_cases.Case("AGCBounding", {"clip_factor": 0.1, "eps": 0.1}),
]
LINEAR = [Case(o, n, b) for o in OPTIMIZERS for n in NORMALIZERS for b in BOUNDERS]
TD = [TDCase(o, n) for o in TD_OPTIMIZERS for n in NORMALIZERS]
# What is forgotten is not bounded; of a target that stays a decay of 0.1 would forget too much.
FADE = optimizer_cases.Case("FADE", {"initial_step_size": 0.03, "initial_decay": 0.003})
LINEAR += [Case(FADE), Case(FADE, NORMALIZERS[1], BOUNDERS[1]), Case(FADE, None, BOUNDERS[2])]
# With every part present: no field of the state is absent.
FULL = Case(OPTIMIZERS[1], NORMALIZERS[1], BOUNDERS[1])
FULL_TD = TDCase(TD_OPTIMIZERS[0], NORMALIZERS[1])


def regression(steps, seed=0):
    """Noisy targets of a fixed linear function of features of unequal size and mean."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(steps, DIM)) * [1.0, 2.0, 0.3] + [0.0, 1.0, -0.2]
    y = x @ [1.0, -0.5, 2.0] + 0.7 + 0.3 * rng.normal(size=steps)
    return np.float32(x), np.float32(y)


def transitions(steps, seed=0):
    """Rewards and features of a random process; some transitions are terminal."""
    rng = np.random.default_rng(seed)
    x = np.float32(rng.normal(size=(steps + 1, DIM)) + 0.3)
    rewards = np.float32(x[:-1] @ [0.5, -1.0, 0.2] + 0.1 * rng.normal(size=steps))
    gammas = np.float32(np.where(rng.random(steps) < 0.1, 0.0, 0.9))
    return x[:-1].copy(), rewards, x[1:].copy(), gammas
