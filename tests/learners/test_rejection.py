"""A bad input leaves the state as it was, says so, and poisons nothing."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

import alberta_framework as af
from tests.learners import cases, runs
from tests.trees import assert_finite, assert_leaves_close, assert_same_bits, once_more_rejected

BAD = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf}
GOOD = np.float32([0.5, -1.0, 0.2])


def spoiled(value):
    return np.float32([0.5, value, 0.2])


def linear_rows(value):
    return [
        ("observation", (spoiled(value), np.float32(1.0))),
        ("target", (GOOD, np.float32(value))),
    ]


def td_rows(value):
    return [
        ("observation", (spoiled(value), np.float32(1.0), GOOD, np.float32(0.9))),
        ("observation at the end", (spoiled(value), np.float32(1.0), GOOD, np.float32(0.0))),
        ("reward", (GOOD, np.float32(value), GOOD, np.float32(0.9))),
        ("gamma", (GOOD, np.float32(1.0), GOOD, np.float32(value))),
        ("next_observation", (GOOD, np.float32(1.0), spoiled(value), np.float32(0.9))),
    ]


ROWS = [
    pytest.param(case, inputs, id=f"{case}-{name}-{kind}")
    for case, rows in ((cases.FULL, linear_rows), (cases.FULL_TD, td_rows))
    for kind, value in BAD.items()
    for name, inputs in rows(value)
]


def good_inputs(case):
    """Three ordinary units of experience."""
    data = cases.transitions if isinstance(case, cases.TDCase) else cases.regression
    return data(3, seed=4)


def assert_rejected(result, before):
    assert bool(result.rejected) is True
    assert_same_bits(result.state, once_more_rejected(before))
    assert result.state.step_count == before.step_count
    for name in set(result.__dataclass_fields__) - {"state", "rejected"}:
        values = getattr(result, name)
        assert values.size > 0 and np.all(np.isnan(values)), name


@pytest.mark.parametrize("case, inputs", ROWS)
def test_a_bad_input_is_rejected(case, inputs):
    learner, state = case.build(), runs.experienced(case)
    result = learner.update(state, *inputs)
    assert_rejected(result, state)
    # The learner goes on as if nothing had happened.
    good = tuple(column[0] for column in good_inputs(case))
    after, expected = learner.update(result.state, *good), learner.update(state, *good)
    assert not after.rejected
    assert_same_bits(after.state.replace(rejected_count=0, rejected_in_a_row=0), expected.state)


@pytest.mark.parametrize("case, inputs", ROWS)
def test_a_bad_input_is_rejected_inside_a_scan(case, inputs):
    learner, state = case.build(), runs.experienced(case)
    good = good_inputs(case)
    columns = [np.stack([g[0], bad, g[1]]) for g, bad in zip(good, inputs, strict=True)]
    last, results = runs.run(learner, state, *map(jnp.asarray, columns))
    np.testing.assert_array_equal(results.rejected, [False, True, False])
    states = [jax.tree.map(lambda leaf, t=t: leaf[t], results.state) for t in range(3)]
    second = jax.tree.map(lambda leaf: leaf[1], results)
    assert_rejected(second, states[0])
    assert last.step_count == state.step_count + 2
    assert last.rejected_count == 1
    without, _ = runs.run(learner, state, *(jnp.asarray(column[::2]) for column in columns))
    assert_leaves_close(last.replace(rejected_count=0, rejected_in_a_row=0), without)


@pytest.mark.parametrize("case, inputs", ROWS)
def test_each_lane_of_a_vmap_is_judged_alone(case, inputs):
    learner, state = case.build(), runs.experienced(case)
    good = good_inputs(case)
    columns = [np.stack([g[0], bad, g[1]]) for g, bad in zip(good, inputs, strict=True)]
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), state)
    result = jax.vmap(learner.update)(states, *map(jnp.asarray, columns))
    np.testing.assert_array_equal(result.rejected, [False, True, False])
    lanes = [jax.tree.map(lambda leaf, i=i: leaf[i], result) for i in range(3)]
    assert_rejected(lanes[1], state)
    for lane in (0, 2):
        expected = learner.update(state, *(column[lane] for column in columns))
        assert_leaves_close(lanes[lane], expected, absolute=1e-7)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_the_next_observation_does_not_matter_at_the_end(value):
    learner, state = cases.FULL_TD.build(), runs.experienced(cases.FULL_TD)
    result = learner.update(state, GOOD, 1.0, spoiled(value), 0.0)
    assert not result.rejected
    assert result.state.step_count == state.step_count + 1
    assert_finite(result)


# ObGD bounds this step to nothing, and accepts it.
@pytest.mark.parametrize(
    "case", [c for c in [*cases.LINEAR, *cases.TD] if c.optimizer.kind != "ObGD"], ids=str
)
def test_a_step_that_overflows_is_rejected(case):
    """Inputs that are numbers, but too large for what is computed from them."""
    learner, state = case.build(), runs.experienced(case)
    td = isinstance(case, cases.TDCase)
    columns = (cases.transitions if td else cases.regression)(cases.CHUNK, seed=5)
    huge = (3e38, 3e38, -3e38, 0.9) if td else (3e38, -3e38)
    for column, value in zip(columns, huge, strict=True):
        column[0] = value
    _, results = runs.run(learner, state, *map(jnp.asarray, columns))
    assert_rejected(jax.tree.map(lambda leaf: leaf[0], results), state)
    assert not np.any(results.rejected[1:])


def test_a_state_that_is_not_finite_rejects_every_step():
    for case in (cases.FULL, cases.FULL_TD):
        learner = case.build()
        state = runs.experienced(case).replace(bias=jnp.float32(np.nan))
        for count in (1, 2):
            before, good = state, tuple(column[0] for column in good_inputs(case))
            result = learner.update(state, *good)
            assert_rejected(result, before)
            state = result.state
            assert state.rejected_count == count


NUMBERS = st.floats(width=32, allow_nan=True, allow_infinity=True)
ROWS_OF_ANYTHING = hnp.arrays(np.float32, (cases.CHUNK, 2 * cases.DIM + 2), elements=NUMBERS)


def assert_survives(case, rows):
    """From a fresh state: whatever comes, every leaf of every state is finite."""
    learner = case.build()
    x, y, scalars = np.split(rows, [cases.DIM, 2 * cases.DIM], axis=1)
    if isinstance(case, cases.TDCase):
        # A discount is at most 1; one that is no number is among the bad inputs.
        given = scalars[:, 1]
        proper = np.where(np.isfinite(given), given, 0.0)
        gammas = np.where(np.isfinite(given), np.abs(proper) % 1, given)
        columns = (x, scalars[:, 0], y, np.float32(gammas))
    else:
        columns = (x, scalars[:, 0])
    last, results = runs.run(learner, learner.init(cases.DIM), *map(jnp.asarray, columns))
    assert_finite(results.state)
    assert last.step_count + last.rejected_count == cases.CHUNK
    assert last.rejected_count == np.sum(results.rejected)
    accepted = ~np.asarray(results.rejected)
    assert np.all(np.isfinite(np.asarray(results.prediction)[accepted]))
    return last


@pytest.mark.parametrize("case", [*cases.LINEAR, *cases.TD], ids=str)
def test_no_sequence_of_numbers_leaves_a_state_that_is_not_finite(case):
    @settings(max_examples=15, deadline=None, derandomize=True, database=None)
    @given(ROWS_OF_ANYTHING)
    def check(rows):
        assert_survives(case, rows)

    check()


@pytest.mark.parametrize("largest", [38.5, 30.0, 19.0, 10.0], ids=lambda e: f"1e{e}")
@pytest.mark.parametrize("case", [*cases.LINEAR, *cases.TD], ids=str)
def test_no_magnitude_leaves_a_state_that_is_not_finite(case, largest):
    """Sizes log-uniform up to the largest, zeros and repeated rows among them."""
    rng = np.random.default_rng(0)
    for low in (largest - 3, -10.0):
        size = 10 ** rng.uniform(low, largest, size=(cases.CHUNK, 2 * cases.DIM + 2))
        rows = size * rng.choice([-1, 1], size=size.shape) * (rng.random(size.shape) > 0.1)
        rows[20:30] = rows[20]
        assert_survives(case, np.float32(rows))


@pytest.mark.parametrize("case", [*cases.LINEAR, *cases.TD], ids=str)
def test_ordinary_steps_are_not_rejected(case):
    learner = case.build()
    td = isinstance(case, cases.TDCase)
    columns = (cases.transitions if td else cases.regression)(cases.CHUNK, seed=3)
    state, results = runs.run(learner, learner.init(cases.DIM), *map(jnp.asarray, columns))
    assert not np.any(results.rejected)
    assert (state.step_count, state.rejected_count) == (cases.CHUNK, 0)


def test_a_rejected_step_costs_the_loop_one_count():
    x, y = cases.regression(6)
    x[2], y[4] = np.nan, np.inf
    stream = af.ArrayStream(jnp.asarray(x), jnp.asarray(y[:, None]))
    state, metrics = af.run_learning_loop(af.LinearLearner(), stream, 6, jax.random.key(0))
    assert (state.step_count, state.rejected_count) == (4, 2)
    np.testing.assert_array_equal(np.isnan(metrics).all(axis=1), [0, 0, 1, 0, 1, 0])
