"""A component prints as one line that says what differs from the defaults, and can be read back."""

import math

import jax
import jax.numpy as jnp
import pytest

import alberta_framework as af
from tests.laws import components

# Also what takes other arguments than it keeps, and what is made of others.
MADE_OF_OTHERS = {
    "MLPLearner(optimizer=LMS(step_size=1.0))": af.MLPLearner(),
    "MLPLearner(hidden_sizes=(8,), optimizer=IDBD(initial_step_size=0.1))": af.MLPLearner(
        hidden_sizes=(8,), optimizer=af.IDBD(0.1)
    ),
    "LinearLearner(normalizer=EMANormalizer(decay=0.9), use_bias=False)": af.LinearLearner(
        normalizer=af.EMANormalizer(decay=0.9), use_bias=False
    ),
    "SARSAAgent(sarsa_config=SARSAConfig(n_actions=2), hidden_sizes=(), "
    "optimizer=LMS(step_size=1.0))": af.SARSAAgent(af.SARSAConfig(2), hidden_sizes=()),
    "RandomWalkStream(feature_dim=3)": af.RandomWalkStream(3),
    "TimeLimit(environment=CartPole(), max_steps=100)": af.TimeLimit(af.CartPole(), 100),
    "Autostep()": af.Autostep(),
    "IDBD(h_decay_mode='loss_grads')": af.IDBD(h_decay_mode="loss_grads"),
}


@pytest.mark.parametrize("text", MADE_OF_OTHERS)
def test_what_differs_from_the_defaults_is_told(text):
    component = MADE_OF_OTHERS[text]
    assert repr(component) == text
    assert eval(text, {name: getattr(af, name) for name in dir(af)}) == component


# Some of the bounds exclude the initial step size, of which the constructor warns.
@pytest.mark.filterwarnings("ignore:.*initial_step_size:UserWarning")
@pytest.mark.parametrize("row", components.ONE_OF_EACH, ids=str)
def test_every_number_that_differs_is_told(row):
    known = {row.kind: getattr(af, row.kind), "inf": math.inf}
    default = getattr(af, row.kind)()
    for field, values in row.numbers.items():
        for value in values:
            changed = row.build(**{field: value})
            assert eval(repr(changed), known) == changed
            assert (f"{field}=" in repr(changed)) == (getattr(default, field) != value)


def test_numbers_of_arrays_are_told_and_lanes_by_their_shape():
    assert repr(af.LMS(jnp.float32(0.25))) == "LMS(step_size=0.25)"
    assert repr(af.LMS(jnp.float32([0.25, 0.5]))) == "LMS(step_size=f32[2])"
    told = []
    jax.jit(lambda x: told.append(repr(af.LinearLearner(af.LMS(x)))))(jnp.float32(0.5))
    assert told == ["LinearLearner(optimizer=LMS(step_size=f32[]))"]
