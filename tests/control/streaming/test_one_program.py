"""The two rules for a time limit make one program, but for the direction of a comparison.

So lives in which nothing is cut are the same in bits under both; those of two programs need not be.
"""

import difflib

import jax
import jax.numpy as jnp
import jax.random as jr
import pytest

import alberta_framework as af
from alberta_framework.compilation.boundary import strong

NUMBERED = {
    "StreamQ": lambda **rule: af.StreamQ(3, **rule),
    "StreamSARSA": lambda **rule: af.StreamSARSA(3, **rule),
    "QRC": lambda **rule: af.QRC(3, **rule),
    "StreamAC": lambda **rule: af.StreamAC(af.SoftmaxPolicy(3), **rule),
    "StreamAC, numbers": lambda **rule: af.StreamAC(af.GaussianPolicy(-1.0, 1.0), **rule),
    "AVG": lambda **rule: af.AVG(af.TanhGaussianPolicy(-1.0, 1.0), **rule),
}


def program(agent):
    """The text of a step of learning, whose instructions are named by their places."""
    agent = strong(agent)
    state = agent.init(4, jr.key(0))
    no, reward = jnp.zeros((), bool), jnp.ones(())

    def step(agent, state, reward, x, terminated, truncated):
        return agent.act_and_learn(state, reward, x, terminated, truncated)

    lowered = jax.jit(step).lower(agent, state, reward, jnp.ones(4), no, no)
    return lowered.as_text().splitlines()


@pytest.mark.parametrize("name", NUMBERED)
def test_the_rules_differ_in_the_direction_of_one_comparison(name):
    made = NUMBERED[name]
    texts = [program(made(bootstrap_on_truncation=rule)) for rule in (True, False)]
    found = [
        line
        for line in difflib.unified_diff(*texts, n=0, lineterm="")
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    removed, added = found
    assert "LT" in removed and "GE" in added
    assert removed[1:].replace("LT", "GE") == added[1:]
