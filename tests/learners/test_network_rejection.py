"""A bad input leaves a network as it was, says so, and poisons nothing."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from tests.learners import network_cases, network_runs
from tests.learners.network_cases import CHUNK, DIM, HEADS
from tests.trees import (
    assert_finite,
    assert_leaves_close,
    assert_same_bits,
    lane,
    once_more_rejected,
)

BAD = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}
GOOD = np.float32([0.5, -1.0, 0.2, 0.0, 2.0])
EVERY = [
    *network_cases.MLP,
    *network_cases.MLP_SHAPES,
    *network_cases.MULTI_HEAD,
    *network_cases.MULTI_HEAD_SHAPES,
]


def rows(case):
    """Every kind of bad input, by name; a NaN among many targets is an inactive head and good."""
    target = np.float32([1.0, -0.5, 0.3]) if case.targets else np.float32(1.0)
    for kind, value in BAD.items():
        for at in (0, DIM - 1):
            yield f"observation[{at}]-{kind}", (np.where(np.arange(DIM) == at, value, GOOD), target)
        if not case.targets:
            yield f"target-{kind}", (GOOD, value)
        elif not np.isnan(value):
            spoiled = np.where(np.arange(HEADS) == 1, value, target)
            yield f"targets-{kind}", (GOOD, spoiled)
            yield f"only target-{kind}", (GOOD, np.where(np.arange(HEADS) == 1, value, np.nan))


ROWS = [
    pytest.param(case, tuple(map(np.float32, inputs)), id=f"{case}-{name}")
    for case in (network_cases.FULL, network_cases.FULL_MULTI_HEAD)
    for name, inputs in rows(case)
]


def assert_rejected(result, before):
    assert bool(result.rejected) is True
    assert_same_bits(result.state, once_more_rejected(before))
    assert result.state.step_count == before.step_count
    for name in set(result.__dataclass_fields__) - {"state", "rejected"}:
        values = np.asarray(getattr(result, name))
        assert values.size > 0 and np.all(np.isnan(values)), name


@pytest.mark.parametrize("case, inputs", ROWS)
def test_a_bad_input_is_rejected(case, inputs):
    learner, state = network_runs.experienced(case)
    result = learner.update(state, *inputs)
    assert_rejected(result, state)
    # The learner goes on as if nothing had happened.
    x, y = (column[0] for column in network_cases.regression(case, 1, seed=4))
    after, expected = learner.update(result.state, x, y), learner.update(state, x, y)
    assert not after.rejected
    assert_same_bits(after.state.replace(rejected_count=0, rejected_in_a_row=0), expected.state)


@pytest.mark.parametrize("case, inputs", ROWS)
def test_a_bad_input_is_rejected_without_compilation(case, inputs):
    learner, state = network_runs.experienced(case)
    with jax.disable_jit():
        result = learner.update(state, *map(jnp.asarray, inputs))
    assert_rejected(result, state)


@pytest.mark.parametrize("case, inputs", ROWS)
def test_a_bad_input_is_rejected_inside_a_scan(case, inputs):
    """Wherever it comes: second of all steps or last."""
    learner, state = network_runs.experienced(case)
    good = network_cases.regression(case, CHUNK - 1, seed=4)
    early, late = (
        [
            jnp.asarray(np.insert(column, at, bad, axis=0))
            for column, bad in zip(good, inputs, strict=True)
        ]
        for at in (1, CHUNK - 1)
    )
    last, results = network_runs.run(learner, state, *early)
    np.testing.assert_array_equal(results.rejected, np.arange(CHUNK) == 1)
    assert_rejected(lane(results, 1), lane(results.state, 0))
    assert (last.step_count - state.step_count, last.rejected_count) == (CHUNK - 1, 1)
    expected, _ = network_runs.run(learner, state, *late)
    assert_same_bits(last, expected.replace(rejected_in_a_row=0))


@pytest.mark.parametrize("case, inputs", ROWS)
def test_each_lane_of_a_vmap_is_judged_alone(case, inputs):
    learner, state = network_runs.experienced(case)
    good = network_cases.regression(case, 3, seed=4)
    for column, bad in zip(good, inputs, strict=True):
        column[1] = bad
    result = network_runs.update_lanes(learner, state, *map(jnp.asarray, good))
    np.testing.assert_array_equal(result.rejected, [False, True, False])
    assert_rejected(lane(result, 1), state)
    for i in (0, 2):
        expected = learner.update(state, *(column[i] for column in good))
        ours, expected = (jax.tree.map(jnp.nan_to_num, r) for r in (lane(result, i), expected))
        assert_leaves_close(ours, expected, relative=2e-6, absolute=1e-7)


def test_a_target_that_is_missing_is_no_bad_input():
    learner, state = network_runs.experienced(network_cases.FULL_MULTI_HEAD)
    result = learner.update(state, GOOD, np.float32([1.0, np.nan, 0.3]))
    assert not result.rejected
    assert_finite(result.state)


@pytest.mark.parametrize("case", [network_cases.FULL, network_cases.FULL_MULTI_HEAD], ids=str)
def test_a_state_that_is_not_finite_rejects_every_step(case):
    learner, state = network_runs.experienced(case)
    params = jax.tree.map(lambda leaf: leaf.at[0].set(np.nan), jax.tree.leaves(state)[0])
    first = jax.tree.leaves(state)[0]
    assert first.shape == (8, DIM)
    state = jax.tree.unflatten(jax.tree.structure(state), [params, *jax.tree.leaves(state)[1:]])
    x, y = (column[0] for column in network_cases.regression(case, 1, seed=4))
    for count in (1, 2):
        result = learner.update(state, x, y)
        assert_rejected(result, state)
        state = result.state
        assert state.rejected_count == count


NUMBERS = st.floats(width=32, allow_nan=True, allow_infinity=True)


def assert_survives(case, x, y, learner=None, run=network_runs.run):
    """From a fresh state: whatever comes, every leaf of every state is finite."""
    learner = case.build() if learner is None else learner
    state = network_runs.begin(learner, case.parameters())
    last, results = run(learner, state, jnp.asarray(x), jnp.asarray(y))
    assert_finite(results.state)
    assert last.step_count + last.rejected_count == CHUNK
    assert last.rejected_count == np.sum(results.rejected)
    accepted = ~np.asarray(results.rejected)
    predictions = results.predictions if case.targets else results.prediction
    assert np.all(np.isfinite(np.asarray(predictions)[accepted]))
    # What is accepted has good inputs, and what has bad ones is rejected.
    bad = ~np.isfinite(x).all(axis=1)
    bad |= np.isinf(y).any(axis=1) if case.targets else ~np.isfinite(y)
    assert not np.any(bad & accepted)
    return last


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_no_sequence_of_numbers_leaves_a_state_that_is_not_finite(case):
    @settings(max_examples=8, deadline=None, derandomize=True, database=None)
    @given(
        hnp.arrays(np.float32, (CHUNK, DIM), elements=NUMBERS),
        hnp.arrays(np.float32, (CHUNK, *case.targets), elements=NUMBERS),
    )
    def check(x, y):
        assert_survives(case, x, y)

    check()


def magnitudes(case, low, high, seed):
    """Sizes log-uniform, zeros and repeated rows among them; of the targets some are missing."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        size = 10 ** rng.uniform(low, high, size=shape)
        signed = size * rng.choice([-1, 1], size=shape) * (rng.random(shape) > 0.1)
        signed[CHUNK // 2 :][:10] = signed[CHUNK // 2]
        return np.float32(signed)

    x, y = draw(CHUNK, DIM), draw(CHUNK, *case.targets)
    if case.targets:
        y[rng.random(y.shape) < 0.1] = np.nan
    return x, y


RANGES = [(low, high) for high in (38.5, 30.0, 19.0, 10.0) for low in (high - 3, -10.0)]


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_no_magnitude_leaves_a_state_that_is_not_finite(case):
    for seed, (low, high) in enumerate(RANGES):
        assert_survives(case, *magnitudes(case, low, high, seed))


# With the numbers of their constructors, the step size 1 of which diverges without a bounder.
WILD = [
    network_cases.Case(network_cases.optimizer_cases.Case("LMS", {"step_size": 1.0})),
    network_cases.Case(
        network_cases.optimizer_cases.Case(
            "IDBD", {"initial_step_size": 1.0, "meta_step_size": 1.0, "max_log_step_size": 40.0}
        ),
        network_cases.EMA,
    ),
    network_cases.Case(
        network_cases.optimizer_cases.Case(
            "Autostep", {"min_step_size": 0.0, "max_step_size": np.inf, "meta_step_size": 1.0}
        ),
        network_cases.WELFORD,
    ),
]


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
@pytest.mark.parametrize("case", WILD, ids=str)
def test_divergence_ends_in_rejected_steps(case, many):
    if many:
        case = network_cases.MultiHeadCase(case.optimizer, case.normalizer)
    for seed, (low, high) in enumerate([*RANGES, (-2.0, 2.0), (0.0, 4.0)]):
        assert_survives(case, *magnitudes(case, low, high, seed))


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_ordinary_steps_are_not_rejected(case):
    learner = case.build()
    columns = map(jnp.asarray, network_cases.regression(case, CHUNK, seed=3))
    begun = network_runs.begin(learner, case.parameters())
    state, results = network_runs.run(learner, begun, *columns)
    assert not np.any(results.rejected)
    assert (state.step_count, state.rejected_count) == (CHUNK, 0)
    assert_finite(state)
