import math

import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from alberta_framework.statistics import (
    compare_learners,
    compute_cumulative_error,
    compute_running_mean,
    compute_tracking_error,
    extract_metric,
)
from tests.statistics import golden

METRICS = golden.cases("metrics")


def history_of(values):
    return [
        {"squared_error": v, "error": math.sqrt(v), "mean_step_size": 0.01 + 1e-5 * i}
        for i, v in enumerate(values)
    ]


def running_mean_by_hand(values, window):
    """Every window summed exactly (`math.fsum`), one at a time; at the start what there is."""
    windows = [values[max(0, i - window + 1) : i + 1] for i in range(len(values))]
    return [math.fsum(seen) / len(seen) for seen in windows]


@pytest.mark.parametrize("case", METRICS)
def test_agrees_with_the_reference(case):
    values, window = golden.array(case, "values"), METRICS[case]["window_size"]
    history = history_of(values)
    ours = {
        "running_mean": compute_running_mean(values, window),
        "tracking_error": compute_tracking_error(history, window),
        "cumulative_error": compute_cumulative_error(history),
        "cumulative_abs_error": compute_cumulative_error(history, "error"),
        "mean_step_size": extract_metric(history, "mean_step_size"),
    }
    for field, result in ours.items():
        assert result.dtype == np.float64
        expected = golden.array(case, field)
        if field in ("running_mean", "tracking_error"):
            # The reference tells the first whole window before it is over; ours what there is.
            start = min(window - 1, len(values))
            by_hand = running_mean_by_hand(values, window)[:start]
            expected = np.concatenate([by_hand, expected[start:]])
        np.testing.assert_allclose(result, expected, rtol=1e-9, err_msg=field)
    comparison = compare_learners({"learner": history})["learner"]
    assert comparison == pytest.approx(METRICS[case]["compare_learners"], rel=1e-9)
    assert all(type(value) is float for value in comparison.values())


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e9, 1e9)),
    st.integers(1, 70),
)
def test_running_mean_is_the_mean_of_each_window(values, window):
    ours = compute_running_mean(values, window)
    expected = running_mean_by_hand(values, window)
    # Rounding of a sum of at most 60 terms of size 1e9, and of subnormal quotients.
    np.testing.assert_allclose(ours, expected, rtol=1e-14, atol=1e-14 * max(abs(values), default=0))


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(1, 40), elements=st.integers(-1000, 1000)),
    st.integers(1, 40),
    st.integers(-(2**30), 2**30),
)
def test_running_mean_moves_with_the_values(values, window, shift):
    moved = compute_running_mean(values + shift, window)
    np.testing.assert_allclose(moved, compute_running_mean(values, window) + shift, rtol=1e-13)


def test_running_mean_of_float32_values_near_ten_thousand_keeps_float64_accuracy():
    values = (1e4 + np.random.default_rng(0).normal(size=200_000)).astype(np.float32)
    ours = compute_running_mean(values, 100)
    exact = math.fsum(map(float, values[-100:])) / 100
    assert ours[-1] == pytest.approx(exact, rel=1e-15)


def test_running_mean_after_a_huge_value_keeps_the_accuracy_of_the_window():
    values = np.full(1000, 0.1)
    values[10] = 1e18
    np.testing.assert_allclose(compute_running_mean(values, 7)[17:], 0.1, rtol=1e-15)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_reaches_only_the_windows_that_contain_it(bad):
    values = np.arange(40.0)
    clean = compute_running_mean(values, 6)
    values[[17, 31]] = bad
    ours = compute_running_mean(values, 6)
    spoiled = np.zeros(40, bool)
    spoiled[17:23] = spoiled[31:37] = True
    np.testing.assert_array_equal(ours[~spoiled], clean[~spoiled])
    np.testing.assert_array_equal(ours[spoiled], np.full(12, bad))


def test_a_nan_reaches_what_comes_after_it_in_the_first_window_and_nothing_before():
    ours = compute_running_mean([np.nan, 1.0, 2.0, 3.0, 4.0], 3)
    np.testing.assert_array_equal(ours, [np.nan, np.nan, np.nan, 2.0, 3.0])
    ours = compute_running_mean([1.0, 3.0, np.nan, 3.0, 4.0, 5.0], 3)
    np.testing.assert_array_equal(ours, [1.0, 2.0, np.nan, np.nan, np.nan, 4.0])


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e9, 1e9)),
    st.integers(1, 50),
    st.integers(0, 40),
)
def test_nothing_depends_on_what_comes_later(values, window, cut):
    whole = compute_running_mean(values, window)
    # Rounding of a sum in another order.
    atol = 1e-14 * max(abs(values), default=0)
    np.testing.assert_allclose(
        compute_running_mean(values[:cut], window), whole[:cut], rtol=1e-14, atol=atol
    )


def test_opposite_infinities_in_one_window_give_nan():
    ours = compute_running_mean([np.inf, -np.inf, 1.0, 3.0], 2)
    np.testing.assert_array_equal(ours, [np.inf, np.nan, -np.inf, 2.0])


def test_running_mean_works_along_any_axis():
    values = np.random.default_rng(1).normal(size=(3, 50, 4))
    expected = np.array(
        [[running_mean_by_hand(values[i, :, k], 9) for k in range(4)] for i in range(3)]
    ).transpose(0, 2, 1)
    for axis in (1, -2):
        ours = compute_running_mean(values, 9, axis=axis)
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-15)
    last = compute_running_mean(values.transpose(0, 2, 1), 9)
    np.testing.assert_allclose(last.transpose(0, 2, 1), expected, rtol=1e-12, atol=1e-15)


def test_ten_million_values_with_a_wide_window():
    values = np.random.default_rng(2).random(10**7, np.float32)
    ours = compute_running_mean(values, 100_000)
    for end in (99_999, 100_000, 5_555_555, 10**7 - 1):
        exact = math.fsum(map(float, values[end - 99_999 : end + 1])) / 100_000
        assert ours[end] == pytest.approx(exact, rel=1e-12)


def test_short_and_empty_input_gives_the_mean_of_what_there_is():
    short = np.array([1, 2, 3], np.int32)
    ours = compute_running_mean(short, 4)
    assert ours.tolist() == [1.0, 1.5, 2.0] and ours.dtype == np.float64
    assert compute_running_mean([], 5).tolist() == []
    assert compute_tracking_error([], 5).tolist() == []


@pytest.mark.parametrize("window", [1, 5])
def test_running_mean_does_not_share_memory_with_its_input(window):
    values = np.ones(3)
    compute_running_mean(values, window)[:] = 7.0
    assert values.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("window", [0, -3, 2.0, 2.5, "10", None, True])
def test_window_size_must_be_a_positive_integer(window):
    with pytest.raises(ValueError, match=r"`window_size` must be .* got"):
        compute_running_mean([1.0, 2.0, 3.0], window)


def test_running_mean_of_a_scalar_is_refused():
    with pytest.raises(ValueError, match="`values` must have an axis of time"):
        compute_running_mean(3.0, 1)


@pytest.mark.parametrize("columns", [3, 4])
@pytest.mark.parametrize("to_array", [np.asarray, jnp.asarray])
def test_every_form_of_a_history_gives_the_same_metrics(columns, to_array):
    keys = ["squared_error", "error", "mean_step_size", "normalizer_mean_var"][:columns]
    metrics = np.random.default_rng(3).random((20, columns)).astype(np.float32)
    forms = [
        [dict(zip(keys, map(float, row), strict=True)) for row in metrics],
        {key: to_array(metrics[:, column]) for column, key in enumerate(keys)},
        to_array(metrics),
    ]
    for column, key in enumerate(keys):
        for history in forms:
            ours = extract_metric(history, key)
            assert ours.dtype == np.float64
            np.testing.assert_array_equal(ours, metrics[:, column].astype(np.float64))


def test_metrics_of_several_seeds_keep_their_leading_axis():
    metrics = np.random.default_rng(4).random((5, 30, 3))
    tracking = compute_tracking_error(metrics, 4)
    cumulative = compute_cumulative_error(metrics)
    for seed in range(5):
        expected = running_mean_by_hand(metrics[seed, :, 0], 4)
        np.testing.assert_allclose(tracking[seed], expected, rtol=1e-13)
        assert cumulative[seed, -1] == pytest.approx(math.fsum(metrics[seed, :, 0]), rel=1e-14)


def test_cumulative_error_of_float32_metrics_is_summed_in_float64():
    metrics = np.full((10**6, 3), 0.1, np.float32)
    assert compute_cumulative_error(metrics)[-1] == pytest.approx(
        10**6 * float(np.float32(0.1)), rel=1e-9
    )


@pytest.mark.parametrize(
    "history",
    [
        [{"squared_error": 1.0, "error": 1.0}] * 3,
        {"squared_error": [1.0], "error": [1.0]},
        np.ones((5, 3)),
    ],
    ids=["rows", "arrays", "columns"],
)
def test_a_missing_key_is_named_with_those_present(history):
    with pytest.raises(KeyError, match=r"'normalizer_mean_var'.*present: squared_error, error"):
        extract_metric(history, "normalizer_mean_var")


def test_a_key_missing_in_a_later_row_is_found():
    with pytest.raises(KeyError, match="'error'"):
        extract_metric([{"error": 1.0}, {"squared_error": 1.0}], "error")


@pytest.mark.parametrize("history", [np.ones(5), np.ones((5, 2)), np.ones((3, 5)), 1.0])
def test_an_array_that_is_no_metrics_array_is_refused(history):
    with pytest.raises(ValueError, match=r"`history` must be .* got an array of shape"):
        extract_metric(history, "error")


def test_rows_that_are_no_dicts_are_refused():
    with pytest.raises(TypeError, match="`history` as a list must hold dicts, got NoneType"):
        extract_metric([{"error": 1.0}, None], "error")


def test_compare_learners_looks_at_the_last_hundred_steps_and_at_the_given_metric():
    values = np.arange(250.0)
    ours = compare_learners({"a": {"error": values}, "b": {"error": values[:3]}}, metric="error")
    assert list(ours) == ["a", "b"]
    assert ours["a"]["final_100_mean"] == np.mean(np.arange(150.0, 250.0))
    assert ours["a"]["cumulative"] == 249 * 250 / 2
    assert ours["b"] == pytest.approx(
        {"mean": 1.0, "std": math.sqrt(2 / 3), "cumulative": 3.0, "final_100_mean": 1.0}
    )


@pytest.mark.parametrize("history", [[], np.ones((2, 5, 3))])
def test_compare_learners_refuses_what_is_not_one_run(history):
    with pytest.raises(ValueError, match=r"`results\['mine'\]` must be one run"):
        compare_learners({"mine": history})
