"""Means and variances against float64, from the first sample to the hundred millionth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.normalizers import cases, runs

TABLE = 4096
# Mean and standard deviation of each column.
COLUMNS = [(0.0, 1.0), (1.0, 1.0), (1e4, 1.0), (10.0, 1e-3)]


def table(columns, rows=TABLE, seed=0):
    """Normal float32 samples, a column for each pair of mean and standard deviation."""
    mean, std = np.array(columns).T
    return np.float32(mean + std * np.random.default_rng(seed).normal(size=(rows, len(columns))))


@jax.jit
def feed(normalizer, rows, repeats):
    """The state after `repeats` passes over the rows; the count of passes is traced."""

    def one_pass(_, state):
        def step(state, row):
            return normalizer.update_only(state, row), None

        return jax.lax.scan(step, state, rows)[0]

    return jax.lax.fori_loop(0, repeats, one_pass, normalizer.init(rows.shape[1]))


def statistics(state):
    mean = np.float64(state.mean) + np.float64(state.mean_residual)
    return mean, np.sqrt(np.float64(state.var) + np.float64(state.var_residual))


def assert_statistics(state, mean, std):
    ours_mean, ours_std = statistics(state)
    assert np.all(np.abs(ours_mean - mean) < 1e-3 * std)
    # Only a mean that is there, not the sampling error of one that is 0, has a relative error.
    far = np.abs(mean) > 0.5 * std
    assert np.all(np.abs(ours_mean - mean)[far] < 1e-3 * np.abs(mean)[far])
    assert np.all(np.abs(ours_std / std - 1) < 1e-3)


@pytest.mark.slow
def test_welford_holds_after_a_hundred_million_samples():
    rows = table(COLUMNS)
    repeats = -(-(10**8) // TABLE)
    count = repeats * TABLE
    state = feed(af.WelfordNormalizer(), jnp.asarray(rows), repeats)
    assert state.sample_count == count
    data = np.float64(rows)
    std = np.sqrt(data.var(axis=0) * count / (count - 1))
    assert_statistics(state, data.mean(axis=0), std)


@pytest.mark.slow
def test_the_plain_average_holds_after_ten_million_samples():
    rows = table([(0.0, 1.0), (1e4, 1.0)])
    repeats = -(-(10**7) // TABLE)
    count = repeats * TABLE
    state = feed(af.EMANormalizer(decay=1.0), jnp.asarray(rows), repeats)
    data = np.float64(rows)
    m, v = data.mean(axis=0), data.var(axis=0)
    # The start values count as one sample of mean 0 and variance 1.
    share = count / (count + 1)
    var = share * v + (1 - share) + share * (1 - share) * m**2
    assert_statistics(state, share * m, np.sqrt(var))


@pytest.mark.slow
def test_the_exponential_average_holds_after_a_million_samples():
    rows = table([(1e4, 1.0)])
    repeats = -(-(10**6) // TABLE)
    state = feed(af.EMANormalizer(decay=0.9999), jnp.asarray(rows), repeats)
    slowest = float(np.float32(1) - np.float32(0.9999))
    mean, var = 0.0, 1.0
    samples = np.float64(np.tile(rows[:, 0], repeats)).tolist()
    for count, x in enumerate(samples, start=1):
        rate = max(slowest, 1 / (count + 1))
        difference = x - mean
        mean += rate * difference
        var = (1 - rate) * var + rate * difference * (x - mean)
    ours_mean, ours_std = statistics(state)
    assert abs(ours_mean[0] - mean) < 1e-3 * np.sqrt(var)
    assert abs(ours_std[0] / np.sqrt(var) - 1) < 1e-3


# With decay 0 every output is x - x = 0, which has no scale to be relative to.
@pytest.mark.parametrize(
    "case", [c for c in cases.CASES if c.arguments.get("decay") != 0.0], ids=str
)
def test_fifty_samples_agree_with_the_published_formulas(case):
    columns = [(0.0, 1.0), (1.0, 1.0), (1e4, 1.0), (10.0, 1e-3)]
    rows = table(columns, rows=50, seed=1)
    normalized, _, states = runs.run(case.build(), jnp.asarray(rows), jnp.asarray(rows))
    oracle, outputs, means, variances = case.oracle(4), [], [], []
    for row in rows:
        outputs.append(oracle.normalize(row))
        means.append(oracle.mean)
        variances.append(oracle.var)
    for ours, truth in (
        (normalized, outputs),
        (np.float64(states.mean) + states.mean_residual, means),
        (np.float64(states.var) + states.var_residual, variances),
    ):
        truth = np.array(truth)
        scale = np.maximum(np.abs(truth).max(axis=0), 1e-30)
        assert np.all(np.abs(np.asarray(ours) - truth) <= 1e-5 * scale)


@pytest.mark.parametrize("count", [2**24, 10**9])
@pytest.mark.parametrize("case", [cases.Case("EMANormalizer", {"decay": 1.0}), cases.KINDS[1]])
def test_a_late_sample_still_moves_the_mean(case, count):
    normalizer = case.build()
    state = normalizer.init(1).replace(
        sample_count=jnp.int32(count), mean=jnp.array([1e4]), mean_residual=jnp.array([0.0])
    )
    moved = normalizer.update_only(state, jnp.array([1e4 + 50.0]))
    assert moved.sample_count == count + 1
    change = statistics(moved)[0][0] - 1e4
    weight = count + (2 if case.kind == "EMANormalizer" else 1)
    assert abs(change / (50.0 / weight) - 1) < 0.01


@pytest.mark.parametrize("case", cases.KINDS, ids=str)
def test_the_sample_count_saturates(case):
    normalizer = case.build()
    state = normalizer.init(2).replace(sample_count=jnp.int32(2**31 - 2))
    for _ in range(3):
        state = normalizer.update_only(state, jnp.array([1.0, 2.0]))
        assert state.sample_count == 2**31 - 1
        assert state.sample_count.dtype == jnp.int32
        assert np.all(np.isfinite(state.mean)) and np.all(np.isfinite(state.var))
