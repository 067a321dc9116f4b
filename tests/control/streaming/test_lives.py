"""Streaming agents in loops: one life wherever it is lived, saved, resumed or swept."""

import dataclasses
import json

import gymnasium
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import load_agent, save_agent
from tests.checkpoints.states import assert_same_state
from tests.compilations import count_compilations
from tests.control.streaming import lives
from tests.control.streaming.test_oracles import KINDS
from tests.lives import worlds
from tests.trees import assert_same_bits

WORLD = worlds.telling()
STACK = af.Pipeline((af.RewardScaler(0.9), af.ObservationNormalizer(), af.TimeFeature(20)))


def in_world(kind):
    """The agent, and an environment in which nothing is random but what it does."""
    agent = lives.agent_of(kind)
    return agent, Pulled() if kind == "gaussian" else WORLD


class Pulled(af.AbstractEnvironment):
    """A point that is pulled by the actions, which the reward tells; cut off every 17 steps."""

    @property
    def observation_size(self):
        return 4

    @property
    def action_space(self):
        return af.GaussianPolicy([-1, -2], [1, 2]).action_space

    def reset(self, key):
        return (jnp.zeros(4), jnp.int32(0)), jnp.zeros(4)

    def step(self, state, action, key):
        (x, steps), pull = state, jnp.concatenate([action, -action])
        x, steps = 0.9 * x + 0.1 * pull, steps + jnp.int32(1)
        reward = action[0] + 0.1 * action[1] - jnp.sum(x**2)
        return (x, steps), af.EnvStep(x, reward, jnp.asarray(False), steps >= 17)


def test_a_lane_is_the_single_life():
    """Rewards tell the actions: all 500 are the same."""
    agent, where = in_world("StreamQ")
    keys = jr.split(jr.key(5), 2)
    single = af.interact(agent, where, 500, keys[0]).metrics
    together = af.interact_batched(agent, where, 500, keys).metrics
    np.testing.assert_array_equal(together["reward"][0], single["reward"])
    assert not np.array_equal(together["reward"][1], single["reward"])
    for name in ("td_error", "value"):
        np.testing.assert_allclose(together[name][0], single[name], rtol=1e-3, atol=1e-3)
    assert np.unique(worlds.told_actions(single["reward"])).size == 3


@pytest.mark.parametrize("kind", ["StreamQ", "StreamSARSA", "softmax"])
def test_on_the_host_it_is_the_same_life(kind):
    agent, where = in_world(kind)
    key = jr.key(5)
    single = af.interact(agent, where, 500, key).metrics
    host = on_the_host(agent, where, 500, key)
    np.testing.assert_array_equal(host["reward"], single["reward"])
    for name in ("td_error", "value"):
        np.testing.assert_allclose(host[name], single[name], rtol=1e-3, atol=1e-3)


def on_the_host(agent, where, steps, key):
    """The life of an agent that is drawn as `interact` draws that of a new life."""
    state = agent.init(4, jr.split(jr.split(key)[1])[0])
    return af.interact_gymnasium(agent, af.as_gymnasium(where), steps, state=state, seed=0).metrics


def test_one_life_of_numbers_as_actions():
    """Rounding is carried on by what is done, so that the first steps are compared."""
    agent, where = in_world("gaussian")
    key = jr.key(5)
    single, host = af.interact(agent, where, 60, key).metrics, on_the_host(agent, where, 60, key)
    for name in ("reward", "td_error", "entropy"):
        np.testing.assert_allclose(host[name], single[name], rtol=1e-3, atol=1e-4, err_msg=name)


# Of rules whose states hold the most; programs that other tests compile too.
@pytest.mark.parametrize(
    "kind, rule",
    [
        ("StreamQ", "Implicit"),
        ("StreamQ", "AlphaBound"),
        ("gaussian", "Intentional"),
        ("StreamSARSA", "ObGD"),
        ("softmax", "ObGD"),
    ],
)
def test_a_life_goes_on_from_a_file_bit_by_bit(kind, rule, tmp_path):
    agent, told = lives.agent_of(kind, rule), lives.world(seed=1)
    _, state, _ = lives.lived(agent, told)
    save_agent(agent, state, tmp_path / "agent")
    again, loaded, _ = load_agent(tmp_path / "agent")
    assert again.to_config() == agent.to_config()
    assert_same_state(loaded, state)
    ours, theirs = (lives.lived(a, told, state=s) for a, s in ((agent, state), (again, loaded)))
    assert_same_state(ours[1], theirs[1])
    assert_same_bits(ours[0].metrics, theirs[0].metrics)


AGENTS = {
    "q": lambda: af.StreamQ(2),
    "q soft": lambda: af.StreamQ(3, soft_temperature=0.1, optimizer=af.Intentional(0.25)),
    "q per tensor": lambda: af.StreamQ(
        2, af.StreamMLP((4,), 2), af.PerTensor((af.LMS(), af.IDBD(), af.LMS(0.1), af.LMS()))
    ),
    "q optax": lambda: af.StreamQ(2, optimizer=af.FromOptax("adam", learning_rate=1e-3)),
    "sarsa": lambda: af.StreamSARSA(2, optimizer=af.Adaptive(average_decay=0.5), gamma=1, lamda=1),
    "sarsa lms": lambda: af.StreamSARSA(2, optimizer=af.LMS(0.1), epsilon=af.Constant(0.1)),
    "softmax": lambda: af.StreamAC(af.SoftmaxPolicy(3)),
    "gaussian": lambda: af.StreamAC(
        af.GaussianPolicy([-1, -2], [1, 2]), soft=True, value_optimizer=af.Implicit()
    ),
    "features": lambda: af.WithFeatures(af.StreamQ(2), STACK),
    "pictures": lambda: af.StreamQ(2, af.MinAtarNetwork((5, 5, 2), 2, 4, 8)),
}


@pytest.mark.parametrize("name", AGENTS)
def test_a_configuration_round_trips(name):
    agent = AGENTS[name]()
    config = agent.to_config()
    again = af.from_config(json.loads(json.dumps(config)))
    assert again == agent and again.to_config() == config


def test_what_a_configuration_may_hold_as_its_optimizer():
    config = af.StreamQ(2).to_config()
    for wrong in (3, [1], None):
        with pytest.raises(
            ValueError, match="optimizer: the step rule or optimizer or hybrid config must"
        ):
            af.from_config(config | {"optimizer": wrong})
    with pytest.raises(
        ValueError, match=r"optimizer: Unknown step rule or optimizer .*Intentional"
    ):
        af.from_config(config | {"optimizer": {"type": "CartPole"}})
    with pytest.raises(ValueError, match="optimizer: LMS: `step_size`"):
        af.from_config(config | {"optimizer": {"type": "LMS", "step_size": -1}})


OTHERS = {
    "StreamQ": {"gamma": 0.5, "lamda": 0.1, "optimizer": af.ObGD(0.5, 3.0)},
    "softmax": {"gamma": 0.5, "entropy_coefficient": 0.1, "value_optimizer": af.ObGD(0.5, 1)},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_numbers_are_no_other_program(kind):
    agent, where = in_world(kind)
    key = jr.key(0)
    first = af.interact(agent, where, 500, key)
    jax.block_until_ready(first.metrics)
    rewards = [np.asarray(first.metrics["value"])]
    with count_compilations() as compiled:
        for name, value in OTHERS[kind].items():
            other = dataclasses.replace(agent, **{name: value})
            found = af.interact(other, where, 500, key).metrics["value"]
            rewards.append(np.asarray(found))
        af.interact(agent, where, 500, jr.key(1))
    assert not compiled
    assert len({row.tobytes() for row in rewards}) == len(rewards)


def test_a_sweep_over_its_numbers_is_one_program():
    agent = lives.agent_of("StreamQ")
    axes = {"agent.gamma": [0.5, 0.9], "agent.lamda": [0.0, 0.8], "agent.optimizer.kappa": [1, 3.0]}
    keys, numbers = jr.split(jr.key(2), 2), {"num_steps": 100, "record": af.WindowMean(20)}
    swept = af.sweep(agent, WORLD, axes, keys=keys, **numbers)
    with count_compilations() as compiled:
        others = {name: [0.5 * value for value in values] for name, values in axes.items()}
        af.sweep(agent, WORLD, others, keys=keys, **numbers)
    assert not compiled
    place = 0
    for gamma in (0.5, 0.9):
        for lamda in (0.0, 0.8):
            for kappa in (1, 3.0):
                own = dataclasses.replace(
                    agent, gamma=gamma, lamda=lamda, optimizer=af.ObGD(kappa=kappa)
                )
                alone = af.interact(own, WORLD, 100, keys[1], record_window=20).metrics
                for name in ("reward", "value"):
                    np.testing.assert_allclose(
                        swept.metrics[name][place, 1], alone[name], rtol=1e-3, atol=1e-3
                    )
                place += 1


@pytest.mark.parametrize("kind", KINDS)
def test_to_exploit_is_to_do_what_is_held_to_be_best(kind):
    agent = lives.agent_of(kind)
    _, state, _ = lives.lived(agent, lives.world())
    rng = np.random.default_rng(0)
    explored = set()
    for i in range(20):
        x = jnp.float32(rng.normal(size=lives.FEATURES))
        chosen = agent.act(state, x, jr.key(i), explore=False)
        if kind in ("StreamQ", "StreamSARSA"):
            best = np.argmax(agent.action_values(state, x))
        elif kind == "softmax":
            best = np.argmax(agent.actor.apply(state.actor_params, x))
        else:
            best = np.clip(agent.actor.apply(state.actor_params, x)[:2], [-1, -2], [1, 2])
        np.testing.assert_allclose(chosen, best, rtol=1e-5, atol=1e-6)
        drawn = np.asarray(agent.act(state, x, jr.key(i)))
        assert drawn.dtype == np.asarray(chosen).dtype
        explored.add(bool(np.array_equal(drawn, chosen)))
    assert False in explored


def test_epsilon_is_that_of_the_present_choice():
    """Linear(1, 0, 2): the first choice explores with 1/2, the second and all after it never."""
    agent = lives.agent_of("StreamQ", epsilon=af.Linear(1.0, 0.0, 2))
    told = lives.world()
    rows, _, _ = lives.lived(agent, told)
    assert not np.any(rows.exploratory[1:])
    firsts = [bool(lives.lived(agent, told, seed=seed)[0].exploratory[0]) for seed in range(30)]
    assert 2 <= sum(firsts) <= 20  # 30 / 2 explore, a third of them by what is best


class Clock(gymnasium.Env):
    """Nothing happens; for the loop on the host."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
    action_space = gymnasium.spaces.Box(np.float32([-1, -2]), np.float32([1, 2]))

    def reset(self, *, seed=None, options=None):
        return np.zeros(4, np.float32), {}

    def step(self, action):
        assert self.action_space.contains(action)
        return np.zeros(4, np.float32), 1.0, False, False, {}


def test_numbers_reach_an_environment_within_its_bounds():
    found = af.interact_gymnasium(lives.agent_of("gaussian"), Clock(), 60, seed=0)
    assert found.rejected == 0 and np.all(np.isfinite(found.metrics["td_error"]))
