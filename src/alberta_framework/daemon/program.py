"""The compiled calls of a daemon: few arrays in, few out, since each costs a microsecond or two."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..compilation.boundary import strong
from ..compilation.execution_plan import Program, execution_plan
from ..compilation.one_kernel import ZERO, one_kernel
from ..compilation.packing import Packing
from ..components.numbers import all_finite, f32
from ..experience import DemonStep, MultiHeadStep, TDTimeStep, TimeStep
from ..learners import AbstractLearner, experience_of, rejections

# What an event is to a learner: an example, or a transition from the last observation to this one.
OF_EXAMPLES = (TimeStep, MultiHeadStep)
OF_TRANSITIONS = (TDTimeStep, DemonStep)


class Programs:
    """`predict(words, observation)` and `step(words, numbers)` on the words of a state.

    The numbers of a step are one row: observation and targets, or last observation, observation,
    cumulants and whether the episode ended. A step gives the new words, which take the place of
    the old ones, and a row: the predictions, and whether the step was rejected.
    """

    def __init__(self, learner: AbstractLearner, state: Any, feature_dim: int, gamma: float | None):
        self.packing = Packing(state)
        self.feature_dim = feature_dim
        self.small = execution_plan().one_kernel(learner, state)
        self.gamma = gamma
        self.hyperparameters = Packing(strong(learner))
        # The hyperparameters, and the zero that one kernel wants, as one array.
        self.constants = jnp.append(self.hyperparameters.pack(strong(learner)), ZERO)
        self.experience = experience_of(learner)
        step = self._transition if self.experience in OF_TRANSITIONS else self._example
        self._predict_compiled = self._compiled(_predict, ())
        self._step_compiled = self._compiled(step, (1,))

    def predict(self, words: Any, observation: np.ndarray) -> Any:
        return self._predict_compiled(self.constants, words, observation)

    def step(self, words: Any, numbers: np.ndarray) -> Any:
        return self._step_compiled(self.constants, words, numbers)

    def step_into(self, done: list, words: Any, numbers: np.ndarray) -> None:
        """Append to `done` what `step` gives.

        The call takes the old words away, so whoever is interrupted after it and before the new
        ones are kept has none. Python runs signal handlers between its instructions, and here is
        none between the two: `map` calls the program and `extend` keeps its result, both in C. A
        signal that comes meanwhile is seen after that. (Only a call that JAX carries out in Python,
        under `jax_debug_nans` for instance, still has such a moment inside.)
        """
        done.extend(map(self._step_compiled, (self.constants,), (words,), (numbers,)))

    def _compiled(self, fn: Callable, donated: tuple[int, ...]) -> Callable:
        def program(constants, words, numbers):
            def run(constants, words, numbers):
                learner = self.hyperparameters.unpack(constants)
                state, row = fn(learner, self.packing.unpack(words), numbers)
                return row if state is None else (self.packing.pack(state), row)

            if self.small:
                return one_kernel(constants[-1], run, constants, words, numbers)
            return run(constants, words, numbers)

        return Program(program, donate_argnums=donated).form(self.small)

    def _example(self, learner, state, numbers):
        """Predict, then learn: the prediction is made with the statistics before this one."""
        observation, targets = numbers[: self.feature_dim], numbers[self.feature_dim :]
        predictions = jnp.ravel(learner.predict(state, observation))
        kind = MultiHeadStep if self.experience is MultiHeadStep else TimeStep
        state, rejected = _learned(learner, state, kind(observation, targets))
        return state, _row(predictions, rejected)

    def _transition(self, learner, state, numbers):
        """Learn the transition from the last observation to this one, then predict at this one.

        After a rejected transition the traces are cut: what was lost is never bridged. So they are
        after one whose single cumulant is missing, which is nothing to learn, and not rejected.
        """
        last, observation = jnp.reshape(numbers[: 2 * self.feature_dim], (2, self.feature_dim))
        cumulants, terminated = numbers[2 * self.feature_dim : -1], numbers[-1]
        sound = all_finite(observation)
        if self.experience is DemonStep:
            experience = DemonStep(last, cumulants, observation, terminated=terminated)
            after, rejected = _learned(learner, state, experience)
            lost = rejected
        else:
            discount = jnp.where(terminated != 0.0, 0.0, f32(self.gamma or 0.0))
            experience = TDTimeStep(last, cumulants[0], observation, discount)
            learned, rejected = _learned(learner, state, experience)
            missing = jnp.isnan(cumulants[0]) & sound
            after = _where(missing, state, learned)
            lost, rejected = rejected | missing, rejected & ~missing
        state = _where(lost, learner.reset_traces(after), after)
        predictions = jnp.ravel(learner.predict(state, observation))
        predictions = jnp.where(sound, predictions, jnp.nan)
        return state, _row(predictions, rejected)


def _predict(learner, state, observation):
    return None, jnp.ravel(learner.predict(state, observation))


def _learned(learner, state, experience):
    """The state after a step, and whether it was rejected.

    One that does not count rejected steps may not know what is no number: then the step is judged
    here, by what came and what it made of the state.
    """
    after, _ = learner.learn(state, experience)
    before, now = rejections(state), rejections(after)
    if before is not None and now is not None:
        return after, now != before
    accepted = all_finite((experience.observation, after))
    return _where(accepted, after, state), ~accepted


def _where(condition, new, old):
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)


def _row(predictions, rejected):
    return jnp.append(predictions, rejected.astype(jnp.float32))
