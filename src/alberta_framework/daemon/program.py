"""The compiled calls of a daemon: few arrays in, few out, since each costs a microsecond or two."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..compilation.boundary import strong
from ..compilation.execution_plan import Program, execution_plan
from ..compilation.one_kernel import ZERO, one_kernel
from ..compilation.packing import Packing, packed


class Programs:
    """Compiles calls on the words of a learner's state, with its large arrays beside them, and a
    row of numbers, and makes them."""

    def __init__(self, learner: Any, state: Any):
        self.packing = Packing(state, Packing.MOST_WORDS)
        self._small = execution_plan().one_kernel(learner, state)
        self._hyperparameters = Packing(strong(learner))
        # The hyperparameters, and the zero that one kernel wants, as one array.
        self._constants = jnp.append(self._hyperparameters.pack(strong(learner)), ZERO)

    def packed(self, state: Any) -> Any:
        """The words of a state."""
        return packed(self.packing, state)

    def reading(self, fn: Callable) -> Callable:
        """The program of `fn(learner, state, numbers)`, which gives a row."""
        return self._compiled(fn, lambda row: row, ())

    def changing(self, fn: Callable) -> Callable:
        """The program of `fn(learner, state, numbers)`, which gives a state and a row. The words of
        the new state take the place of the old ones."""
        return self._compiled(fn, lambda found: (self.packing.pack(found[0]), found[1]), (1,))

    def call(self, program: Callable, words: Any, numbers: np.ndarray) -> Any:
        """What a program gives."""
        return program(self._constants, words, numbers)

    def call_into(self, done: list, program: Callable, words: Any, numbers: np.ndarray) -> None:
        """Append to `done` what the program gives.

        The call takes the old words away, so whoever is interrupted after it and before the new
        ones are kept has none. Python runs signal handlers between its instructions, and here is
        none between the two: `map` calls the program and `extend` keeps its result, both in C. A
        signal that comes meanwhile is seen after that. (Only a call that JAX carries out in Python,
        under `jax_debug_nans` for instance, still has such a moment inside.)
        """
        done.extend(map(program, (self._constants,), (words,), (numbers,)))

    def _compiled(self, fn: Callable, given: Callable, donated: tuple[int, ...]) -> Callable:
        def program(constants, words, numbers):
            def run(constants, words, numbers):
                learner = self._hyperparameters.unpack(constants)
                return given(fn(learner, self.packing.unpack(words), numbers))

            if self._small:
                return one_kernel(constants[-1], run, constants, words, numbers)
            return run(constants, words, numbers)

        return Program(program, donate_argnums=donated).form(self._small)


def where(condition: Any, new: Any, old: Any) -> Any:
    """One of two trees."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), new, old)
