"""A compiled life against a loop in plain Python, from the words of the contract alone.

An agent's every step follows from the state before it, and rounding differs between two programs,
which a network's life amplifies within some hundred steps. So lives of linear agents are compared
whole, and lives of networks step by step, each from where the compiled life stood.
"""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.lives.life import WorldKeyStream
from tests.trees import assert_leaves_close

STEPS = 2000


class Telling(af.AbstractEnvironment):
    """CartPole whose reward tells the action: 1 for 0, and 0.5 for 1."""

    inner: af.CartPole

    @property
    def observation_size(self):
        return self.inner.observation_size

    @property
    def action_space(self):
        return self.inner.action_space

    def reset(self, key):
        return self.inner.reset(key)

    def step(self, state, action, key):
        state, after = self.inner.step(state, action, key)
        return state, after.replace(reward=jnp.where(action == 0, 1.0, 0.5).astype(jnp.float32))


@eqx.filter_jit
def stepped(environment, state, action, key):
    return environment.step(state, action, key)


@eqx.filter_jit
def begun(environment, key):
    return environment.reset(key)


def one_step(agent, environment, life, step_key, reset_key):
    """The agent's state, the environment's and the next action; what was seen; what was learned."""
    world, seen = stepped(environment, life["world"], life["action"], step_key)
    given = (seen.reward, seen.observation, seen.terminated, seen.truncated)
    result = agent.act_and_learn(life["agent"], *given)
    after = {"agent": result.state, "world": world, "action": result.action}
    if bool(seen.terminated) or bool(seen.truncated):
        after["world"], first = begun(environment, reset_key)
        after["action"], after["agent"] = agent.start(result.state, first)
    return after, seen, result


def parts(life):
    return {
        "agent": life.agent_state,
        "world": life.environment_state,
        "action": life.action,
    }


def keys_of(life, steps):
    keys, _ = WorldKeyStream().rollout(life.world_keys, steps)
    return keys


def linear_agent(**options):
    options = {"lamda": 0.8, "sparsity": 0.5} | options
    config = af.SARSAConfig(2, 0.99, 0.2, 0.05, 500)
    return af.SARSAAgent(config, (), af.LMS(0.01), **options)


def network_agent(**options):
    options = {"step_size": 0.1, "sparsity": 0.5, "bounder": af.ObGDBounding()} | options
    return af.SARSAAgent(af.SARSAConfig(2, 0.99, 0.2, 0.05, 500), (16,), **options)


def without_clock(tree):
    """Arrays; the time of birth is that of the clock."""
    agent = tree["agent"]
    learner = agent.learner_state.replace(birth_timestamp=0.0, uptime_s=0.0)
    key = jax.random.key_data(agent.rng_key)
    return tree | {"agent": agent.replace(learner_state=learner, rng_key=key)}


@pytest.mark.parametrize("limit", [500, 20])
@pytest.mark.parametrize("seed", range(2))
def test_a_linear_life_of_two_thousand_steps(seed, limit):
    agent, environment = linear_agent(), Telling(af.CartPole(max_steps=limit))
    key = jax.random.key(seed)
    life = af.interact(agent, environment, 0, key).state
    keys, now, rows, ends = keys_of(life, STEPS), parts(life), [], []
    for t in range(STEPS):
        taken = int(now["action"])
        now, seen, result = one_step(agent, environment, now, keys.step[t], keys.reset[t])
        assert not result.rejected
        rows.append((float(seen.reward), *(float(v) for v in result.metrics.values()), taken))
        if bool(seen.terminated) or bool(seen.truncated):
            ends.append((t, bool(seen.terminated)))
    names = ["reward", *result.metrics]
    *told, actions = np.array(rows).T
    found = af.interact(agent, environment, STEPS, key)
    assert set(found.metrics) == {*names, "episode_return", "episode_length"}
    rewards = np.asarray(found.metrics["reward"])
    np.testing.assert_array_equal(rewards, 1.0 - 0.5 * actions)
    for name, expected in zip(names, told, strict=True):
        # Values grow to some tens; float32 over two thousand steps of feedback.
        np.testing.assert_allclose(found.metrics[name], expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(found.episodes.ended_at, [t for t, _ in ends])
    np.testing.assert_array_equal(found.episodes.terminated, [end for _, end in ends])
    assert len(ends) == int(found.episodes.count) > 20
    starts = np.concatenate([[0], [t + 1 for t, _ in ends]])
    returns = [rewards[a:b].sum() for a, b in itertools.pairwise(starts)]
    np.testing.assert_allclose(found.episodes.returns, returns, rtol=1e-6)
    np.testing.assert_allclose(found.state.episode_return, rewards[starts[-1] :].sum(), rtol=1e-5)
    assert int(found.state.episode_length) == STEPS - starts[-1]
    assert_leaves_close(without_clock(parts(found.state)), without_clock(now), relative=1e-3)


@pytest.mark.parametrize("seed", range(2))
def test_cart_pole_itself(seed):
    """Every episode of two thousand steps ends where it does in plain Python, and how."""
    agent, environment, key = linear_agent(), af.CartPole(), jax.random.key(seed)
    life = af.interact(agent, environment, 0, key).state
    keys, now, ends = keys_of(life, STEPS), parts(life), []
    for t in range(STEPS):
        now, seen, _ = one_step(agent, environment, now, keys.step[t], keys.reset[t])
        if bool(seen.terminated) or bool(seen.truncated):
            ends.append((t, bool(seen.terminated)))
    found = af.interact(agent, environment, STEPS, key)
    told = zip(found.episodes.ended_at.tolist(), found.episodes.terminated.tolist(), strict=True)
    assert list(told) == ends
    assert int(found.state.action) == int(now["action"])


AGENTS = {
    "network": network_agent(),
    "traces": network_agent(lamda=0.8, optimizer=af.Autostep()),
    "normalized": network_agent(lamda=0.8, normalizer=af.EMANormalizer(clip=10.0)),
}


@pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)
def test_each_step_of_a_network_follows_from_the_one_before(agent):
    steps, environment, key = 150, af.CartPole(max_steps=25), jax.random.key(1)
    states = [af.interact(agent, environment, 0, key).state]
    result = af.interact(
        agent,
        environment,
        steps,
        state=states[0],
        chunk_size=1,
        after_chunk=lambda done, state: states.append(state),
    )
    assert len(states) == steps + 1 and int(result.episodes.count) > 5
    keys = keys_of(states[0], steps)
    same = 0
    for t in range(steps):
        now, _, learned = one_step(
            agent, environment, parts(states[t]), keys.step[t], keys.reset[t]
        )
        expected = parts(states[t + 1])
        # A choice between all but equal values is made by the last bit.
        same += int(now["action"]) == int(expected["action"])
        for name, value in learned.metrics.items():
            np.testing.assert_allclose(result.metrics[name][t], value, rtol=2e-4, atol=2e-5)
        if int(now["action"]) == int(expected["action"]):
            assert_leaves_close(
                without_clock(now), without_clock(expected), relative=1e-4, absolute=1e-6
            )
    assert same >= steps - 2


def test_the_keys_of_the_world_are_drawn_one_after_the_other():
    life = af.interact(linear_agent(), af.CartPole(), 0, jax.random.key(5)).state
    at_once, stream, state = keys_of(life, 50), WorldKeyStream(), life.world_keys
    for t in range(50):
        now, state = stream.step(state, t)
        for kind in ("step", "reset"):
            found = jax.random.key_data(getattr(now, kind))
            np.testing.assert_array_equal(found, jax.random.key_data(getattr(at_once, kind)[t]))
    data = np.concatenate([jax.random.key_data(k) for k in (at_once.step, at_once.reset)])
    assert len(np.unique(data, axis=0)) == 100
