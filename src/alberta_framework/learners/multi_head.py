"""The multi-head learner: many predictions from one trunk, each learning when it has a target."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..bounders import AbstractBounder
from ..compilation.boundary import compiled
from ..components.numbers import f32, is_traced
from ..components.ranges import (
    require_choice,
    require_count,
    require_key,
    require_places,
    require_range,
)
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..experience import MultiHeadStep
from ..networks import MLPParams, sizes
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..optimizers import AbstractOptimizer, Hybrid
from ..plasticity import AbstractPlasticity
from .abstract import AbstractLearner
from .acceptance import Candidate, guarded
from .disallowed import Disallowed
from .head_scales import HeadScales
from .head_update import HeadUpdate
from .heads import AbstractHeadsState, Heads
from .lifetime import Lifecycle
from .losses import AbstractLoss, has_huber, loss_of, require_delta, require_loss
from .metrics import MetricParts, Metrics, named_columns
from .network import (
    chosen_optimizer,
    require_network_fields,
    require_traces_taken,
    require_unit_interval,
    without_trunk_trace,
)
from .stacked_heads import HeadOptimizerStates, HeadTraces
from .target_scale import TargetScale, require_target_normalizer
from .trunk import Network

# The columns of the metrics of a head, before those that its loss has besides.
HEAD_METRICS = ("squared_error", "error", "mean_step_size")


class MultiHeadMLPState(AbstractHeadsState):
    """Trunk by layer (order w0, b0, w1, ... in states and traces), heads stacked.

    `head_params.weights[i]` is head i's (1, hidden), `head_params.biases[i]` its (1,).
    """

    trunk_params: MLPParams
    head_params: MLPParams
    trunk_optimizer_states: tuple[AbstractState, ...]
    trunk_traces: tuple[Float[Array, "..."], ...]
    head_optimizer_states: HeadOptimizerStates
    head_traces: HeadTraces
    normalizer_state: AbstractNormalizerState | None
    life: Lifecycle
    plasticity_state: Any = None
    target_normalizer_state: Any = None


class MultiHeadMLPUpdateResult(AbstractState):
    """What one update gave; NaN where a head is inactive, and everywhere in a rejected step.

    `per_head_metrics` holds for each head its squared error, its error, and the mean step size of
    its weights after the update; where there is a classification loss also its log loss and its
    accuracy, with a softmax those of the whole prediction in every head.
    """

    state: MultiHeadMLPState
    predictions: Float[Array, " heads"]
    errors: Float[Array, " heads"]
    per_head_metrics: Float[Array, "heads columns"]
    trunk_bounding_metric: Float[Array, ""]
    rejected: Bool[Array, ""]


class MultiHeadMLPLearner(AbstractLearner[MultiHeadMLPState, MultiHeadStep]):
    r"""Many heads on one trunk; a NaN target leaves its head as it was.

    With trunk h = hidden(x), outputs z_i = w_i.h + b_i and p = g(z), all from the old parameters:

        e_i = target_i - p_i for active heads
        trunk:      one backward pass of the cotangent sum_i e_i w_i gives gradients that hold the
                    errors; the optimizer's steps for them (bounded with error 1) are added
        head i:     z_w <- gl_i z_w + h,  z_b <- gl_i z_b + 1
                    w_i <- w_i + e_i s_w,  b_i <- b_i + e_i s_b, bounded as one pair per head

    gl_i is `per_head_gamma_lamda[i]`, or gamma lamda for all. Heads are stacked arrays, so the
    program is the same for 2 heads and for 10,000. The trunk's step grows with the number of active
    heads: it is a sum.

    The loss says what a prediction is. Its gradient by z_i is -e_i each time, of `"huber"` the
    error clipped to +-`huber_delta`, so that all else is the same:

    | `loss` | predictions g(z) | loss, minimised | targets |
    |---|---|---|---|
    | `"squared"` | z | sum_i e_i^2 / 2 | any number |
    | `"huber"` | z | sum_i of the squared loss, from `huber_delta` on linear | any number |
    | `"logistic"` | 1 / (1 + exp(-z_i)) | -sum_i y_i log p_i + (1 - y_i) log(1 - p_i) | in [0, 1] |
    | `"softmax"` | exp(z_i) / sum_j exp(z_j) | -sum_i y_i log p_i | of each class its probability |

    A tuple of `"squared"`, `"huber"` and `"logistic"` gives each head its own. A target that is no
    probability where it has to be one rejects the step: one outside of [0, 1], and with a softmax
    those that do not add up to 1, if all classes have one, or to more. With a softmax, classes of
    NaN count as one, which has what is left: `[NaN, NaN, 0]` says that it is not the third.

    With a `target_normalizer` each head whose targets are any numbers learns them in units of their
    spread, as in `LinearLearner`; a NaN target leaves its statistics as they were. Predictions and
    errors are told in units of the targets.

    **Arguments:** `n_heads` >= 1; `per_head_gamma_lamda`: n_heads numbers in [0, 1], default none;
    keyword only: `use_bias`: whether the heads have a bias, default True; `loss`, default
    `"squared"`; `huber_delta` > 0, of a Huber loss alone, default 1, in units of the targets'
    spread where they are learned in it; `target_normalizer`, default none; `plasticity`: what
    keeps the network able to learn, default none; the others as `MLPLearner`. With hidden layers
    gamma lamda must be 0.

    ```python
    learner = MultiHeadMLPLearner(10, (64,), LMS(0.01), loss="softmax", sparsity=0.5)
    state = learner.init(feature_dim=784, key=jax.random.key(0))
    result = learner.update(state, pixels, jax.nn.one_hot(3, 10))
    learner.metrics(result.per_head_metrics).accuracy  # 0.0 or 1.0
    ```
    """

    experience: ClassVar[type] = MultiHeadStep
    draws_weights: ClassVar[bool] = True

    n_heads: int = eqx.field(static=True, metadata={"config": "required"})
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
    per_head_gamma_lamda: Float[np.ndarray, " heads"] | None
    use_bias: bool = eqx.field(static=True, metadata={"config": "omit_default"})
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})
    loss: str | tuple[str, ...] = eqx.field(static=True, metadata={"config": "omit_default"})
    huber_delta: Hyperparameter | None = eqx.field(metadata={"config": "omit_default"})
    target_normalizer: AbstractNormalizer | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        n_heads: int,
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
        per_head_gamma_lamda: Any = None,
        *,
        use_bias: bool = True,
        plasticity: AbstractPlasticity | None = None,
        loss: str | tuple[str, ...] | list[str] = "squared",
        huber_delta: Hyperparameter | None = None,
        target_normalizer: AbstractNormalizer | None = None,
    ):
        self.n_heads = n_heads
        self.loss = tuple(loss) if isinstance(loss, list) else loss
        self.hidden_sizes = sizes("MultiHeadMLPLearner", hidden_sizes)
        self.optimizer = chosen_optimizer("MultiHeadMLPLearner", optimizer, step_size)
        self.bounder, self.normalizer, self.head_optimizer = bounder, normalizer, head_optimizer
        self.sparsity, self.leaky_relu_slope = sparsity, leaky_relu_slope
        self.use_layer_norm, self.use_bias = use_layer_norm, use_bias
        self.plasticity, self.target_normalizer = plasticity, target_normalizer
        self.huber_delta = huber_delta
        self.gamma, self.lamda = without_trunk_trace(gamma, lamda, self.hidden_sizes), lamda
        self.per_head_gamma_lamda = stacked_numbers(
            "MultiHeadMLPLearner: `per_head_gamma_lamda`", per_head_gamma_lamda
        )

    def __check_init__(self):
        require_count("MultiHeadMLPLearner", "n_heads", self.n_heads)
        require_network_fields(self)
        require_unit_interval(self, "gamma", "lamda")
        require_choice("MultiHeadMLPLearner", "use_bias", self.use_bias, (True, False))
        require_loss("MultiHeadMLPLearner", self.loss, self.n_heads)
        require_delta(self)
        require_target_normalizer(self)
        if self.target_normalizer is not None and not any(self._loss.of_numbers(self.n_heads)):
            raise ValueError(
                "MultiHeadMLPLearner: `target_normalizer` must be None where all targets are "
                f"probabilities, as with `loss` {self.loss!r}, got {self.target_normalizer}."
            )
        if self.per_head_gamma_lamda is None:
            require_traces_taken(self, "gamma * lamda", self.gamma, self.lamda)
        else:
            require_traces_taken(self, "per_head_gamma_lamda", self.per_head_gamma_lamda)
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
        begun = self.heads.begun(feature_dim, require_key("MultiHeadMLPLearner.init", key))
        return MultiHeadMLPState(**begun, life=Lifecycle.begin())

    @property
    def heads(self) -> Heads:
        """The heads and their trunk."""
        scales = HeadScales(self.target_normalizer, self._loss.of_numbers(self.n_heads))
        return Heads.of(self, self.n_heads, loss=self._loss, scales=scales)

    @property
    def _loss(self) -> AbstractLoss:
        return loss_of(self.loss, self.huber_delta)

    @compiled
    def predict(
        self, state: MultiHeadMLPState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "{state.n_heads}"]:
        """All heads at `observation`, as `update` would report them were they active."""
        return self.heads.predictions(state, observation)

    @compiled
    @guarded
    def update(
        self,
        state: MultiHeadMLPState,
        observation: Real[Array, "{state.feature_dim}"],
        targets: Real[Array, "{state.n_heads}"],
    ) -> Candidate[MultiHeadMLPUpdateResult]:
        """Learn that `observation` goes with `targets` [heads]; NaN leaves a head as it was.

        A target that the loss does not allow rejects the step.
        """
        TargetScale(self.target_normalizer).require_state(state.target_normalizer_state)
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
        heads = self.heads
        step = heads.step(state, observation, how)
        result = MultiHeadMLPUpdateResult(
            state=state.replace(**step.changed),
            predictions=step.predictions,
            errors=step.told_errors,
            per_head_metrics=step.metrics,
            trunk_bounding_metric=step.trunk_bounding_metric,
            rejected=jnp.asarray(False),
        )
        return Candidate(result, step.witnesses, self.allows(targets))

    def _allows(self, targets: Any) -> Bool[Array, ""]:
        return self._loss.allows(f32(targets))

    def _disallowed(self, targets: Any) -> Disallowed | None:
        return self._loss.disallowed(targets)

    def _cut(self, state: MultiHeadMLPState) -> MultiHeadMLPState:
        return self.heads.cut(state)

    def _cut_of(self, state: MultiHeadMLPState, mask: Any) -> MultiHeadMLPState:
        return self.heads.cut_of("MultiHeadMLPLearner", state, mask)

    def learn(
        self, state: MultiHeadMLPState, experience: MultiHeadStep
    ) -> tuple[MultiHeadMLPState, Float[Array, "heads columns"]]:
        """Update on a `MultiHeadStep`; the outputs are the metrics of each head."""
        result = self.update(state, experience.observation, experience.targets)
        return result.state, result.per_head_metrics

    def _named(self, outputs: Float[Array, "*batch heads columns"]) -> Metrics:
        loss = self._loss
        named = named_columns((*HEAD_METRICS, *loss.metric_names), outputs)
        of_all = loss.metric_names if loss.of_all else ()
        return Metrics({k: v[..., 0] if k in of_all else v for k, v in named.items()})

    def _parts(self) -> MetricParts:
        return MetricParts("head")

    def _with_heads(self, places: tuple[int, ...], names: None) -> "MultiHeadMLPLearner":
        del names
        require_places("MultiHeadMLPLearner", places, self.n_heads)
        loss, decays = self.loss, self.per_head_gamma_lamda
        if isinstance(loss, tuple):
            loss = tuple(loss[place] for place in places)
        return dataclasses.replace(
            self,
            n_heads=len(places),
            loss=loss,
            huber_delta=self.huber_delta if has_huber(loss) else None,
            per_head_gamma_lamda=None if decays is None else decays[..., list(places)],
        )

    def _heads_differ(self) -> bool:
        return isinstance(self.loss, tuple) or self.per_head_gamma_lamda is not None

    def _network(self, state: MultiHeadMLPState) -> Network | None:
        return self.heads.network(state)


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
