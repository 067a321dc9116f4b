"""UPGD: useful weights are protected, the others are perturbed."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_choice, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from .abstract import AbstractPlasticity, NetworkStep, Remade
from .noise import noise_like
from .units import grown, seen

_NO_UTILITY = 1e-12
# Of the adaptive form.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-5


class UPGDState(AbstractState):
    """The utilities of the weights as an average that began at 0, and its steps; the moments of
    gradients, None but in the adaptive form."""

    utilities: Any
    steps: Int[Array, ""]
    key: PRNGKeyArray
    first_moment: Any = None
    second_moment: Any = None


class UPGD(AbstractPlasticity):
    r"""Scales the step of each weight, and noise on it, by how little the weight is used.

    With the gradient g of the loss, half the squared error, and the optimizer's change dw:

        U   <- beta U + (1 - beta) (- g w),     U^ = U / (1 - beta^t)
        s    = sigmoid(U^ / nu),   nu the largest U of all weights
        xi   ~ N(0, sigma^2)
        w   <- w (1 - step_size weight_decay) + scale (dw - step_size xi) (1 - s)

    With `LMS(step_size)`, dw = - step_size g, it is the published method; any other optimizer
    decides itself how far a weight would move. Where no weight has a utility (nu <= 1e-12), s is
    1/2. Biases are weights. It draws as many numbers as the network has weights, which costs more
    than the step itself.

    Source: Elsayed and Mahmood (2024), Addressing Loss of Plasticity and Catastrophic Forgetting in
    Continual Learning; nu of U, not of U^, as in their code.

    **Arguments:**

    - `step_size` >= 0, default 0.01: of noise and weight decay; give that of the optimizer.
    - `sigma` >= 0, default 0.001; `beta_utility` beta in [0, 1), default 0.9999; `weight_decay` >=
      0, default 0; `scale` >= 0, default 1.
    - `protecting`, default True; False: the noise alone is scaled, dw - step_size xi (1 - s).
    - `adaptive`, default False; True: in the place of dw stands that of Adam,
      - step_size m^ / (sqrt(v^) + 1e-5) with decays 0.9 and 0.999, and the optimizer's is not used.
    - `local`, default False; True: s = sigmoid of U^ with length 1 along the last axis.
    """

    step_size: Hyperparameter = 0.01
    sigma: Hyperparameter = 0.001
    beta_utility: Hyperparameter = 0.9999
    weight_decay: Hyperparameter = 0.0
    scale: Hyperparameter = 1.0
    protecting: bool = eqx.field(static=True, default=True)
    adaptive: bool = eqx.field(static=True, default=False)
    local: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        for name in ("step_size", "sigma", "weight_decay", "scale"):
            require_range(self, name, 0.0)
        require_range(self, "beta_utility", 0.0, 1.0, open_high=True)
        for name in ("protecting", "adaptive", "local"):
            require_choice("UPGD", name, getattr(self, name), (True, False))

    def init(self, params, key: PRNGKeyArray) -> UPGDState:
        zeros = jax.tree.map(jnp.zeros_like, params)
        moments = zeros if self.adaptive else None
        return UPGDState(zeros, jnp.zeros((), jnp.int32), key, moments, moments)

    def apply(self, state: UPGDState, step: NetworkStep) -> Remade:
        beta, alpha, steps = f32(self.beta_utility), f32(self.step_size), grown(state.steps)
        utilities = jax.tree.map(
            lambda u, g, w: beta * u - (1.0 - beta) * g * w,
            state.utilities,
            step.gradient,
            step.before,
        )
        used = self._used(utilities, seen(beta, steps))
        changes = jax.tree.map(lambda new, w: new - w, step.after, step.before)
        first, second = state.first_moment, state.second_moment
        if self.adaptive:
            first = jax.tree.map(lambda m, g: _BETA1 * m + (1.0 - _BETA1) * g, first, step.gradient)
            second = jax.tree.map(
                lambda v, g: _BETA2 * v + (1.0 - _BETA2) * g**2, second, step.gradient
            )
            m_seen, v_seen = seen(_BETA1, steps), seen(_BETA2, steps)
            changes = jax.tree.map(
                lambda m, v: -alpha * (m / m_seen) / (jnp.sqrt(v / v_seen) + _EPSILON),
                first,
                second,
            )
        key, noise = noise_like(state.key, step.before)
        kept, sigma, scale = 1.0 - alpha * f32(self.weight_decay), f32(self.sigma), f32(self.scale)

        def moved(w, dw, xi, s):
            perturbed = alpha * sigma * xi * (1.0 - s)
            change = dw * (1.0 - s) if self.protecting else dw
            return kept * w + scale * (change - perturbed)

        params = jax.tree.map(moved, step.before, changes, noise, used)
        after = UPGDState(utilities, steps, key, first, second)
        return Remade(step.kept(after, state), step.allowed(params))

    def _used(self, utilities: Any, share: Array) -> Any:
        """s of every weight."""
        if self.local:

            def alone(u):
                corrected = u / share
                length = jnp.sqrt(jnp.sum(corrected**2, -1, keepdims=True))
                some = length > _NO_UTILITY
                return jax.nn.sigmoid(jnp.where(some, corrected / jnp.where(some, length, 1.0), 0))

            return jax.tree.map(alone, utilities)
        largest = jnp.max(jnp.stack([jnp.max(u) for u in jax.tree.leaves(utilities)]))
        some = largest > _NO_UTILITY
        divisor = jnp.where(some, largest, 1.0)
        return jax.tree.map(
            lambda u: jax.nn.sigmoid(jnp.where(some, u / share / divisor, 0.0)), utilities
        )
