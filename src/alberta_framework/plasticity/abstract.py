"""What keeps a network able to learn, and what it sees of a step."""

import abc
from collections.abc import Callable
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from ..components.component import AbstractComponent
from ..networks import MLPParams, Renewal

# From a key and a shape (units, inputs) to initial weights, as the network draws them.
FreshWeights = Callable[[PRNGKeyArray, tuple[int, int]], Float[Array, "units inputs"]]


class NetworkStep(eqx.Module):
    """A step of a network before it is judged.

    **Arguments:**

    - `before`, `after`: the parameters before the step and after what the optimizer made of it; of
      a multilayer perceptron `MLPParams` whose last layer is that of the outputs.
    - `gradient`: that of the loss, half the squared error of this step, by the parameters before.
    - `activations` of each hidden layer in the forward pass of the step; None of a network that
      does not tell them.
    - `fresh`: draws initial weights of some units; None of a network that does not tell.
    - `learning`: which outputs learn in this step; None: all of them. Weights of the others stay as
      they are, but for those that lead out of a unit that is made new: a unit belongs to all
      outputs. Where none learns nothing changes.
    - `output_bias`: whether outputs have a bias.
    """

    before: Any
    after: Any
    gradient: Any
    activations: tuple[Float[Array, " units"], ...] | None
    fresh: FreshWeights | None
    learning: Bool[Array, " outputs"] | None = None
    output_bias: bool = eqx.field(static=True, default=True)

    @property
    def learns(self) -> Bool[Array, ""]:
        """Whether anything is learned in this step."""
        return jnp.asarray(True) if self.learning is None else jnp.any(self.learning)

    def followed_by(self, params: Any) -> Self:
        """The step with these parameters after it."""
        return eqx.tree_at(lambda step: step.after, self, params)

    def allowed(self, params: Any) -> Any:
        """The parameters, those of outputs that do not learn as they are."""
        if not self.output_bias:
            *biases, _ = params.biases
            params = MLPParams(params.weights, (*biases, self.after.biases[-1]))
        if self.learning is None:
            return params
        learns, outputs = self.learns, self.learning
        *weights, last = jax.tree.map(
            lambda new, old: jnp.where(learns, new, old), params.weights, self.after.weights
        )
        *biases, bias = jax.tree.map(
            lambda new, old: jnp.where(learns, new, old), params.biases, self.after.biases
        )
        last = jnp.where(outputs[:, None], last, self.after.weights[-1])
        bias = jnp.where(outputs, bias, self.after.biases[-1])
        return MLPParams((*weights, last), (*biases, bias))

    def kept(self, new: Any, old: Any) -> Any:
        """A method's own new state, or the old one where nothing is learned."""
        if self.learning is None:
            return new
        learns = self.learns
        return jax.tree.map(lambda n, o: jnp.where(learns, n, o), new, old)


class Remade(eqx.Module):
    """What a method made of a step: its own state, the parameters, and what is new in them."""

    state: Any
    params: Any
    renewals: tuple[Renewal, ...] = ()


class Watched(eqx.Module):
    """What was seen of each hidden layer: the mean |h| of its units, NaN before the first step, and
    its last activations, 0 where there are none yet."""

    sizes: tuple[Float[Array, " units"], ...]
    activations: tuple[Float[Array, "samples units"], ...]


class AbstractPlasticity(AbstractComponent):
    """Keeps a network able to learn: acts on every step after the optimizer has.

    Given as `plasticity=` to any learner or agent with a network. It may change weights; where it
    makes them new, the learner puts what its optimizer knows of them back to the beginning and
    their traces to 0. A rejected step leaves its state as it was, too.
    """

    @abc.abstractmethod
    def init(self, params: Any, key: PRNGKeyArray) -> Any:
        """The state before the first step of a network with these parameters.

        **Raises:** `TypeError` for a network that it cannot act on.
        """

    @abc.abstractmethod
    def apply(self, state: Any, step: NetworkStep) -> Remade:
        """What becomes of a step."""

    def witnesses(self, state: Any) -> Any:
        """What of its state after a step has to be finite for the step to be accepted."""
        return self._witnesses(state)

    def watched(self, state: Any) -> Watched | None:
        """What it saw of the network's activations; None of a method that does not look on."""
        return self._watched(state)

    def replaced(self, state: Any) -> Any:
        """How many units of each hidden layer it has made new; None of a method that makes none."""
        return self._replaced(state)

    def _witnesses(self, state: Any) -> Any:
        return state

    def _watched(self, state: Any) -> Watched | None:
        return None

    def _replaced(self, state: Any) -> Any:
        return None


def require_units_of(owner: str, params: Any) -> MLPParams:
    """The parameters, of a multilayer perceptron with hidden layers.

    **Raises:** `TypeError` for others.
    """
    if len(require_layers(owner, params).weights) < 2:
        raise TypeError(f"{owner} acts on the units of hidden layers, and the network has none.")
    return params


def require_layers(owner: str, params: Any) -> MLPParams:
    """The parameters, of a multilayer perceptron.

    **Raises:** `TypeError` for others.
    """
    if not isinstance(params, MLPParams):
        raise TypeError(
            f"{owner} acts on the units of hidden layers: the network must be a multilayer "
            f"perceptron, whose parameters are `MLPParams`, got {type(params).__name__}."
        )
    return params


def require_units(owner: str, step: NetworkStep) -> tuple[tuple[Array, ...], FreshWeights]:
    """The activations of the hidden layers, and what draws new weights of their units.

    **Raises:** `TypeError` of a network that does not tell them.
    """
    if step.activations is None or step.fresh is None:
        raise TypeError(
            f"{owner} acts on the units of hidden layers: the network must tell their `activations`"
            " and draw `fresh_weights`."
        )
    return step.activations, step.fresh
