"""Many learners, and many settings of each, on one and the same stream in one program."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ...experience import DemonStep, TDTimeStep
from ...learners import experience_of, initial_state, learned
from .measures import AbstractMeasure


class LearnerGrid(eqx.Module):
    """One learner at every point of a grid of hyperparameters, all on the same experience.

    `learner` has a leading axis of points on each of its numbers (`stacked`); so has the state on
    each of its arrays. What a step gives is the measure at each point.

    To a learner of `DemonStep`s the reward of a transition is signal 0, and one of discount 0 is
    terminal.

    **Arguments:** `learner`; `measure`: what to record of a step; `first_inputs`: how many inputs
    the learner sees, None for all.
    """

    learner: Any
    measure: AbstractMeasure
    first_inputs: int | None = eqx.field(static=True, default=None)

    @property
    def points(self) -> int:
        """How many; one of a learner that has no numbers."""
        leaves = jax.tree.leaves(self.learner)
        return leaves[0].shape[0] if leaves else 1

    def init(self, feature_dim: int, key: PRNGKeyArray) -> Any:
        """The state of every point; `key` is for learners that draw their initial weights, and
        then the same for every point."""
        inputs = self.first_inputs or feature_dim
        return jax.vmap(lambda learner: initial_state(learner, inputs, key), axis_size=self.points)(
            self.learner
        )

    def learn(self, state: Any, experience: Any) -> tuple[Any, Float[Array, "points ..."]]:
        """Every point learns from the experience."""
        if self.first_inputs is not None:
            experience = _first_inputs(experience, self.first_inputs)
        if experience_of(self.learner) is DemonStep and isinstance(experience, TDTimeStep):
            experience = _demon_step(experience)

        def one(learner, state):
            state, outputs = learned(learner, state, experience)
            return state, self.measure(learner, state, outputs)

        return jax.vmap(one)(self.learner, state)

    def step_sizes(self, state: Any) -> Float[Array, "points inputs"] | None:
        """The step size in effect of each input; None for a learner that has none per input."""
        return jax.vmap(lambda learner, own: learner.input_step_sizes(own))(self.learner, state)


class SideBySide(eqx.Module):
    """Learners that all learn from the same experience, so that their results are paired.

    The state and what a step gives are tuples, in the order of `learners`.
    """

    learners: tuple[Any, ...]

    def init(self, feature_dim: int, key: PRNGKeyArray) -> tuple[Any, ...]:
        """The states of the learners; `key` is for those that draw their initial weights."""
        return tuple(learner.init(feature_dim, key) for learner in self.learners)

    def learn(self, state: tuple[Any, ...], experience: Any) -> tuple[tuple, tuple]:
        """Every learner learns from the experience."""
        pairs = zip(self.learners, state, strict=True)
        results = [learned(learner, own, experience) for learner, own in pairs]
        return tuple(own for own, _ in results), tuple(outputs for _, outputs in results)


def _first_inputs(experience: Any, count: int) -> Any:
    seen = {"observation": experience.observation[:count]}
    if isinstance(experience, TDTimeStep):
        seen["next_observation"] = experience.next_observation[:count]
    return experience.replace(**seen)


def _demon_step(transition: TDTimeStep) -> DemonStep:
    return DemonStep(
        transition.observation,
        None,
        transition.next_observation,
        signals=transition.reward[None],
        terminated=(transition.gamma == 0.0).astype(jnp.float32),
        truncated=transition.truncated,
        rho=transition.rho,
    )
