"""Two learners as a user writes them: one whose state has a life, one whose state has none.

The file stands by itself: tests of the command copy it beside the files that name it.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp

import alberta_framework as af


class NLMSState(af.AbstractLearnerState):
    weights: jax.Array
    life: af.Lifecycle

    @property
    def feature_dim(self):
        return self.weights.shape[-1]


class NLMSLearner(af.AbstractLearner):
    """Normalized LMS: w <- w + alpha e x / (epsilon + x.x), from examples."""

    experience: ClassVar[type] = af.TimeStep

    step_size: float = 0.1
    epsilon: float = 1e-3

    def init(self, feature_dim):
        return NLMSState(jnp.zeros(feature_dim, jnp.float32), af.Lifecycle.begin())

    def predict(self, state, observation):
        return state.weights @ jnp.asarray(observation, jnp.float32)

    def learn(self, state, experience):
        x = experience.observation
        error = experience.target[0] - self.predict(state, x)
        moved = state.weights + self.step_size * error * x / (self.epsilon + x @ x)
        good = jnp.isfinite(moved).all() & jnp.isfinite(error)
        after = NLMSState(jnp.where(good, moved, state.weights), state.life.advance(good))
        return after, {"squared_error": error**2, "error": error}

    def _network(self, state):
        return af.Network(head_weights=state.weights[None])


class TDTableState(af.AbstractState):
    values: jax.Array
    trace: jax.Array

    @property
    def feature_dim(self):
        return self.values.shape[-1]


class TDTable(af.AbstractLearner):
    """TD(lambda) with one value for each feature, from transitions; its state counts nothing."""

    experience: ClassVar[type] = af.TDTimeStep
    draws_weights: ClassVar[bool] = True

    step_size: float = 0.1
    lamda: float = 0.5

    def init(self, feature_dim, key=None):
        values = 0.01 * jax.random.normal(key, (feature_dim,), jnp.float32)
        return TDTableState(values, jnp.zeros(feature_dim, jnp.float32))

    def predict(self, state, observation):
        return jnp.reshape(state.values @ jnp.asarray(observation, jnp.float32), 1)

    def learn(self, state, experience):
        x, following = experience.observation, experience.next_observation
        bootstrap = experience.gamma * (state.values @ following)
        td_error = experience.reward + bootstrap - state.values @ x
        trace = state.trace + x
        after = TDTableState(
            state.values + self.step_size * td_error * trace,
            experience.gamma * self.lamda * trace,
        )
        return after, {"td_error": td_error, "squared_td_error": td_error**2}

    def _cut(self, state):
        return state.replace(trace=jnp.zeros_like(state.trace))
