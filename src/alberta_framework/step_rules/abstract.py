"""What every step rule offers."""

import abc
from typing import Any, Literal, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..components.component import AbstractComponent
from ..components.numbers import f32, is_traced
from ..components.state import AbstractState
from ..components.types import ScalarLike
from ..networks import Renewal, one_weight_each

Needs = Literal["nothing", "directional", "gradient"]


class Bootstrap(eqx.Module):
    """What a rule that looks ahead is told of the value that the target is made of.

    **Arguments:** `value`: v(x') or max_a q(x', a), of the parameters before the step;
    `directional`: gamma_{t+1} g'.D, how the discounted value changes along the direction D, for
    rules that need "directional" or "gradient"; `gradient`: gamma_{t+1} g', for rules that need it.
    """

    value: Float[Array, ""]
    directional: Float[Array, ""] | None = None
    gradient: Any = None


class StepInfo(AbstractState):
    """What a step was made with; NaN where a rule has no such number.

    **Arguments:** `step_size`: alpha, which multiplies error and direction; `bound`: the factor by
    which the step was shrunk, or what a bounder tells of it, 1 where nothing bounds; `trace_l1`:
    the 1-norm of the trace; `curvature`: how much of the error a step of size 1 takes away.
    """

    step_size: Float[Array, ""]
    bound: Float[Array, ""]
    trace_l1: Float[Array, ""]
    curvature: Float[Array, ""]


class AbstractStepRule(AbstractComponent):
    r"""Turns errors and gradients into changes of parameters; keeps the eligibility trace.

    For the gradient g of the value whose error is delta, and the positive diagonal P of the rule:

        z   <- decay z + g            (`direction`, which gives D = P z)
        dw   = alpha delta D          (`step`, which chooses alpha)
        z   <- 0 where `reset`        (after the step)

    g is that of the quantity to be increased by a positive error. decay = gamma_t lamda, with the
    discount of the transition into the present state. Parameters, gradients and directions are
    trees of one structure, and each sum or norm runs over all of it.

    Rules differ in what they must know of the value that the target is made of: see `Bootstrap`.
    """

    @property
    def needs(self) -> Needs:
        """What `step` must be told of the bootstrap."""
        return self._needs()

    @property
    def takes_traces(self) -> bool:
        """Whether traces may decay by more than 0."""
        return self._takes_traces()

    def averaging(self, decay: Any) -> Self:
        """The rule whose averages move as a trace of this decay does, unless told otherwise.

        An agent says so once, with its gamma lamda: `decay` of a step is 0 where an episode begins,
        and would throw the average away.

        **Raises:** `ValueError` for a decay of 1, at which an average never moves.
        """
        if getattr(self, "average_decay", decay) is not None:
            return self
        if not is_traced(decay) and np.any(np.asarray(decay) >= 1.0):
            raise ValueError(
                f"{type(self).__name__}: `average_decay` must lie in [0, 1), and the agent's gamma "
                f"lamda is {decay}: give the rule one of its own."
            )
        return eqx.tree_at(
            lambda rule: rule.average_decay, self, f32(decay), is_leaf=lambda leaf: leaf is None
        )

    @abc.abstractmethod
    def init(self, params: Any) -> Any:
        """The state for these parameters, its trace at 0."""

    @abc.abstractmethod
    def direction(self, state: Any, gradient: Any, decay: ScalarLike) -> tuple[Any, Any]:
        """The direction of the step, and the state with the trace moved on."""

    @abc.abstractmethod
    def step(
        self,
        state: Any,
        gradient: Any,
        direction: Any,
        delta: ScalarLike,
        bootstrap: Bootstrap | None,
        decay: ScalarLike,
        reset: Any = False,
        *,
        params: Any = None,
    ) -> tuple[Any, Any, StepInfo]:
        """The changes to add to the parameters, the state, and what the step was made with.

        **Arguments:** `params`: the parameters before the step, for rules that look at them.
        """

    @abc.abstractmethod
    def cut(self, state: Any, where: Any = True) -> Any:
        """The state with its trace at 0 where told, and everything else as it was."""

    def update(
        self,
        state: Any,
        gradient: Any,
        delta: ScalarLike,
        decay: ScalarLike,
        reset: Any = False,
        *,
        params: Any = None,
    ) -> tuple[Any, Any, StepInfo]:
        """`direction`, then `step`, of a rule that needs to know nothing of the bootstrap.

        **Raises:** `ValueError` for one that does.
        """
        if self.needs != "nothing":
            raise ValueError(
                f"{type(self).__name__}.update: the rule needs {self.needs!r} of the bootstrap; "
                "call `direction`, then `step` with a `Bootstrap`."
            )
        direction, state = self.direction(state, gradient, decay)
        return self.step(state, gradient, direction, delta, None, decay, reset, params=params)

    def witnesses(self, state: Any) -> Any:
        """What of the state after a step has to be finite for the step to be accepted."""
        return self._witnesses(state)

    def renewed(self, state: Any, params: Any, renewal: Renewal) -> Any:
        """The state in which what the rule knows of weights that are new is as at first, and their
        trace 0.

        Of a rule with a state of its own kind these are the fields that are trees like the
        parameters.
        """
        state = renewal.where_due(lambda kept: self._renewed(kept, params, renewal), state)
        return state if renewal.traces is None else self.cut(state, renewal.traces)

    def step_sizes(self, state: Any, params: Any) -> Any:
        """The step size in effect of every parameter, one number for each tensor where it serves
        all of it; None of a rule that has none before it sees an error."""
        return self._step_sizes(state, params)

    def _needs(self) -> Needs:
        return "nothing"

    def _takes_traces(self) -> bool:
        return True

    def _average_decay(self, decay: Any) -> Any:
        """The rate of averages: told, or that of this step's trace."""
        told = getattr(self, "average_decay", None)
        return f32(decay) if told is None else f32(told)

    def _witnesses(self, state: Any) -> Any:
        return state

    def _renewed(self, state: Any, params: Any, renewal: Renewal) -> Any:
        first, structure = self.init(one_weight_each(params)), jax.tree.structure(params)

        def is_alike(node):
            return jax.tree.structure(node) == structure

        def as_at_first(node, at_first):
            if is_alike(node) and renewal.units:
                node = renewal.reset(node, at_first)
            return beginning_where(renewal.everything, node, at_first)

        return jax.tree.map(as_at_first, state, first, is_leaf=is_alike)

    def _step_sizes(self, state: Any, params: Any) -> Any:
        return None


def beginning_where(where: Any, now: Any, first: Any) -> Any:
    """The numbers as at first where told; None: nowhere."""
    if where is None:
        return now
    return jax.tree.map(lambda n, f: jnp.where(where, jnp.broadcast_to(f, n.shape), n), now, first)


def total(of: Any, *trees: Any) -> Float[Array, ""]:
    """The sum of `of(leaf, ...)` over all elements of all leaves of trees of one structure."""
    parts = jax.tree.map(lambda *leaves: jnp.sum(of(*leaves)), *trees)
    return sum(jax.tree.leaves(parts), f32(0.0))


def unknown() -> Float[Array, ""]:
    """A number that a rule does not have."""
    return f32(jnp.nan)
