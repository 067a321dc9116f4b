"""The multi-head learner: many predictions from one trunk, each learning when it has a target."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..bounders import AbstractBounder
from ..compilation.boundary import compiled, strong
from ..components.numbers import affine, all_finite, f32, is_traced
from ..components.ranges import require_choice, require_count, require_key, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..experience import MultiHeadStep
from ..networks import MLPParams, from_interleaved, hidden, interleaved, sizes
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..optimizers import AbstractOptimizer, LMSState
from .abstract import AbstractLearner
from .lifetime import AbstractLearnerState, Lifecycle, accepted_or_unchanged, nan_unless
from .metrics import MetricParts, named_columns
from .network import (
    bounded,
    chosen_optimizer,
    initial_layers,
    require_network_fields,
    require_unit_interval,
    without_trunk_trace,
    zeros_like,
)
from .stacked_heads import HeadOptimizerStates, HeadTraces
from .trunk import Network, Trunk

# The columns of the metrics of a head.
HEAD_METRICS = ("squared_error", "error", "mean_step_size")


class MultiHeadMLPState(AbstractLearnerState):
    """Trunk by layer (order w0, b0, w1, ... in states and traces), heads stacked.

    `head_params.weights[i]` is head i's (1, hidden), `head_params.biases[i]` its (1,).
    `previous_discounts` holds the discount of each head's last transition; only agents with a
    notion of discount move it from 1.
    """

    trunk_params: MLPParams
    head_params: MLPParams
    trunk_optimizer_states: tuple[AbstractState, ...]
    trunk_traces: tuple[Float[Array, "..."], ...]
    head_optimizer_states: HeadOptimizerStates
    head_traces: HeadTraces
    previous_discounts: Float[Array, " heads"]
    normalizer_state: AbstractNormalizerState | None
    life: Lifecycle

    @property
    def feature_dim(self) -> int:
        weights = self.trunk_params.weights
        return (weights[0] if weights else self.head_params.weights).shape[-1]

    @property
    def n_heads(self) -> int:
        return self.head_params.biases.shape[-2]


class MultiHeadMLPUpdateResult(AbstractState):
    """What one update gave; NaN where a head is inactive, and everywhere in a rejected step.

    `per_head_metrics` holds for each head its squared error, its error, and the mean step size of
    its weights after the update.
    """

    state: MultiHeadMLPState
    predictions: Float[Array, " heads"]
    errors: Float[Array, " heads"]
    per_head_metrics: Float[Array, "heads 3"]
    trunk_bounding_metric: Float[Array, ""]
    rejected: Bool[Array, ""]


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


class MultiHeadMLPLearner(AbstractLearner[MultiHeadMLPState, MultiHeadStep]):
    r"""Many heads on one trunk; a NaN target leaves its head as it was.

    With trunk h = hidden(x) and heads p_i = w_i.h + b_i, all from the old parameters:

        e_i = target_i - p_i for active heads
        trunk:      one backward pass of the cotangent sum_i e_i w_i gives gradients that hold the
                    errors; the optimizer's steps for them (bounded with error 1) are added
        head i:     z_w <- gl_i z_w + h,  z_b <- gl_i z_b + 1
                    w_i <- w_i + e_i s_w,  b_i <- b_i + e_i s_b, bounded as one pair per head

    gl_i is `per_head_gamma_lamda[i]`, or gamma lamda for all. Heads are stacked arrays, so the
    program is the same for 2 heads and for 10,000. The trunk's step grows with the number of active
    heads: it is a sum.

    **Arguments:** `n_heads` >= 1; `per_head_gamma_lamda`: n_heads numbers in [0, 1], default none;
    `use_bias`, keyword only: whether the heads have a bias, default True; the others as
    `MLPLearner`. With hidden layers gamma lamda must be 0.
    """

    experience: ClassVar[type] = MultiHeadStep
    draws_weights: ClassVar[bool] = True

    n_heads: int = eqx.field(static=True, metadata={"config": "required"})
    hidden_sizes: tuple[int, ...] = eqx.field(static=True, metadata={"config": "required"})
    optimizer: AbstractOptimizer = eqx.field(metadata={"config": "required"})
    bounder: AbstractBounder | None
    normalizer: AbstractNormalizer | None
    head_optimizer: AbstractOptimizer | None
    sparsity: float = eqx.field(static=True)
    leaky_relu_slope: Hyperparameter
    use_layer_norm: bool = eqx.field(static=True)
    gamma: Hyperparameter
    lamda: Hyperparameter
    per_head_gamma_lamda: Float[np.ndarray, " heads"] | None
    use_bias: bool = eqx.field(static=True, metadata={"config": "omit_default"})

    def __init__(
        self,
        n_heads: int,
        hidden_sizes: Sequence[int] = (128, 128),
        optimizer: AbstractOptimizer | None = None,
        step_size: Hyperparameter = 1.0,
        bounder: AbstractBounder | None = None,
        gamma: Hyperparameter = 0.0,
        lamda: Hyperparameter = 0.0,
        normalizer: AbstractNormalizer | None = None,
        sparsity: float = 0.9,
        leaky_relu_slope: Hyperparameter = 0.01,
        use_layer_norm: bool = True,
        head_optimizer: AbstractOptimizer | None = None,
        per_head_gamma_lamda: Any = None,
        *,
        use_bias: bool = True,
    ):
        self.n_heads = n_heads
        self.hidden_sizes = sizes("MultiHeadMLPLearner", hidden_sizes)
        self.optimizer = chosen_optimizer("MultiHeadMLPLearner", optimizer, step_size)
        self.bounder, self.normalizer, self.head_optimizer = bounder, normalizer, head_optimizer
        self.sparsity, self.leaky_relu_slope = sparsity, leaky_relu_slope
        self.use_layer_norm, self.use_bias = use_layer_norm, use_bias
        self.gamma, self.lamda = without_trunk_trace(gamma, lamda, self.hidden_sizes), lamda
        self.per_head_gamma_lamda = stacked_numbers(
            "MultiHeadMLPLearner: `per_head_gamma_lamda`", per_head_gamma_lamda
        )

    def __check_init__(self):
        require_count("MultiHeadMLPLearner", "n_heads", self.n_heads)
        require_network_fields(self)
        require_unit_interval(self, "gamma", "lamda")
        require_choice("MultiHeadMLPLearner", "use_bias", self.use_bias, (True, False))
        if self.per_head_gamma_lamda is not None:
            require_range(self, "per_head_gamma_lamda", 0.0, 1.0)
            length = np.shape(self.per_head_gamma_lamda)[-1:]
            if length != (self.n_heads,):
                raise ValueError(
                    f"MultiHeadMLPLearner: `per_head_gamma_lamda` must have one number for each of "
                    f"the {self.n_heads} heads, got shape {np.shape(self.per_head_gamma_lamda)}."
                )

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> MultiHeadMLPState:
        """Sparse weights for `feature_dim` features drawn from `key`, born now."""
        require_count("MultiHeadMLPLearner.init", "feature_dim", feature_dim)
        key = require_key("MultiHeadMLPLearner.init", key)
        layer_sizes = (int(feature_dim), *self.hidden_sizes)
        trunk, heads = initial_layers(
            key, layer_sizes=layer_sizes, sparsity=self.sparsity, n_heads=self.n_heads
        )
        return _initial_state(strong(self), trunk, heads, Lifecycle.begin())

    @compiled
    def predict(
        self, state: MultiHeadMLPState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "{state.n_heads}"]:
        """All heads at `observation`, as `update` would report them were they active."""
        x = f32(observation)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(state.normalizer_state, x)
        return head_predictions(state.head_params, self.trunk(state.trunk_params, x))

    def next_values(
        self, state: MultiHeadMLPState, next_observation: Real[Array, " features"]
    ) -> Float[Array, " heads"]:
        """All heads at an observation that is not learned yet, normalized by the statistics as
        they are: what agents bootstrap from.
        """
        x = f32(next_observation)
        if self.normalizer is not None:
            x = self.normalizer.normalize_only(state.normalizer_state, x)
        return head_predictions(state.head_params, self.trunk(state.trunk_params, x))

    @compiled
    def update(
        self,
        state: MultiHeadMLPState,
        observation: Real[Array, "{state.feature_dim}"],
        targets: Real[Array, "{state.n_heads}"],
    ) -> MultiHeadMLPUpdateResult:
        """Learn that `observation` goes with `targets` [heads]; NaN leaves a head as it was."""
        targets = f32(targets)
        active = ~jnp.isnan(targets)
        decays = self.per_head_gamma_lamda
        if decays is None:
            decays = f32(self.gamma) * f32(self.lamda)
        how = HeadUpdate(
            targets=targets,
            active=active,
            frozen=~active,
            trace_decays=jnp.broadcast_to(f32(decays), (self.n_heads,)),
        )
        return self.update_heads(state, observation, how)

    def update_heads(
        self,
        state: MultiHeadMLPState,
        observation: Real[Array, " features"],
        how: HeadUpdate,
        step_errors: Callable[[Float[Array, " heads"]], Float[Array, " heads"]] = lambda e: e,
        previous_discounts: Float[Array, " heads"] | None = None,
        acceptable: Any = True,
    ) -> MultiHeadMLPUpdateResult:
        """The update that agents with traces and discounts of their own build on.

        `step_errors` maps the errors of the active heads (0 elsewhere) to the error with which each
        head steps; `previous_discounts` are written to the new state; a step that is not
        `acceptable` is rejected.
        """
        x, normalizer_state = f32(observation), state.normalizer_state
        if self.normalizer is not None:
            x, normalizer_state = self.normalizer.normalize(normalizer_state, x)
        h, backward = jax.vjp(lambda trunk: self.trunk(trunk, x), state.trunk_params)
        heads = state.head_params
        predictions = head_predictions(heads, h)
        errors = jnp.where(how.active, how.targets - predictions, 0.0)

        (gradient,) = backward(errors @ heads.weights[:, 0, :])
        trunk, trunk_states, trunk_traces, trunk_metric = self._trunk_step(
            state, interleaved(gradient)
        )
        heads, head_states, traces = self._heads_step(state, h, step_errors(errors), how)
        candidate = MultiHeadMLPState(
            trunk_params=trunk,
            head_params=heads,
            trunk_optimizer_states=trunk_states,
            trunk_traces=trunk_traces,
            head_optimizer_states=head_states,
            head_traces=traces,
            previous_discounts=(
                state.previous_discounts if previous_discounts is None else previous_discounts
            ),
            normalizer_state=normalizer_state,
            life=state.life,
        )
        own, of_heads = self.optimizer, self._head_optimizer()
        witnesses = (
            (f32(observation), predictions, errors, trunk, heads, normalizer_state),
            [own.witnesses(*of) for of in zip(trunk_states, trunk_traces, strict=True)],
            of_heads.witnesses(head_states.w, traces.w),
            of_heads.witnesses(head_states.b, traces.b),
        )
        accepted = all_finite(witnesses) & acceptable
        step_sizes = of_heads.step_sizes(head_states.w)
        mean_step_sizes = jnp.mean(jnp.reshape(step_sizes, (self.n_heads, -1)), -1)
        errors = jnp.where(how.active, errors, jnp.nan)
        metrics = jnp.stack([errors**2, errors, mean_step_sizes], -1)
        metrics = jnp.where(how.active[:, None], metrics, jnp.nan)
        outputs = nan_unless(accepted, (predictions, errors, metrics, trunk_metric))
        predictions, errors, metrics, trunk_metric = outputs
        state = accepted_or_unchanged(accepted, candidate, state)
        return MultiHeadMLPUpdateResult(
            state, predictions, errors, metrics, trunk_metric, ~accepted
        )

    def _cut(self, state: MultiHeadMLPState) -> MultiHeadMLPState:
        return state.replace(
            head_traces=zeros_like(state.head_traces),
            trunk_traces=zeros_like(state.trunk_traces),
        )

    def _cut_of(self, state: MultiHeadMLPState, mask: Any) -> MultiHeadMLPState:
        mask = jnp.asarray(mask)
        if mask.dtype != jnp.bool_ or mask.shape != (self.n_heads,):
            raise TypeError(
                f"MultiHeadMLPLearner.reset_traces: `mask` must be bool[{self.n_heads}], got "
                f"{mask.dtype}{list(mask.shape)}."
            )
        w = jnp.where(mask[:, None, None], 0.0, state.head_traces.w)
        b = jnp.where(mask[:, None], 0.0, state.head_traces.b)
        return state.replace(head_traces=HeadTraces(w, b))

    def learn(
        self, state: MultiHeadMLPState, experience: MultiHeadStep
    ) -> tuple[MultiHeadMLPState, Float[Array, "heads 3"]]:
        """Update on a `MultiHeadStep`; the outputs are the metrics of each head."""
        result = self.update(state, experience.observation, experience.targets)
        return result.state, result.per_head_metrics

    def _named(self, outputs: Float[Array, "*batch heads 3"]) -> dict[str, Array]:
        return named_columns(HEAD_METRICS, outputs)

    def _parts(self) -> MetricParts:
        return MetricParts("head")

    def _network(self, state: MultiHeadMLPState) -> Network:
        optimizer, of_heads = self.optimizer, state.head_optimizer_states.w
        learned = not isinstance(of_heads, LMSState)
        trunk = Trunk(
            params=state.trunk_params,
            step_sizes=tuple(optimizer.step_sizes(own) for own in state.trunk_optimizer_states),
            traces=state.trunk_traces,
            leaky_relu_slope=self.leaky_relu_slope,
            use_layer_norm=self.use_layer_norm,
        )
        return Network(
            head_weights=state.head_params.weights[:, 0, :],
            head_step_sizes=self._head_optimizer().step_sizes(of_heads) if learned else None,
            trunk=trunk,
            normalizer=self.normalizer,
            normalizer_state=state.normalizer_state,
        )

    def trunk(self, params: MLPParams, x: Float[Array, " features"]) -> Float[Array, " hidden"]:
        """The activations that the heads see."""
        return hidden(params, x, self.leaky_relu_slope, self.use_layer_norm)

    def _head_optimizer(self) -> AbstractOptimizer:
        return self.optimizer if self.head_optimizer is None else self.head_optimizer

    def _trunk_step(self, state: MultiHeadMLPState, gradients: tuple) -> tuple:
        # With a trunk the decay is 0 by construction; without one there is nothing to decay.
        stepped = [
            self.optimizer.update_from_gradient(optimizer_state, z, None)
            for optimizer_state, z in zip(state.trunk_optimizer_states, gradients, strict=True)
        ]
        tensors = interleaved(state.trunk_params)
        steps = tuple(step for step, _ in stepped)
        steps, metric = bounded(self.bounder, steps, 1.0, tensors)
        moved = tuple(w + s for w, s in zip(tensors, steps, strict=True))
        return from_interleaved(moved), tuple(s for _, s in stepped), gradients, metric

    def _heads_step(
        self, state: MultiHeadMLPState, h: Array, errors: Array, how: HeadUpdate
    ) -> tuple[MLPParams, HeadOptimizerStates, HeadTraces]:
        optimizer, bounder = self._head_optimizer(), self.bounder
        traces, states, heads = state.head_traces, state.head_optimizer_states, state.head_params
        seen = f32(how.active)
        w_traces = (
            how.trace_decays[:, None, None] * traces.w + seen[:, None, None] * h[None, None, :]
        )
        b_traces = how.trace_decays[:, None] * traces.b
        if self.use_bias:
            b_traces = b_traces + seen[:, None]
        live = b_traces[:, 0] != 0.0 if self.use_bias else jnp.any(w_traces != 0.0, (1, 2))

        def one_head(w_state, b_state, w_trace, b_trace, error, w, b):
            w_step, w_state = optimizer.update_from_gradient(w_state, w_trace, error)
            b_step, b_state = optimizer.update_from_gradient(b_state, b_trace, error)
            (w_step, b_step), _ = bounded(bounder, (w_step, b_step), error, (w, b))
            return w + error * w_step, b + error * b_step, w_state, b_state

        w, b, w_states, b_states = jax.vmap(one_head)(
            states.w, states.b, w_traces, b_traces, errors, heads.weights, heads.biases
        )
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


def stacked_numbers(name: str, numbers: Any) -> Any:
    """Numbers of many heads as one leaf: float64 keeps them as they were given.

    **Raises:** `TypeError` that starts with `name` for what are no numbers.
    """
    if numbers is None or is_traced(numbers) or isinstance(numbers, jax.Array):
        return numbers
    if isinstance(numbers, list | tuple) and any(
        is_traced(number) or isinstance(number, jax.Array) for number in numbers
    ):
        return jnp.stack([f32(number) for number in numbers])
    try:
        return np.asarray(numbers, np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a list of numbers, got {numbers!r}.") from None


def head_predictions(heads: MLPParams, h: Float[Array, " hidden"]) -> Float[Array, " heads"]:
    """w_i.h + b_i of every head."""
    return affine(heads.weights[:, 0, :], h, heads.biases[:, 0])


def _where_heads(mask: Bool[Array, " heads"], new: Any, old: Any) -> Any:
    def chosen(new, old):
        return jnp.where(jnp.reshape(mask, (-1,) + (1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(chosen, new, old)


@jax.jit
def _initial_state(
    learner: MultiHeadMLPLearner, trunk: MLPParams, heads: MLPParams, life: Lifecycle
) -> MultiHeadMLPState:
    n, _, width = heads.weights.shape
    feature_dim = (trunk.weights[0] if trunk.weights else heads.weights).shape[-1]
    optimizer = learner._head_optimizer()
    head_states = HeadOptimizerStates(
        optimizer.init_for_shape((1, width)), optimizer.init_for_shape((1,))
    )
    tensors = interleaved(trunk)
    return MultiHeadMLPState(
        trunk_params=trunk,
        head_params=heads,
        trunk_optimizer_states=tuple(learner.optimizer.init_for_shape(t.shape) for t in tensors),
        trunk_traces=zeros_like(tensors),
        head_optimizer_states=jax.tree.map(
            lambda a: jnp.broadcast_to(a, (n, *a.shape)), head_states
        ),
        head_traces=zeros_like(HeadTraces(heads.weights, heads.biases)),
        previous_discounts=jnp.ones(n, jnp.float32),
        normalizer_state=(
            None if learner.normalizer is None else learner.normalizer.init(feature_dim)
        ),
        life=life,
    )
