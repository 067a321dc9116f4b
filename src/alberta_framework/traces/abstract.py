"""What every eligibility trace offers."""

import abc
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from ..components.component import AbstractComponent
from ..components.types import ScalarLike

Tree = TypeVar("Tree")


class AbstractTrace(AbstractComponent):
    r"""A decaying sum of the gradients of past values, over a whole tree of parameters.

    One value has one trace, over all its parameters. Its decay is gamma_t lamda, where gamma_t is
    the discount of the transition *into* the present state, so that the reward of a terminal
    transition, whose own discount is 0, still reaches the states before it; the next gradient
    finds the trace cleared. A bound on the step never enters the trace. At a truncation the trace
    is `cut` after the step.

    Source: Sutton and Barto (2018), eqs. 12.23 and 12.25.
    """

    def init(self, params: Tree) -> Tree:
        """Zeros of the parameters' shapes, in float32."""
        return jax.tree.map(lambda w: jnp.zeros(jnp.shape(w), jnp.float32), params)

    def update(self, trace: Tree, gradient: Tree, decay: ScalarLike) -> Tree:
        """The trace with the gradient of the present value, the past decayed by gamma_t lamda."""
        return self._updated(trace, gradient, decay)

    def cut(self, trace: Tree, where: Any = True) -> Tree:
        """The trace at 0 where told: a flag for all of it."""
        if where is True:
            return jax.tree.map(jnp.zeros_like, trace)
        return jax.tree.map(lambda z: jnp.where(where, jnp.zeros_like(z), z), trace)

    @abc.abstractmethod
    def _updated(self, trace: Any, gradient: Any, decay: Any) -> Any:
        """`update`."""
