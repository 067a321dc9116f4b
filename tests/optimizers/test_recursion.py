"""A thousand random steps of every optimizer follow the published recursion."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.optimizers import cases, runs
from tests.oracles.forgetting import change, forgotten, step_on

STEPS = 1000


def assert_follows(ours, truth, *, name):
    """Within 1e-4 of the largest magnitude that the field has had so far.

    So far, because traces are sums that pass through zero with the rounding of what they summed.
    """
    ours, truth = np.asarray(ours, np.float64), np.asarray(truth, np.float64)
    assert ours.shape == truth.shape, name
    size = np.maximum.accumulate(np.abs(truth).reshape(len(truth), -1).max(axis=1))
    difference = np.abs(ours - truth).reshape(len(truth), -1).max(axis=1)
    worst = np.argmax(difference - 1e-4 * size)
    assert np.all(difference <= 1e-4 * size), f"{name} at {worst}: {ours[worst]}, {truth[worst]}"


def draw(seed, dim):
    rng = np.random.default_rng(seed)
    errors, x = rng.normal(size=STEPS), rng.normal(size=(STEPS, dim))
    x[rng.random(x.shape) < 0.1] = 0.0
    return np.float32(errors), np.float32(x), rng


@pytest.mark.parametrize("case", cases.SUPERVISED, ids=str)
def test_linear_path(case):
    errors, x, _ = draw(0, 4)
    weight_delta, bias_delta, metrics, states = runs.run_supervised(
        case.build(), jnp.asarray(errors), jnp.asarray(x)
    )
    oracle, results, history = case.oracle(4), [], {field: [] for field in case.oracle(4).fields}
    w, b = np.zeros(4), 0.0
    for e, row in zip(errors, x, strict=True):
        results.append(change(oracle, e, row, w, b))
        lost = forgotten(oracle, w, b)
        w, b = w - lost[0] + results[-1][0], b - lost[1] + results[-1][1]
        for field, values in history.items():
            values.append(np.array(getattr(oracle, field)))
    assert_follows(weight_delta, [r[0] for r in results], name="weight_delta")
    assert_follows(bias_delta, [r[1] for r in results], name="bias_delta")
    assert set(metrics) == set(results[0][2])
    for name, values in metrics.items():
        assert_follows(values, [r[2][name] for r in results], name=name)
    for field, values in history.items():
        assert_follows(getattr(states, field), values, name=field)


@pytest.mark.parametrize("shape", [(5,), (2, 3)], ids=str)
@pytest.mark.parametrize("with_error", [True, False])
@pytest.mark.parametrize("case", cases.WITH_PARAM_PATH, ids=str)
def test_per_parameter_path(case, with_error, shape):
    errors, z, _ = draw(1, int(np.prod(shape)))
    z = z.reshape(STEPS, *shape)
    steps, states = runs.run_tensor(
        case.build(), jnp.asarray(errors) if with_error else None, jnp.asarray(z)
    )
    oracle, expected = case.param_oracle(shape), []
    history = {field: [] for field in oracle.fields}
    w = np.zeros(shape)
    for e, gradient in zip(errors, z, strict=True):
        expected.append(step_on(oracle, gradient, e if with_error else None, w))
        w = w - forgotten(oracle, w) + (e if with_error else 1.0) * expected[-1]
        for field, values in history.items():
            values.append(np.array(getattr(oracle, field)))
    assert_follows(steps, expected, name="step")
    for field, values in history.items():
        assert_follows(getattr(states, field), values, name=field)


@pytest.mark.parametrize("case", cases.TD, ids=str)
def test_td(case):
    td_errors, x, rng = draw(2, 4)
    x_next = np.float32(rng.normal(size=x.shape))
    gammas = np.float32(rng.choice([0.0, 0.5, 0.9, 0.99], p=[0.05, 0.05, 0.85, 0.05], size=STEPS))
    weight_delta, bias_delta, metrics, states = runs.run_td(
        case.build(), *map(jnp.asarray, (td_errors, x, x_next, gammas))
    )
    oracle, results = case.oracle(4), []
    history = {field: [] for field in oracle.fields}
    for now in zip(td_errors, x, x_next, gammas, strict=True):
        results.append(oracle.update(*now))
        for field, values in history.items():
            values.append(np.array(getattr(oracle, field)))
    assert_follows(weight_delta, [r[0] for r in results], name="weight_delta")
    assert_follows(bias_delta, [r[1] for r in results], name="bias_delta")
    assert set(metrics) == set(results[0][2])
    for name, values in metrics.items():
        assert_follows(values, [r[2][name] for r in results], name=name)
    for field, values in history.items():
        assert_follows(getattr(states, field), values, name=field)
