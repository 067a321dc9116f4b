"""Weights are pulled back to where they began."""

from typing import Any

import jax
from jaxtyping import PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from .abstract import AbstractPlasticity, NetworkStep, Remade


class L2InitState(AbstractState):
    """The parameters at first."""

    initial: Any


class L2Init(AbstractPlasticity):
    r"""Pulls weights back to where they began:

        w <- w + dw - step_size strength (w - w_0)

    with the optimizer's change dw. With `LMS(step_size)` it is gradient descent on half the squared
    error plus strength / 2 |w - w_0|^2.

    Source: Kumar, Marklund and Van Roy (2023), Maintaining Plasticity in Continual Learning via
    Regenerative Regularization, arXiv:2308.11958.

    **Arguments:** `step_size` >= 0, default 0.01; `strength` >= 0, default 0.01.
    """

    step_size: Hyperparameter = 0.01
    strength: Hyperparameter = 0.01

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_range(self, "strength", 0.0)

    def init(self, params, key: PRNGKeyArray) -> L2InitState:
        del key
        return L2InitState(params)

    def apply(self, state: L2InitState, step: NetworkStep) -> Remade:
        rate = f32(self.step_size) * f32(self.strength)
        params = jax.tree.map(
            lambda new, w, w0: new - rate * (w - w0), step.after, step.before, state.initial
        )
        return Remade(state, step.allowed(params))
