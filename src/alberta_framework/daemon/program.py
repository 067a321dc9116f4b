"""The compiled calls of a daemon, on packed states."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .._compiled import strong
from .._numbers import all_finite, f32
from .._one_kernel import (
    COMPILER_OPTIONS,
    ZERO,
    gains_from_one_kernel,
    one_kernel,
)
from ..horde import HordeLearner
from ..learners import LinearLearner, MLPLearner, MultiHeadMLPLearner, TDLinearLearner
from .packing import Packing

# Learners of examples, and learners of transitions from the last observation to this one.
OF_EXAMPLES = (LinearLearner, MLPLearner, MultiHeadMLPLearner)
OF_TRANSITIONS = (TDLinearLearner, HordeLearner)


class Programs:
    """`predict`, and `step`: on words of the state, and numbers as one row.

    A row of results holds the predictions, and after a step whether it was rejected.
    """

    def __init__(self, learner: Any, state: Any, gamma: float | None):
        self.packing = Packing(state)
        self.numbers = Packing(strong(learner))
        words = self.numbers.pack(strong(learner))
        self.predict_words = self._compiled(_predict, (), words)
        step = _step_of_transition if isinstance(learner, OF_TRANSITIONS) else _step_of_example
        self.step_words = self._compiled(step, (2,), words, gamma)
        self.small = gains_from_one_kernel(learner, state)

    def _compiled(self, fn: Callable, donated: tuple[int, ...], words: Any, *fixed: Any) -> Any:
        def program(zero, numbers, state_words, *args):
            def run(numbers, state_words, *args):
                learner = self.numbers.unpack(numbers)
                state = self.packing.unpack(state_words)
                state, row = fn(learner, state, *fixed, *args)
                return row if state is None else (self.packing.pack(state), row)

            if self.small:
                return one_kernel(zero, run, numbers, state_words, *args)
            return run(numbers, state_words, *args)

        jitted = jax.jit(program, donate_argnums=donated, compiler_options=COMPILER_OPTIONS)
        return lambda state_words, *args: jitted(ZERO, words, state_words, *args)


def _predict(learner, state, observation):
    return None, jnp.ravel(learner.predict(state, observation))


def _step_of_example(learner, state, gamma, observation, targets):
    """Predict, then learn: the prediction is made with the statistics before this observation."""
    del gamma
    predictions = jnp.ravel(learner.predict(state, observation))
    many = isinstance(learner, MultiHeadMLPLearner)
    # One NaN target is an inactive head for many heads, and nothing to learn for one.
    result = learner.update(state, observation, targets if many else targets[0])
    return result.state, _row(predictions, result.rejected)


def _step_of_transition(learner, state, gamma, last, observation, cumulants, terminated):
    """Learn the transition from `last` to `observation`, then predict at `observation`.

    After a rejected transition the traces are cut: what was lost is never bridged.
    """
    if isinstance(learner, HordeLearner):
        result = learner.update(state, last, cumulants, observation, terminated=terminated)
    else:
        discount = jnp.where(terminated != 0.0, 0.0, f32(gamma))
        result = learner.update(state, last, cumulants[0], observation, discount)
    cut = learner.reset_traces(result.state)
    state = jax.tree.map(lambda a, b: jnp.where(result.rejected, a, b), cut, result.state)
    predictions = jnp.ravel(learner.predict(state, observation))
    predictions = jnp.where(all_finite(observation), predictions, jnp.nan)
    return state, _row(predictions, result.rejected)


def _row(predictions, rejected):
    return jnp.append(predictions, rejected.astype(jnp.float32))
