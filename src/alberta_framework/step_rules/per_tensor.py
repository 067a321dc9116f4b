"""Any optimizer as a step rule: each tensor by itself, and a bound over all of them."""

from typing import Any

import jax
from jaxtyping import Array, Float

from ..bounders import AbstractBounder
from ..components.numbers import f32
from ..components.ranges import require_part
from ..components.state import AbstractState
from ..components.types import ScalarLike
from ..networks import Edit, Renewal, of_output_layer, written
from ..optimizers import AbstractOptimizer, Hybrid, network_optimizer, require_layers
from ..traces import AbstractTrace, Accumulating
from .abstract import (
    AbstractStepRule,
    Bootstrap,
    StepInfo,
    beginning_where,
    total,
    unknown,
)


class PerTensorState(AbstractState):
    """For each tensor, in the order of the tree's leaves, its optimizer's state and its trace."""

    optimizer_states: tuple[Any, ...]
    traces: tuple[Float[Array, "..."], ...]


class PerTensor(AbstractStepRule):
    r"""For each tensor k with trace z_k: s_k = the optimizer's step for z_k and the error; the
    bounder shrinks all s_k together; dw_k = error s_k - what the optimizer forgets of w_k.

    With the error None the gradients hold it already: then dw_k = s_k, and bounds are taken with
    the error 1.

    **Arguments:** `optimizer`: one for all tensors; a `Hybrid` for parameters that know which
    belong to their output layer (`MLPParams`, `LinearParams`); or one for each leaf of the
    parameters, in their order; `bounder`, default none; `trace`, default `Accumulating()`.
    """

    optimizer: AbstractOptimizer | Hybrid | tuple[AbstractOptimizer, ...]
    bounder: AbstractBounder | None = None
    trace: AbstractTrace = Accumulating()

    def __check_init__(self):
        if not isinstance(self.optimizer, tuple):
            _ = network_optimizer("PerTensor", self.optimizer)  # validates it
        require_part(self, "bounder", AbstractBounder, optional=True)
        require_part(self, "trace", AbstractTrace)

    def init(self, params: Any) -> PerTensorState:
        tensors = tuple(jax.tree.leaves(params))
        states = [
            optimizer.init_for_shape(tensor.shape)
            for optimizer, tensor in zip(self._optimizers(params), tensors, strict=True)
        ]
        return PerTensorState(tuple(states), self.trace.init(tensors))

    def direction(
        self, state: PerTensorState, gradient: Any, decay: ScalarLike
    ) -> tuple[Any, PerTensorState]:
        """The traces: what an optimizer makes of one depends on the error."""
        gradients = tuple(jax.tree.leaves(gradient))
        traces = self.trace.update(state.traces, gradients, decay)
        state = PerTensorState(state.optimizer_states, traces)
        return jax.tree.unflatten(jax.tree.structure(gradient), traces), state

    def step(
        self,
        state: PerTensorState,
        gradient: Any,
        direction: Any,
        delta: ScalarLike | None,
        bootstrap: Bootstrap | None,
        decay: ScalarLike,
        reset: Any = False,
        *,
        params: Any = None,
    ) -> tuple[Any, PerTensorState, StepInfo]:
        directions, structure = jax.tree.flatten(direction)
        optimizers, tensors = self._optimizers(direction), jax.tree.leaves(params)
        weights = tensors if tensors else [None] * len(directions)
        each = zip(optimizers, state.optimizer_states, directions, weights, strict=True)
        stepped = [optimizer.step_on(own, z, delta, w) for optimizer, own, z, w in each]
        steps, bound = tuple(step for step, _ in stepped), f32(1.0)
        if self.bounder is not None:
            error = 1.0 if delta is None else delta
            steps, bound = self.bounder.bound(steps, error, tuple(tensors))
        changes = steps if delta is None else tuple(delta * step for step in steps)
        after = tuple(own for _, own in stepped)
        forgotten = [
            optimizer.forgotten(own, w)
            for optimizer, own, w in zip(optimizers, after, weights, strict=True)
        ]
        changes = tuple(
            change if lost is None else change - lost
            for change, lost in zip(changes, forgotten, strict=True)
        )
        traces = state.traces if reset is False else self.trace.cut(state.traces, reset)
        info = StepInfo(unknown(), bound, total(abs, state.traces), unknown())
        state = PerTensorState(after, traces)
        return jax.tree.unflatten(structure, changes), state, info

    def cut(self, state: PerTensorState, where: Any = True) -> PerTensorState:
        return state.replace(traces=self.trace.cut(state.traces, where))

    def _witnesses(self, state: PerTensorState) -> Any:
        if isinstance(self.optimizer, Hybrid):
            return state  # which of the two each belongs to is not known without parameters
        optimizers = self._optimizers(state.traces)
        kept = zip(optimizers, state.optimizer_states, state.traces, strict=True)
        return [optimizer.witnesses(own, z) for optimizer, own, z in kept]

    def _renewed(self, state: PerTensorState, params: Any, renewal: Renewal) -> PerTensorState:
        tensors = jax.tree.leaves(params)
        firsts = tuple(
            optimizer.init_for_shape((1,) * tensor.ndim)
            for optimizer, tensor in zip(self._optimizers(params), tensors, strict=True)
        )
        states, traces = state.optimizer_states, state.traces
        if renewal.units:
            edits = renewal.edits_in_order(params)
            each = zip(states, firsts, tensors, edits, strict=True)
            states = tuple(renewed_tensor(*one) for one in each)
            traces = tuple(written(z, where, 0.0) for z, where in zip(traces, edits, strict=True))
        return PerTensorState(beginning_where(renewal.everything, states, firsts), traces)

    def _step_sizes(self, state: PerTensorState, params: Any) -> Any:
        pairs = zip(self._optimizers(params), state.optimizer_states, strict=True)
        return tuple(optimizer.step_sizes(own) for optimizer, own in pairs)

    def _takes_traces(self) -> bool:
        each = self.optimizer if isinstance(self.optimizer, tuple) else (self.optimizer,)
        return all(optimizer.takes_traces for optimizer in each)

    def _optimizers(self, params: Any) -> tuple[AbstractOptimizer, ...]:
        """That of each leaf.

        **Raises:** `ValueError` where it depends on what the output layer is, and nothing says so.
        """
        if isinstance(self.optimizer, tuple):
            return self.optimizer
        both, leaves = network_optimizer("PerTensor", self.optimizer), jax.tree.leaves(params)
        if both.trunk is both.head and not both.trunk.output_layer_alone:
            return (both.trunk,) * len(leaves)
        of_output = of_output_layer(params)
        if of_output is None:
            raise ValueError(
                f"PerTensor: with {self.optimizer!r} parameters must know their output layer, as "
                f"MLPParams and LinearParams do, got {jax.tree.structure(params)}; or give "
                "`optimizer` as a tuple, one for each leaf."
            )
        require_layers("PerTensor", both, not all(of_output))
        return tuple(both.head if output else both.trunk for output in of_output)


def renewed_tensor(state: Any, first: Any, tensor: Array, edits: tuple[Edit, ...]) -> Any:
    """The state of a tensor's optimizer in which what it keeps of each element is as `first` where
    the edits say; what it keeps of all of them stays."""

    def as_at_first(kept, at_first):
        ndim, alike = tensor.ndim, kept.shape[kept.ndim - tensor.ndim :] == tensor.shape
        return written(kept, edits, at_first) if kept.ndim >= ndim and alike else kept

    return jax.tree.map(as_at_first, state, first)
