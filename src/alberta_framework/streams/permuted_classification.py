"""Classification whose inputs, or whose labels, are permuted anew from time to time."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Int, Key, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.numbers import f32
from ..components.ranges import (
    require_choice,
    require_key,
    require_part,
    require_steps,
)
from ..components.types import Hyperparameter, KeyLike
from ..experience import MultiHeadStep, TimeStep
from .labelled_data import AbstractLabelledData
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, counted, phase


class PermutedClassificationState(AbstractSyntheticState):
    """The permutation of the last task, its number (-1 before the first), and the steps since it
    began; `tasks_key` is what the permutations of all tasks are drawn from."""

    key: Key[Array, ""]
    tasks_key: Key[Array, ""]
    permutation: Int[Array, " places"]
    task: Int[Array, ""]
    position: Int[Array, ""]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class PermutedClassificationStream(
    AbstractSyntheticStream[PermutedClassificationState, TimeStep | MultiHeadStep]
):
    """Examples drawn at random from labelled data, in tasks of `change_interval` steps.

    At each step a row (x, c) of the data is drawn, uniformly and with replacement. Task k has a
    permutation s_k, uniformly distributed and the same for every `change_interval`, the first task
    too, under which

        x'_j = x_{s_k(j)}    with `permute = "inputs"`: what was learned of one pixel is of another
        c' = s_k(c)          with `permute = "labels"`: the same pictures, called otherwise

    With the inputs of MNIST it is online permuted MNIST (Goodfellow et al. 2013; Dohare et al.,
    Nature 2024), where plain networks learn each task worse than the one before.

    **Arguments:**

    - `data`: `Digits()`, `MNIST("mnist.npz")`, or `LabelledArrays(inputs, labels)`.
    - `change_interval`: steps of a task, an integer >= 1, default 5000.
    - `permute`: `"inputs"` (default) or `"labels"`.
    - `one_hot`: True (default) yields `MultiHeadStep`s, of each class 1 or 0, for a
      `MultiHeadMLPLearner`; False `TimeStep`s with the number of the class, for a
      `SoftmaxLinearLearner`.
    """

    data: AbstractLabelledData
    change_interval: Hyperparameter = eqx.field(default=5000, metadata={"counts_steps": True})
    permute: str = eqx.field(static=True, default="inputs")
    one_hot: bool = eqx.field(static=True, default=True)

    _keys_per_step: ClassVar[int] = 2

    def __check_init__(self):
        require_part(self, "data", AbstractLabelledData)
        require_steps(self, "change_interval")
        owner = "PermutedClassificationStream"
        require_choice(owner, "permute", self.permute, ("inputs", "labels"))
        require_choice(owner, "one_hot", self.one_hot, (True, False))

    @property
    def feature_dim(self) -> int:
        return self.data.feature_dim

    @property
    def n_classes(self) -> int:
        return self.data.n_classes

    @compiled_by_itself
    def init(self, key: KeyLike) -> PermutedClassificationState:
        key = require_key("PermutedClassificationStream.init", key)
        key, tasks_key = jr.split(key)
        return PermutedClassificationState(
            key=key,
            tasks_key=tasks_key,
            permutation=self._unpermuted(),
            task=jnp.full((), -1, jnp.int32),
            position=jnp.zeros((), jnp.int32),
            steps=jnp.zeros(2, jnp.uint32),
        )

    def _unpermuted(self) -> Int[Array, " places"]:
        places = self.feature_dim if self.permute == "inputs" else self.n_classes
        return jnp.arange(places, dtype=jnp.int32)

    def _draw(self, keys):
        return jr.randint(keys[0], (), 0, len(self.data), jnp.int32)

    def _schedule(self, state, ahead):
        return phase(state.position, ahead, self.change_interval) == 0

    def _advance(self, state, draws, now):
        row, changes = draws, now
        task = state.task + changes.astype(jnp.int32)

        def next_task(carry):
            _, k = carry
            key = jr.fold_in(state.tasks_key, k + 1)
            return jr.permutation(key, self._unpermuted()), k + 1

        # A loop of one turn or none, not a branch: of many lanes `vmap` makes a choice between the
        # two sides, both computed at every step, but a loop that ends when no lane goes on.
        permutation, task = jax.lax.while_loop(
            lambda carry: carry[1] != task, next_task, (state.permutation, state.task)
        )
        x, label = (
            jnp.asarray(array).at[row].get(mode="promise_in_bounds")
            for array in (self.data.inputs, self.data.labels)
        )
        if self.permute == "inputs":
            x = x.at[permutation].get(mode="promise_in_bounds", unique_indices=True)
        else:
            place = label.astype(jnp.int32)
            label = f32(permutation.at[place].get(mode="promise_in_bounds"))
        experience = TimeStep(x, label[None])
        if self.one_hot:
            experience = MultiHeadStep(
                x, f32(label == jnp.arange(self.n_classes, dtype=jnp.float32))
            )
        return experience, state.replace(permutation=permutation, task=task)

    def _counted(self, state, num_steps):
        return counted(state, num_steps, position=self.change_interval)
