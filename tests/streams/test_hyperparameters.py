"""Numbers of streams: swept at will, never compiled in, refused when they make no sense."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.compilation.boundary import strong
from tests.compilations import count_compilations
from tests.streams import cases
from tests.trees import lane, named_leaves

STEPS = 40


@jax.jit
def run(stream, key):
    return stream.rollout(stream.init(key), STEPS)


def assert_close(ours, expected):
    truth = dict(named_leaves(cases.key_data(expected)))
    for path, leaf in named_leaves(cases.key_data(ours)):
        size = np.max(np.abs(truth[path])) if leaf.dtype == np.float32 else 0
        np.testing.assert_allclose(leaf, truth[path], rtol=2e-6, atol=1e-6 * size, err_msg=path)


@pytest.mark.parametrize("row", cases.SYNTHETIC, ids=str)
def test_a_sweep_is_the_python_loop(row):
    """Numbers given at construction, as batches of values; the key is the same for all.

    In each lane one number differs from the row's: one program for all of them.
    """
    key, usual = jr.key(3), row.build()
    changes = [{field: value} for field, values in row.numbers.items() for value in values]
    singles = [run(row.traced(**change), key) for change in changes]
    for low, high, field in zip(singles[::2], singles[1::2], row.numbers, strict=True):
        assert any(
            not np.array_equal(a, b)
            for a, b in zip(*map(jax.tree.leaves, cases.key_data((low, high))), strict=True)
        ), f"{field} has no effect: this test compares nothing"
    swept = row.build(
        **{
            field: jnp.float32([change.get(field, getattr(usual, field)) for change in changes])
            for field in row.numbers
        }
    )
    # The numbers are batched, and not the data that a stream may hold.
    lanes = eqx.tree_at(
        lambda stream: [getattr(stream, field) for field in row.numbers],
        jax.tree.map(lambda _: None, swept),
        [0] * len(row.numbers),
        is_leaf=lambda leaf: leaf is None,
    )
    batched = eqx.filter_vmap(run, in_axes=(lanes, None))(swept, key)
    for index, single in enumerate(singles):
        assert_close(lane(batched, index), single)


def test_a_sweep_inside_a_wrapper_is_the_python_loop():
    def wrapped(rate):
        return af.ScaledStreamWrapper(af.RandomWalkStream(4, rate), jnp.arange(4.0))

    rates, key = jnp.array([0.0, 0.01, 0.5]), jr.key(4)
    batched = eqx.filter_vmap(lambda rate: run(wrapped(rate), key))(rates)
    for index, rate in enumerate(rates):
        assert_close(lane(batched, index), run(cases.with_arrays(wrapped(rate)), key))


def test_scales_may_be_swept():
    scales, key = jnp.array([[1.0, 2.0], [3.0, -0.5]]), jr.key(4)
    inner = af.RandomWalkStream(2)
    batched = eqx.filter_vmap(lambda s: run(af.ScaledStreamWrapper(inner, s), key))(scales)
    for index, row in enumerate(scales):
        single = run(cases.with_arrays(af.ScaledStreamWrapper(inner, row)), key)
        assert_close(lane(batched, index), single)


@cases.each
def test_other_numbers_keys_and_states_do_not_recompile(row, getkey):
    stream = row.traced()
    run(stream, getkey())
    other = jax.tree.map(lambda leaf: leaf * 2, stream)
    state = cases.begun(stream, getkey())
    _, after = cases.rolled(stream, state, STEPS)
    cases.stepped_once(stream, state)
    key = getkey()
    with count_compilations() as seen:
        run(other, key)
        cases.rolled(other, after, STEPS)
        cases.stepped_once(other, after)
    assert not seen


@pytest.mark.parametrize("row", cases.SYNTHETIC, ids=str)
def test_a_rollout_outside_of_compiled_code_is_compiled_once(row, getkey):
    """Whatever kind of number the caller gives."""
    stream = row.build()
    state = stream.init(getkey())
    field, (low, high) = next(iter(row.numbers.items()))
    others = [
        row.build(**{field: kind(value)})
        for kind in (int, float, jnp.float32)
        for value in (low, high)
    ]
    stream.rollout(state, 7)
    with count_compilations() as seen:
        for other in others:
            other.rollout(state, 7)
    assert not seen


@pytest.mark.parametrize("row", [*cases.SYNTHETIC, *cases.WRAPPED], ids=str)
def test_every_leaf_is_a_number_and_intervals_become_int32(row):
    stream = row.build()
    for leaf in jax.tree.leaves(stream):
        assert not isinstance(leaf, bool)
        assert isinstance(leaf, int | float | jax.Array)
    for path, leaf in named_leaves(strong(stream)):
        counts = any(name in path for name in ("interval", "period", "cycle_length"))
        assert leaf.dtype == (np.int32 if counts else np.float32), path


def test_a_long_interval_is_exact():
    """2^31 - 1 has no float32; the last step of it is still told from the one after."""
    interval = 2**31 - 1
    stream = strong(af.AbruptChangeStream(3, interval))
    state = cases.begun(stream, jr.key(0))
    state = state.replace(position=jnp.int32(interval - 2), step_count=interval - 2)
    assert stream.change_interval.dtype == np.int32
    states = [state]
    for _ in range(3):
        states.append(cases.stepped_once(stream, states[-1])[1])
    weights = [np.asarray(s.true_weights) for s in states]
    np.testing.assert_array_equal(weights[0], weights[1])
    np.testing.assert_array_equal(weights[1], weights[2])
    assert np.all(weights[2] != weights[3])
    assert [int(s.position) for s in states] == [interval - 2, interval - 1, 0, 1]


COUNTS = [
    ("feature_dim", kind)
    for kind in (
        "RandomWalkStream",
        "AbruptChangeStream",
        "CyclicStream",
        "PeriodicChangeStream",
        "DynamicScaleShiftStream",
        "ScaleDriftStream",
    )
] + [
    ("num_relevant", "SuttonExperiment1Stream"),
    ("num_inputs", "SlowlyChangingRegressionStream"),
    ("num_slow", "SlowlyChangingRegressionStream"),
    ("num_target_units", "SlowlyChangingRegressionStream"),
    ("num_configurations", "CyclicStream"),
    ("n_states", "RandomWalkChainStream"),
]
INTERVALS = [
    ("change_interval", "AbruptChangeStream"),
    ("change_interval", "SuttonExperiment1Stream"),
    ("change_interval", "SlowlyChangingRegressionStream"),
    ("cycle_length", "CyclicStream"),
    ("period", "PeriodicChangeStream"),
    ("scale_change_interval", "DynamicScaleShiftStream"),
    ("weight_change_interval", "DynamicScaleShiftStream"),
]
NOT_NEGATIVE = [
    (field, row.kind)
    for row in cases.SYNTHETIC
    for field in row.numbers
    if field.endswith(("_std", "_rate"))
]
FINITE = [
    ("amplitude", "PeriodicChangeStream"),
    ("min_log_scale", "ScaleDriftStream"),
    ("max_log_scale", "ScaleDriftStream"),
    ("left_reward", "RandomWalkChainStream"),
    ("right_reward", "RandomWalkChainStream"),
]
ROW_OF = {row.kind: row for row in reversed(cases.ALL)}


def refused(kind, message, error=ValueError, **changes):
    with pytest.raises(error, match=message):
        ROW_OF[kind].build(**changes)


@pytest.mark.parametrize("field, kind", COUNTS)
def test_sizes_are_integers_from_1(field, kind):
    refused(kind, f"{kind}: `{field}` must be an integer >= 1, got 0", **{field: 0})
    for value in (True, 3.0, "3", None):
        refused(kind, f"{kind}: `{field}` must be an integer >= 1", TypeError, **{field: value})


def test_there_may_be_no_irrelevant_inputs():
    assert af.SuttonExperiment1Stream(3, 0).feature_dim == 3
    message = "SuttonExperiment1Stream: `num_irrelevant` must be an integer >= 0, got -1"
    refused("SuttonExperiment1Stream", message, num_irrelevant=-1)


@pytest.mark.parametrize("field, kind", INTERVALS)
def test_intervals_are_whole_steps_from_1_to_below_2_to_the_31(field, kind):
    name = f"{kind}: `{field}`"
    refused(kind, rf"{name} must lie in \[1, .*\], got 0", **{field: 0})
    refused(kind, rf"{name} must lie in \[1, .*\], got -5", **{field: -5})
    refused(kind, rf"{name} must lie in \[1, .*\], got 2147483648", **{field: 2**31})
    refused(kind, f"{name} must be an integer number of steps, got 2.5", **{field: 2.5})
    refused(kind, name, **{field: float("nan")})
    refused(kind, name, **{field: float("inf")})
    refused(kind, name, TypeError, **{field: True})
    refused(kind, name, TypeError, **{field: "10"})
    refused(kind, name, **{field: jnp.array([3, 0])})


@pytest.mark.parametrize("field, kind", NOT_NEGATIVE)
def test_rates_and_deviations_are_not_negative(field, kind):
    name = f"{kind}: `{field}`"
    refused(kind, rf"{name} must lie in \[0, inf\), got -0.1", **{field: -0.1})
    for value in (float("nan"), float("inf")):
        refused(kind, name, **{field: value})
    for value in (True, "0.1", None):
        refused(kind, f"{name} must be a real number", TypeError, **{field: value})


@pytest.mark.parametrize("field, kind", FINITE)
def test_other_numbers_are_finite(field, kind):
    for value in (float("nan"), float("inf"), -float("inf")):
        refused(kind, f"{kind}: `{field}` must lie in", **{field: value})


def test_a_whole_cycle_is_shorter_than_2_to_the_31():
    assert af.CyclicStream(2, 2**29 - 1, 4).cycle_length == 2**29 - 1
    message = "CyclicStream: `cycle_length` \\* `num_configurations` .* got 2147483648"
    refused("CyclicStream", message, cycle_length=2**29, num_configurations=4)


def test_scales_are_positive_and_in_order():
    kind = "DynamicScaleShiftStream"
    for value in (0.0, -1.0, float("nan"), float("inf")):
        refused(kind, f"{kind}: `min_scale` must lie in", min_scale=value)
        refused(kind, f"{kind}: `max_scale` must lie in", max_scale=value)
    message = f"{kind}: `min_scale` must be at most `max_scale`, got 3.0 and 2.0"
    refused(kind, message, min_scale=3.0, max_scale=2.0)
    assert ROW_OF[kind].build(min_scale=2.0, max_scale=2.0).min_scale == 2.0


def test_log_scales_are_in_order():
    message = "ScaleDriftStream: `min_log_scale` must be at most `max_log_scale`, got 1.0 and 0.5"
    refused("ScaleDriftStream", message, min_log_scale=1.0, max_log_scale=0.5)
    assert ROW_OF["ScaleDriftStream"].build(min_log_scale=1.0, max_log_scale=1.0)


def test_slow_bits_are_some_of_all_and_change_in_a_known_way():
    kind = "SlowlyChangingRegressionStream"
    assert ROW_OF[kind].build(num_slow=7).feature_dim == 7
    refused(kind, f"{kind}: `num_slow` must be at most `num_inputs`, got 8 and 7", num_slow=8)
    refused(kind, f"{kind}: `flip` must be one of .*'all', 'one'.*, got 'two'", flip="two")
    for beta in (-0.1, 1.1, float("nan")):
        refused(kind, rf"{kind}: `beta` must lie in \[0, 1\], got {beta}", beta=beta)


def test_a_chain_has_a_middle_and_known_features():
    kind = "RandomWalkChainStream"
    refused(kind, f"{kind}: `n_states` must be odd, got 4", n_states=4)
    refused(kind, f"{kind}: `features` must be one of .*tabular.*, got 'onehot'", features="onehot")
    for gamma in (-0.1, 1.1):
        refused(kind, rf"{kind}: `gamma` must lie in \[0, 1\], got {gamma}", gamma=gamma)


@cases.each_number
def test_traced_numbers_pass(row, field):
    """Even those that a constructor outside of compiled code refuses."""

    @jax.jit
    def built(value):
        return getattr(row.build(**{field: value}), field)

    assert built(jnp.float32(-7.5)) == -7.5
