"""SwiftTD: true online TD(lambda) whose step sizes are learned and bounded."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Real

from ..compilation.boundary import compiled
from ..components.numbers import f32, scalar
from ..components.ranges import require_part, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from ..learners import Candidate, Lifecycle, guarded
from ..targets import CenteringState, RewardCentering
from .abstract import AbstractLinearTD, AbstractLinearTDState, LinearStep, TDUpdate


class SwiftMemory(AbstractState):
    """What is carried from one arrival to the next, all of the weights' shape but the values.

    `log_step_sizes` beta; traces `trace` z, `trace_change` z_delta, `trace_mean` z_bar and
    `meta_trace` p; `sensitivity` h, how the weights depend on beta, and as it will be,
    `next_sensitivity`; `old_value` v_old, `value_change` v_delta.
    """

    log_step_sizes: Float[Array, "..."]
    trace: Float[Array, "..."]
    trace_change: Float[Array, "..."]
    trace_mean: Float[Array, "..."]
    meta_trace: Float[Array, "..."]
    sensitivity: Float[Array, "..."]
    next_sensitivity: Float[Array, "..."]
    old_value: Float[Array, ""]
    value_change: Float[Array, ""]

    @classmethod
    def begin(cls, shape: tuple[int, ...], log_step_size: Any) -> "SwiftMemory":
        """Before the first arrival."""
        zeros, zero = jnp.zeros(shape, jnp.float32), jnp.zeros((), jnp.float32)
        return cls(
            log_step_sizes=jnp.full(shape, log_step_size, jnp.float32),
            trace=zeros,
            trace_change=zeros,
            trace_mean=zeros,
            meta_trace=zeros,
            sensitivity=zeros,
            next_sensitivity=zeros,
            old_value=zero,
            value_change=zero,
        )

    def cut(self) -> "SwiftMemory":
        """Nothing of the past reaches the next arrival; what was learned of step sizes stays."""
        zeros, zero = jnp.zeros_like(self.trace), jnp.zeros_like(self.old_value)
        return self.replace(
            trace=zeros,
            trace_change=zeros,
            trace_mean=zeros,
            meta_trace=zeros,
            old_value=zero,
            value_change=zero,
        )


class SwiftTDState(AbstractLinearTDState):
    """Weights, what is carried between arrivals, and whether an episode has begun."""

    weights: Float[Array, " features"]
    memory: SwiftMemory
    begun: Bool[Array, ""]
    life: Lifecycle
    centering: CenteringState | None = None


class SwiftTD(AbstractLinearTD[SwiftTDState]):
    r"""True online TD(lambda) with a step size for each feature, learned by gradient descent; a
    bound on the rate of learning; and step sizes that decay where they meet it.

    When features x arrive with the reward R and the discount g of the transition into them, all
    products by element:

        v       = w.x,   delta = R + g v - v_old
        Delta   = delta z - z_delta v_delta,   w <- w + Delta
        beta   <- beta + (meta_step_size / e^beta) (delta - v_delta) p,  in [log min, log eta]
        h_old  <- h,   h <- h_next + delta z_bar - z_delta v_delta
        z, p, z_bar <- g lamda (z, p, z_bar)
        v_delta = Delta.x,   tau = sum e^beta x^2,   b = z.x,   m = min(1, eta / tau)
        z_delta <- m e^beta x,  z <- z + z_delta (1 - b),  p <- p + h_old x,
        z_bar  <- z_bar + z_delta (1 - b - z_bar x)
        h_next <- h - h_old x (z - z_delta) - h z_delta x
        where tau > eta: h, h_old, h_next, z_bar <- 0,  beta <- beta + log(decay) x^2
        v_old  <- v

    With meta_step_size 0, eta infinite and decay 1 it is `TrueOnlineTD`. The bound compares e^beta
    with the smallest step size as meant; the published code compares it with its logarithm, which
    never binds.

    `update` learns from a transition: where an episode begins, x arrives first with no reward.

    Source: Javed, Sharifnassab and Sutton (2024), SwiftTD: a fast and robust algorithm for temporal
    difference learning; the dense code of its authors.

    **Arguments:** `lamda` in [0, 1], default 0.95; `initial_step_size` > 0, default 0.01: where
    n features are 1 at once it has no effect above eta / n, for the bound meets it at every step;
    `meta_step_size` >= 0, default 0.001; `eta` > 0, default 0.1; `decay` in (0, 1], default 0.999;
    `min_step_size` > 0, default 1e-10;
    `reward_centering`, default none: see `RewardCentering`.
    """

    lamda: Hyperparameter = 0.95
    initial_step_size: Hyperparameter = 1e-2
    meta_step_size: Hyperparameter = 1e-3
    eta: Hyperparameter = 0.1
    decay: Hyperparameter = 0.999
    min_step_size: Hyperparameter = 1e-10
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_part(self, "reward_centering", RewardCentering, optional=True)
        require_range(self, "lamda", 0.0, 1.0)
        require_range(self, "meta_step_size", 0.0)
        require_range(self, "decay", 0.0, 1.0, open_low=True)
        for name in ("initial_step_size", "min_step_size"):
            require_range(self, name, 0.0, open_low=True)
        require_range(self, "eta", 0.0, open_low=True, allow_infinity=True)

    @compiled
    @guarded
    def step(
        self,
        state: SwiftTDState,
        features: Real[Array, "{state.feature_dim}"],
        reward: ScalarLike,
        discount: ScalarLike,
    ) -> Candidate[TDUpdate]:
        """`features` arrive with the reward and the discount of the transition into them; at a
        termination the discount is 0 and the features are those of the next episode's start."""
        x, g = f32(features), scalar(discount)
        weights, memory, told = self.arrival(state.weights, state.memory, x, scalar(reward), g)
        after = state.replace(weights=weights, memory=memory, begun=jnp.asarray(True))
        result = TDUpdate(
            after, told.prediction, told.td_error, told.step_scale, jnp.asarray(False)
        )
        return Candidate(result, (x, g, told.td_error, weights, memory))

    def arrival(
        self, weights: Array, memory: SwiftMemory, x: Array, reward: Any, discount: Any
    ) -> tuple[Array, SwiftMemory, LinearStep]:
        """The weights and the memory once x has arrived; weights and x of one shape, whatever that
        is. `LinearStep.prediction` is the value at x before."""
        m, theta = memory, f32(self.meta_step_size)
        value = jnp.sum(weights * x)
        delta = f32(reward) + f32(discount) * value - m.old_value
        change = delta * m.trace - m.trace_change * m.value_change
        low, high = jnp.log(f32(self.min_step_size)), jnp.log(f32(self.eta))
        meta = theta * jnp.exp(-m.log_step_sizes) * (delta - m.value_change) * m.meta_trace
        beta = jnp.clip(m.log_step_sizes + meta, low, high)
        h_old = m.sensitivity
        h = m.next_sensitivity + delta * m.trace_mean - m.trace_change * m.value_change
        fade = f32(discount) * f32(self.lamda)
        z, p, z_bar = fade * m.trace, fade * m.meta_trace, fade * m.trace_mean
        alpha = jnp.exp(beta)
        rate, overlap = jnp.sum(alpha * x**2), jnp.sum(z * x)
        # No feature, no rate: there is nothing to bound.
        scale = jnp.minimum(1.0, f32(self.eta) / jnp.where(rate > 0.0, rate, 1.0))
        scale = jnp.where(rate > 0.0, scale, 1.0)
        z_delta = scale * alpha * x
        z = z + z_delta * (1.0 - overlap)
        p = p + h_old * x
        z_bar = z_bar + z_delta * (1.0 - overlap - z_bar * x)
        h_next = h - h_old * x * (z - z_delta) - h * z_delta * x
        over = rate > f32(self.eta)

        def kept(array):
            return jnp.where(over, 0.0, array)

        after = SwiftMemory(
            log_step_sizes=jnp.where(over, beta + jnp.log(f32(self.decay)) * x**2, beta),
            trace=z,
            trace_change=z_delta,
            trace_mean=kept(z_bar),
            meta_trace=p,
            sensitivity=kept(h),
            next_sensitivity=kept(h_next),
            old_value=value,
            value_change=jnp.sum(change * x),
        )
        return weights + change, after, LinearStep({}, value, delta, scale)

    def _begun(self, feature_dim: int, life: Lifecycle) -> SwiftTDState:
        memory = SwiftMemory.begin((feature_dim,), jnp.log(f32(self.initial_step_size)))
        weights = jnp.zeros(feature_dim, jnp.float32)
        return SwiftTDState(weights=weights, memory=memory, begun=jnp.asarray(False), life=life)

    def _step(
        self, state: Any, x: Array, reward: Array, next_x: Array, discount: Array, cut: Array
    ) -> LinearStep:
        weights, memory, step = self.transition(
            state.weights, state.memory, state.begun, x, reward, next_x, discount, cut
        )
        changed = {"weights": weights, "memory": memory, "begun": ~cut}
        return LinearStep(changed, step.prediction, step.td_error, step.step_scale)

    def transition(
        self,
        weights: Array,
        memory: SwiftMemory,
        begun: Array,
        x: Array,
        reward: Array,
        next_x: Array,
        discount: Array,
        cut: Array,
    ) -> tuple[Array, SwiftMemory, LinearStep]:
        """A transition from x to next_x: where no episode has `begun`, x arrives first; where it is
        `cut`, nothing reaches the next arrival."""
        first = self.arrival(weights, memory, x, 0.0, 0.0)[:2]
        weights, memory = _chosen(begun, (weights, memory), first)
        prediction = jnp.sum(weights * x)
        weights, memory, step = self.arrival(weights, memory, next_x, reward, discount)
        memory = _chosen(cut, memory.cut(), memory)
        return weights, memory, step._replace(prediction=prediction)

    def _cut(self, state: SwiftTDState) -> SwiftTDState:
        return state.replace(memory=state.memory.cut(), begun=jnp.zeros_like(state.begun))

    def _input_step_sizes(self, state: SwiftTDState) -> Float[Array, " features"]:
        return jnp.exp(state.memory.log_step_sizes)


def _chosen(condition: Array, one: Any, other: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)
