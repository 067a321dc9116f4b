"""Which action is chosen: ties, strict maxima, values that are no numbers, exploration."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

import alberta_framework as af

DRAWS, ACTIONS = 100_000, 4
MAGNITUDES = [1e-6, 1e-3, 1.0, 1e3, 1e6]


def agent(epsilon=0.0, actions=ACTIONS):
    return af.SARSAAgent(
        af.SARSAConfig(actions, epsilon_start=epsilon), (), af.LMS(0.1), sparsity=1.0
    )


def valued(values, epsilon=0.0):
    """An agent whose Q values are these in every state."""
    learner = agent(epsilon, len(values))
    state = learner.init(2, jr.key(0))
    heads = state.learner_state.head_params
    biases = jnp.asarray(np.float32(values)[:, None])
    heads = af.MLPParams(heads.weights, biases)
    return learner, state.replace(learner_state=state.learner_state.replace(head_params=heads))


@jax.jit
def _selections(learner, state, keys):
    def select(key):
        return learner.select_action(state.replace(rng_key=key), jnp.zeros(2))[0]

    return jax.vmap(select)(keys)


def counts(values, epsilon=0.0, draws=DRAWS, seed=7):
    """How often each action is chosen."""
    learner, state = valued(values, epsilon)
    chosen = _selections(learner, state, jr.split(jr.key(seed), draws))
    return np.bincount(np.asarray(chosen), minlength=len(values))


def assert_uniform(found):
    assert scipy.stats.chisquare(found).pvalue > 1e-3, found


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("size", [0.0, *MAGNITUDES, 3e38])
def test_equal_values_are_chosen_equally_often(size, sign):
    assert_uniform(counts([sign * size] * ACTIONS))


@pytest.mark.parametrize("size", MAGNITUDES)
def test_two_of_four_tie(size):
    found = counts([size, -size, size, 0.5 * size])
    assert found[1] == found[3] == 0
    assert_uniform(found[[0, 2]])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("size", MAGNITUDES)
def test_a_strict_maximum_is_always_chosen(size, sign):
    """By one part in a million, and by the last bit of float32."""
    for value in (size * (1 + sign * 1e-6), np.nextafter(np.float32(size), np.float32(9e9))):
        values = np.float32([size, value, size, size]) * sign
        best = np.flatnonzero(values == values.max())
        found = counts(values)
        if len(best) == 1:
            assert found[best[0]] == DRAWS
        else:
            assert found[best].sum() == DRAWS
            assert_uniform(found[best])


def test_zero_and_its_negative_tie():
    assert_uniform(counts([0.0, -0.0, 0.0, -0.0]))


@pytest.mark.parametrize("other", [-3e38, -1.0, 0.0, 1e6, np.inf])
def test_nan_is_never_better(other):
    found = counts([np.nan, other, np.nan, other], draws=1_000)
    assert found[0] == found[2] == 0
    assert found[1] > 0 and found[3] > 0


def test_nan_ties_with_minus_infinity():
    assert_uniform(counts([np.nan, -np.inf, np.nan, -np.inf]))


def test_without_any_number_every_action_is_equally_likely():
    assert_uniform(counts([np.nan] * ACTIONS))


def test_exploration_is_uniform_over_all_actions():
    assert_uniform(counts([1.0, 0.0, 0.0, 0.0], epsilon=1.0))
    found = counts([1.0, 0.0, 0.0, 0.0], epsilon=0.4)
    expected = DRAWS * np.array([0.7, 0.1, 0.1, 0.1])
    assert scipy.stats.chisquare(found, expected).pvalue > 1e-3, found


def test_the_rule_by_itself_agrees_with_the_agent():
    """The keys are split in the order: next, explore, ties, random."""
    values, keys = np.float32([0.5, 0.5, -1.0]), jr.split(jr.key(3), 200)
    learner, state = valued(values, epsilon=0.3)
    chosen = _selections(learner, state, keys)

    def rule(key):
        _, explore, ties, random = jr.split(key, 4)
        return af.epsilon_greedy((explore, ties, random), jnp.asarray(values), jnp.float32(0.3))

    np.testing.assert_array_equal(jax.vmap(rule)(keys), chosen)
    assert set(np.asarray(chosen).tolist()) == {0, 1, 2}


def test_selection_gives_the_next_key_and_leaves_the_state_alone():
    learner, state = valued([0.0, 1.0])
    action, key = learner.select_action(state, np.float32([1.0, 2.0]))
    assert action == 1 and action.dtype == jnp.int32 and action.shape == ()
    expected = jr.split(state.rng_key, 4)[0]
    np.testing.assert_array_equal(jr.key_data(key), jr.key_data(expected))


def test_the_greedy_action_is_that_of_the_observation():
    learner, state = valued([0.0, 0.0])
    heads = state.learner_state.head_params
    weights = jnp.asarray([[[1.0, -1.0]], [[-1.0, 1.0]]])
    network = state.learner_state.replace(head_params=af.MLPParams(weights, heads.biases))
    state = state.replace(learner_state=network)
    assert learner.select_action(state, np.float32([1.0, 0.0]))[0] == 0
    assert learner.select_action(state, np.float32([0.0, 1.0]))[0] == 1


def test_prediction_demons_are_no_actions():
    """Their values are larger, and nobody chooses them."""
    demons = [af.GVFSpec("p", af.DemonType.PREDICTION, 0.0, 0.0, -1)]
    learner = af.SARSAAgent(
        af.SARSAConfig(2, epsilon_start=0.5),
        (),
        af.LMS(0.1),
        sparsity=1.0,
        prediction_demons=demons,
    )
    state = learner.init(2, jr.key(0))
    heads = state.learner_state.head_params
    heads = af.MLPParams(heads.weights, jnp.asarray([[0.0], [1.0], [50.0]]))
    state = state.replace(learner_state=state.learner_state.replace(head_params=heads))
    chosen = _selections(learner, state, jr.split(jr.key(1), 10_000))
    np.testing.assert_allclose(np.bincount(chosen) / 10_000, [0.25, 0.75], atol=0.02)


def test_start_makes_the_choice_pending_and_cuts_the_traces():
    learner = af.SARSAAgent(
        af.SARSAConfig(2, gamma=0.9, epsilon_start=0.0), (), af.LMS(0.1), sparsity=1.0, lamda=0.8
    )
    first, x = learner.init(2, jr.key(0)), np.float32([1.0, 2.0])
    _, state = learner.start(first, x)
    state = learner.update(state, 1.0, x, False, 1).state
    assert np.any(state.learner_state.head_traces.w != 0)
    action, begun = learner.start(state, np.float32([3.0, 4.0]))
    expected, key = learner.select_action(state, np.float32([3.0, 4.0]))
    assert action == expected == begun.last_action
    np.testing.assert_array_equal(begun.last_observation, [3.0, 4.0])
    np.testing.assert_array_equal(jr.key_data(begun.rng_key), jr.key_data(key))
    traces = begun.learner_state.head_traces
    assert not np.any(traces.w) and not np.any(traces.b)
    np.testing.assert_array_equal(begun.learner_state.previous_discounts, [0.0, 0.0])
    np.testing.assert_array_equal(
        begun.learner_state.head_params.weights, state.learner_state.head_params.weights
    )
    assert begun.step_count == state.step_count == 1


def test_a_new_agent_has_nothing_pending():
    learner = agent(epsilon=0.25)
    state = learner.init(3, jr.key(5))
    key, sub = jr.split(jr.key(5))
    assert state.last_action == -1 and state.epsilon == np.float32(0.25)
    np.testing.assert_array_equal(state.last_observation, np.zeros(3))
    np.testing.assert_array_equal(jr.key_data(state.rng_key), jr.key_data(key))
    network = learner.horde.init(3, sub)
    np.testing.assert_array_equal(
        state.learner_state.head_params.weights, network.head_params.weights
    )
    assert (learner.n_actions, learner.horde.n_demons) == (ACTIONS, ACTIONS)
    assert learner.horde.horde_spec.names == tuple(f"q_{i}" for i in range(ACTIONS))
