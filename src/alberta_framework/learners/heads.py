"""Heads on a trunk: what every learner of many predictions is made of, and how they learn."""

import functools as ft
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..bounders import AbstractBounder
from ..compilation.boundary import strong
from ..components.numbers import affine, f32
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..networks import (
    MLPParams,
    fresh_sparse_weights,
    from_interleaved,
    hidden,
    hidden_activations,
    interleaved,
)
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..optimizers import AbstractOptimizer, Hybrid, LMSState
from ..plasticity import AbstractPlasticity, NetworkStep
from ..step_rules import PerTensor, PerTensorState
from .head_scales import HeadScales
from .head_update import HeadUpdate
from .lifetime import AbstractLearnerState
from .losses import AbstractLoss, SquaredLoss
from .network import initial_layers, optimizer_of, plasticity_begun, require_state_with, zeros_like
from .plastic_heads import (
    renewed_heads,
    renewed_trunk_traces,
    trunk_and_heads,
    whole_network,
)
from .stacked_heads import HeadOptimizerStates, HeadTraces, where_heads
from .trunk import Network, Trunk, kept_by
from .trunk_traces import TrunkTraces


class AbstractHeadsState(AbstractLearnerState):
    """Trunk by layer (order w0, b0, w1, ... in states and traces), heads stacked.

    `head_params.weights[i]` is head i's (1, hidden), `head_params.biases[i]` its (1,).
    """

    trunk_params: eqx.AbstractVar[MLPParams]
    head_params: eqx.AbstractVar[MLPParams]
    trunk_optimizer_states: eqx.AbstractVar[tuple[AbstractState, ...]]
    trunk_traces: eqx.AbstractVar[tuple[Float[Array, "..."], ...]]
    head_optimizer_states: eqx.AbstractVar[HeadOptimizerStates]
    head_traces: eqx.AbstractVar[HeadTraces]
    normalizer_state: eqx.AbstractVar[AbstractNormalizerState | None]
    plasticity_state: eqx.AbstractVar[Any]

    @property
    def feature_dim(self) -> int:
        weights = self.trunk_params.weights
        return (weights[0] if weights else self.head_params.weights).shape[-1]

    @property
    def n_heads(self) -> int:
        return self.head_params.biases.shape[-2]


class HeadsStep(eqx.Module):
    """What a step of all heads and their trunk gave, before it is judged.

    **Arguments:** `changed`: the fields of the state after it; `errors`, 0 where a head is
    inactive; `metrics`: squared error, error and mean step size of each head, NaN where it is
    inactive, and those that its loss has besides; `trunk_bounding_metric`; `witnesses`: what has to
    be finite for it to be accepted; `late`: as that of a `Candidate`.
    """

    changed: dict[str, Any]
    predictions: Float[Array, " heads"]
    errors: Float[Array, " heads"]
    metrics: Float[Array, "heads columns"]
    trunk_bounding_metric: Float[Array, ""]
    witnesses: Any
    late: Mapping[str, Callable[[Bool[Array, ""]], Any]]

    @property
    def told_errors(self) -> Float[Array, " heads"]:
        """The errors, NaN where a head is inactive."""
        return self.metrics[:, 1]


class Heads(eqx.Module):
    r"""Many heads on one trunk h = hidden(x), head i predicting p_i = w_i.h + b_i, or what its
    loss makes of these outputs.

    The trunk learns from the errors of all active heads together, each head by itself with a trace
    of its own: both by the step rule `PerTensor`. Learners say which heads are active, what their
    targets are and how their traces decay.

    With `per_head` the trunk has a trace for each head, and its gradient is the sum of their errors
    times these traces, or the `mean` over the active ones; where the bounder has a factor for
    several errors at once, it bounds trunk and heads together.
    """

    n_heads: int = eqx.field(static=True)
    hidden_sizes: tuple[int, ...] = eqx.field(static=True)
    optimizer: Hybrid
    bounder: AbstractBounder | None
    normalizer: AbstractNormalizer | None
    sparsity: float = eqx.field(static=True)
    leaky_relu_slope: Hyperparameter
    use_layer_norm: bool = eqx.field(static=True)
    use_bias: bool = eqx.field(static=True)
    plasticity: AbstractPlasticity | None = None
    per_head: bool = eqx.field(static=True, default=False)
    mean: bool = eqx.field(static=True, default=False)
    loss: AbstractLoss = SquaredLoss()
    scales: HeadScales = HeadScales()

    @classmethod
    def of(
        cls,
        learner: Any,
        n_heads: int,
        *,
        per_head: bool = False,
        mean: bool = False,
        loss: AbstractLoss | None = None,
        scales: HeadScales | None = None,
    ) -> "Heads":
        """Those of a learner that has the fields of `MLPLearner` and `use_bias`."""
        return cls(
            n_heads=n_heads,
            hidden_sizes=learner.hidden_sizes,
            optimizer=optimizer_of(learner),
            bounder=learner.bounder,
            normalizer=learner.normalizer,
            sparsity=learner.sparsity,
            leaky_relu_slope=learner.leaky_relu_slope,
            use_layer_norm=learner.use_layer_norm,
            use_bias=learner.use_bias,
            plasticity=learner.plasticity,
            per_head=per_head,
            mean=mean,
            loss=SquaredLoss() if loss is None else loss,
            scales=HeadScales() if scales is None else scales,
        )

    def begun(self, feature_dim: int, key: PRNGKeyArray) -> dict[str, Any]:
        """The fields of a state before the first step, sparse weights drawn from `key`."""
        trunk, heads = initial_layers(
            key,
            layer_sizes=(int(feature_dim), *self.hidden_sizes),
            sparsity=self.sparsity,
            n_heads=self.n_heads,
        )
        begun = _begun(strong(self), trunk, heads) | self.scales.begun()
        layers = whole_network(trunk, heads)
        return begun | {"plasticity_state": plasticity_begun(self.plasticity, layers, key)}

    def predictions(
        self, state: AbstractHeadsState, observation: Real[Array, " features"]
    ) -> Float[Array, " heads"]:
        """All heads at an observation, as a step from it would report them."""
        x = f32(observation)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(state.normalizer_state, x)
        return self.scales.of_outputs(state, self._predictions(state, x))

    def next_values(
        self, state: AbstractHeadsState, next_observation: Real[Array, " features"]
    ) -> Float[Array, " heads"]:
        """All heads at an observation that is not learned yet, normalized by the statistics as
        they are: what is bootstrapped from."""
        x = f32(next_observation)
        if self.normalizer is not None:
            x = self.normalizer.normalize_only(state.normalizer_state, x)
        return self._predictions(state, x)

    def step(
        self,
        state: AbstractHeadsState,
        observation: Real[Array, " features"],
        how: HeadUpdate,
        step_errors: Callable[[Float[Array, " heads"]], Float[Array, " heads"]] = lambda e: e,
    ) -> HeadsStep:
        """One step of all heads and of the trunk, from the parameters of `state`.

        `step_errors` maps the errors of the active heads (0 elsewhere) to the error with which each
        head steps.
        """
        x, normalizer_state = f32(observation), state.normalizer_state
        if self.normalizer is not None:
            x, normalizer_state = self.normalizer.normalize(normalizer_state, x)
        h, backward = jax.vjp(lambda trunk: self.hidden(trunk, x), state.trunk_params)
        heads = state.head_params
        outputs = head_outputs(heads, h)
        predictions = self.scales.of_outputs(state, self.loss.predictions(outputs))
        targets, changed = self.scales.of_targets(state, how.targets, how.active)
        errors = jnp.where(how.active, self.loss.errors(outputs, targets), 0.0)

        parted, traces = self._trunk_gradient(state, errors, backward, how)
        changes, kept, trunk_metric = self._trunk_step(state, parted)
        stepped = self._heads_step(state, h, step_errors(errors), how)
        of_heads, head_states, head_traces, lost = stepped
        witnesses: list[Any] = [f32(observation), outputs, errors, normalizer_state, changed]
        if traces is not None:
            sizes = traces.sizes(self.of_trunk.step_sizes(kept, parted))
            witnesses.append(sizes)
            if self.bounds_jointly:
                trunk_metric = self._factor(errors, sizes, how, head_states, head_traces)
                if lost is not None:
                    of_heads = jax.tree.map(jnp.add, of_heads, lost)
                changes, of_heads = jax.tree.map(lambda d: trunk_metric * d, (changes, of_heads))
                if lost is not None:
                    of_heads = jax.tree.map(jnp.subtract, of_heads, lost)
        trunk = jax.tree.map(jnp.add, state.trunk_params, changes)
        heads = jax.tree.map(jnp.add, heads, of_heads)
        plasticity_state, renewals = state.plasticity_state, ()
        require_state_with(self.plasticity, plasticity_state)
        if self.plasticity is not None:
            seen = self._network_step(state, trunk, heads, x, h, errors, backward, how)
            made = self.plasticity.apply(plasticity_state, seen)
            trunk, heads = trunk_and_heads(made.params)
            plasticity_state, renewals = made.state, made.renewals
            witnesses.append(self.plasticity.witnesses(plasticity_state))
        for renewal in renewals:
            kept = self.of_trunk.renewed(kept, interleaved(state.trunk_params), renewal)
            head_states, head_traces = renewed_heads(
                self.optimizer_of_heads, heads, renewal, head_states, head_traces
            )
        optimizer = self.optimizer_of_heads
        witnesses += [
            (trunk, heads),
            self.of_trunk.witnesses(kept),
            optimizer.witnesses(head_states.w, head_traces.w),
            optimizer.witnesses(head_states.b, head_traces.b),
        ]
        step_sizes = optimizer.step_sizes(head_states.w)
        mean_step_sizes = jnp.mean(jnp.reshape(step_sizes, (self.n_heads, -1)), -1)
        told = jnp.where(how.active, how.targets - predictions, jnp.nan)
        metrics = jnp.stack([told**2, told, mean_step_sizes], -1)
        changed |= {
            "trunk_params": trunk,
            "head_params": heads,
            "trunk_optimizer_states": kept.optimizer_states,
            "head_optimizer_states": head_states,
            "head_traces": head_traces,
            "normalizer_state": normalizer_state,
            "plasticity_state": plasticity_state,
        }
        late = {}
        if traces is not None:
            late["trunk_traces"] = ft.partial(renewed_trunk_traces, traces.after, renewals)
        if traces is None:  # the gradients
            changed["trunk_traces"] = kept.traces
        metrics = jnp.where(how.active[:, None], metrics, jnp.nan)
        metrics = jnp.concatenate([metrics, self.loss.metrics(outputs, how.targets)], -1)
        return HeadsStep(changed, predictions, errors, metrics, trunk_metric, witnesses, late)

    def cut(self, state: Any) -> Any:
        """The state with all traces at 0."""
        return state.replace(
            head_traces=zeros_like(state.head_traces),
            trunk_traces=zeros_like(state.trunk_traces),
        )

    def cut_of(self, owner: str, state: Any, mask: Any) -> Any:
        """The state with the traces of the heads in `mask` at 0.

        **Raises:** `TypeError` for a mask that is not boolean with one entry for each head.
        """
        mask = jnp.asarray(mask)
        if mask.dtype != jnp.bool_ or mask.shape != (self.n_heads,):
            raise TypeError(
                f"{owner}.reset_traces: `mask` must be bool[{self.n_heads}], got "
                f"{mask.dtype}{list(mask.shape)}."
            )
        kept = state.head_traces, state.trunk_traces if self.per_head else ()
        head_traces, trunk_traces = where_heads(~mask, kept, zeros_like(kept))
        if not self.per_head:  # they are gradients of all heads together
            trunk_traces = state.trunk_traces
        return state.replace(head_traces=head_traces, trunk_traces=trunk_traces)

    def network(self, state: AbstractHeadsState) -> Network | None:
        """The weights, as diagnostics look at them."""
        of_heads = state.head_optimizer_states.w
        learned = not isinstance(of_heads, LMSState)
        kept = PerTensorState(state.trunk_optimizer_states, state.trunk_traces)
        trunk = Trunk(
            params=state.trunk_params,
            step_sizes=self.of_trunk.step_sizes(kept, interleaved(state.trunk_params)),
            traces=() if self.per_head else state.trunk_traces,
            leaky_relu_slope=self.leaky_relu_slope,
            use_layer_norm=self.use_layer_norm,
        )
        network = Network(
            head_weights=state.head_params.weights[:, 0, :],
            head_step_sizes=self.optimizer_of_heads.step_sizes(of_heads) if learned else None,
            trunk=trunk,
            normalizer=self.normalizer,
            normalizer_state=state.normalizer_state,
        )
        return kept_by(network, self.plasticity, state.plasticity_state)

    def _predictions(
        self, state: AbstractHeadsState, x: Float[Array, " features"]
    ) -> Float[Array, " heads"]:
        h = self.hidden(state.trunk_params, x)
        return self.loss.predictions(head_outputs(state.head_params, h))

    def hidden(self, params: MLPParams, x: Float[Array, " features"]) -> Float[Array, " hidden"]:
        """The activations that the heads see."""
        return hidden(params, x, self.leaky_relu_slope, self.use_layer_norm)

    @property
    def of_trunk(self) -> PerTensor:
        """How the trunk's tensors step."""
        return PerTensor(self.optimizer.trunk, self.bounder)

    @property
    def of_heads(self) -> PerTensor:
        """How the pair of weights and bias of a head steps."""
        return PerTensor((self.optimizer_of_heads,) * 2, self.bounder)

    @property
    def optimizer_of_heads(self) -> AbstractOptimizer:
        return self.optimizer.head

    @property
    def bounds_jointly(self) -> bool:
        """Whether one bound holds for the trunk and all heads."""
        if self.bounder is None or not self.per_head:
            return False
        one = jnp.ones(1)
        return self.bounder.joint_factor(one, one) is not None

    def _alone(self, *optimizers: AbstractOptimizer) -> PerTensor:
        return PerTensor(optimizers, None if self.bounds_jointly else self.bounder)

    def _network_step(
        self,
        state: AbstractHeadsState,
        trunk: MLPParams,
        heads: MLPParams,
        x: Array,
        h: Array,
        errors: Array,
        backward: Callable,
        how: HeadUpdate,
    ) -> NetworkStep:
        """The step as what keeps the network plastic sees it: heads as the output layer."""
        before = state.head_params
        (of_trunk,) = backward(errors @ before.weights[:, 0, :])
        of_heads = MLPParams((errors[:, None] * h[None, :])[:, None, :], errors[:, None])
        slope, use_layer_norm = self.leaky_relu_slope, self.use_layer_norm
        return NetworkStep(
            before=whole_network(state.trunk_params, before),
            after=whole_network(trunk, heads),
            gradient=jax.tree.map(jnp.negative, whole_network(of_trunk, of_heads)),
            activations=hidden_activations(state.trunk_params, x, slope, use_layer_norm),
            fresh=ft.partial(fresh_sparse_weights, sparsity=self.sparsity),
            learning=how.learning,
            output_bias=self.use_bias,
        )

    def _trunk_gradient(
        self, state: AbstractHeadsState, errors: Array, backward: Callable, how: HeadUpdate
    ) -> tuple[tuple[Array, ...], TrunkTraces | None]:
        """What the trunk learns from, the errors in it; and the traces of the heads, if there are
        any: without them the errors are added up before the backward pass."""
        weights = state.head_params.weights[:, 0, :]
        if self.mean:
            errors = errors / jnp.maximum(jnp.sum(f32(how.active)), 1.0)
        if not self.per_head:
            return interleaved(backward(errors @ weights)[0]), None
        traces = TrunkTraces.of(state.trunk_traces, weights, backward, how)
        return traces.weighted(errors), traces

    def _factor(
        self, errors: Array, sizes: Array, how: HeadUpdate, head_states: Any, traces: HeadTraces
    ) -> Float[Array, ""]:
        """By how much trunk and heads are shrunk together."""
        assert self.bounder is not None
        if self.mean:
            sizes = sizes / jnp.maximum(jnp.sum(f32(how.active)), 1.0)
        for states, of_heads in ((head_states.w, traces.w), (head_states.b, traces.b)):
            step_sizes = self.optimizer_of_heads.step_sizes(states)
            rows = (jnp.reshape(array, (self.n_heads, -1)) for array in (of_heads, step_sizes))
            z, step_sizes = rows
            sizes = sizes + jnp.sum(jnp.abs(z) * step_sizes, -1)
        factor = self.bounder.joint_factor(errors, jnp.where(how.active, sizes, 0.0))
        assert factor is not None
        return factor

    def _trunk_step(
        self, state: AbstractHeadsState, gradients: tuple
    ) -> tuple[MLPParams, PerTensorState, Float[Array, ""]]:
        # The gradients hold the errors, and what past there is: for the rule they are its traces.
        tensors = interleaved(state.trunk_params)
        kept = PerTensorState(state.trunk_optimizer_states, gradients)
        each = (self.optimizer.trunk,) * len(tensors)
        changes, kept, info = self._alone(*each).step(
            kept, gradients, gradients, None, None, 0.0, params=tensors
        )
        return from_interleaved(tuple(changes)), kept, info.bound

    def _heads_step(
        self, state: AbstractHeadsState, h: Array, errors: Array, how: HeadUpdate
    ) -> tuple[MLPParams, HeadOptimizerStates, HeadTraces, MLPParams | None]:
        """The changes of the heads, their states and their traces, and what of the changes no
        bound holds for, with its sign turned: what the heads forget, None if nothing."""
        optimizer, seen = self.optimizer_of_heads, f32(how.seen)
        rule = self._alone(optimizer, optimizer)
        traces, states, heads = state.head_traces, state.head_optimizer_states, state.head_params
        gradients = seen[:, None, None] * h[None, None, :], seen[:, None]
        if not self.use_bias:
            gradients = gradients[0], jnp.zeros_like(gradients[1])

        def one_head(w_state, b_state, w_trace, b_trace, gradient, error, decay, w, b):
            before = PerTensorState((w_state, b_state), (w_trace, b_trace))
            changes, after, _ = rule.update(before, gradient, error, decay, params=(w, b))
            return changes, after.optimizer_states, after.traces

        (w, b), (w_states, b_states), (w_traces, b_traces) = jax.vmap(one_head)(
            states.w,
            states.b,
            traces.w,
            traces.b,
            gradients,
            errors,
            how.trace_decays,
            heads.weights,
            heads.biases,
        )
        live = b_traces[:, 0] != 0.0 if self.use_bias else jnp.any(w_traces != 0.0, (1, 2))
        none = jnp.zeros_like(w), jnp.zeros_like(b)
        stepping = how.stepping(live)
        lost = None
        forgotten = jax.vmap(optimizer.forgotten)(w_states, heads.weights)
        if forgotten is not None:
            of_bias = jax.vmap(optimizer.forgotten)(b_states, heads.biases)
            if not self.use_bias:
                b = of_bias = jnp.zeros_like(b)
            lost = MLPParams(*where_heads(stepping, (forgotten, of_bias), none))
        w, b, w_states, b_states = where_heads(
            stepping, (w, b, w_states, b_states), (*none, states.w, states.b)
        )
        w_traces, b_traces = where_heads(~how.frozen, (w_traces, b_traces), (traces.w, traces.b))
        return (
            MLPParams(w, b),
            HeadOptimizerStates(w_states, b_states),
            HeadTraces(w_traces, b_traces),
            lost,
        )


def head_outputs(heads: MLPParams, h: Float[Array, " hidden"]) -> Float[Array, " heads"]:
    """w_i.h + b_i of every head."""
    return affine(heads.weights[:, 0, :], h, heads.biases[:, 0])


@jax.jit
def _begun(how: Heads, trunk: MLPParams, heads: MLPParams) -> dict[str, Any]:
    n, _, width = heads.weights.shape
    feature_dim = (trunk.weights[0] if trunk.weights else heads.weights).shape[-1]
    optimizer, of_trunk = how.optimizer_of_heads, how.of_trunk.init(interleaved(trunk))
    head_states = HeadOptimizerStates(
        optimizer.init_for_shape((1, width)), optimizer.init_for_shape((1,))
    )
    return {
        "trunk_params": trunk,
        "head_params": heads,
        "trunk_optimizer_states": of_trunk.optimizer_states,
        "trunk_traces": jax.tree.map(
            lambda z: jnp.zeros((n, *z.shape), z.dtype) if how.per_head else z, of_trunk.traces
        ),
        "head_optimizer_states": jax.tree.map(
            lambda a: jnp.broadcast_to(a, (n, *a.shape)), head_states
        ),
        "head_traces": zeros_like(HeadTraces(heads.weights, heads.biases)),
        "normalizer_state": None if how.normalizer is None else how.normalizer.init(feature_dim),
    }
