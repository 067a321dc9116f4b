r"""What the outputs of heads mean, and how far they are from their targets.

Every loss here is canonical: with outputs z and the link g its gradient by z is g(z) - y. So the
predictions are g(z), and the error of a head, target - prediction, is minus the gradient of its
loss, whichever it is; whatever learns from errors learns all of them.
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..components.ranges import require_choice

# The columns that a classification loss has besides those of the errors.
CLASSIFICATION_METRICS = ("log_loss", "accuracy")
# So far may the probabilities of a distribution be from adding up to 1, by rounding.
_ROUNDING = 1e-3


class AbstractLoss(eqx.Module):
    """The loss of some heads, NaN where there is no target.

    `metric_names`: the columns that `metrics` gives of each head besides those of its error; with
    `of_all` they are those of all heads together, and the same in every head.
    """

    metric_names: ClassVar[tuple[str, ...]] = CLASSIFICATION_METRICS
    of_all: ClassVar[bool] = False

    @abc.abstractmethod
    def predictions(self, outputs: Float[Array, " heads"]) -> Float[Array, " heads"]:
        """What the heads predict by their outputs w.h + b."""

    @abc.abstractmethod
    def allows(self, targets: Float[Array, " heads"]) -> Bool[Array, ""]:
        """Whether these can be targets; NaN always can."""

    @abc.abstractmethod
    def metrics(
        self, outputs: Float[Array, " heads"], targets: Float[Array, " heads"]
    ) -> Float[Array, "heads columns"]:
        """The loss and its like of each head; NaN where there is none."""


class SquaredLoss(AbstractLoss):
    """1/2 (y - z)^2, whose link is the identity."""

    metric_names: ClassVar[tuple[str, ...]] = ()

    def predictions(self, outputs):
        return outputs

    def allows(self, targets):
        return jnp.asarray(True)

    def metrics(self, outputs, targets):
        return jnp.zeros((*outputs.shape, 0), outputs.dtype)


class LogisticLoss(AbstractLoss):
    """-y log p - (1 - y) log(1 - p) with p = 1 / (1 + exp(-z)), of each head by itself.

    A prediction is accurate if it lies on the same side of 1/2 as its target.

    **Arguments:** `of`: which heads have it, the others having the squared loss; None for all.
    """

    of: tuple[bool, ...] | None = eqx.field(static=True, default=None)

    def predictions(self, outputs):
        return jnp.where(self._of(outputs), jax.nn.sigmoid(outputs), outputs)

    def allows(self, targets):
        outside = (targets < 0.0) | (targets > 1.0)
        return ~jnp.any(outside & self._of(targets))

    def metrics(self, outputs, targets):
        told = self._of(outputs) & ~jnp.isnan(targets)
        loss = jax.nn.softplus(outputs) - targets * outputs
        accurate = (outputs > 0.0) == (targets > 0.5)
        columns = jnp.stack([loss, accurate.astype(outputs.dtype)], -1)
        return jnp.where(told[:, None], columns, jnp.nan)

    def _of(self, heads: Array) -> Any:
        return jnp.full(heads.shape, True) if self.of is None else jnp.asarray(self.of)


class SoftmaxLoss(AbstractLoss):
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


LOSSES = ("squared", "softmax", "logistic")
_OF_A_HEAD = ("squared", "logistic")


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


def loss_of(loss: str | tuple[str, ...]) -> AbstractLoss:
    """The loss of that name; or of each head that of its name."""
    if loss == "softmax":
        return SoftmaxLoss()
    if loss == "logistic":
        return LogisticLoss()
    if loss == "squared" or "logistic" not in loss:
        return SquaredLoss()
    return LogisticLoss(tuple(one == "logistic" for one in loss))


def _weighted(weights: Array, logs: Array) -> Array:
    return jnp.where(weights > 0.0, weights * jnp.where(weights > 0.0, logs, 0.0), 0.0)
