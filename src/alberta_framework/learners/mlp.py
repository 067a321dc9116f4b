"""The MLP learner: one output, every layer learning at every step."""

import functools as ft
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..bounders import AbstractBounder
from ..compilation.boundary import compiled, strong
from ..components.numbers import affine, f32, scalar
from ..components.ranges import require_count, require_key
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from ..experience import TimeStep
from ..networks import (
    MLPParams,
    fresh_sparse_weights,
    from_interleaved,
    hidden,
    hidden_activations,
    interleaved,
    sizes,
)
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..optimizers import AbstractOptimizer, Hybrid
from ..plasticity import AbstractPlasticity, NetworkStep
from ..step_rules import PerTensor, PerTensorState
from .abstract import AbstractLearner
from .acceptance import Candidate, guarded
from .lifetime import AbstractLearnerState, Lifecycle
from .metrics import Metrics, named_columns
from .network import (
    chosen_optimizer,
    initial_layers,
    optimizer_of,
    plasticity_begun,
    plasticity_witnesses,
    require_network_fields,
    require_state_with,
    require_traces_taken,
    require_unit_interval,
    zeros_like,
)
from .target_scale import TargetScale, require_target_normalizer
from .trunk import Network, Trunk, kept_by


class MLPLearnerState(AbstractLearnerState):
    """Parameters by layer; optimizer states and traces in the order w0, b0, w1, b1, ..."""

    params: MLPParams
    optimizer_states: tuple[AbstractState, ...]
    traces: tuple[Float[Array, "..."], ...]
    normalizer_state: AbstractNormalizerState | None
    life: Lifecycle
    plasticity_state: Any = None
    target_normalizer_state: Any = None

    @property
    def feature_dim(self) -> int:
        return self.params.weights[0].shape[-1]


class MLPUpdateResult(AbstractState):
    """What one update gave; NaN in every float when the step was rejected.

    `metrics` holds the squared error, the error, the bounder's metric (1 without one) and, with a
    normalizer, the mean variance of its statistics.
    """

    state: MLPLearnerState
    prediction: Float[Array, "1"]
    error: Float[Array, "1"]
    metrics: Float[Array, " columns"]
    rejected: Bool[Array, ""]


class MLPLearner(AbstractLearner[MLPLearnerState, TimeStep]):
    r"""Predicts with a multilayer perceptron that learns from every example once.

    Hidden layers are LeakyReLU(layer_norm(W x + b)), the output is w h + b. For each tensor with
    gradient g of the prediction, in this order:

        z  <- gamma lamda z + g
        s   = the optimizer's step for z and error e, bounded together over all tensors
        w  <- w + e s

    Only predictions and the errors of the example at hand enter: no replay, no batch. Traces are
    not cut inside `update`; see `reset_traces`. Steps are rejected as in `LinearLearner`.

    Source: the streaming networks of Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606.

    **Arguments:**

    - `hidden_sizes`: units of the hidden layers, default (128, 128); `()` is linear.
    - `optimizer`, default `LMS(step_size)`; `head_optimizer` of the output layer, default the same.
    - `step_size` >= 0, default 1, of the default optimizer only; bound it with `ObGDBounding`.
    - `bounder`, `normalizer`: default none.
    - `gamma`, `lamda` in [0, 1], default 0.
    - `sparsity` in [0, 1], default 0.9, of the initial weights (see `sparse_init`).
    - `leaky_relu_slope`, default 0.01; `use_layer_norm`, default True.
    - `plasticity`, keyword only: what keeps the network able to learn, default none.
    - `target_normalizer`, keyword only, default none: the target and its error are learned in units
      of the targets' spread, as in `LinearLearner`; e is then that error.
    """

    experience: ClassVar[type] = TimeStep
    draws_weights: ClassVar[bool] = True

    hidden_sizes: tuple[int, ...] = eqx.field(static=True, metadata={"config": "required"})
    optimizer: AbstractOptimizer | Hybrid = eqx.field(metadata={"config": "required"})
    bounder: AbstractBounder | None
    normalizer: AbstractNormalizer | None
    head_optimizer: AbstractOptimizer | None
    sparsity: float = eqx.field(static=True)
    leaky_relu_slope: Hyperparameter
    use_layer_norm: bool = eqx.field(static=True)
    gamma: Hyperparameter
    lamda: Hyperparameter
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})
    target_normalizer: AbstractNormalizer | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        hidden_sizes: Sequence[int] = (128, 128),
        optimizer: AbstractOptimizer | Hybrid | None = None,
        step_size: Hyperparameter = 1.0,
        bounder: AbstractBounder | None = None,
        gamma: Hyperparameter = 0.0,
        lamda: Hyperparameter = 0.0,
        normalizer: AbstractNormalizer | None = None,
        sparsity: float = 0.9,
        leaky_relu_slope: Hyperparameter = 0.01,
        use_layer_norm: bool = True,
        head_optimizer: AbstractOptimizer | None = None,
        *,
        plasticity: AbstractPlasticity | None = None,
        target_normalizer: AbstractNormalizer | None = None,
    ):
        self.hidden_sizes = sizes("MLPLearner", hidden_sizes)
        self.optimizer = chosen_optimizer("MLPLearner", optimizer, step_size)
        self.bounder, self.normalizer, self.head_optimizer = bounder, normalizer, head_optimizer
        self.sparsity, self.leaky_relu_slope = sparsity, leaky_relu_slope
        self.use_layer_norm, self.gamma, self.lamda = use_layer_norm, gamma, lamda
        self.plasticity, self.target_normalizer = plasticity, target_normalizer

    def __check_init__(self):
        require_network_fields(self)
        require_target_normalizer(self)
        require_unit_interval(self, "gamma", "lamda")
        require_traces_taken(self, "gamma * lamda", self.gamma, self.lamda)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> MLPLearnerState:
        """Sparse weights for `feature_dim` features drawn from `key`, born now."""
        require_count("MLPLearner.init", "feature_dim", feature_dim)
        key = require_key("MLPLearner.init", key)
        layer_sizes = (int(feature_dim), *self.hidden_sizes, 1)
        params, _ = initial_layers(key, layer_sizes=layer_sizes, sparsity=self.sparsity)
        state = _initial_state(strong(self), params, Lifecycle.begin())
        return state.replace(plasticity_state=plasticity_begun(self.plasticity, params, key))

    @compiled
    def predict(
        self, state: MLPLearnerState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "1"]:
        """The prediction at `observation`, as `update` would report it."""
        x = f32(observation)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(state.normalizer_state, x)
        scale, output = TargetScale(self.target_normalizer), self._output(state.params, x)
        return jnp.reshape(scale.of_output(state.target_normalizer_state, output), (1,))

    @compiled
    @guarded
    def update(
        self,
        state: MLPLearnerState,
        observation: Real[Array, "{state.feature_dim}"],
        target: ScalarLike,
    ) -> Candidate[MLPUpdateResult]:
        """Learn that `observation` goes with `target`, a number or shape (1,)."""
        x, normalizer_state = f32(observation), state.normalizer_state
        if self.normalizer is not None:
            x, normalizer_state = self.normalizer.normalize(normalizer_state, x)
        output, gradient = jax.value_and_grad(self._output)(state.params, x)
        target, scale = scalar(target), TargetScale(self.target_normalizer)
        prediction = scale.of_output(state.target_normalizer_state, output)
        wanted, target_state = scale.of_target(state.target_normalizer_state, target)
        error, step_error = target - prediction, wanted - output
        decay = f32(self.gamma) * f32(self.lamda)
        rule, tensors = self.step_rule, interleaved(state.params)
        before = PerTensorState(state.optimizer_states, state.traces)
        changes, after, info = rule.update(
            before, interleaved(gradient), step_error, decay, params=tensors
        )
        params = from_interleaved(tuple(w + d for w, d in zip(tensors, changes, strict=True)))
        plasticity_state = state.plasticity_state
        require_state_with(self.plasticity, plasticity_state)
        if self.plasticity is not None:
            trunk = MLPParams(state.params.weights[:-1], state.params.biases[:-1])
            slope, use_layer_norm = self.leaky_relu_slope, self.use_layer_norm
            step = NetworkStep(
                before=state.params,
                after=params,
                gradient=jax.tree.map(lambda g: -step_error * g, gradient),
                activations=hidden_activations(trunk, x, slope, use_layer_norm),
                fresh=ft.partial(fresh_sparse_weights, sparsity=self.sparsity),
            )
            made = self.plasticity.apply(plasticity_state, step)
            params, plasticity_state = made.params, made.state
            for renewal in made.renewals:
                after = rule.renewed(after, tensors, renewal)
        candidate = MLPLearnerState(
            params=params,
            optimizer_states=after.optimizer_states,
            traces=after.traces,
            normalizer_state=normalizer_state,
            life=state.life,
            plasticity_state=plasticity_state,
            target_normalizer_state=target_state,
        )
        columns = [error**2, error, info.bound]
        if normalizer_state is not None:
            columns.append(jnp.mean(normalizer_state.var))
        result = MLPUpdateResult(
            state=candidate,
            prediction=jnp.reshape(prediction, (1,)),
            error=jnp.reshape(error, (1,)),
            metrics=jnp.stack(columns),
            rejected=jnp.asarray(False),
        )
        kept = rule.witnesses(after), plasticity_witnesses(self.plasticity, plasticity_state)
        kept = *kept, target_state
        return Candidate(result, (f32(observation), error, params, normalizer_state, kept))

    def learn(
        self, state: MLPLearnerState, experience: TimeStep
    ) -> tuple[MLPLearnerState, Float[Array, " columns"]]:
        """Update on a `TimeStep`; the outputs are the metrics."""
        result = self.update(state, experience.observation, experience.target)
        return result.state, result.metrics

    def _named(self, outputs: Float[Array, "*batch columns"]) -> Metrics:
        variance = () if self.normalizer is None else ("normalizer_mean_var",)
        return named_columns(("squared_error", "error", "bounding_metric", *variance), outputs)

    def _cut(self, state: MLPLearnerState) -> MLPLearnerState:
        return state.replace(traces=zeros_like(state.traces))

    def _network(self, state: MLPLearnerState) -> Network | None:
        weights, biases = state.params.weights, state.params.biases
        kept = PerTensorState(state.optimizer_states, state.traces)
        *step_sizes, of_head, _ = self.step_rule.step_sizes(kept, interleaved(state.params))
        trunk = Trunk(
            params=MLPParams(weights[:-1], biases[:-1]),
            step_sizes=tuple(step_sizes),
            traces=state.traces[:-2],
            leaky_relu_slope=self.leaky_relu_slope,
            use_layer_norm=self.use_layer_norm,
        )
        network = Network(weights[-1], of_head, trunk, self.normalizer, state.normalizer_state)
        return kept_by(network, self.plasticity, state.plasticity_state)

    def _output(self, params: MLPParams, x: Float[Array, " features"]) -> Float[Array, ""]:
        trunk = MLPParams(params.weights[:-1], params.biases[:-1])
        h = hidden(trunk, x, self.leaky_relu_slope, self.use_layer_norm)
        return affine(params.weights[-1], h, params.biases[-1])[0]

    @property
    def step_rule(self) -> PerTensor:
        """How traces and errors become changes, over the tensors w0, b0, w1, b1, ..."""
        both = optimizer_of(self)
        of_each = (both.trunk,) * (2 * len(self.hidden_sizes)) + (both.head,) * 2
        return PerTensor(of_each, self.bounder)


@jax.jit
def _initial_state(learner: MLPLearner, params: MLPParams, life: Lifecycle) -> MLPLearnerState:
    begun, feature_dim = learner.step_rule.init(interleaved(params)), params.weights[0].shape[-1]
    normalizer_state = None if learner.normalizer is None else learner.normalizer.init(feature_dim)
    return MLPLearnerState(
        params=params,
        optimizer_states=begun.optimizer_states,
        traces=begun.traces,
        normalizer_state=normalizer_state,
        life=life,
        target_normalizer_state=TargetScale(learner.target_normalizer).begun(),
    )
