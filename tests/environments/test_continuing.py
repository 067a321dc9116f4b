"""Continuing problems against tables, dynamic programming and published numbers."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
import scipy.stats

import alberta_framework as af
from tests.environments import cases
from tests.oracles import decision_processes

DRAWS = 4000


def states_of(environment):
    """A state for every place of the tables."""
    if isinstance(environment, af.RiverSwim):
        return [_state(environment, place=i) for i in range(6)]
    if isinstance(environment, af.TwoRooms):
        return [_state(environment, cell=i) for i in range(environment.observation_size)]
    pairs = [(free, priority) for free in range(11) for priority in range(4)]
    return [_state(environment, free=free, priority=priority) for free, priority in pairs]


def _state(environment, **places):
    state, _ = environment.reset(jr.key(0))
    return state.replace(**{name: jnp.int32(place) for name, place in places.items()})


@jax.jit
def sampled(environment, states, keys):
    """Observations and rewards of every state, action and key."""

    def one(state, action, key):
        _, now = environment.step(state, action, key)
        return now.observation, now.reward

    over_keys = jax.vmap(one, (None, None, 0))
    over_actions = jax.vmap(over_keys, (None, 0, None))
    actions = jnp.arange(environment.action_space.n, dtype=jnp.int32)
    seen, rewards = jax.vmap(over_actions, (0, None, None))(states, actions, keys)
    return seen.mean(2), rewards


TABLES = [
    (af.RiverSwim(), decision_processes.river_swim()),
    (af.AccessControl(), decision_processes.access_control()),
    (af.TwoRooms(), decision_processes.two_rooms()),
]
each = pytest.mark.parametrize(
    "environment, tables", TABLES, ids=[type(environment).__name__ for environment, _ in TABLES]
)


@each
def test_transitions_and_rewards_are_those_of_the_tables(environment, tables):
    transitions, rewards = tables
    states = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states_of(environment))
    found, paid = sampled(environment, states, jr.split(jr.key(1), DRAWS))
    np.testing.assert_allclose(paid, np.broadcast_to(rewards[..., None], paid.shape), rtol=1e-6)
    np.testing.assert_array_equal(found[transitions == 0], 0.0)
    counts = np.round(np.float64(found) * DRAWS)
    tails = scipy.stats.binom.cdf(counts, DRAWS, transitions)
    tails = np.minimum(tails, scipy.stats.binom.sf(counts - 1, DRAWS, transitions))
    # Of some 10,000 frequencies one is this rare in one seed of 5,000.
    assert tails.min() > 1e-8


@each
def test_an_observation_tells_the_state(environment, tables):
    size = environment.observation_size
    assert size == len(tables[1])
    seen = [
        int(np.argmax(environment._seen(*jax.tree.leaves(state))[1]))
        for state in states_of(environment)
    ]
    assert seen == list(range(size))


def test_the_best_reward_rate_of_access_control_is_the_published_one():
    # Of the table that the environment agrees with, by the test above.
    tables = decision_processes.access_control()
    rate, actions = decision_processes.average_reward(*tables)
    assert abs(rate - 2.7476) < 5e-5
    rate, _ = decision_processes.average_reward(*tables, epsilon=0.1)
    assert abs(rate - 2.6469) < 5e-5
    accepts = actions.reshape(11, 4)[1:]  # from one free server on
    assert not accepts[:, 0].any() and accepts[:, 2:].all()
    np.testing.assert_array_equal(accepts[:, 1], np.arange(1, 11) >= 4)


@jax.jit(static_argnames="num_steps")
def followed(environment, policy, key, num_steps):
    """The rewards of a life under a deterministic policy [states]."""
    state, observation = environment.reset(key)

    def one(carry, key):
        state, observation = carry
        action = policy[jnp.argmax(observation)]
        state, now = environment.step(state, action, key)
        return (state, now.observation), now.reward

    _, rewards = jax.lax.scan(one, (state, observation), jr.split(key, num_steps))
    return rewards


@each
def test_the_best_policy_earns_what_dynamic_programming_says(environment, tables):
    rate, policy = decision_processes.average_reward(*tables)
    rewards = followed(environment, jnp.asarray(policy, jnp.int32), jr.key(2), 100_000)
    batches = np.asarray(rewards, np.float64).reshape(100, -1).mean(1)
    # Batches of 1000 steps are nearly independent: four standard errors of their mean.
    assert abs(batches.mean() - rate) < 4 * batches.std() / 10


def test_the_first_places():
    assert af.RiverSwim().reset(jr.key(0))[0].place == 0
    starts = jax.vmap(lambda key: af.AccessControl().reset(key)[0])(jr.split(jr.key(0), 400))
    assert np.all(starts.free == 10) and set(np.unique(starts.priority)) == {0, 1, 2, 3}
    cells = jax.vmap(lambda key: af.TwoRooms().reset(key)[0].cell)(jr.split(jr.key(0), 1000))
    assert set(np.unique(cells)) == set(range(25))


def bandit_life(environment, actions, key):
    state, _ = environment.reset(jr.fold_in(key, 99))

    def one(state, drawn):
        action, key = drawn
        after, now = environment.step(state, action, key)
        return after, (state.values, now.reward)

    return jax.lax.scan(one, state, (actions, jr.split(key, len(actions))))[1]


def test_the_arms_of_a_bandit_switch_all_together_and_only_then():
    environment = af.SwitchingBandit(4, change_interval=25)
    values, _ = bandit_life(environment, jnp.zeros(1000, jnp.int32), jr.key(3))
    changed = np.any(np.diff(values, axis=0) != 0, axis=1)
    np.testing.assert_array_equal(np.flatnonzero(changed) + 1, np.arange(25, 1000, 25))
    every = np.asarray(values[::25]).ravel()
    assert len(np.unique(every)) == every.size
    # 160 draws of a standard normal number: four standard errors.
    assert abs(every.mean()) < 4 / np.sqrt(160) and abs(every.std() - 1) < 4 / np.sqrt(320)


def test_the_rewards_of_a_bandit_scatter_about_the_arm_that_was_pulled():
    environment = af.SwitchingBandit(3, change_interval=10, value_std=5.0, noise_std=0.5)
    actions = jr.randint(jr.key(5), (10_000,), 0, 3, jnp.int32)
    values, rewards = bandit_life(environment, actions, jr.key(4))
    noise = np.asarray(rewards - values[np.arange(10_000), actions])
    assert abs(noise.mean()) < 4 * 0.5 / 100 and abs(noise.std() - 0.5) < 4 * 0.5 / 141


@pytest.mark.parametrize("interval, gaps", [(10, (30, 59)), (1, (1, 2)), (3, (5, 5))])
def test_stimuli_come_when_they_should(interval, gaps):
    environment = af.TraceConditioning(interval, *gaps)
    first, _, (_, seen) = cases.life(environment, jr.key(6), num_steps=20_000)
    observations = np.vstack([first[None], seen.observation])
    np.testing.assert_array_equal(observations[:, 0], 1.0)
    np.testing.assert_array_equal(seen.reward, seen.observation[:, 2])
    onsets, followed_by = (np.flatnonzero(observations[:, i]) for i in (1, 2))
    assert onsets[0] == 0
    complete = onsets[onsets + interval < len(observations)]
    np.testing.assert_array_equal(followed_by, complete + interval)
    waited = np.diff(onsets) - interval
    numbers, counts = np.unique(waited, return_counts=True)
    np.testing.assert_array_equal(numbers, np.arange(gaps[0], gaps[1] + 1))
    expected = counts.sum() / len(numbers)
    assert np.all(np.abs(counts - expected) < 5 * np.sqrt(expected))


def test_baird_s_counterexample_diverges_as_published():
    environment = af.Baird()
    states = jax.vmap(lambda i: af.BairdState(i))(jnp.arange(7, dtype=jnp.int32))
    features = np.float64(jax.vmap(lambda s: environment._seen(s.place)[1])(states))
    w = np.array([1, 1, 1, 1, 1, 1, 10, 1.0])
    assert np.isclose(np.sqrt(np.mean((features @ w) ** 2)), 5.3, atol=0.05)
    for _ in range(1000):  # the solid action from every state, its visits alike
        errors = 0.99 * features[6] @ w - features @ w
        w = w + 0.01 / 7 * errors @ features
    assert round(np.sqrt(np.mean((features @ w) ** 2))) == 581 and round(w[7]) == 335


def test_the_actions_of_baird_s_counterexample():
    environment = af.Baird()
    for place in range(7):
        state = af.BairdState(jnp.int32(place))
        keys = jr.split(jr.key(place), 1200)
        after, _ = cases.sampled(environment, state, jnp.int32(1), keys)
        assert np.all(after.place == 6)
        after, _ = cases.sampled(environment, state, jnp.int32(0), keys)
        counts = np.bincount(after.place, minlength=7)
        assert counts[6] == 0 and np.all(np.abs(counts[:6] - 200) < 5 * np.sqrt(200))


@pytest.mark.parametrize(
    "build, field",
    [
        (lambda: af.RiverSwim(advance=0.7, drift=0.4), "drift"),
        (lambda: af.AccessControl(payments=()), "payments"),
        (lambda: af.AccessControl(payments=(1.0, np.nan)), "payments"),
        (lambda: af.AccessControl(n_servers=0), "n_servers"),
        (lambda: af.TwoRooms(0), "room_size"),
        (lambda: af.TraceConditioning(10, 30, 20), "min_gap"),
        (lambda: af.TraceConditioning(2**30, 1, 2**30), "interval"),
        (lambda: af.SwitchingBandit(2, change_interval=1.5), "change_interval"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(build, field):
    with pytest.raises(ValueError, match=f"`{field}`"):
        build()
