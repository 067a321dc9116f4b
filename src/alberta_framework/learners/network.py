"""What the network learners share: their fields' validation, initial layers, and parts."""

import functools as ft
import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from ..bounders import AbstractBounder
from ..compilation.boundary import strong
from ..components.numbers import f32, is_traced
from ..components.ranges import require_choice, require_part, require_range
from ..networks import MLPParams, require_sparsity, sparse_init, sparse_layers
from ..normalizers import AbstractNormalizer
from ..optimizers import LMS, Hybrid, network_optimizer, require_layers, require_no_traces
from ..plasticity import AbstractPlasticity

# Folded into the key of the weights, it gives one that nothing else draws from.
_OF_PLASTICITY = 0x706C6173


def chosen_optimizer(owner: str, optimizer: Any, step_size: Any) -> Any:
    """The given optimizer, or `LMS(step_size)`."""
    if optimizer is not None:
        return optimizer
    try:
        return LMS(step_size)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("LMS", owner, 1)) from None


def optimizer_of(learner: Any) -> Hybrid:
    """What learns the hidden layers of a network learner, and what its output layer."""
    return network_optimizer(type(learner).__name__, learner.optimizer, learner.head_optimizer)


def require_network_fields(learner: Any) -> None:
    """Validate the fields that the network learners share."""
    owner = type(learner).__name__
    require_layers(owner, optimizer_of(learner), bool(learner.hidden_sizes))
    require_part(learner, "bounder", AbstractBounder, optional=True)
    require_part(learner, "normalizer", AbstractNormalizer, optional=True)
    require_part(learner, "plasticity", AbstractPlasticity, optional=True)
    require_sparsity(owner, learner.sparsity)
    require_range(learner, "leaky_relu_slope")
    require_choice(owner, "use_layer_norm", learner.use_layer_norm, (True, False))


def require_traces_taken(learner: Any, told: str, *factors: Any) -> None:
    """Check that the optimizers of a network learner take its traces, if it may have any; traces
    decay by the product of `factors`, called `told`."""
    require_no_traces(type(learner).__name__, optimizer_of(learner), told, *factors)


def require_unit_interval(learner: Any, *names: str) -> None:
    for name in names:
        require_range(learner, name, 0.0, 1.0)


@ft.partial(jax.jit, static_argnames=("layer_sizes", "sparsity", "n_heads"))
def initial_layers(
    key: PRNGKeyArray, layer_sizes: tuple[int, ...], sparsity: float, n_heads: int = 0
) -> tuple[MLPParams, MLPParams]:
    """Sparse weights and zero biases of each layer, and of `n_heads` heads on the last, stacked.

    A program of its own: what it draws depends on sizes alone, so that learners with other parts
    share it.
    """
    shapes = tuple((fan_out, fan_in) for fan_in, fan_out in itertools.pairwise(layer_sizes))
    trunk, key = sparse_layers(key, shapes, sparsity)

    def next_head(key, _):
        key, head_key = jr.split(key)
        return key, sparse_init(head_key, (1, layer_sizes[-1]), sparsity)

    _, head_weights = jax.lax.scan(next_head, key, length=n_heads)
    heads = MLPParams(head_weights, jnp.zeros((n_heads, 1), jnp.float32))
    return trunk, heads


def plasticity_begun(plasticity: AbstractPlasticity | None, params: Any, key: Any) -> Any:
    """The first state of what keeps a network plastic, None without it; with it or without, the
    network's weights are drawn alike."""
    if plasticity is None:
        return None
    return _plasticity_begun(strong(plasticity), params, jr.fold_in(key, _OF_PLASTICITY))


def require_state_with(plasticity: AbstractPlasticity | None, state: Any) -> None:
    """Check that a learner without plasticity does not go on from a state with one, which would
    stand still.

    **Raises:** `TypeError`.
    """
    if plasticity is None and state is not None:
        raise TypeError(
            f"the state has one of plasticity, {type(state).__name__}, and the learner no "
            "`plasticity` that goes on with it; give it the same, or "
            "`state.replace(plasticity_state=None)`."
        )


def plasticity_witnesses(plasticity: AbstractPlasticity | None, state: Any) -> Any:
    """What of its state has to be finite for a step to be accepted; of each network's, where a
    learner has two."""
    if plasticity is None:
        return None
    states = state if isinstance(state, tuple) else (state,)
    return [plasticity.witnesses(own) for own in states]


@jax.jit
def _plasticity_begun(plasticity: AbstractPlasticity, params: Any, key: PRNGKeyArray) -> Any:
    return plasticity.init(params, key)


def zeros_like(tree: Any) -> Any:
    return jax.tree.map(jnp.zeros_like, tree)


def without_trunk_trace(gamma: Any, lamda: Any, hidden_sizes: tuple[int, ...]) -> Any:
    """`gamma`, checked: with a trunk, gamma * lamda must be 0.

    The backward pass multiplies the trunk's gradient by the errors of all heads before a trace
    could accumulate it. A traced product is checked when the program runs.
    """
    if not hidden_sizes:
        return gamma
    message = (
        "Trunk gamma*lamda must be 0 with hidden layers: the errors of the heads enter the trunk's "
        "gradient before a trace could accumulate it. Use per_head_gamma_lamda for the heads"
    )
    if is_traced(gamma) or is_traced(lamda):
        return eqx.error_if(f32(gamma), jnp.any(f32(gamma) * f32(lamda) > 0.0), message)
    try:
        with np.errstate(invalid="ignore"):  # an infinity is refused by its range
            product = np.asarray(gamma, np.float64) * np.asarray(lamda, np.float64)
    except (TypeError, ValueError):
        return gamma  # no number: the range check says so
    if np.any(product > 0.0):
        raise ValueError(f"{message}, got gamma {gamma} and lamda {lamda}.")
    return gamma
