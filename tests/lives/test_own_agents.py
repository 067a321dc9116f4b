"""Agents that know the contract alone, and states that need no life."""

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import alberta_framework as af


class DrawsState(af.AbstractState):
    key: jax.Array
    draws: jax.Array


class LivingState(af.AbstractLearnerState):
    key: jax.Array
    draws: jax.Array
    life: af.Lifecycle


class Wanderer(af.AbstractAgent):
    """Acts at random; its state tells a life, or none."""

    lives: bool = eqx.field(static=True, default=False)
    names: tuple[str, ...] = eqx.field(static=True, default=("draws",))

    @property
    def action_space(self):
        return af.BoxActions((2,))

    def init(self, feature_dim, key):
        del feature_dim
        if self.lives:
            return LivingState(key, jnp.int32(0), af.Lifecycle.begin())
        return DrawsState(key, jnp.int32(0))

    def _drawn(self, state):
        key, now = jax.random.split(state.key)
        action = jax.random.uniform(now, (2,), minval=-1.0, maxval=1.0)
        return action, state.replace(key=key, draws=state.draws + 1)

    def start(self, state, observation):
        del observation
        return self._drawn(state)

    def act(self, state, observation, key, *, explore=True):
        del state, observation, explore
        return jax.random.uniform(key, (2,))

    def act_and_learn(self, state, reward, observation, terminated, truncated):
        del reward, observation, terminated, truncated
        action, state = self._drawn(state)
        metrics = {name: state.draws.astype(jnp.float32) for name in self.names}
        return af.AgentStep(state, action, metrics, jnp.asarray(False))

    def learn(self, state, experience):
        raise NotImplementedError


class Field(af.AbstractEnvironment):
    @property
    def observation_size(self):
        return 2

    @property
    def action_space(self):
        return af.BoxActions((2,))

    def reset(self, key):
        return jnp.int32(0), jax.random.normal(key, (2,))

    def step(self, state, action, key):
        del key
        end = state == 4
        return state + 1, af.EnvStep(action, action.sum(), end, jnp.asarray(False))


def test_a_state_without_a_life():
    found = af.interact(Wanderer(), Field(), 20, jax.random.key(0))
    assert int(found.rejected) == 0
    assert found.episodes.lengths.tolist() == [5] * 4
    assert int(found.state.agent_state.draws) == 20 + 1 + 4


def test_lives_side_by_side_without_a_life():
    keys = jax.random.split(jax.random.key(0), 3)
    found = af.interact_batched(Wanderer(), Field(), 20, keys)
    assert found.rejected.tolist() == [0] * 3
    assert found.episodes.lengths.shape == (3, 4)


class Wrong(Field):
    """Whose step returns something else than a state and what follows."""

    how: str = eqx.field(static=True, default="")

    def step(self, state, action, key):
        state, now = super().step(state, action, key)
        return {
            "no pair": now,
            "no EnvStep": (state, now.observation),
            "another dtype": (jax.tree.map(lambda a: a.astype(jnp.float16), state), now),
            "another structure": ((state, state), now),
        }[self.how]


class Forgets(Wanderer):
    """Returns its state alone."""

    def act_and_learn(self, *experience):
        return super().act_and_learn(*experience).state


@pytest.mark.parametrize(
    "how, told",
    [
        ("no pair", "Wrong: `step` must return a pair, the state after it and an EnvStep"),
        ("no EnvStep", "Wrong: `step` must return an EnvStep after the state; .*`observation`"),
        ("another dtype", r"Wrong: `step` .* like the one that it was given.* is float16\["),
        ("another structure", "Wrong: `step` must return a state like the one"),
    ],
)
def test_what_a_step_of_an_environment_must_be_is_told(how, told):
    with pytest.raises(TypeError, match=told):
        af.interact(Wanderer(), Wrong(how=how), 5, jax.random.key(0))


def test_what_a_step_of_an_agent_must_be_is_told():
    told = "Forgets: `act_and_learn` must return an AgentStep; what it returned has no `state`"
    with pytest.raises(TypeError, match=told):
        af.interact(Forgets(), Field(), 5, jax.random.key(0))
