"""Heads on a trunk: what every learner of many predictions is made of, and how they learn."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..bounders import AbstractBounder
from ..compilation.boundary import strong
from ..components.numbers import affine, f32
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..networks import MLPParams, from_interleaved, hidden, interleaved
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..optimizers import AbstractOptimizer, LMSState
from ..step_rules import PerTensor, PerTensorState
from .lifetime import AbstractLearnerState
from .network import initial_layers, zeros_like
from .stacked_heads import HeadOptimizerStates, HeadTraces
from .trunk import Network, Trunk


class AbstractHeadsState(AbstractLearnerState):
    """Trunk by layer (order w0, b0, w1, ... in states and traces), heads stacked.

    `head_params.weights[i]` is head i's (1, hidden), `head_params.biases[i]` its (1,).
    """

    trunk_params: eqx.AbstractVar[MLPParams]
    head_params: eqx.AbstractVar[MLPParams]
    trunk_optimizer_states: eqx.AbstractVar[tuple[AbstractState, ...]]
    trunk_traces: eqx.AbstractVar[tuple[Float[Array, "..."], ...]]
    head_optimizer_states: eqx.AbstractVar[HeadOptimizerStates]
    head_traces: eqx.AbstractVar[HeadTraces]
    normalizer_state: eqx.AbstractVar[AbstractNormalizerState | None]

    @property
    def feature_dim(self) -> int:
        weights = self.trunk_params.weights
        return (weights[0] if weights else self.head_params.weights).shape[-1]

    @property
    def n_heads(self) -> int:
        return self.head_params.biases.shape[-2]


class HeadUpdate(AbstractState):
    """How each head takes part in an update, given the errors of those that have a target.

    A head with `active` has a target: it enters the trunk and adds its gradient to its trace. Other
    traces decay, unless `frozen`. Every head that is active or has a live trace, and is not frozen,
    steps with its step error.
    """

    targets: Float[Array, " heads"]
    active: Bool[Array, " heads"]
    frozen: Bool[Array, " heads"]
    trace_decays: Float[Array, " heads"]


class HeadsStep(eqx.Module):
    """What a step of all heads and their trunk gave, before it is judged.

    **Arguments:** `changed`: the fields of the state after it; `errors`, 0 where a head is
    inactive; `metrics`: squared error, error and mean step size of each head, NaN where it is
    inactive; `trunk_bounding_metric`; `witnesses`: what has to be finite for it to be accepted.
    """

    changed: dict[str, Any]
    predictions: Float[Array, " heads"]
    errors: Float[Array, " heads"]
    metrics: Float[Array, "heads 3"]
    trunk_bounding_metric: Float[Array, ""]
    witnesses: Any

    @property
    def told_errors(self) -> Float[Array, " heads"]:
        """The errors, NaN where a head is inactive."""
        return self.metrics[:, 1]


class Heads(eqx.Module):
    r"""Many heads on one trunk h = hidden(x), head i predicting p_i = w_i.h + b_i.

    The trunk learns from the errors of all active heads together, each head by itself with a trace
    of its own: both by the step rule `PerTensor`. Learners say which heads are active, what their
    targets are and how their traces decay.
    """

    n_heads: int = eqx.field(static=True)
    hidden_sizes: tuple[int, ...] = eqx.field(static=True)
    optimizer: AbstractOptimizer
    bounder: AbstractBounder | None
    normalizer: AbstractNormalizer | None
    head_optimizer: AbstractOptimizer | None
    sparsity: float = eqx.field(static=True)
    leaky_relu_slope: Hyperparameter
    use_layer_norm: bool = eqx.field(static=True)
    use_bias: bool = eqx.field(static=True)

    @classmethod
    def of(cls, learner: Any, n_heads: int) -> "Heads":
        """Those of a learner that has the fields of `MLPLearner` and `use_bias`."""
        return cls(
            n_heads=n_heads,
            hidden_sizes=learner.hidden_sizes,
            optimizer=learner.optimizer,
            bounder=learner.bounder,
            normalizer=learner.normalizer,
            head_optimizer=learner.head_optimizer,
            sparsity=learner.sparsity,
            leaky_relu_slope=learner.leaky_relu_slope,
            use_layer_norm=learner.use_layer_norm,
            use_bias=learner.use_bias,
        )

    def begun(self, feature_dim: int, key: PRNGKeyArray) -> dict[str, Any]:
        """The fields of a state before the first step, sparse weights drawn from `key`."""
        trunk, heads = initial_layers(
            key,
            layer_sizes=(int(feature_dim), *self.hidden_sizes),
            sparsity=self.sparsity,
            n_heads=self.n_heads,
        )
        return _begun(strong(self), trunk, heads)

    def predictions(
        self, state: AbstractHeadsState, observation: Real[Array, " features"]
    ) -> Float[Array, " heads"]:
        """All heads at an observation, as a step from it would report them."""
        x = f32(observation)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(state.normalizer_state, x)
        return head_predictions(state.head_params, self.hidden(state.trunk_params, x))

    def next_values(
        self, state: AbstractHeadsState, next_observation: Real[Array, " features"]
    ) -> Float[Array, " heads"]:
        """All heads at an observation that is not learned yet, normalized by the statistics as
        they are: what is bootstrapped from."""
        x = f32(next_observation)
        if self.normalizer is not None:
            x = self.normalizer.normalize_only(state.normalizer_state, x)
        return head_predictions(state.head_params, self.hidden(state.trunk_params, x))

    def step(
        self,
        state: AbstractHeadsState,
        observation: Real[Array, " features"],
        how: HeadUpdate,
        step_errors: Callable[[Float[Array, " heads"]], Float[Array, " heads"]] = lambda e: e,
    ) -> HeadsStep:
        """One step of all heads and of the trunk, from the parameters of `state`.

        `step_errors` maps the errors of the active heads (0 elsewhere) to the error with which each
        head steps.
        """
        x, normalizer_state = f32(observation), state.normalizer_state
        if self.normalizer is not None:
            x, normalizer_state = self.normalizer.normalize(normalizer_state, x)
        h, backward = jax.vjp(lambda trunk: self.hidden(trunk, x), state.trunk_params)
        heads = state.head_params
        predictions = head_predictions(heads, h)
        errors = jnp.where(how.active, how.targets - predictions, 0.0)

        (gradient,) = backward(errors @ heads.weights[:, 0, :])
        trunk, kept, trunk_metric = self._trunk_step(state, interleaved(gradient))
        heads, head_states, traces = self._heads_step(state, h, step_errors(errors), how)
        of_heads = self.optimizer_of_heads
        witnesses = (
            (f32(observation), predictions, errors, trunk, heads, normalizer_state),
            self.of_trunk.witnesses(kept),
            of_heads.witnesses(head_states.w, traces.w),
            of_heads.witnesses(head_states.b, traces.b),
        )
        step_sizes = of_heads.step_sizes(head_states.w)
        mean_step_sizes = jnp.mean(jnp.reshape(step_sizes, (self.n_heads, -1)), -1)
        told = jnp.where(how.active, errors, jnp.nan)
        metrics = jnp.stack([told**2, told, mean_step_sizes], -1)
        changed = {
            "trunk_params": trunk,
            "head_params": heads,
            "trunk_optimizer_states": kept.optimizer_states,
            "trunk_traces": kept.traces,
            "head_optimizer_states": head_states,
            "head_traces": traces,
            "normalizer_state": normalizer_state,
        }
        metrics = jnp.where(how.active[:, None], metrics, jnp.nan)
        return HeadsStep(changed, predictions, errors, metrics, trunk_metric, witnesses)

    def cut(self, state: Any) -> Any:
        """The state with all traces at 0."""
        return state.replace(
            head_traces=zeros_like(state.head_traces),
            trunk_traces=zeros_like(state.trunk_traces),
        )

    def cut_of(self, owner: str, state: Any, mask: Any) -> Any:
        """The state with the traces of the heads in `mask` at 0.

        **Raises:** `TypeError` for a mask that is not boolean with one entry for each head.
        """
        mask = jnp.asarray(mask)
        if mask.dtype != jnp.bool_ or mask.shape != (self.n_heads,):
            raise TypeError(
                f"{owner}.reset_traces: `mask` must be bool[{self.n_heads}], got "
                f"{mask.dtype}{list(mask.shape)}."
            )
        w = jnp.where(mask[:, None, None], 0.0, state.head_traces.w)
        b = jnp.where(mask[:, None], 0.0, state.head_traces.b)
        return state.replace(head_traces=HeadTraces(w, b))

    def network(self, state: AbstractHeadsState) -> Network:
        """The weights, as diagnostics look at them."""
        of_heads = state.head_optimizer_states.w
        learned = not isinstance(of_heads, LMSState)
        kept = PerTensorState(state.trunk_optimizer_states, state.trunk_traces)
        trunk = Trunk(
            params=state.trunk_params,
            step_sizes=self.of_trunk.step_sizes(kept, interleaved(state.trunk_params)),
            traces=state.trunk_traces,
            leaky_relu_slope=self.leaky_relu_slope,
            use_layer_norm=self.use_layer_norm,
        )
        return Network(
            head_weights=state.head_params.weights[:, 0, :],
            head_step_sizes=self.optimizer_of_heads.step_sizes(of_heads) if learned else None,
            trunk=trunk,
            normalizer=self.normalizer,
            normalizer_state=state.normalizer_state,
        )

    def hidden(self, params: MLPParams, x: Float[Array, " features"]) -> Float[Array, " hidden"]:
        """The activations that the heads see."""
        return hidden(params, x, self.leaky_relu_slope, self.use_layer_norm)

    @property
    def of_trunk(self) -> PerTensor:
        """How the trunk's tensors step."""
        return PerTensor(self.optimizer, self.bounder)

    @property
    def of_heads(self) -> PerTensor:
        """How the pair of weights and bias of a head steps."""
        return PerTensor(self.optimizer_of_heads, self.bounder)

    @property
    def optimizer_of_heads(self) -> AbstractOptimizer:
        return self.optimizer if self.head_optimizer is None else self.head_optimizer

    def _trunk_step(
        self, state: AbstractHeadsState, gradients: tuple
    ) -> tuple[MLPParams, PerTensorState, Float[Array, ""]]:
        # With a trunk the decay is 0 by construction, so that its traces are its gradients; without
        # one there is nothing to decay. The gradients hold the errors.
        tensors = interleaved(state.trunk_params)
        kept = PerTensorState(state.trunk_optimizer_states, gradients)
        changes, kept, info = self.of_trunk.step(
            kept, gradients, gradients, None, None, 0.0, params=tensors
        )
        moved = tuple(w + d for w, d in zip(tensors, changes, strict=True))
        return from_interleaved(moved), kept, info.bound

    def _heads_step(
        self, state: AbstractHeadsState, h: Array, errors: Array, how: HeadUpdate
    ) -> tuple[MLPParams, HeadOptimizerStates, HeadTraces]:
        rule, seen = self.of_heads, f32(how.active)
        traces, states, heads = state.head_traces, state.head_optimizer_states, state.head_params
        gradients = seen[:, None, None] * h[None, None, :], seen[:, None]
        if not self.use_bias:
            gradients = gradients[0], jnp.zeros_like(gradients[1])

        def one_head(w_state, b_state, w_trace, b_trace, gradient, error, decay, w, b):
            before = PerTensorState((w_state, b_state), (w_trace, b_trace))
            changes, after, _ = rule.update(before, gradient, error, decay, params=(w, b))
            moved = w + changes[0], b + changes[1]
            return moved, after.optimizer_states, after.traces

        (w, b), (w_states, b_states), (w_traces, b_traces) = jax.vmap(one_head)(
            states.w,
            states.b,
            traces.w,
            traces.b,
            gradients,
            errors,
            how.trace_decays,
            heads.weights,
            heads.biases,
        )
        live = b_traces[:, 0] != 0.0 if self.use_bias else jnp.any(w_traces != 0.0, (1, 2))
        eligible = ~how.frozen & (how.active | live)
        w, b, w_states, b_states = _where_heads(
            eligible,
            (w, b, w_states, b_states),
            (heads.weights, heads.biases, states.w, states.b),
        )
        w_traces, b_traces = _where_heads(~how.frozen, (w_traces, b_traces), (traces.w, traces.b))
        return (
            MLPParams(w, b),
            HeadOptimizerStates(w_states, b_states),
            HeadTraces(w_traces, b_traces),
        )


def head_predictions(heads: MLPParams, h: Float[Array, " hidden"]) -> Float[Array, " heads"]:
    """w_i.h + b_i of every head."""
    return affine(heads.weights[:, 0, :], h, heads.biases[:, 0])


def _where_heads(mask: Bool[Array, " heads"], new: Any, old: Any) -> Any:
    def chosen(new, old):
        return jnp.where(jnp.reshape(mask, (-1,) + (1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(chosen, new, old)


@jax.jit
def _begun(how: Heads, trunk: MLPParams, heads: MLPParams) -> dict[str, Any]:
    n, _, width = heads.weights.shape
    feature_dim = (trunk.weights[0] if trunk.weights else heads.weights).shape[-1]
    optimizer, of_trunk = how.optimizer_of_heads, how.of_trunk.init(interleaved(trunk))
    head_states = HeadOptimizerStates(
        optimizer.init_for_shape((1, width)), optimizer.init_for_shape((1,))
    )
    return {
        "trunk_params": trunk,
        "head_params": heads,
        "trunk_optimizer_states": of_trunk.optimizer_states,
        "trunk_traces": of_trunk.traces,
        "head_optimizer_states": jax.tree.map(
            lambda a: jnp.broadcast_to(a, (n, *a.shape)), head_states
        ),
        "head_traces": zeros_like(HeadTraces(heads.weights, heads.biases)),
        "normalizer_state": None if how.normalizer is None else how.normalizer.init(feature_dim),
    }
