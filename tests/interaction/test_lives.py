"""What lives have of their own: draws, names, shapes, and transformations around them."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af

AGENT = af.SARSAAgent(af.SARSAConfig(2, 0.9, 0.5), (), af.LMS(0.01))
POLE = af.CartPole()


class Told(af.AbstractAgent):
    """Always pushes to the left, and tells what it is made to tell."""

    names: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def action_space(self):
        return af.DiscreteActions(2)

    def init(self, feature_dim, key=None):
        return jnp.zeros(())

    def start(self, state, observation):
        return jnp.int32(0), state

    def act_and_learn(self, state, reward, observation, terminated, truncated):
        metrics = {name: jnp.float32(123.0) for name in self.names}
        return af.AgentStep(state, jnp.int32(0), metrics, jnp.zeros((), bool))

    def act(self, state, observation, key, *, explore=True):
        return jnp.int32(0)


class Still(af.AbstractEnvironment):
    """Nothing changes and nothing is random; flags and rewards of other kinds than float and bool,
    or of another shape."""

    shape: tuple[int, ...] = eqx.field(static=True, default=())

    @property
    def observation_size(self):
        return 1

    @property
    def action_space(self):
        return af.DiscreteActions(2)

    def reset(self, key):
        return jnp.zeros(()), jnp.ones(1)

    def step(self, state, action, key):
        flag = jnp.zeros((), jnp.int32)
        reward = jnp.ones(self.shape, jnp.int32)
        return state, af.EnvStep(jnp.ones(1, jnp.int32), reward, flag, flag)


def test_lives_that_begin_with_one_agent_draw_each_their_own():
    state = af.interact(AGENT, Still(), 10, jr.key(0)).state.agent_state
    lives = af.interact_batched(AGENT, Still(), 60, jr.split(jr.key(1), 4), state=state)
    rows = {np.asarray(row).tobytes() for row in lives.metrics["greedy_value"]}
    assert len(rows) == 4
    one, other = (af.interact(AGENT, Still(), 60, jr.key(k), state=state) for k in (1, 2))
    assert not np.array_equal(one.metrics["greedy_value"], other.metrics["greedy_value"])
    again = af.interact(AGENT, Still(), 60, jr.key(1), state=state)
    np.testing.assert_array_equal(one.metrics["greedy_value"], again.metrics["greedy_value"])


def test_a_life_that_goes_on_takes_no_key():
    life = af.interact(AGENT, POLE, 5, jr.key(0)).state
    with pytest.raises(TypeError, match="`key` must be None"):
        af.interact(AGENT, POLE, 5, jr.key(1), state=life)


@pytest.mark.parametrize("name", ["reward", "episode_return", "episode_length"])
def test_a_metric_of_a_name_that_is_taken(name):
    with pytest.raises(TypeError, match=f"gives a metric '{name}'"):
        af.interact(Told((name,)), POLE, 5, jr.key(0))


def test_an_agent_may_have_nothing_to_tell():
    found = af.interact(Told(), POLE, 20, jr.key(0))
    assert list(found.metrics) == ["reward", "episode_return", "episode_length"]
    assert found.rejected == 0 and found.episodes.count > 0


def test_integers_are_numbers_and_flags():
    found = af.interact(AGENT, Still(), 5, jr.key(0))
    np.testing.assert_array_equal(found.metrics["reward"], np.ones(5, np.float32))
    assert af.evaluate(AGENT, found.state, Still(), 2, jr.key(1), max_steps=7).returns.sum() == 14


def test_a_reward_of_another_shape_is_told_in_a_line():
    with pytest.raises(TypeError, match=r"Still: the `reward` of `step` must have shape \(\)"):
        af.interact(AGENT, Still((1,)), 5, jr.key(0))


def test_lives_inside_a_transformation():
    def run(half_length):
        found = af.interact(AGENT, af.CartPole(half_length=half_length), 50, jr.key(0))
        return found.metrics["td_error"], found.episodes.returns, found.episodes.count

    lengths = jnp.float32([0.5, 1.0])
    errors, returns, counts = eqx.filter_vmap(run)(lengths)
    for i, length in enumerate((0.5, 1.0)):
        alone = af.interact(AGENT, af.CartPole(half_length=length), 50, jr.key(0))
        np.testing.assert_allclose(errors[i], alone.metrics["td_error"], rtol=1e-4, atol=1e-5)
        assert counts[i] == alone.episodes.count
        np.testing.assert_array_equal(returns[i, -alone.episodes.count :], alone.episodes.returns)


def test_a_whole_number_that_float32_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="counts steps"):
        af.interact(AGENT, af.CartPole(force=2**24 + 1), 5, jr.key(0))
