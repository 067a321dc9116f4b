"""Schedules are written to JSON and read back."""

import json

import jax.numpy as jnp
import pytest

import alberta_framework as af


@pytest.mark.parametrize(
    "schedule", [af.Constant(0.1), af.Linear(0.1, 0.7, 30), af.Periodic([0.1, 0.3], 3)], ids=repr
)
def test_round_trip(schedule):
    again = af.from_config(json.loads(json.dumps(schedule.to_config())))
    assert again.to_config() == schedule.to_config()
    for steps in (0, 7, 2**33 + 1):
        words = jnp.asarray([steps >> 32, steps & 0xFFFFFFFF], jnp.uint32)
        assert float(again(words)) == float(schedule(words))
