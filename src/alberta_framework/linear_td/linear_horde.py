"""Many linear general value functions of the policy that is followed, with few traces."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled
from ..components.numbers import f32, is_traced, truth
from ..components.ranges import require_choice, require_count, require_part, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..experience import DemonStep
from ..horde import GVFSpec, HordeSpec, cumulants_of
from ..learners import (
    AbstractLearner,
    AbstractLearnerState,
    Candidate,
    Lifecycle,
    MetricParts,
    Metrics,
    Network,
    guarded,
    named_columns,
)
from ..targets import bootstrapped, continuation, next_features

# A weight of 2^126 times this is infinite; a lesser one plus a step is not.
_MARGIN = 4.0


class LinearHordeState(AbstractLearnerState):
    """The weights of all demons, their traces, and by what these decay next.

    `traces` holds one for each demon, or one for each distinct gamma lamda; `previous_discounts`
    the discount of each demon's last transition, 0 before the first.
    """

    weights: Float[Array, "demons features"]
    traces: Float[Array, "traces features"]
    previous_discounts: Float[Array, " demons"]
    life: Lifecycle

    @property
    def feature_dim(self) -> int:
        return self.weights.shape[-1]

    @property
    def n_demons(self) -> int:
        return self.weights.shape[-2]


class LinearHordeUpdate(AbstractState):
    """What one update gave; NaN in every float when the step was rejected, and in the TD errors
    where a demon is inactive. `predictions` are the values before it."""

    state: LinearHordeState
    predictions: Float[Array, " demons"]
    td_errors: Float[Array, " demons"]
    rejected: Bool[Array, ""]


class LinearHorde(AbstractLearner[LinearHordeState, DemonStep]):
    r"""Thousands of demons on one vector of features, v_i(s) = w_i.x(s), by TD(lambda).

    For demon i with cumulant c_i,

        g_i     = 0 if terminated, else the discount of this transition
        delta_i = c_i + g_i w_i.x' + terminated terminal_reward_i - w_i.x
        z_i    <- rho_i (g_i(previous transition) lamda_i z_i + x)
        w_i    += step_size_i delta_i z_i

    The trace of a linear value does not depend on what it is of: on policy, demons of one
    gamma lamda have one trace. With `traces="shared"` there is one for each distinct gamma lamda,
    G of them: a step reads the weights [n, d] and writes them once, and holds G d numbers beside
    them in place of n d. That is exact as long as demons of one trace share what happens: one
    termination, truncation and ratio for all, and the spec's discounts. A NaN cumulant teaches its
    demon nothing while its trace goes on, as time does. With `traces="per_demon"` each demon has
    its own: then terminations, truncations, ratios and the discounts of a transition may be one for
    each, and `inactive="freeze"` lets a NaN cumulant leave the trace as it is too.

    No bias: a feature that is always 1 is one. It learns what `HordeLearner` without hidden layers
    and bias does with `LMS`, from zero weights.

    A step with a non-finite observation, discount or ratio (or next observation, unless all
    discounts are 0), a ratio below 0, an infinite cumulant, or after which anything in the state
    would not be finite, is rejected: the state stays as it was, and counts it. So is one where
    demons of one trace are to decay differently: `eqx.tree_at` gave the spec other numbers, for
    which a new LinearHorde has to be made.

    Source: Modayil, White and Sutton (2014), Multi-timescale nexting in a reinforcement learning
    robot, arXiv:1112.1133; ratios and traces: Sutton and Barto (2018), eq. 12.25.

    **Arguments:** `horde_spec`: from `create_horde_spec`, `nexting_horde`; `step_size` >= 0,
    default 0.01, one or one for each demon: for binary features 0.1 / (how many are 1) is usual;
    `traces`: `"shared"` (default) or `"per_demon"`; `inactive`: `"advance"` (default), or
    `"freeze"`, as of `HordeLearner`.
    """

    experience: ClassVar[type] = DemonStep
    draws_weights: ClassVar[bool] = False

    horde_spec: HordeSpec = eqx.field(metadata={"config": "required"})
    step_size: Hyperparameter
    traces: str = eqx.field(static=True)
    inactive: str = eqx.field(static=True)
    # Which trace each demon has. The numbers that decide it are traced in compiled code.
    trace_of: tuple[int, ...] = eqx.field(
        static=True, init=False, repr=False, metadata={"config": "skip"}
    )

    def __init__(
        self,
        horde_spec: HordeSpec,
        step_size: Hyperparameter = 0.01,
        traces: str = "shared",
        inactive: str = "advance",
    ):
        self.horde_spec, self.step_size = horde_spec, step_size
        self.traces, self.inactive = traces, inactive
        require_part(self, "horde_spec", HordeSpec)
        self.trace_of = _shared(horde_spec) if traces == "shared" else tuple(range(len(horde_spec)))

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_choice("LinearHorde", "traces", self.traces, ("shared", "per_demon"))
        require_choice("LinearHorde", "inactive", self.inactive, ("advance", "freeze"))
        if self.traces == "shared":
            self.horde_spec.require_on_policy("LinearHorde with shared traces")
        if self.inactive == "freeze" and self.traces == "shared":
            raise ValueError(
                "LinearHorde: `inactive` must be 'advance' with shared traces, got 'freeze': a "
                "trace that one demon lets stand is no longer that of the others; use "
                "traces='per_demon'."
            )

    @property
    def n_demons(self) -> int:
        return len(self.horde_spec)

    @property
    def n_traces(self) -> int:
        """How many traces there are."""
        return max(self.trace_of) + 1

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> LinearHordeState:
        """Zero weights for `feature_dim` features, born now; nothing is drawn from `key`.

        **Raises:** `ValueError` where demons of one trace have no longer one gamma lamda.
        """
        del key
        require_count("LinearHorde.init", "feature_dim", feature_dim)
        decays = f32(self.horde_spec.gammas) * f32(self.horde_spec.lamdas)
        if not is_traced(decays) and not bool(self._share(decays)):
            raise ValueError(
                "LinearHorde.init: `horde_spec` must have the numbers it was made with, or such "
                "that demons of one trace have one gamma lamda; make a new LinearHorde of it."
            )
        return LinearHordeState(
            weights=jnp.zeros((self.n_demons, int(feature_dim)), jnp.float32),
            traces=jnp.zeros((self.n_traces, int(feature_dim)), jnp.float32),
            previous_discounts=jnp.zeros(self.n_demons, jnp.float32),
            life=Lifecycle.begin(),
        )

    @compiled
    def predict(
        self, state: LinearHordeState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "{state.n_demons}"]:
        """The values of all demons at `observation`, as `update` would report them."""
        return state.weights @ f32(observation)

    @compiled
    @guarded
    def update(
        self,
        state: LinearHordeState,
        observation: Real[Array, "{state.feature_dim}"],
        cumulants: Real[Array, "{state.n_demons}"] | None,
        next_observation: Real[Array, "{state.feature_dim}"],
        rho: Any = None,
        *,
        signals: Real[Array, " signals"] | None = None,
        terminated: Any = None,
        gammas: Real[Array, "{state.n_demons}"] | None = None,
        boundary: Any = False,
    ) -> Candidate[LinearHordeUpdate]:
        """Learn from one transition.

        **Arguments:** `cumulants`, `signals`, `terminated`, `gammas` as of `HordeLearner.update`;
        `rho`: the ratio of the action taken, >= 0, None where no demon has a target policy: 1;
        `boundary`: whether the next observation is not
        where the next transition begins, as after a truncation. With `traces="per_demon"` one or
        one for each demon; else one for all, and `gammas` None.
        """
        spec, by_demon = self.horde_spec, self.traces == "per_demon"
        if gammas is not None and not by_demon:
            raise TypeError(
                "LinearHorde.update: `gammas` must be None with shared traces, whose demons have "
                "one discount; use traces='per_demon'."
            )
        if rho is None and any(policy is not None for policy in spec.target_policies):
            raise TypeError(
                "LinearHorde.update: `rho` must be given, for demons have target policies: "
                "horde_spec.importance_ratios(observation, action, log_b)."
            )
        given = cumulants_of("LinearHorde.update", spec, cumulants, signals)
        ended = f32(self._for_each("`terminated`", 0.0 if terminated is None else terminated))
        ratios = f32(self._for_each("`rho`", 1.0 if rho is None else rho))
        cut = truth(self._for_each("`boundary`", boundary))
        step_sizes = f32(self._each("`step_size`", self.step_size))
        discounts = f32(spec.gammas) if gammas is None else f32(gammas)
        g = continuation(discounts, ended != 0.0)
        x, next_x = f32(observation), next_features(g, next_observation)
        active = ~jnp.isnan(given)
        rewards = jnp.where(active, given, 0.0) + ended * f32(spec.terminal_rewards)

        weights, old = state.weights, state.traces
        predictions = weights @ x
        targets = bootstrapped(rewards, g, weights @ next_x)
        errors = jnp.where(active, targets - predictions, 0.0)
        decays = state.previous_discounts * f32(spec.lamdas)
        moving = active if self.inactive == "freeze" else jnp.ones_like(active)

        def of_traces(per_demon):  # those of one trace are alike
            return per_demon if by_demon else per_demon[self._first]

        def column(per_trace):
            return of_traces(per_trace)[:, None]

        new = jnp.where(column(moving), column(ratios) * (column(decays) * old + x[None]), old)
        steps = step_sizes * errors
        of_demon = np.asarray(self.trace_of)

        def learned(accepted):
            moved = weights + steps[:, None] * (new if by_demon else new[of_demon])
            return jnp.where((accepted & active)[:, None], moved, weights)

        def passed(accepted):
            return jnp.where(accepted, jnp.where(column(cut), 0.0, new), old)

        # Where an episode ends a trace is gone, though its demon learns nothing.
        over = moving | (g == 0.0)
        after = state.replace(
            weights=weights,
            traces=old,
            previous_discounts=jnp.where(over, g, state.previous_discounts),
        )
        result = LinearHordeUpdate(
            state=after,
            predictions=predictions,
            td_errors=jnp.where(active, errors, jnp.nan),
            rejected=jnp.asarray(False),
        )
        longest = jnp.max(jnp.abs(new), -1)
        witnesses = (
            (x, next_x, discounts, ended, ratios, rewards, errors, new),
            steps * (longest if by_demon else longest[of_demon]),
            # Weights before the step: one that is finite here is so after it.
            weights @ jnp.full(x.shape, _MARGIN, jnp.float32),
        )
        acceptable = jnp.all(ratios >= 0.0) & self._share(decays)
        return Candidate(result, witnesses, acceptable, {"weights": learned, "traces": passed})

    def learn(
        self, state: LinearHordeState, experience: DemonStep
    ) -> tuple[LinearHordeState, tuple]:
        """Update on a `DemonStep`; the outputs are the metrics and the TD errors, as of a
        `HordeLearner`."""
        now = experience
        result = self.update(
            state,
            now.observation,
            now.cumulants,
            now.next_observation,
            now.rho,
            signals=now.signals,
            terminated=now.terminated,
            gammas=now.gammas,
            boundary=False if now.truncated is None else now.truncated,
        )
        errors = result.td_errors
        sizes = jnp.broadcast_to(f32(self.step_size), errors.shape)
        sizes = jnp.where(jnp.isnan(errors), jnp.nan, sizes)
        return result.state, (jnp.stack([errors**2, errors, sizes], axis=-1), errors)

    def _named(self, outputs: tuple) -> Metrics:
        per_demon, _ = outputs
        return named_columns(("squared_td_error", "td_error", "mean_step_size"), per_demon)

    @property
    def _first(self) -> np.ndarray:
        """The first demon of each trace."""
        return np.unique(np.asarray(self.trace_of), return_index=True)[1]

    def _share(self, decays: Array) -> Array:
        """Whether demons of one trace decay alike."""
        return jnp.all(decays == decays[self._first][np.asarray(self.trace_of)])

    def _for_each(self, name: str, value: Any) -> Array:
        """One value for each demon; with shared traces one for all."""
        if self.traces == "shared" and jnp.shape(value) != ():
            raise TypeError(
                f"LinearHorde.update: {name} must be one for all demons with shared traces, got "
                f"shape {jnp.shape(value)}; use traces='per_demon'."
            )
        return self._each(name, value)

    def _each(self, name: str, value: Any) -> Array:
        if jnp.shape(value) not in ((), (self.n_demons,)):
            raise TypeError(
                f"LinearHorde.update: {name} must have shape () or ({self.n_demons},), got "
                f"{jnp.shape(value)}."
            )
        return jnp.broadcast_to(jnp.asarray(value), (self.n_demons,))

    def _parts(self) -> MetricParts:
        return MetricParts("demon", self.horde_spec.names)

    def _demons(self) -> tuple[GVFSpec, ...]:
        return self.horde_spec.demons

    def _with_heads(self, places: tuple[int, ...], names: tuple[str, ...]) -> "LinearHorde":
        spec, step_size = self.horde_spec.chosen(places, names), self.step_size
        if np.ndim(step_size):
            step_size = jnp.asarray(step_size)[..., list(places)]
        made = LinearHorde(spec, step_size, self.traces, self.inactive)
        before = tuple(self.trace_of[place] for place in places)
        same = before == made.trace_of and set(before) == set(self.trace_of)
        if self.traces == "shared" and not same:
            raise ValueError(
                f"LinearHorde.with_heads: `places` must leave each shared trace a demon, and the "
                f"traces in their order, got {places}; with traces='per_demon' any will do."
            )
        return made

    def _cut(self, state: LinearHordeState) -> LinearHordeState:
        return state.replace(traces=jnp.zeros_like(state.traces))

    def _cut_of(self, state: LinearHordeState, mask: Any) -> LinearHordeState:
        mask = jnp.asarray(mask)
        if mask.dtype != jnp.bool_ or mask.shape != (self.n_demons,):
            raise TypeError(
                f"LinearHorde.reset_traces: `mask` must be bool[{self.n_demons}], got "
                f"{mask.dtype}{list(mask.shape)}."
            )
        if self.traces == "shared":
            raise TypeError(
                "LinearHorde.reset_traces: `mask` must be None with shared traces, which are of "
                "several demons; use traces='per_demon'."
            )
        return state.replace(traces=jnp.where(mask[:, None], 0.0, state.traces))

    def _network(self, state: LinearHordeState) -> Network:
        return Network(head_weights=state.weights)


def _shared(spec: HordeSpec) -> tuple[int, ...]:
    """One trace for each distinct gamma lamda, in the order of their first demons; of numbers that
    are not known yet one for each demon."""
    numbers = spec.gammas, spec.lamdas
    if any(is_traced(each) or np.ndim(each) != 1 for each in numbers):
        return tuple(range(len(spec)))
    gammas, lamdas = (np.asarray(each, np.float32) for each in numbers)
    places: dict[float, int] = {}
    return tuple(places.setdefault(float(decay), len(places)) for decay in gammas * lamdas)
