"""Agents of the average reward, and agents of rewards less their average."""

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import load_agent, save_agent
from tests.checkpoints.states import assert_same_state
from tests.control.streaming import lives
from tests.oracles.streaming.average_reward import differential
from tests.trees import lane

WORLD, LOST = lives.world(80), 57
ALPHA, BETA = 0.05, 0.1
LINEAR = af.LinearNetwork(lives.ACTIONS)
LINEAR_2 = af.LinearNetwork(2)
EPSILON = af.Constant(0.3)
BOX = af.TanhGaussianPolicy([-2.0, -1.0], [2.0, 1.0])
SMALL = {"network": LINEAR, "optimizer": af.LMS(ALPHA), "gamma": 0.9, "epsilon": EPSILON}
KINDS = {
    "StreamQ": (af.StreamQ, (lives.ACTIONS,), SMALL),
    "StreamSARSA": (af.StreamSARSA, (lives.ACTIONS,), SMALL),
    "QRC": (af.QRC, (lives.ACTIONS,), SMALL),
    "LinearSarsa": (af.LinearSarsa, (lives.ACTIONS, ALPHA), {"gamma": 0.9}),
    "TrueOnlineSarsa": (af.TrueOnlineSarsa, (lives.ACTIONS, ALPHA), {"gamma": 0.9}),
    "SwiftSarsa": (af.SwiftSarsa, (lives.ACTIONS,), {"gamma": 0.9}),
    "StreamAC": (
        af.StreamAC,
        (af.SoftmaxPolicy(lives.ACTIONS), LINEAR, af.LinearNetwork(1)),
        {"policy_optimizer": af.LMS(ALPHA), "value_optimizer": af.LMS(ALPHA), "soft": True},
    ),
    "AVG": (
        af.AVG,
        (BOX, af.UnitFeatureMLP((4,), 4), af.UnitFeatureMLP((4,), 1)),
        {"actor_optimizer": af.LMS(0.01), "critic_optimizer": af.LMS(0.02)},
    ),
}
DIFFERENTIAL = {"DifferentialSARSA": af.DifferentialSARSA, "DifferentialQ": af.DifferentialQ}
# The mode is the centering's own: it needs no agent but one of each contract.
PAIRS = [*((kind, "value") for kind in KINDS), ("StreamSARSA", "simple"), ("StreamAC", "simple")]


def agent_of(kind, **more):
    make, positional, named = KINDS[kind]
    return make(*positional, **named, **more)


def spoilt(value=np.nan):
    assert not (WORLD.terminated | WORLD.truncated)[LOST - 2 : LOST + 2].any()
    rewards = np.array(WORLD.rewards) + np.float32(1)
    rewards[LOST] = value
    return WORLD.replace(rewards=rewards)


def learned(state):
    """All that learning changes, and nothing that counts or draws."""
    left_out = ("rng_key", "life", "centering", "learner_state")
    kept = {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
    if "learner_state" in kept:
        kept["weights"] = kept["learner_state"].weights
    return {name: value for name, value in kept.items() if name not in left_out}


def test_every_agent_that_takes_a_centering_is_here():
    found = set()

    def descend(kind):
        if "reward_centering" in getattr(kind, "__dataclass_fields__", ()):
            found.add(kind.__name__)
        for child in kind.__subclasses__():
            descend(child)

    descend(af.AbstractAgent)
    assert found == {*KINDS, "SARSAAgent"}  # which has a file of its own: test_centering.py


@pytest.mark.parametrize("lamda", [0.0, 0.7])
@pytest.mark.parametrize("kind", DIFFERENTIAL)
def test_a_differential_agent_is_its_equations(kind, lamda):
    """With terminations, truncations and a lost reward inside."""
    told = spoilt()
    agent = DIFFERENTIAL[kind](lives.ACTIONS, LINEAR, af.LMS(ALPHA), BETA, lamda, EPSILON)
    rows, _, _ = lives.lived(agent, told)
    on_policy = kind == "DifferentialSARSA"
    weights, rates, errors = differential(
        np.float64(rows.observations),
        np.asarray(rows.actions),
        np.float64(told.observations),
        np.asarray(rows.next_actions) if on_policy else None,
        np.float64(told.rewards),
        told.terminated,
        told.truncated,
        np.zeros(80, bool) if on_policy else np.asarray(rows.exploratory),
        lives.ACTIONS,
        ALPHA,
        BETA,
        lamda,
    )
    np.testing.assert_allclose(rows.states.params.weights, weights, atol=1e-4)
    np.testing.assert_allclose(rows.states.centering.reward_rate, rates, atol=1e-4)
    np.testing.assert_allclose(rows.metrics["td_error"], errors, atol=1e-4)
    np.testing.assert_allclose(
        rows.metrics["average_reward"], np.where(np.isnan(errors), np.nan, rates), atol=1e-4
    )
    assert np.flatnonzero(rows.rejected).tolist() == [LOST]
    assert np.unique(rows.actions).size == lives.ACTIONS and np.any(rows.exploratory)


@pytest.mark.parametrize("kind", DIFFERENTIAL)
def test_a_differential_agent_is_the_undiscounted_one_less_the_average(kind):
    agent = DIFFERENTIAL[kind](lives.ACTIONS, LINEAR, af.LMS(ALPHA), BETA, 0.7, EPSILON)
    stream = getattr(af, kind.replace("Differential", "Stream"))
    same = stream(
        lives.ACTIONS,
        LINEAR,
        af.LMS(ALPHA),
        gamma=1.0,
        lamda=0.7,
        epsilon=EPSILON,
        reward_centering=af.RewardCentering("value", BETA),
    )
    ours, theirs = (lives.lived(a, spoilt())[1] for a in (agent, same))
    for name in ("params", "centering"):
        for one, other in zip(
            *(jax.tree.leaves(getattr(state, name)) for state in (ours, theirs)), strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def pairs_lived(centered, plain, told, seed=0):
    """Both agents side by side: the plain one is paid what the centered one takes for its pay."""

    @eqx.filter_jit
    def run(centered, plain, states, told):
        starts = [
            a.start(s, told.begins[0])[1] for a, s in zip((centered, plain), states, strict=True)
        ]

        def one(pair, now):
            begin, (observation, reward, terminated, truncated) = now
            paid = reward, reward - pair[0].centering.reward_rate
            found = [
                agent.act_and_learn(state, r, observation, terminated, truncated)
                for agent, state, r in zip((centered, plain), pair, paid, strict=True)
            ]
            begun = [
                jax.tree.map(
                    lambda a, b: jnp.where(terminated | truncated, a, b),
                    agent.start(step.state, begin)[1],
                    step.state,
                )
                for agent, step in zip((centered, plain), found, strict=True)
            ]
            return tuple(begun), (found, pair[0].centering.reward_rate)

        rows = told.begins[1:], (told.observations, told.rewards, told.terminated, told.truncated)
        return jax.lax.scan(one, tuple(starts), rows)[1]

    agents = lives.strong(centered), lives.strong(plain)
    states = [a.init(lives.FEATURES, jr.key(seed)) for a in (centered, plain)]
    (ours, theirs), before = run(*agents, states, told)
    return ours, theirs, np.asarray(before)


@pytest.mark.parametrize("kind, mode", PAIRS)
def test_a_centered_agent_is_the_plain_one_of_the_rewards_less_the_rate(kind, mode):
    told = spoilt()
    centered = agent_of(kind, reward_centering=af.RewardCentering(mode, BETA))
    ours, theirs, before = pairs_lived(centered, agent_of(kind), told)
    for one, other in zip(
        jax.tree.leaves(learned(ours.state)), jax.tree.leaves(learned(theirs.state)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    # The rate, from what was told: the reward is what is paid, entropy included.
    rates = np.asarray(ours.state.centering.reward_rate)
    errors = np.float64(ours.metrics["td_error"])
    if kind == "AVG":
        errors = errors * np.float64(ours.metrics["error_scale"])
    paid = np.float64(told.rewards)
    if kind == "StreamAC":
        paid = paid + 0.01 * np.float64(ours.metrics["entropy"])
    moved = errors if mode == "value" else paid - before
    expected = np.where(np.isnan(errors), before, before + BETA * moved)
    np.testing.assert_allclose(rates, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        ours.metrics["average_reward"], np.where(np.isnan(errors), np.nan, rates)
    )
    assert rates[LOST] == rates[LOST - 1] and np.max(np.abs(rates)) > 0.2
    assert np.flatnonzero(ours.rejected).tolist() == [LOST]
    assert "average_reward" not in theirs.metrics


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_centering_nothing_tells_of_one(kind):
    agent = agent_of(kind)
    assert "reward_centering" not in agent.to_config()
    assert agent.init(lives.FEATURES, jr.key(0)).centering is None
    with pytest.raises(TypeError, match="`reward_centering` must be"):
        agent_of(kind, reward_centering=0.1)


def test_an_actor_and_a_critic_of_the_average_reward():
    agent = lives.agent_of("softmax", gamma=1.0, average_reward=True)
    assert agent.reward_centering == af.RewardCentering("value", 0.01)
    agent = lives.agent_of(
        "softmax",
        gamma=1.0,
        average_reward=True,
        reward_centering=af.RewardCentering("value", BETA),
    )
    told = WORLD.replace(rewards=WORLD.rewards + np.float32(1))
    rows, _, begin = lives.lived(agent, told)
    expected = lives.replayed("softmax", "ObGD", agent, begin, rows, told)
    np.testing.assert_allclose(rows.metrics["td_error"], expected.td_errors, atol=1e-3)
    lives.assert_close(rows.states.actor_params, expected.actor_parameters, 1e-3)
    lives.assert_close(rows.states.critic_params, expected.critic_parameters, 1e-3)


def test_what_the_average_reward_is_of():
    policy = af.SoftmaxPolicy(2)
    assert af.StreamAC(policy).gamma == 0.99
    agent = af.StreamAC(policy, average_reward=True)
    assert agent.gamma == 1.0
    assert af.from_config(json.loads(json.dumps(agent.to_config()))) == agent
    assert "average_reward" not in af.StreamAC(policy).to_config()
    with pytest.raises(ValueError, match=r"`gamma` must be 1 with `average_reward`, got 0\.9"):
        af.StreamAC(policy, gamma=0.9, average_reward=True)


def test_rewards_are_scaled_by_their_own_deviation_before_the_average_is_taken_off():
    """`RewardScaler(0)` in front of an agent of the average reward."""
    agent = af.WithFeatures(
        af.StreamAC(af.SoftmaxPolicy(2), LINEAR_2, af.LinearNetwork(1), average_reward=True),
        af.RewardScaler(0.0),
    )
    state = agent.init(2, jr.key(0))
    _, state = agent.start(state, jnp.ones(2))
    rewards, rate = np.float32([3.0, 5.0, 4.0, 8.0]), 0.0
    for t, reward in enumerate(rewards):
        value = agent.agent.value(state.agent_state, jnp.ones(2))
        found = agent.act_and_learn(state, reward, jnp.ones(2), False, False)
        state = found.state
        deviation = np.std(rewards[: t + 1], ddof=1) if t else 1.0
        # The same features before and after: the values cancel.
        assert np.isfinite(value)
        delta = reward / deviation - rate
        np.testing.assert_allclose(found.metrics["td_error"], delta, rtol=1e-4)
        rate += 0.01 * delta


@pytest.mark.parametrize("kind", ["DifferentialQ", "StreamSARSA", "SwiftSarsa", "StreamAC"])
def test_it_goes_through_a_configuration_and_a_file(kind, tmp_path):
    if kind in DIFFERENTIAL:
        agent = DIFFERENTIAL[kind](3, reward_rate_step_size=0.2)
    else:
        agent = agent_of(kind, reward_centering=af.RewardCentering("simple", 0.2))
    assert af.from_config(json.loads(json.dumps(agent.to_config()))) == agent
    _, state = agent.start(agent.init(lives.FEATURES, jr.key(0)), jnp.ones(lives.FEATURES))
    state = agent.act_and_learn(state, 1.0, jnp.ones(lives.FEATURES), False, False).state
    assert state.centering.reward_rate != 0.0
    save_agent(agent, state, tmp_path / "agent")
    again, loaded, _ = load_agent(tmp_path / "agent")
    assert again == agent
    assert_same_state(loaded, state)


def test_cutting_the_traces_leaves_the_rate():
    agent = DIFFERENTIAL["DifferentialQ"](lives.ACTIONS, lamda=0.7)
    _, state, _ = lives.lived(agent, spoilt())
    cut = agent.reset_traces(state)
    assert cut.centering.reward_rate == state.centering.reward_rate != 0.0


@pytest.mark.parametrize("path", ["reward_rate_step_size", "reward_centering"])
def test_every_step_size_of_the_rate_is_a_lane(path):
    betas = [0.0, 0.01, 0.3]
    if path == "reward_centering":
        agent = agent_of("StreamSARSA", reward_centering=af.RewardCentering())
        path = "reward_centering.reward_rate_step_size"
    else:
        agent = af.DifferentialQ(lives.ACTIONS)

    def put(beta):
        where = (
            (lambda a: a.reward_centering.reward_rate_step_size)
            if "." in path
            else (lambda a: a.reward_rate_step_size)
        )
        return eqx.tree_at(where, lives.strong(agent), beta)

    state = agent.init(lives.FEATURES, jr.key(0))
    batch = eqx.filter_vmap(lambda beta: lives._lived(put(beta), state, WORLD)[1])(
        jnp.float32(betas)
    )
    for i, beta in enumerate(betas):
        alone = lives._lived(put(jnp.float32(beta)), state, WORLD)[1]
        for one, other in zip(
            jax.tree.leaves((lane(batch, i).params, lane(batch, i).centering)),
            jax.tree.leaves((alone.params, alone.centering)),
            strict=True,
        ):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert np.unique(batch.centering.reward_rate).size == 3


class Raised(af.AbstractEnvironment):
    """An environment that pays so much more for everything."""

    environment: af.AbstractEnvironment
    by: float

    @property
    def observation_size(self):
        return self.environment.observation_size

    @property
    def action_space(self):
        return self.environment.action_space

    def reset(self, key):
        return self.environment.reset(key)

    def step(self, state, action, key):
        state, now = self.environment.step(state, action, key)
        return state, now.replace(reward=now.reward + self.by)


def earned(centering, by, seeds=12):
    """Rewards less what everything is paid [seeds, windows]."""
    agent = af.StreamQ(
        2,
        LINEAR_2,
        af.LMS(0.05),
        gamma=0.99,
        lamda=0.0,
        epsilon=af.Constant(0.1),
        reward_centering=centering,
    )
    keys = jr.split(jr.key(0), seeds)
    lived = af.interact_batched(
        agent, Raised(af.AccessControl(), by), 16_000, keys, record_window=4_000
    )
    return np.asarray(lived.metrics["reward"]) - by


def test_what_everything_is_paid_does_not_matter_to_a_centered_agent():
    """From the second window on, once the average is found."""
    centering = af.RewardCentering("value", 0.05)
    as_it_is, raised = (earned(centering, by) for by in (0.0, 100.0))
    # The standard error of the difference is about 0.02.
    assert np.all(np.abs(raised.mean(0) - as_it_is.mean(0))[1:] < 0.07)
    assert np.all(raised.mean(0)[1:] > 2.45)


def test_it_ruins_a_plain_agent():
    as_it_is, raised = (earned(None, by).mean(0) for by in (0.0, 100.0))
    assert np.all(raised < as_it_is - 0.3) and raised[-1] < 1.8
