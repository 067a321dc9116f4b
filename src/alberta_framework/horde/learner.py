"""The Horde: many general value functions learned side by side from one trunk."""

import dataclasses
import itertools
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..bounders import AbstractBounder
from ..compilation.boundary import compiled
from ..components.numbers import f32, truth
from ..components.ranges import require_choice, require_count, require_key, require_part
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..experience import DemonStep
from ..learners import (
    AbstractLearner,
    Candidate,
    Heads,
    HeadUpdate,
    Lifecycle,
    MetricParts,
    Metrics,
    MultiHeadMLPLearner,
    Network,
    chosen_optimizer,
    guarded,
    named_columns,
    on_policy,
    require_traces_taken,
)
from ..networks import sizes
from ..normalizers import AbstractNormalizer
from ..optimizers import AbstractOptimizer, Hybrid
from ..plasticity import AbstractPlasticity
from ..targets import bootstrapped, continuation, next_features
from .cumulants import cumulants_of
from .gvf import GVFSpec, HordeSpec
from .state import HordeState

_LARGE = 256_000_000


class HordeUpdateResult(AbstractState):
    """What one update gave; TD errors and metrics are NaN where a demon is inactive.

    `per_demon_metrics` holds for each demon its squared TD error, its TD error, and the mean step
    size of its weights after the update.
    """

    state: HordeState
    predictions: Float[Array, " demons"]
    td_errors: Float[Array, " demons"]
    td_targets: Float[Array, " demons"]
    per_demon_metrics: Float[Array, "demons 3"]
    trunk_bounding_metric: Float[Array, ""]
    rejected: Bool[Array, ""]


class HordeLearner(AbstractLearner[HordeState, DemonStep]):
    r"""One head of a `MultiHeadMLPLearner` for each general value function, learned by TD(lambda).

    For demon i with cumulant c_i, from the old parameters and statistics for the next observation:

        g_i      = 0 if terminated, else the discount of this transition
        target_i = c_i + g_i v_i(x') + terminated terminal_reward_i
        delta_i  = target_i - v_i(x)
        z_i     <- g_i(previous transition) lamda_i z_i + grad v_i(x)

    A trace decays by the discount of the transition into the current state, so a terminal reward
    reaches the states before it and the trace is gone one step later. A NaN cumulant leaves its
    demon as it was. The trunk learns from the sum over demons of delta_i grad v_i(x), without
    traces: exact where g lamda is 0.

    With `trunk_traces="per_demon"` each demon has a trace of the whole trunk beside that of its
    head, and the trunk learns from the sum (or the mean over active demons) of delta_i E_i:

        E_i <- g_i(previous transition) lamda_i E_i + grad_trunk v_i(x)

    which is exact for every discount and lamda. Their memory is that of n trunks: 100 demons on two
    layers of 128 units take 7.7 MB, and a step reads and writes all of it. `ObGDBounding` then
    bounds all together: M = kappa sum_i max(|delta_i|, 1) alpha (|E_i|_1 + |z_i|_1).

    A truncation bootstraps like any other step from the true final observation; call
    `reset_traces` after it. The loops do, where they are told of one.

    Source: Sutton et al. (2011), Horde; Sutton and Barto (2018), eqs. 12.23 and 12.25.

    **Arguments:** `horde_spec`: from `create_horde_spec`; keyword only: `trunk_traces`, `"none"`
    (default) or `"per_demon"`; `combine`: `"sum"` (default) or `"mean"` of the demons' steps of the
    trunk; `inactive`: what a NaN cumulant does to its demon's traces: `"freeze"` (default), they
    stay; `"advance"`, they decay and take in the gradient, since time passed; it learns nothing
    either way; `plasticity`: what keeps the network able to learn, default none. The others as
    `MultiHeadMLPLearner`.
    """

    experience: ClassVar[type] = DemonStep
    draws_weights: ClassVar[bool] = True

    horde_spec: HordeSpec = eqx.field(metadata={"config": "required"})
    hidden_sizes: tuple[int, ...] = eqx.field(static=True, metadata={"config": "required"})
    optimizer: AbstractOptimizer | Hybrid = eqx.field(metadata={"config": "required"})
    bounder: AbstractBounder | None
    normalizer: AbstractNormalizer | None
    head_optimizer: AbstractOptimizer | None
    sparsity: float = eqx.field(static=True)
    leaky_relu_slope: Hyperparameter
    use_layer_norm: bool = eqx.field(static=True)
    use_bias: bool = eqx.field(static=True, metadata={"config": "omit_default"})
    trunk_traces: str = eqx.field(static=True, metadata={"config": "omit_default"})
    combine: str = eqx.field(static=True, metadata={"config": "omit_default"})
    inactive: str = eqx.field(static=True, metadata={"config": "omit_default"})
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        horde_spec: HordeSpec,
        hidden_sizes: Sequence[int] = (128, 128),
        optimizer: AbstractOptimizer | Hybrid | None = None,
        step_size: Hyperparameter = 1.0,
        bounder: AbstractBounder | None = None,
        normalizer: AbstractNormalizer | None = None,
        sparsity: float = 0.9,
        leaky_relu_slope: Hyperparameter = 0.01,
        use_layer_norm: bool = True,
        head_optimizer: AbstractOptimizer | None = None,
        *,
        use_bias: bool = True,
        trunk_traces: str = "none",
        combine: str = "sum",
        inactive: str = "freeze",
        plasticity: AbstractPlasticity | None = None,
    ):
        self.horde_spec = horde_spec
        self.hidden_sizes = sizes("HordeLearner", hidden_sizes)
        self.optimizer = chosen_optimizer("HordeLearner", optimizer, step_size)
        self.bounder, self.normalizer, self.head_optimizer = bounder, normalizer, head_optimizer
        self.sparsity, self.leaky_relu_slope = sparsity, leaky_relu_slope
        self.use_layer_norm, self.use_bias = use_layer_norm, use_bias
        self.trunk_traces, self.combine, self.inactive = trunk_traces, combine, inactive
        self.plasticity = plasticity

    def __check_init__(self):
        require_part(self, "horde_spec", HordeSpec)
        self.horde_spec.require_on_policy("HordeLearner")
        require_choice("HordeLearner", "use_bias", self.use_bias, (True, False))
        require_choice("HordeLearner", "trunk_traces", self.trunk_traces, ("none", "per_demon"))
        require_choice("HordeLearner", "combine", self.combine, ("sum", "mean"))
        require_choice("HordeLearner", "inactive", self.inactive, ("freeze", "advance"))
        # A transition may come with any discount, so that the spec's do not say.
        require_traces_taken(self, "lamda of every demon", self.horde_spec.lamdas)
        _ = self.learner  # validates the shared fields

    @property
    def n_demons(self) -> int:
        return len(self.horde_spec)

    @property
    def heads(self) -> Heads:
        """A head for each demon, and their trunk."""
        per_demon, mean = self.trunk_traces == "per_demon", self.combine == "mean"
        return Heads.of(self, self.n_demons, per_head=per_demon, mean=mean)

    @property
    def learner(self) -> MultiHeadMLPLearner:
        """The learner of targets that has the same heads, with gamma lamda of each demon."""
        spec = self.horde_spec
        return MultiHeadMLPLearner(
            len(spec),
            self.hidden_sizes,
            self.optimizer,
            bounder=self.bounder,
            normalizer=self.normalizer,
            sparsity=self.sparsity,
            leaky_relu_slope=self.leaky_relu_slope,
            use_layer_norm=self.use_layer_norm,
            head_optimizer=self.head_optimizer,
            per_head_gamma_lamda=_product(spec.gammas, spec.lamdas),
            use_bias=self.use_bias,
            plasticity=self.plasticity,
        )

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> HordeState:
        """Sparse weights for `feature_dim` features drawn from `key`, born now.

        Warns of traces that take more than 256 MB.
        """
        require_count("HordeLearner.init", "feature_dim", feature_dim)
        self._warn_of_memory(int(feature_dim))
        begun = self.heads.begun(feature_dim, require_key("HordeLearner.init", key))
        discounts = jnp.ones(self.n_demons, jnp.float32)
        return HordeState(**begun, previous_discounts=discounts, life=Lifecycle.begin())

    @compiled
    def predict(
        self, state: HordeState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "{state.n_heads}"]:
        """The values of all demons at `observation`, as `update` would report them."""
        return self.heads.predictions(state, observation)

    @compiled
    @guarded
    def update(
        self,
        state: HordeState,
        observation: Real[Array, "{state.feature_dim}"],
        cumulants: Real[Array, "{state.n_heads}"] | None,
        next_observation: Real[Array, "{state.feature_dim}"],
        *,
        signals: Real[Array, " signals"] | None = None,
        terminated: Any = None,
        gammas: Real[Array, "{state.n_heads}"] | None = None,
    ) -> Candidate[HordeUpdateResult]:
        """Learn from one transition.

        **Arguments:** `cumulants` [demons], NaN for an inactive demon; with `signals`, demons whose
        `cumulant_index` is not -1 take that signal instead, and `cumulants` may be None when no
        other is left; `terminated`: a flag, or one for each demon; `gammas` [demons]: the discounts
        of this transition in place of the spec's.
        """
        spec, n = self.horde_spec, self.n_demons
        given = cumulants_of("HordeLearner.update", spec, cumulants, signals)
        terminated = 0.0 if terminated is None else terminated
        if jnp.shape(terminated) not in ((), (n,)):
            raise TypeError(
                f"HordeLearner.update: `terminated` must have shape () or ({n},), got "
                f"{jnp.shape(terminated)}."
            )
        ended = jnp.broadcast_to(f32(terminated), (n,))
        discounts = f32(spec.gammas) if gammas is None else f32(gammas)
        g = continuation(discounts, ended != 0.0)
        next_x = next_features(g, next_observation)
        targets = bootstrapped(given, g, self.heads.next_values(state, next_x))
        targets = targets + ended * f32(spec.terminal_rewards)
        active = ~jnp.isnan(given)
        freezes = self.inactive == "freeze"
        how = HeadUpdate(
            targets=targets,
            active=active,
            frozen=~active if freezes else jnp.zeros_like(active),
            trace_decays=state.previous_discounts * f32(spec.lamdas),
            passing=None if freezes else ~active,
        )
        acceptable = (
            jnp.all(jnp.isfinite(next_x))
            & jnp.all(jnp.isfinite(discounts))
            & jnp.all(jnp.isfinite(ended))
            & ~jnp.any(jnp.isinf(given))
        )
        previous = jnp.where(active | (g == 0.0), g, state.previous_discounts) if freezes else g
        step = self.heads.step(state, observation, how)
        result = HordeUpdateResult(
            state=state.replace(**step.changed, previous_discounts=previous),
            predictions=step.predictions,
            td_errors=step.told_errors,
            td_targets=targets,
            per_demon_metrics=step.metrics,
            trunk_bounding_metric=step.trunk_bounding_metric,
            rejected=jnp.asarray(False),
        )
        return Candidate(result, step.witnesses, acceptable, step.late)

    def learn(self, state: HordeState, experience: DemonStep) -> tuple[Any, tuple]:
        """Update on a `DemonStep`; the outputs are the metrics and the TD errors."""
        now = on_policy(self, experience)
        result = self.update(
            state,
            now.observation,
            now.cumulants,
            now.next_observation,
            signals=now.signals,
            terminated=now.terminated,
            gammas=now.gammas,
        )
        state = result.state
        if experience.truncated is not None:
            cut = jnp.broadcast_to(truth(experience.truncated), (self.n_demons,))
            state = self.reset_traces(state, cut)
        return state, (result.per_demon_metrics, result.td_errors)

    def _named(self, outputs: tuple) -> Metrics:
        per_demon, _ = outputs
        return named_columns(("squared_td_error", "td_error", "mean_step_size"), per_demon)

    def _parts(self) -> MetricParts:
        return MetricParts("demon", self.horde_spec.names)

    def _cut(self, state: HordeState) -> HordeState:
        return self.heads.cut(state)

    def _cut_of(self, state: HordeState, mask: Any) -> HordeState:
        return self.heads.cut_of("HordeLearner", state, mask)

    def _network(self, state: HordeState) -> Network | None:
        return self.heads.network(state)

    def _warn_of_memory(self, feature_dim: int) -> None:
        """Of traces that are many times as large as all the rest."""
        layers = itertools.pairwise((feature_dim, *self.hidden_sizes))
        size = 4 * self.n_demons * sum(outputs * (inputs + 1) for inputs, outputs in layers)
        if self.trunk_traces == "per_demon" and size > _LARGE:
            warnings.warn(
                f"HordeLearner: the traces of {self.n_demons} demons through a trunk of "
                f"{self.hidden_sizes} take {size / 1e6:,.0f} MB, all of which every step reads "
                "and writes.",
                UserWarning,
                stacklevel=3,
            )

    def _demons(self) -> tuple[GVFSpec, ...]:
        return self.horde_spec.demons

    def _with_heads(self, places: tuple[int, ...], names: tuple[str, ...]) -> "HordeLearner":
        return dataclasses.replace(self, horde_spec=self.horde_spec.chosen(places, names))


def _product(gammas: Any, lamdas: Any) -> Any:
    """Of NumPy's numbers in float64, as they were given; of JAX's in float32."""
    if isinstance(gammas, np.ndarray) and isinstance(lamdas, np.ndarray):
        return gammas * lamdas
    return f32(gammas) * f32(lamdas)
