"""The softmax learner: multinomial logistic regression, learned online."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..bounders import AbstractBounder
from ..compilation.boundary import compiled, strong
from ..components.numbers import affine, f32, scalar
from ..components.ranges import require_count, require_part, require_places
from ..components.state import AbstractState
from ..components.types import ScalarLike
from ..experience import TimeStep
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..optimizers import LMS, AbstractOptimizer
from .abstract import AbstractLearner
from .acceptance import Candidate, guarded
from .disallowed import Disallowed
from .lifetime import AbstractLearnerState, Lifecycle
from .linear import changed, mean_step_size
from .losses import SoftmaxLoss
from .metrics import Metrics, named_columns
from .trunk import Network

# The columns of the metrics.
SOFTMAX_METRICS = ("log_loss", "accuracy", "squared_error", "mean_step_size")


class SoftmaxLinearState(AbstractLearnerState):
    """Weights and bias of each class, and the states of the learner's parts, that of the optimizer
    with the classes as first axis."""

    weights: Float[Array, "classes features"]
    bias: Float[Array, " classes"]
    optimizer_state: AbstractState
    normalizer_state: AbstractNormalizerState | None
    life: Lifecycle

    @property
    def feature_dim(self) -> int:
        return self.weights.shape[-1]


class SoftmaxLinearUpdateResult(AbstractState):
    """What one update gave; NaN in every float when the step was rejected.

    `predictions` are the probabilities of the classes before the update, `errors` how far they lie
    below 1 for the class that came and below 0 for the others. `metrics` holds the log loss,
    whether the most probable class came (1 or 0), the squared errors added up (Brier's score), and
    the mean step size.
    """

    state: SoftmaxLinearState
    predictions: Float[Array, " classes"]
    errors: Float[Array, " classes"]
    metrics: Float[Array, "4"]
    rejected: Bool[Array, ""]


class SoftmaxLinearLearner(AbstractLearner[SoftmaxLinearState, TimeStep]):
    r"""Predicts the probability of each class, p = softmax(z) with z_k = w_k.x + b_k.

    With e_k = [k = class] - p_k, minus the gradient of the log loss -log p_class by z_k, each class
    is a linear learner with the error e_k and an optimizer of its own:

        w_k <- w_k + dw_k(e_k, x),    b_k <- b_k + db_k(e_k)

    Any optimizer of linear learners serves: LMS makes it stochastic gradient descent on the log
    loss. IDBD and Autostep take the change of e_k by z_k for -1, as for a squared error, where it
    is -p_k (1 - p_k). With a normalizer, x is the observation normalized by statistics that
    include it; with a bounder, the changes of each class are bounded as one pair of tensors.

    A step whose class is none of 0, 1, ..., `n_classes` - 1 is rejected, a fraction and NaN
    included; so is one with a non-finite observation, or after which anything in the state would
    not be finite: the state stays as it was, bit for bit, and counts it.

    It learns from `TimeStep`s whose one target is the number of the class; for probabilities of
    classes as targets, or hidden layers, take `MultiHeadMLPLearner(..., loss="softmax")`.

    **Arguments:** `n_classes` >= 2; `optimizer`, default `LMS(0.01)`; `normalizer`, `bounder`,
    default none.

    ```python
    learner = SoftmaxLinearLearner(3, LMS(0.1))
    state = learner.init(feature_dim=2)
    result = learner.update(state, np.array([1.0, 0.0]), 2)
    learner.predict(result.state, np.array([1.0, 0.0]))  # [0.310 0.310 0.379]
    ```
    """

    experience: ClassVar[type] = TimeStep
    draws_weights: ClassVar[bool] = False

    n_classes: int = eqx.field(static=True, metadata={"config": "required"})
    optimizer: AbstractOptimizer = eqx.field(default=LMS(), metadata={"config": "required"})
    normalizer: AbstractNormalizer | None = None
    bounder: AbstractBounder | None = None

    def __init__(
        self,
        n_classes: int,
        optimizer: AbstractOptimizer | None = None,
        normalizer: AbstractNormalizer | None = None,
        bounder: AbstractBounder | None = None,
    ):
        self.n_classes = n_classes
        self.optimizer = LMS() if optimizer is None else optimizer
        self.normalizer, self.bounder = normalizer, bounder

    def __check_init__(self):
        # A float32 holds the number of every class.
        require_count("SoftmaxLinearLearner", "n_classes", self.n_classes, low=2, high=2**24)
        require_part(self, "optimizer", AbstractOptimizer)
        require_part(self, "normalizer", AbstractNormalizer, optional=True)
        require_part(self, "bounder", AbstractBounder, optional=True)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> SoftmaxLinearState:
        """Zero weights for `feature_dim` features, born now; nothing is drawn from `key`."""
        require_count("SoftmaxLinearLearner.init", "feature_dim", feature_dim)
        return _initial_state(strong(self), feature_dim, Lifecycle.begin())

    @compiled
    def predict(
        self, state: SoftmaxLinearState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, " classes"]:
        """The probabilities of the classes at `observation`, as `update` would report them."""
        x = f32(observation)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(state.normalizer_state, x)
        return SoftmaxLoss().predictions(affine(state.weights, x, state.bias))

    @compiled
    @guarded
    def update(
        self,
        state: SoftmaxLinearState,
        observation: Real[Array, "{state.feature_dim}"],
        target: ScalarLike,
    ) -> Candidate[SoftmaxLinearUpdateResult]:
        """Learn that `observation` is of the class `target`, a number or shape (1,)."""
        x, normalizer_state = f32(observation), state.normalizer_state
        if self.normalizer is not None:
            x, normalizer_state = self.normalizer.normalize(normalizer_state, x)
        label, loss, classes = scalar(target), SoftmaxLoss(), jnp.arange(self.n_classes)
        targets = f32(label == f32(classes))
        outputs = affine(state.weights, x, state.bias)
        predictions = loss.predictions(outputs)
        errors = targets - predictions

        def one_class(optimizer_state, error, w, b):
            change = self.optimizer.change(optimizer_state, error, x, w, b)
            after = changed(self.bounder, change, error, w, b)
            return after, change.new_state, mean_step_size(change.metrics)

        (weights, bias), optimizer_state, step_sizes = jax.vmap(one_class)(
            state.optimizer_state, errors, state.weights, state.bias
        )
        candidate = SoftmaxLinearState(
            weights=weights,
            bias=bias,
            optimizer_state=optimizer_state,
            normalizer_state=normalizer_state,
            life=state.life,
        )
        log_loss, accuracy = loss.metrics(outputs, targets)[0]
        columns = [log_loss, accuracy, jnp.sum(errors**2), jnp.mean(step_sizes)]
        result = SoftmaxLinearUpdateResult(
            state=candidate,
            predictions=predictions,
            errors=errors,
            metrics=jnp.stack(columns),
            rejected=jnp.asarray(False),
        )
        is_class = self.allows(label) & ~jnp.isnan(label)
        return Candidate(result, (f32(observation), outputs, candidate), is_class)

    def learn(
        self, state: SoftmaxLinearState, experience: TimeStep
    ) -> tuple[SoftmaxLinearState, Float[Array, "4"]]:
        """Update on a `TimeStep`; the outputs are the metrics."""
        result = self.update(state, experience.observation, experience.target)
        return result.state, result.metrics

    def _named(self, outputs: Float[Array, "*batch 4"]) -> Metrics:
        return named_columns(SOFTMAX_METRICS, outputs)

    def _allows(self, targets: Any) -> Bool[Array, ""]:
        label = scalar(targets)
        return jnp.isnan(label) | jnp.any(label == f32(jnp.arange(self.n_classes)))

    def _disallowed(self, targets: Any) -> Disallowed | None:
        label = float(targets[0])
        if label != label or label in range(self.n_classes):
            return None
        return Disallowed(0, f"{label:g} is the number of no class, 0 to {self.n_classes - 1}")

    def _target_classes(self) -> int:
        return self.n_classes

    def _with_heads(self, places: tuple[int, ...], names: None) -> "SoftmaxLinearLearner":
        del names
        require_places("SoftmaxLinearLearner", places, self.n_classes)
        return dataclasses.replace(self, n_classes=len(places))

    def _network(self, state: SoftmaxLinearState) -> Network:
        return Network(
            head_weights=state.weights,
            head_step_sizes=self._step_sizes(state),
            normalizer=self.normalizer,
            normalizer_state=state.normalizer_state,
        )

    def _input_step_sizes(self, state: SoftmaxLinearState) -> Float[Array, " features"]:
        return jnp.mean(self._step_sizes(state), axis=0)

    def _step_sizes(self, state: SoftmaxLinearState) -> Any:
        sizes = jax.vmap(self.optimizer.step_sizes)(state.optimizer_state)
        return jnp.broadcast_to(jnp.reshape(sizes, (self.n_classes, -1)), state.weights.shape)


@jax.jit(static_argnames="feature_dim")
def _initial_state(
    learner: SoftmaxLinearLearner, feature_dim: int, life: Lifecycle
) -> SoftmaxLinearState:
    n = learner.n_classes
    normalizer_state = None if learner.normalizer is None else learner.normalizer.init(feature_dim)
    of_one = learner.optimizer.init(feature_dim)
    return SoftmaxLinearState(
        weights=jnp.zeros((n, feature_dim), jnp.float32),
        bias=jnp.zeros(n, jnp.float32),
        optimizer_state=jax.tree.map(lambda a: jnp.broadcast_to(a, (n, *a.shape)), of_one),
        normalizer_state=normalizer_state,
        life=life,
    )
