"""What counts as a stream."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases


class Coin:
    """A user's own class, with nothing of the library but the record."""

    feature_dim = 1

    def init(self, key):
        return key

    def step(self, state, idx):
        state, now = jr.split(state)
        side = jr.bernoulli(now).astype(jnp.float32)
        return af.TimeStep(side[None], side[None]), state


class Silent:
    feature_dim = 1

    def init(self, key):
        return key


def test_a_class_without_base_is_a_stream():
    assert isinstance(Coin(), af.ScanStream)
    assert isinstance(Coin(), af.TDScanStream)


@pytest.mark.parametrize("thing", [Silent(), None, af.LMS(), 3.0])
def test_what_cannot_step_is_none(thing):
    assert not isinstance(thing, af.ScanStream)
    assert not isinstance(thing, af.TDScanStream)


@cases.each
def test_every_stream_of_ours_is_one(row):
    stream = row.build()
    assert isinstance(stream, af.ScanStream)
    assert isinstance(stream, af.AbstractStream)
    experience, _ = stream.step(stream.init(jr.key(0)))
    assert experience.observation.shape == (stream.feature_dim,)
    assert experience.observation.dtype == np.float32


def test_a_stream_needs_all_of_its_methods():
    with pytest.raises(TypeError, match="abstract"):
        af.AbstractStream()


def test_a_stream_of_a_users_own_can_be_loaded_from_its_configuration():
    class Constant(af.AbstractStream):
        value: float = 1.0

        @property
        def feature_dim(self):
            return 1

        def init(self, key):
            return key

        def step(self, state, idx=0):
            return af.TimeStep(jnp.full(1, self.value), jnp.full(1, self.value)), state

        def rollout(self, state, num_steps):
            return jax.tree.map(
                lambda leaf: jnp.broadcast_to(leaf, (num_steps, 1)), self.step(state)[0]
            ), state

    config = {"type": "Constant", "value": 2.5}
    assert af.from_config(config).value == 2.5
    scaled = af.from_config(
        {"type": "ScaledStreamWrapper", "inner_stream": config, "feature_scales": [2.0]}
    )
    experience, _ = scaled.rollout(scaled.init(jr.key(0)), 3)
    np.testing.assert_array_equal(experience.observation, np.full((3, 1), 5.0))
