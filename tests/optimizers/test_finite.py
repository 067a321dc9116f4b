"""No optimizer or normalizer runs away on large, tiny or absent inputs."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.normalizers import runs as normalizer_runs
from tests.optimizers import cases, runs
from tests.trees import assert_finite

STEPS = 1000


def draw(regime, *shape, seed):
    rng = np.random.default_rng(seed)
    if regime == "large":
        return jnp.asarray(np.float32(rng.uniform(-1e4, 1e4, size=shape)))
    size = 10 ** rng.uniform(-30, 4, size=shape) * rng.choice([-1, 1], size=shape)
    return jnp.asarray(np.float32(np.where(rng.random(shape) < 0.1, 0.0, size)))


REGIMES = pytest.mark.parametrize("regime", ["large", "all sizes"])


@REGIMES
@pytest.mark.parametrize("case", cases.SUPERVISED_KINDS, ids=str)
def test_linear_path(case, regime):
    inputs = draw(regime, STEPS, seed=0), draw(regime, STEPS, 4, seed=1)
    assert_finite(runs.run_supervised(case.build(), *inputs))


@REGIMES
@pytest.mark.parametrize("with_error", [True, False])
@pytest.mark.parametrize("case", cases.PARAM_KINDS, ids=str)
def test_per_parameter_path(case, with_error, regime):
    errors = draw(regime, STEPS, seed=2) if with_error else None
    gradients = draw(regime, STEPS, 2, 3, seed=3)
    assert_finite(runs.run_tensor(case.build(), errors, gradients))


@REGIMES
@pytest.mark.parametrize("case", cases.TD_KINDS, ids=str)
def test_td(case, regime):
    # At its defaults, without traces. The ordinary gradient has no bound from above: in float64
    # the published recursion itself passes the largest float32 for a fifth of all "large" seeds.
    x, x_next = draw(regime, STEPS, 4, seed=6), draw(regime, STEPS, 4, seed=7)
    inputs = draw(regime, STEPS, seed=8), x, x_next, jnp.full(STEPS, 0.9)
    assert_finite(runs.run_td(case.build(trace_decay=0.0), *inputs))


@REGIMES
@pytest.mark.parametrize("kind", ["EMANormalizer", "WelfordNormalizer"])
def test_normalizers(kind, regime):
    x, probes = draw(regime, STEPS, 4, seed=7), draw(regime, STEPS, 4, seed=8)
    normalized, _, states = normalizer_runs.run(getattr(af, kind)(), x, probes)
    assert_finite((normalized, states))
