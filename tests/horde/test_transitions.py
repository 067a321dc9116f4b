"""What a horde makes of one transition: targets, ends, signals, and the traces after them."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.horde import runs
from tests.trees import assert_leaves_close, assert_same_bits

S0, S1 = runs.one_hot(2, 0, 1)
NOTHING = np.float32([0.0])


def begun(horde, weights=None, dim=2):
    """Its first state, with these weights [demon, feature] of the heads."""
    state = horde.init(dim, jr.key(0))
    if weights is None:
        return state
    head = state.head_params
    weights = jnp.asarray(np.float32(weights)[:, None, :])
    return state.replace(head_params=af.MLPParams(weights, head.biases))


def weights(state):
    return np.asarray(state.head_params.weights[:, 0])


def close(ours, expected):
    np.testing.assert_allclose(np.asarray(ours), expected, rtol=1e-6, atol=1e-7)


def test_an_episode_by_hand():
    """s0, s1, end with reward 1: both states are credited, the next episode starts afresh."""
    horde = runs.linear(runs.demon(gamma=0.9, lamda=1.0))
    first = horde.update(begun(horde), S0, NOTHING, S1, terminated=0.0)
    close(weights(first.state), [[0.0, 0.0]])
    second = horde.update(first.state, S1, np.float32([1.0]), S0, terminated=1.0)
    close(weights(second.state), [[0.09, 0.1]])
    close(second.state.head_params.biases, [[0.19]])
    close(second.td_targets, [1.0])
    close(second.state.head_traces.w, [[[0.9, 1.0]]])
    third = horde.update(second.state, S0, NOTHING, S1, terminated=0.0)
    close(third.state.head_traces.w, [[[1.0, 0.0]]])
    close(third.state.head_traces.b, [[1.0]])


def test_without_a_sign_of_an_end_the_trace_runs_on():
    horde = runs.linear(runs.demon(gamma=0.9, lamda=1.0))
    state = begun(horde)
    for x, after in ((S0, S1), (S1, S0), (S0, S1)):
        state = horde.update(state, x, NOTHING, after).state
    close(state.head_traces.w, [[[1.81, 0.9]]])


def test_the_target_holds_cumulant_bootstrap_and_terminal_reward():
    horde = runs.linear(
        runs.demon(0.9, 0.0, terminal_reward=5.0), runs.demon(0.5, 0.0), runs.demon(0.0, 0.0)
    )
    state = begun(horde, [[1.0, 2.0], [0.0, 4.0], [3.0, 7.0]])
    cumulants = np.float32([0.25, 1.0, -1.0])
    result = horde.update(state, S0, cumulants, S1, terminated=np.float32([0, 0, 0]))
    close(result.predictions, [1.0, 0.0, 3.0])
    close(result.td_targets, [2.05, 3.0, -1.0])
    close(result.td_errors, [1.05, 3.0, -4.0])
    close(result.per_demon_metrics[:, 0], np.square([1.05, 3.0, -4.0]))
    ended = horde.update(state, S0, cumulants, S1, terminated=np.float32([1, 1, 1]))
    close(ended.td_targets, [5.25, 1.0, -1.0])
    one = horde.update(state, S0, cumulants, S1, terminated=np.float32([1, 0, 0]))
    close(one.td_targets, [5.25, 3.0, -1.0])


@pytest.mark.parametrize("kind", [bool, np.bool_, float, int, np.float32, jnp.float32, jnp.bool_])
def test_an_end_may_be_a_truth_value_or_a_number(kind):
    horde = runs.linear(runs.demon(0.9, 0.5, terminal_reward=2.0), runs.demon(0.9, 0.5))
    state = begun(horde, [[0.0, 1.0], [0.0, 2.0]])
    cumulants = np.float32([1.0, 1.0])
    ended = horde.update(state, S0, cumulants, S1, terminated=kind(1))
    close(ended.td_targets, [3.0, 1.0])
    np.testing.assert_array_equal(ended.state.previous_discounts, [0.0, 0.0])
    on = horde.update(state, S0, cumulants, S1, terminated=kind(0))
    close(on.td_targets, [1.9, 2.8])
    close(on.state.previous_discounts, [0.9, 0.9])


def test_the_discount_of_a_transition_replaces_that_of_the_demon():
    horde = runs.linear(runs.demon(0.9, 0.5), runs.demon(0.9, 0.5, terminal_reward=9.0))
    state = begun(horde, [[0.0, 1.0], [0.0, 2.0]])
    gammas = np.float32([0.25, 0.0])
    result = horde.update(state, S0, np.float32([1.0, 1.0]), S1, gammas=gammas)
    # A discount of zero without an end adds no terminal reward.
    close(result.td_targets, [1.25, 1.0])
    np.testing.assert_array_equal(result.state.previous_discounts, gammas)
    result = horde.update(result.state, S1, np.float32([0.0, 0.0]), S0, gammas=gammas)
    close(result.state.head_traces.w[:, 0], [[0.125, 1.0], [0.0, 1.0]])


def test_signals_go_to_the_demons_that_name_them():
    horde = runs.linear(*(runs.demon(0.0, 0.0, index=i) for i in (1, -1, 0)))
    state = begun(horde)
    cumulants, signals = np.float32([10.0, 20.0, 30.0]), np.float32([0.5, 0.25])
    result = horde.update(state, S0, cumulants, S1, signals=signals)
    close(result.td_targets, [0.25, 20.0, 0.5])
    without = horde.update(state, S0, cumulants, S1)
    close(without.td_targets, [10.0, 20.0, 30.0])
    close(weights(without.state)[:, 0], [1.0, 2.0, 3.0])


def test_signals_alone_are_enough_where_every_demon_names_one():
    horde = runs.linear(runs.demon(0.0, 0.0, index=1), runs.demon(0.0, 0.0, index=1))
    result = horde.update(begun(horde), S0, None, S1, signals=np.float32([3.0, 4.0]))
    close(result.td_targets, [4.0, 4.0])
    with pytest.raises((TypeError, ValueError), match="cumulants"):
        horde.update(begun(horde), S0, None, S1)


def test_a_signal_that_is_not_there():
    horde = runs.linear(runs.demon(index=2), runs.demon())
    cumulants = np.float32([0.0, 0.0])
    with pytest.raises(ValueError, match="signals") as caught:
        horde.update(begun(horde), S0, cumulants, S1, signals=np.float32([1.0, 2.0]))
    assert "2" in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"cumulants": np.zeros(3, np.float32)},
        {"cumulants": np.float32(0.0)},
        {"gammas": np.zeros(1, np.float32)},
        {"terminated": np.zeros(3, np.float32)},
        {"observation": np.zeros(3, np.float32)},
        {"next_observation": np.float32(0.0)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_shape_that_does_not_fit_is_refused_by_name(changes):
    horde = runs.linear(runs.demon(), runs.demon())
    columns = {"observation": S0, "cumulants": np.zeros(2, np.float32), "next_observation": S1}
    with pytest.raises(TypeError, match=next(iter(changes))):
        horde.update(begun(horde), **columns | changes)


def test_an_inactive_demon_stays_as_it_was():
    horde = runs.linear(runs.demon(0.9, 0.8), runs.demon(0.9, 0.8), optimizer=af.Autostep(0.1))
    state = begun(horde, [[0.5, 1.0], [0.0, 2.0]])
    for x, after in ((S0, S1), (S1, S0)):
        state = horde.update(state, x, np.float32([1.0, 1.0]), after).state
    result = horde.update(state, S0, np.float32([np.nan, 1.0]), S1)
    assert not result.rejected
    np.testing.assert_array_equal(np.isnan(result.td_errors), [True, False])
    np.testing.assert_array_equal(np.isnan(result.td_targets), [True, False])
    np.testing.assert_array_equal(np.isnan(result.per_demon_metrics[:, 0]), [True, False])
    assert np.all(np.isfinite(result.predictions))

    def first(state):
        heads = (state.head_params, state.head_traces.w, state.head_optimizer_states.w)
        return jax.tree.map(lambda leaf: leaf[0], (heads, state.previous_discounts))

    assert_same_bits(first(result.state), first(state))
    assert result.state.step_count == state.step_count + 1
    assert not np.array_equal(weights(result.state)[1], weights(state)[1])


def test_an_end_cuts_the_trace_of_an_inactive_demon_too():
    horde = runs.linear(runs.demon(0.9, 1.0))
    state = horde.update(begun(horde), S0, NOTHING, S1, terminated=0.0).state
    missing = np.float32([np.nan])
    on = horde.update(state, S1, missing, S0, terminated=0.0).state
    close(on.previous_discounts, [0.9])
    ended = horde.update(state, S1, missing, S0, terminated=1.0).state
    np.testing.assert_array_equal(ended.previous_discounts, [0.0])
    close(ended.head_traces.w, [[[1.0, 0.0]]])
    after = [horde.update(s, S1, NOTHING, S0, terminated=0.0).state for s in (on, ended)]
    close(after[0].head_traces.w, [[[0.9, 1.0]]])
    close(after[1].head_traces.w, [[[0.0, 1.0]]])


def test_a_truncation_bootstraps_and_then_cuts_the_traces():
    horde = runs.linear(runs.demon(0.9, 1.0))
    state = begun(horde, [[0.0, 2.0]])
    result = horde.update(state, S0, np.float32([1.0]), S1)
    close(result.td_targets, [2.8])
    cut = horde.reset_traces(result.state)
    np.testing.assert_array_equal(cut.head_traces.w, np.zeros((1, 1, 2)))
    np.testing.assert_array_equal(cut.head_traces.b, np.zeros((1, 1)))
    after = horde.update(cut, S1, NOTHING, S0).state
    close(after.head_traces.w, [[[0.0, 1.0]]])


def test_the_value_of_a_state_before_the_end():
    """A chain of two states and a terminal reward: v(s1) = 1 + 2, v(s0) = 0.5 * 3."""
    horde = runs.linear(runs.demon(0.5, 0.0, terminal_reward=2.0), use_bias=False)
    steps = 400
    state, _ = runs.run(
        horde,
        begun(horde),
        observation=np.tile([S0, S1], (steps // 2, 1)),
        cumulants=np.tile(np.float32([[0.0], [1.0]]), (steps // 2, 1)),
        next_observation=np.tile([S1, S0], (steps // 2, 1)),
        terminated=np.tile(np.float32([0, 1]), steps // 2),
    )
    np.testing.assert_allclose(weights(state), [[1.5, 3.0]], rtol=1e-4)


def test_the_bootstrap_takes_the_parameters_and_statistics_from_before():
    """With the statistics as they are, at the next observation, before anything is learned."""
    horde = af.HordeLearner(
        runs.spec(runs.demon(0.9, 0.8), runs.demon(0.5, 0.3)),
        (8,),
        af.Autostep(0.05),
        normalizer=af.EMANormalizer(predict_with="current"),
        sparsity=0.5,
    )
    rng = np.random.default_rng(0)
    state = horde.init(4, jr.key(0))
    for _ in range(4):
        x, after = np.float32(rng.normal(size=(2, 4)) + 3.0)
        cumulants = np.float32(rng.normal(size=2))
        values = horde.predict(state, after)
        result = horde.update(state, x, cumulants, after)
        close(result.td_targets, cumulants + np.float32([0.9, 0.5]) * values)
        close(result.td_errors, result.td_targets - result.predictions)
        state = result.state


def test_a_horde_without_discounts_is_a_multi_head_learner():
    horde = runs.linear(runs.demon(0.0, 0.0), runs.demon(0.0, 0.0))
    heads = af.MultiHeadMLPLearner(2, (), af.LMS(0.1), sparsity=1.0)
    a, b = begun(horde), heads.init(2, jr.key(0))
    for x, y in ((S0, [1.0, 2.0]), (S1, [np.nan, 1.0]), (S0 + S1, [3.0, np.nan])):
        a = horde.update(a, x, np.float32(y), S0).state
        b = heads.update(b, x, np.float32(y)).state
    assert_leaves_close(a.head_params, b.head_params)
    assert np.all(weights(a) != 0)
