"""Off-policy learners, each beside its oracle, and transitions to run them on."""

import functools as ft

import numpy as np

import alberta_framework as af
from tests.oracles import off_policy

STEPS, DIM = 200, 4


def transitions(steps=STEPS, dim=DIM, seed=0, ends=0.05):
    """x, rewards, next x, discounts, cuts, ratios: episodes that terminate or are truncated; an
    episode goes on from its own next x, and every ratio is another."""
    rng = np.random.default_rng(seed)
    x, after = (np.float32(rng.normal(size=(steps, dim))) for _ in range(2))
    terminated, cut = rng.random((2, steps)) < ends
    for t in range(steps - 1):
        if not (terminated[t] or cut[t]):
            after[t] = x[t + 1]
    discounts = np.where(terminated, 0.0, rng.uniform(0.5, 1.0, steps))
    rhos = np.where(rng.random(steps) < 0.1, 0.0, rng.uniform(0.2, 1.6, steps))
    rewards = rng.normal(size=steps)
    return x, np.float32(rewards), after, np.float32(discounts), cut, np.float32(rhos)


def gradient(variant="tdc", alpha=0.02, beta=0.05, lamda=0.6, eta=0.0, one_step=False):
    learner = af.GradientTD(alpha, beta, lamda, eta, variant, one_step)
    told = {"alpha": alpha, "beta": beta, "lamda": lamda, "eta": eta, "variant": variant}
    return learner, ft.partial(off_policy.gradient_td, **told, one_step=one_step)


CASES = {
    "OffPolicyTD": (
        af.OffPolicyTD(0.02, 0.8),
        ft.partial(off_policy.off_policy_td, alpha=0.02, lamda=0.8),
    ),
    "DifferentialTD": (
        af.DifferentialTD(0.02, 0.05, 0.8),
        ft.partial(off_policy.differential_td, alpha=0.02, beta=0.05, lamda=0.8),
    ),
    "TDC": gradient(),
    "GTD2": gradient("gtd2"),
    "TDRC": gradient(beta=0.02, eta=1.0),
    "GTD2, one-step form": gradient("gtd2", one_step=True),
    "EmphaticTD": (
        af.EmphaticTD(0.005, 0.6, 0.7),
        ft.partial(off_policy.emphatic_td, alpha=0.005, lamda=0.6, interest=0.7),
    ),
    "VTrace": (
        af.VTrace(0.02, 0.9, 1.1, 0.8),
        ft.partial(off_policy.v_trace, alpha=0.02, lamda=0.9, rho_clip=1.1, trace_clip=0.8),
    ),
    "Retrace": (af.Retrace(0.02, 0.9), ft.partial(off_policy.retrace, alpha=0.02, lamda=0.9)),
    "GQ": (af.GQ(0.02, 0.05, 0.6), ft.partial(off_policy.gq, alpha=0.02, beta=0.05, lamda=0.6)),
}


def stream(data):
    x, rewards, after, discounts, cuts, rhos = data
    return af.TDArrayStream(x, rewards, after, discounts, cuts, rhos)
