"""Environments around another one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.environments import cases

POLE = af.CartPole(max_steps=1000)


def agent_of(n_actions):
    return af.SARSAAgent(af.SARSAConfig(n_actions=n_actions, gamma=0.9), hidden_sizes=())


def test_a_time_limit_cuts_and_changes_nothing_else():
    limited = af.TimeLimit(POLE, 8)
    _, (_, actions, keys), (after, seen) = cases.life(limited, jr.key(0), num_steps=100)
    ends = np.asarray(seen.terminated | seen.truncated)
    np.testing.assert_array_equal(seen.truncated, ~seen.terminated & (after.steps >= 8))
    lengths = np.diff(np.flatnonzero(np.append(True, ends)))
    assert lengths.max() == 8
    inner = jax.jit(jax.vmap(POLE.step))
    _, (before, *_), _ = cases.life(limited, jr.key(0), num_steps=100)
    _, plain = inner(before.environment_state, actions, keys)
    np.testing.assert_allclose(plain.observation, seen.observation, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(plain.terminated, seen.terminated)


def test_an_episode_that_ends_at_its_limit_is_terminated():
    falling, _ = POLE.reset(jr.key(0))
    falling = falling.replace(values=jnp.array([0.0, 0.0, 0.2, 5.0]))
    limited = af.TimeLimit(POLE, 1)
    state, _ = limited.reset(jr.key(0))
    state = state.replace(environment_state=falling)
    _, now = cases.stepped(limited, state, jnp.int32(0), jr.key(0))
    assert now.terminated and not now.truncated


def test_the_limit_of_the_environment_s_own_holds_too():
    limited = af.TimeLimit(af.CartPole(max_steps=3), 1000)
    _, _, (after, seen) = cases.life(limited, jr.key(0), num_steps=30)
    np.testing.assert_array_equal(seen.truncated, after.steps == 3)


def test_each_step_is_that_of_the_environment_with_the_number_of_the_time():
    lengths = (0.1, 0.5, 2.0)
    world = af.Changing(POLE, "half_length", af.Periodic(lengths, period=15))
    _, (before, actions, keys), (after, seen) = cases.life(world, jr.key(0), num_steps=100)
    assert seen.terminated.sum() >= 3  # the count goes on over several episodes
    np.testing.assert_array_equal(before.step_count, np.arange(100))
    np.testing.assert_array_equal(after.step_count, np.arange(1, 101))
    for place, length in enumerate(lengths):
        plain = jax.vmap(af.CartPole(half_length=length, max_steps=1000).step)
        _, expected = jax.jit(plain)(before.environment_state, actions, keys)
        now = np.arange(100) // 15 % 3 == place
        np.testing.assert_allclose(
            expected.observation[now], seen.observation[now], rtol=1e-5, atol=1e-6
        )
        elsewhere = np.abs(expected.observation - seen.observation)[~now].max(1)
        assert np.mean(elsewhere > 1e-5) > 0.5


def test_a_number_that_stays_changes_nothing():
    world = af.Changing(POLE, "gravity", af.Constant(9.8))
    _, (_, actions, _), (_, seen) = cases.life(world, jr.key(0), num_steps=60)
    _, (_, same_actions, _), (_, plain) = cases.life(POLE, jr.key(0), num_steps=60)
    np.testing.assert_array_equal(actions, same_actions)
    np.testing.assert_allclose(seen.observation, plain.observation, rtol=1e-4, atol=1e-5)


def test_the_count_is_exact_after_the_largest_32_bits():
    world = af.Changing(POLE, "gravity", af.Periodic([1.0, 50.0], period=1))
    state, _ = world.reset(jr.key(0))
    state = state.replace(step_count=2**32 - 1)
    spins = []
    for _ in range(3):
        still = state.environment_state.replace(values=jnp.array([0.0, 0.0, 0.1, 0.0]))
        state, now = cases.stepped(
            world, state.replace(environment_state=still), jnp.int32(0), jr.key(0)
        )
        spins.append(float(now.observation[3]))
    assert state.step_count == 2**32 + 2
    assert spins[0] > spins[1] and spins[2] == spins[0]


def test_a_path_leads_through_wrappers_and_changes_combine():
    inner = af.Changing(POLE, "gravity", af.Linear(1.0, 20.0, 10))
    world = af.Changing(
        af.TimeLimit(inner, 50), "environment.environment.half_length", af.Periodic([0.1, 1.0], 5)
    )
    _, (before, actions, keys), (_, seen) = cases.life(world, jr.key(1), num_steps=30)
    poles = before.environment_state.environment_state.environment_state
    for t in range(30):
        pole = af.CartPole(
            gravity=1.0 + 19.0 * min(t / 10, 1), half_length=(0.1, 1.0)[t // 5 % 2], max_steps=1000
        )
        state = jax.tree.map(lambda a, t=t: a[t], poles)
        _, now = cases.stepped(pole, state, actions[t], keys[t])
        np.testing.assert_allclose(now.observation, seen.observation[t], rtol=1e-5, atol=1e-6)


def test_a_life_in_a_changing_world_goes_on_counting_over_episodes():
    world = af.Changing(af.CartPole(max_steps=20), "half_length", af.Periodic([0.25, 0.5], 50))
    result = af.interact(agent_of(2), world, 200, jr.key(0))
    assert len(result.episodes.returns) >= 10
    assert result.state.environment_state.step_count == 200
    again = af.interact(agent_of(2), world, 100, state=result.state)
    assert again.state.environment_state.step_count == 300


def test_a_field_of_a_user_s_own_environment_may_be_any_number(own_components):
    class Paying(af.AbstractEnvironment):
        wage: float = 2.0
        hours: int = 3
        table: jax.Array = eqx.field(default_factory=lambda: jnp.zeros(2))

        @property
        def observation_size(self):
            return 1

        @property
        def action_space(self):
            return af.DiscreteActions(1)

        def reset(self, key):
            return af.RiverSwim().reset(key)[0], jnp.ones(1)

        def step(self, state, action, key):
            no = jnp.zeros((), bool)
            return state, af.EnvStep(jnp.ones(1), jnp.asarray(self.wage), no, no)

    world = af.Changing(Paying(), "wage", af.Linear(1.0, 3.0, 2))
    _, _, (_, seen) = cases.life(world, jr.key(0), num_steps=3)
    np.testing.assert_array_equal(seen.reward, [1.0, 2.0, 3.0])
    for path in ("hours", "table"):
        with pytest.raises(ValueError, match="Paying has wage"):
            af.Changing(Paying(), path, af.Constant(1.0))


@pytest.mark.parametrize(
    "path, told",
    [
        ("half_lenght", "half_lenght.*half_length"),
        ("max_steps", "no count of steps"),
        ("", "half_length"),
        ("half_length.real", "half_length"),
        ("environment.gravity", "environment"),
        (3, "path"),
    ],
)
def test_a_path_that_leads_nowhere(path, told):
    with pytest.raises((TypeError, ValueError), match=told):
        af.Changing(POLE, path, af.Constant(1.0))


@pytest.mark.parametrize("kind", ["TimeLimit", "Changing", "StickyActions"])
def test_what_is_no_environment_is_refused(kind):
    rest = {"TimeLimit": (3,), "Changing": ("gravity", af.Constant(1.0)), "StickyActions": ()}
    with pytest.raises(TypeError, match="environment"):
        getattr(af, kind)(af.CartPole, *rest[kind])


def bandit(n):
    """The reward tells the arm that was pulled."""
    return af.SwitchingBandit(n, change_interval=10**6, noise_std=0.0)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_actions_stick_so_often(probability):
    n = 4000
    world = af.StickyActions(bandit(1000), probability)
    _, (before, chosen, _), (after, seen) = cases.life(world, jr.key(2), num_steps=n)
    done, last = np.asarray(after.action), np.asarray(before.action)
    chosen = np.asarray(chosen)
    assert done[0] == chosen[0]
    assert np.all((done == chosen) | (done == last))
    # One of a thousand actions is chosen again by chance.
    stuck = np.mean((done == last)[1:] & (done != chosen)[1:])
    assert abs(stuck - probability) < 4 * 0.5 / np.sqrt(n) + 0.002
    values = np.asarray(before.environment_state.values)
    np.testing.assert_array_equal(seen.reward, values[np.arange(n), done])


def test_the_first_action_of_an_episode_does_not_stick():
    world = af.StickyActions(af.Catch(4, 9), probability=1.0)
    _, (before, chosen, _), (after, _) = cases.life(world, jr.key(3), num_steps=90)
    first = np.arange(90) % 3 == 0
    np.testing.assert_array_equal(~before.acted, first)
    np.testing.assert_array_equal(after.action[first], chosen[first])
    np.testing.assert_array_equal(after.action, np.repeat(np.asarray(chosen[first]), 3))


def test_an_agent_takes_whatever_wraps_its_world():
    world = af.StickyActions(
        af.TimeLimit(af.Changing(af.TwoRooms(2), "slip_probability", af.Linear(0.0, 1.0, 20)), 7)
    )
    result = af.interact(agent_of(4), world, 70, jr.key(0))
    np.testing.assert_array_equal(result.episodes.lengths[-10:], 7)
    assert int(result.rejected) == 0
    assert result.state.environment_state.environment_state.environment_state.step_count == 70
