r"""What the outputs of heads mean, and how far they are from their targets.

The error that a head learns from is minus the gradient of its loss by its output z, whichever loss
it is; so whatever learns from errors learns all of them.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..components.numbers import f32
from ..components.ranges import require_choice, require_range
from ..components.types import Hyperparameter
from .disallowed import Disallowed

# The columns that a classification loss has besides those of the errors.
CLASSIFICATION_METRICS = ("log_loss", "accuracy")
# So far may the probabilities of a distribution be from adding up to 1, by rounding.
_ROUNDING = 1e-3


class AbstractLoss(eqx.Module):
    """The loss of some heads, NaN where there is no target.

    `of_all`: whether what `metrics` gives is of all heads together, and the same in every head.
    """

    of_all: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def metric_names(self) -> tuple[str, ...]:
        """The columns that `metrics` gives of each head besides those of its error."""

    @abc.abstractmethod
    def predictions(self, outputs: Float[Array, " heads"]) -> Float[Array, " heads"]:
        """What the heads predict by their outputs w.h + b."""

    @abc.abstractmethod
    def errors(
        self, outputs: Float[Array, " heads"], targets: Float[Array, " heads"]
    ) -> Float[Array, " heads"]:
        """What each head learns from, minus the gradient of the loss by its output."""

    @abc.abstractmethod
    def of_numbers(self, heads: int) -> tuple[bool, ...]:
        """Which of so many heads predict a number of any size, which may have a scale."""

    @abc.abstractmethod
    def allows(self, targets: Float[Array, " heads"]) -> Bool[Array, ""]:
        """Whether these can be targets; NaN always can."""

    @abc.abstractmethod
    def disallowed(self, targets: np.ndarray) -> Disallowed | None:
        """What is wrong with those that cannot, in words; on the host."""

    @abc.abstractmethod
    def metrics(
        self, outputs: Float[Array, " heads"], targets: Float[Array, " heads"]
    ) -> Float[Array, "heads columns"]:
        """The loss and its like of each head; NaN where there is none."""


class AbstractRegressionLoss(AbstractLoss):
    """A loss of numbers of any size, which are what a head puts out."""

    @property
    def metric_names(self) -> tuple[str, ...]:
        return ()

    def predictions(self, outputs: Float[Array, " heads"]) -> Float[Array, " heads"]:
        return outputs

    def of_numbers(self, heads: int) -> tuple[bool, ...]:
        return (True,) * heads

    def allows(self, targets: Float[Array, " heads"]) -> Bool[Array, ""]:
        return jnp.asarray(True)

    def disallowed(self, targets: np.ndarray) -> Disallowed | None:
        return None

    def metrics(
        self, outputs: Float[Array, " heads"], targets: Float[Array, " heads"]
    ) -> Float[Array, "heads columns"]:
        return jnp.zeros((*outputs.shape, 0), outputs.dtype)


class AbstractClassificationLoss(AbstractLoss):
    """A loss of probabilities: a log loss whose link is such that y - p is what is learned from."""

    @property
    def metric_names(self) -> tuple[str, ...]:
        return CLASSIFICATION_METRICS

    def errors(
        self, outputs: Float[Array, " heads"], targets: Float[Array, " heads"]
    ) -> Float[Array, " heads"]:
        return targets - self.predictions(outputs)

    def of_numbers(self, heads: int) -> tuple[bool, ...]:
        return (False,) * heads


class SquaredLoss(AbstractRegressionLoss):
    """1/2 (y - z)^2."""

    def errors(self, outputs, targets):
        return targets - outputs


class HuberLoss(AbstractRegressionLoss):
    """1/2 e^2 of an error e = y - z up to delta in size, and delta (|e| - delta / 2) beyond: a far
    target moves no more than one that is `delta` away. Source: Huber (1964).

    **Arguments:** `delta` > 0, in units of the target, or of its spread where it has a scale.
    """

    delta: Hyperparameter = 1.0

    def errors(self, outputs, targets):
        return jnp.clip(targets - outputs, -f32(self.delta), f32(self.delta))


class LogisticLoss(AbstractClassificationLoss):
    """-y log p - (1 - y) log(1 - p) with p = 1 / (1 + exp(-z)), of each head by itself.

    A prediction is accurate if it lies on the same side of 1/2 as its target.
    """

    def predictions(self, outputs):
        return jax.nn.sigmoid(outputs)

    def allows(self, targets):
        return ~jnp.any((targets < 0.0) | (targets > 1.0))

    def disallowed(self, targets):
        return _no_probability(targets)

    def metrics(self, outputs, targets):
        loss = jax.nn.softplus(outputs) - targets * outputs
        accurate = (outputs > 0.0) == (targets > 0.5)
        columns = jnp.stack([loss, accurate.astype(outputs.dtype)], -1)
        return jnp.where(jnp.isnan(targets)[:, None], jnp.nan, columns)


class LossByHead(AbstractLoss):
    """A loss for each head, of such as each head has by itself.

    **Arguments:** `losses`; `of`: the place of each head's loss in them.
    """

    losses: tuple[AbstractLoss, ...]
    of: tuple[int, ...] = eqx.field(static=True)

    @property
    def metric_names(self):
        return max((loss.metric_names for loss in self.losses), key=len)

    def predictions(self, outputs):
        return self._chosen([loss.predictions(outputs) for loss in self.losses])

    def errors(self, outputs, targets):
        return self._chosen([loss.errors(outputs, targets) for loss in self.losses])

    def of_numbers(self, heads):
        by_loss = [loss.of_numbers(heads) for loss in self.losses]
        return tuple(by_loss[loss][head] for head, loss in enumerate(self.of))

    def allows(self, targets):
        # No target is one that every loss allows.
        own = [jnp.where(self._is(i), targets, jnp.nan) for i in range(len(self.losses))]
        pairs = zip(self.losses, own, strict=True)
        return jnp.all(jnp.stack([loss.allows(targets) for loss, targets in pairs]))

    def disallowed(self, targets):
        for i, loss in enumerate(self.losses):
            found = loss.disallowed(np.where(np.asarray(self.of) == i, targets, np.float32(np.nan)))
            if found is not None:
                return found
        return None

    def metrics(self, outputs, targets):
        columns = jnp.full((*outputs.shape, len(self.metric_names)), jnp.nan, outputs.dtype)
        for i, loss in enumerate(self.losses):
            if loss.metric_names:
                columns = jnp.where(self._is(i)[:, None], loss.metrics(outputs, targets), columns)
        return columns

    def _is(self, loss: int) -> Any:
        return jnp.asarray(self.of) == loss

    def _chosen(self, by_loss: list[Array]) -> Array:
        chosen = by_loss[0]
        for i, own in enumerate(by_loss[1:], start=1):
            chosen = jnp.where(self._is(i), own, chosen)
        return chosen


class SoftmaxLoss(AbstractClassificationLoss):
    r"""-sum_i y_i log p_i with p = softmax(z), over the heads together, a class each.

    Classes without a target count as one, of which it is known that one of them is the class with
    the probability that is left: with T those that have a target,

        -sum_{i in T} y_i log p_i - (1 - sum_{i in T} y_i) log(1 - sum_{i in T} p_i)

    whose gradient by z_i is p_i - y_i for i in T. A prediction is accurate if its most probable
    class, or the class that this one counts to, is one of the most probable ones by the targets.
    """

    of_all: ClassVar[bool] = True

    def predictions(self, outputs):
        return jax.nn.softmax(outputs)

    def allows(self, targets):
        told = ~jnp.isnan(targets)
        total = jnp.sum(jnp.where(told, targets, 0.0))
        enough = ~jnp.all(told) | (total >= 1.0 - _ROUNDING)
        return ~jnp.any((targets < 0.0) | (targets > 1.0)) & enough & (total <= 1.0 + _ROUNDING)

    def disallowed(self, targets):
        alone = _no_probability(targets)
        if alone is not None:
            return alone
        told = ~np.isnan(targets)
        total = np.sum(np.where(told, targets, np.float32(0.0)), dtype=np.float32)
        if told.all() and total < np.float32(1.0 - _ROUNDING):
            return Disallowed(None, f"{total:g} is less than all probabilities add up to")
        if total > np.float32(1.0 + _ROUNDING):
            return Disallowed(None, f"{total:g} is more than probabilities add up to")
        return None

    def metrics(self, outputs, targets):
        told = ~jnp.isnan(targets)
        sure = jnp.where(told, targets, 0.0)
        left = jnp.where(jnp.all(told), 0.0, jnp.maximum(1.0 - jnp.sum(sure), 0.0))
        logs = jax.nn.log_softmax(outputs)
        log_left = jax.nn.logsumexp(jnp.where(told, -jnp.inf, logs))
        # What has the target 0 counts for nothing, be its probability 0 too.
        loss = jnp.sum(_weighted(sure, logs)) + _weighted(left, log_left)
        believed = jnp.where(told, sure, left)
        accurate = believed[jnp.argmax(outputs)] == jnp.max(believed)
        columns = jnp.stack([-loss, accurate.astype(outputs.dtype)])
        columns = jnp.where(jnp.any(told), columns, jnp.nan)
        return jnp.broadcast_to(columns, (*outputs.shape, 2))


LOSSES = ("squared", "huber", "softmax", "logistic")
_OF_A_HEAD = ("squared", "huber", "logistic")


def require_loss(owner: str, loss: Any, n_heads: int) -> None:
    """Check what a user says of the losses of heads.

    **Raises:** `ValueError` naming `loss`.
    """
    if not isinstance(loss, tuple):
        require_choice(owner, "loss", loss, LOSSES)
        if loss == "softmax" and n_heads < 2:
            raise ValueError(
                f'{owner}: `loss` "softmax" is for two heads or more, a class each, got {n_heads}; '
                'take "logistic" for one.'
            )
        return
    for one in loss:
        if type(one) is not str or one not in _OF_A_HEAD:
            raise ValueError(
                f"{owner}: `loss` by head must be of {_OF_A_HEAD}, got {one!r}; "
                '"softmax" is one loss of all heads.'
            )
    if len(loss) != n_heads:
        raise ValueError(
            f"{owner}: `loss` must be one loss, or one for each of the {n_heads} heads, got "
            f"{len(loss)}."
        )


def has_huber(loss: Any) -> bool:
    """Whether a loss has a `huber_delta`: one by that name, or that of some head."""
    return loss == "huber" or (isinstance(loss, tuple) and "huber" in loss)


def require_delta(learner: Any) -> None:
    """Check the `huber_delta` of a learner: in its range, and without effect nowhere.

    **Raises:** `TypeError`, `ValueError`.
    """
    if learner.huber_delta is None:
        return
    require_range(learner, "huber_delta", 0.0, open_low=True)
    if not has_huber(learner.loss):
        raise ValueError(
            f"{type(learner).__name__}: `huber_delta` must be None where no `loss` is "
            f'"huber", got {learner.huber_delta}.'
        )


def loss_of(loss: str | tuple[str, ...], huber_delta: Hyperparameter | None = None) -> AbstractLoss:
    """The loss of that name; or of each head that of its name."""
    if not isinstance(loss, tuple):
        if loss == "huber" and huber_delta is not None:
            return HuberLoss(huber_delta)
        return {
            "squared": SquaredLoss,
            "huber": HuberLoss,
            "softmax": SoftmaxLoss,
            "logistic": LogisticLoss,
        }[loss]()
    names = sorted(set(loss), key=loss.index)
    if len(names) == 1:
        return loss_of(names[0], huber_delta)
    losses = tuple(loss_of(name, huber_delta) for name in names)
    return LossByHead(losses, tuple(names.index(name) for name in loss))


def _no_probability(targets: np.ndarray) -> Disallowed | None:
    """The first target that lies outside [0, 1]."""
    outside = (targets < 0.0) | (targets > 1.0)
    if not outside.any():
        return None
    place = int(np.argmax(outside))
    return Disallowed(place, f"{targets[place]:g} is no probability")


def _weighted(weights: Array, logs: Array) -> Array:
    return jnp.where(weights > 0.0, weights * jnp.where(weights > 0.0, logs, 0.0), 0.0)
