"""Learners in daemons, events for them, and comparisons that leave the clocks out."""

import functools

import numpy as np

import alberta_framework as af
from alberta_framework.daemon import Daemon
from tests.horde import cases as horde_cases
from tests.learners import cases, network_cases
from tests.trees import assert_leaves_close, assert_same_bits

GAMMA = 0.9
EXAMPLES = {
    str(case): case
    for case in (
        cases.Case(cases.OPTIMIZERS[0]),
        cases.Case(cases.OPTIMIZERS[3], cases.NORMALIZERS[2]),
        cases.FULL,
        cases.Case(cases.OPTIMIZERS[2], cases.NORMALIZERS[1]),
        network_cases.Case(network_cases.LMS),
        network_cases.FULL,
        network_cases.MultiHeadCase(network_cases.LMS, network_cases.EMA, network_cases.OBGD),
        network_cases.FULL_MULTI_HEAD,
        network_cases.MultiHeadCase(network_cases.AUTOSTEP, network_cases.WELFORD),
        network_cases.MULTI_HEAD_SHAPES[0],
    )
}
TRANSITIONS = {
    "td": (cases.FULL_TD.build(), cases.DIM, {"gamma": GAMMA}),
    "auto-td": (cases.TDCase(cases.TD_OPTIMIZERS[2]).build(), cases.DIM, {"gamma": GAMMA}),
    "horde": (horde_cases.horde(), horde_cases.DIM, {}),
}
# One of each class, with every part: learner, length of an observation, arguments of its daemon.
LEARNERS = {
    "linear": (cases.FULL.build(), cases.DIM, {}),
    "mlp": (network_cases.FULL.build(), network_cases.DIM, {}),
    "multi-head": (network_cases.FULL_MULTI_HEAD.build(), network_cases.DIM, {}),
    "td": TRANSITIONS["td"],
    "horde": TRANSITIONS["horde"],
}


def daemon(name, **options):
    learner, dim, arguments = LEARNERS[name]
    return Daemon(learner, dim, **arguments | options)


@functools.cache
def kept(name):
    """One daemon of each kind for tests that need no new one, compiled once."""
    return daemon(name)


def heads(name):
    many = {"multi-head": network_cases.HEADS, "horde": horde_cases.DEMONS}
    return many.get(name, 1)


def dim(name):
    return LEARNERS[name][1]


def events(name, steps, seed=0):
    """Rows of observation, targets and end of the episode; some targets are missing."""
    rng = np.random.default_rng(seed)
    observations = np.float32(rng.normal(size=(steps, dim(name))) + 0.3)
    targets = np.float32(rng.normal(size=(steps, heads(name))))
    if heads(name) > 1:
        targets[rng.random(targets.shape) < 0.1] = np.nan
    ends = rng.random(steps) < 0.15
    return list(zip(observations, targets, ends.tolist(), strict=True))


def small(**options):
    """The cheapest daemon: a linear learner with a normalizer, two features."""
    learner = af.LinearLearner(af.IDBD(0.02, 0.01), normalizer=af.EMANormalizer())
    return Daemon(learner, 2, **options)


def small_events(steps, seed=0):
    rng = np.random.default_rng(seed)
    observations = np.float32(rng.normal(size=(steps, 2)))
    return [(x, x[:1] - x[1:]) for x in observations]


def without_clocks(state):
    return state.replace(birth_timestamp=0.0, uptime_s=0.0)


def same_but_for_clocks(ours, expected):
    assert_same_bits(without_clocks(ours), without_clocks(expected))


# The daemon compiles predicting and learning as one program, in which XLA contracts and orders
# some sums otherwise than in the two programs of the learner: each number may be off by some
# float32 ulp (1.2e-7) of the terms it is summed from.
FEW_ULP = 1e-6


def close_but_for_clocks(ours, expected):
    """Counts exactly, numbers to a few ulp."""
    counts = [(state.step_count, state.rejected_count) for state in (ours, expected)]
    assert counts[0] == counts[1]
    assert_leaves_close(
        without_clocks(ours), without_clocks(expected), relative=FEW_ULP, absolute=FEW_ULP
    )


def predictions_close(ours, expected):
    assert isinstance(ours, np.ndarray) and ours.dtype == np.float32
    np.testing.assert_allclose(ours, np.asarray(expected), rtol=FEW_ULP, atol=FEW_ULP)
