"""Classic control against Gymnasium, whose environments are another implementation."""

import dataclasses
import math

import gymnasium
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af

# Gymnasium warns of what happens after an episode's end, where both go on here.
gymnasium.logger.min_level = gymnasium.logger.ERROR

STEPS = 500
NEVER = 10**6


@dataclasses.dataclass(frozen=True)
class Case:
    """`policy(observation, noise)` keeps the world moving, noise in [0, 1)."""

    id: str
    kind: str
    policy: object
    limit: int

    def __str__(self):
        return self.kind


def balancing(observation, noise):
    return int(observation[2] + 0.5 * observation[3] + 0.2 * (noise - 0.5) > 0)


def swinging(observation, noise):
    return int(3 * noise) if noise < 0.3 else (2 if observation[1] > 0 else 0)


def pushing(observation, noise):
    # Beyond the bounds too: Gymnasium clips what moves the car, and not what it costs.
    return np.float32([math.copysign(2.0, observation[1]) * noise])


def shaking(observation, noise):
    return int(3 * noise)


def turning(observation, noise):
    # Above the bounds too: Gymnasium clips them.
    return np.float32([3.0 * math.copysign(1.0, observation[2]) * noise])


CASES = [
    Case("CartPole-v1", "CartPole", balancing, 500),
    Case("MountainCar-v0", "MountainCar", swinging, 200),
    Case("MountainCarContinuous-v0", "MountainCarContinuous", pushing, 999),
    Case("Acrobot-v1", "Acrobot", shaking, 500),
    Case("Pendulum-v1", "Pendulum", turning, 200),
]
each = pytest.mark.parametrize("case", CASES, ids=str)
step = jax.jit(lambda environment, state, action: environment.step(state, action, jr.key(0)))


def put(case, theirs, values):
    """Set Gymnasium's environment to a state of ours, in its own precision."""
    theirs.state = np.asarray(values, np.float64)
    if case.kind == "CartPole":
        theirs.steps_beyond_terminated = None


def pair(case, seed):
    theirs = gymnasium.make(case.id).unwrapped
    theirs.reset(seed=seed)
    environment = getattr(af, case.kind)(max_steps=NEVER)
    state, observation = environment.reset(jr.key(seed))
    put(case, theirs, state.values)
    return theirs, environment, state, observation


def both(case, theirs, environment, state, action):
    theirs_next = theirs.step(action)
    state, now = step(environment, state, jnp.asarray(action))
    return theirs_next, state, now


# A float32 velocity of up to 9 pi carries a relative error of 1e-6 out of the four evaluations of a
# Runge-Kutta step; everything else agrees to 1e-5 absolutely.
RELATIVE = {"Acrobot": 2e-6}


def assert_equal(case, theirs_next, now):
    observation, reward, terminated, truncated, _ = theirs_next
    rtol = RELATIVE.get(case.kind, 1e-6)
    np.testing.assert_allclose(now.observation, observation, rtol=rtol, atol=1e-5)
    np.testing.assert_allclose(now.reward, reward, rtol=rtol, atol=1e-5)
    assert bool(now.terminated) == terminated
    assert not truncated and not now.truncated


@each
def test_every_step_equals_gymnasium_s(case):
    theirs, environment, state, observation = pair(case, seed=1)
    noise = np.random.default_rng(1).random(STEPS)
    ends = 0
    for t in range(STEPS):
        put(case, theirs, state.values)
        action = case.policy(np.asarray(observation), noise[t])
        theirs_next, state, now = both(case, theirs, environment, state, action)
        assert_equal(case, theirs_next, now)
        ends += theirs_next[2]
        observation = now.observation
        if theirs_next[2]:
            state, observation = environment.reset(jr.key(t))
    if case.kind.startswith("MountainCar"):
        assert ends


# A pole held upright and two links in free motion are unstable: a rounding error of float32 grows
# exponentially, and has passed 1e-5 after 68, 118 and 44 steps in the worst of 12 trajectories.
# What is not unstable agrees over all of them.
FREE = {"CartPole": 60, "Acrobot": 100, "Pendulum": 40}


@each
def test_a_free_trajectory_equals_gymnasium_s(case):
    theirs, environment, state, observation = pair(case, seed=2)
    noise = np.random.default_rng(2).random(STEPS)
    for t in range(FREE.get(case.kind, STEPS)):
        action = case.policy(np.asarray(observation), noise[t])
        theirs_next, state, now = both(case, theirs, environment, state, action)
        assert_equal(case, theirs_next, now)
        observation = now.observation


@each
def test_the_time_limit_is_that_of_the_registered_version(case):
    environment = getattr(af, case.kind)()
    assert environment.max_steps == gymnasium.spec(case.id).max_episode_steps == case.limit
    state, _ = environment.reset(jr.key(0))
    still = jnp.asarray(case.policy(np.zeros(4), 0.4))
    for wanted in (False, True):
        state = state.replace(steps=jnp.int32(case.limit - 2 + wanted))
        _, now = step(environment, state, still)
        assert bool(now.truncated) is wanted and not now.terminated


@each
def test_starts_are_drawn_from_gymnasium_s_range(case):
    environment = getattr(af, case.kind)()
    values = jax.vmap(lambda key: environment.reset(key)[0].values)(jr.split(jr.key(0), 4000))
    theirs = gymnasium.make(case.id).unwrapped
    drawn = [np.array(theirs.reset(seed=seed) and theirs.state) for seed in range(1000)]
    # The extremes of 1000 uniform draws lie within 1% of the range, of 4000 too.
    span = np.ptp(drawn, axis=0)
    assert np.all(np.abs(values.min(0) - np.min(drawn, 0)) <= 0.02 * span)
    assert np.all(np.abs(values.max(0) - np.max(drawn, 0)) <= 0.02 * span)
    np.testing.assert_allclose(values.mean(0), np.mean(drawn, 0), atol=0.05 * span.max())


@pytest.mark.parametrize("kind", ["CartPole", "MountainCar", "Acrobot"])
@pytest.mark.parametrize("action", [-1, 3, 100])
def test_an_action_that_does_not_exist_has_no_reward(kind, action):
    environment = getattr(af, kind)()
    state, _ = environment.reset(jr.key(0))
    _, now = step(environment, state, jnp.int32(action))
    assert np.isnan(now.reward)


@pytest.mark.parametrize("kind", ["Pendulum", "MountainCarContinuous"])
def test_an_action_that_is_nan_has_no_reward_and_does_no_harm(kind):
    environment = getattr(af, kind)()
    state, _ = environment.reset(jr.key(0))
    after, now = step(environment, state, jnp.array([jnp.nan]))
    still, unhurt = step(environment, state, jnp.zeros(1))
    assert np.isnan(now.reward) and np.isfinite(unhurt.reward)
    np.testing.assert_array_equal(after.values, still.values)


def test_the_bounds_of_a_torque_are_those_of_the_environment():
    space = af.Pendulum(max_torque=0.5).action_space
    assert space.low == -0.5 and space.high == 0.5
    theirs = gymnasium.make("Pendulum-v1").action_space
    space = af.Pendulum().action_space
    assert (space.low, space.high, space.shape) == (theirs.low, theirs.high, theirs.shape)


def test_an_angle_stays_within_a_turn_however_long_it_turns():
    environment = af.Pendulum(gravity=0.0, max_steps=NEVER)
    state, _ = environment.reset(jr.key(0))
    state = state.replace(values=jnp.array([0.0, 8.0]))
    for _ in range(100):
        state, now = step(environment, state, jnp.zeros(1))
        assert abs(float(state.values[0])) <= np.float32(math.pi)
        np.testing.assert_allclose(now.observation[:2] @ now.observation[:2], 1.0, rtol=1e-6)


def test_the_goal_of_a_mountain_car_can_ask_for_speed():
    state, _ = af.MountainCar().reset(jr.key(0))
    state = state.replace(values=jnp.array([0.49, 0.02]))
    for goal_velocity, wanted in ((0.0, True), (0.05, False)):
        _, now = step(af.MountainCar(goal_velocity=goal_velocity), state, jnp.int32(1))
        assert bool(now.terminated) is wanted
