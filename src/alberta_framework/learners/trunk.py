"""A learner's weights as diagnostics look at them: heads, and the hidden layers below them."""

import equinox as eqx
from jaxtyping import Array, Float, Real

from ..components.numbers import f32
from ..components.types import ScalarLike
from ..networks import MLPParams, hidden_activations
from ..normalizers import AbstractNormalizer, AbstractNormalizerState


class Trunk(eqx.Module):
    """The hidden layers of a network; of each tensor, in the order w0, b0, w1, ..., also the step
    sizes in effect, of its shape or one for all, and the traces, of its shape.
    """

    params: MLPParams
    step_sizes: tuple[Float[Array, "..."], ...]
    traces: tuple[Float[Array, "..."], ...]
    leaky_relu_slope: ScalarLike
    use_layer_norm: bool = eqx.field(static=True)


class Network(eqx.Module):
    """Heads, each with its weights on the last hidden layer, or without a trunk on the inputs.

    **Arguments:** `head_weights`; `head_step_sizes`: those in effect of `head_weights`, None where
    the optimizer learns none or they are not told; `trunk`: None for what has no hidden layers to
    look at; `normalizer`, with its state: of the inputs.
    """

    head_weights: Float[Array, "heads hidden"]
    head_step_sizes: Float[Array, "..."] | None = None
    trunk: Trunk | None = None
    normalizer: AbstractNormalizer | None = None
    normalizer_state: AbstractNormalizerState | None = None

    def activations(
        self, observation: Real[Array, " features"]
    ) -> tuple[Float[Array, " units"], ...]:
        """What each hidden layer makes of an observation, normalized by the statistics as they are;
        empty without hidden layers."""
        if self.trunk is None:
            return ()
        x = f32(observation)
        if self.normalizer is not None:
            x = self.normalizer.normalize_only(self.normalizer_state, x)
        trunk = self.trunk
        return hidden_activations(trunk.params, x, trunk.leaky_relu_slope, trunk.use_layer_norm)
