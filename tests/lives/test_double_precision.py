"""Lives where JAX computes in float64 by default: dtypes are explicit all the same."""

import jax
import jax.numpy as jnp
import pytest

import alberta_framework as af


@pytest.mark.parametrize("promotion", ["standard", "strict"])
def test_everything_is_float32_when_x64_is_on(promotion):
    agent = af.SARSAAgent(af.SARSAConfig(2), (), af.LMS(0.01), sparsity=1.0)
    with jax.enable_x64(True), jax.numpy_dtype_promotion(promotion):
        found = af.interact(agent, af.CartPole(), 20, jax.random.key(0))
        dtypes = {leaf.dtype for leaf in jax.tree.leaves(found.metrics)}
        kinds = {leaf.dtype for leaf in jax.tree.leaves(found.state)}
    assert dtypes == {jnp.dtype(jnp.float32)}
    assert not kinds & {jnp.dtype(jnp.float64), jnp.dtype(jnp.int64)}
