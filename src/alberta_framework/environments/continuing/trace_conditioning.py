"""A stimulus that is followed by another one, after a time without either."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import is_traced
from ...components.ranges import require_at_most, require_steps
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep


class TraceConditioningState(AbstractState):
    """The steps since the last onset of the conditioned stimulus, and until the next one."""

    since: Int[Array, ""]
    until: Int[Array, ""]


class TraceConditioning(AbstractEnvironment[TraceConditioningState]):
    """Trace conditioning, as a stream of what an animal perceives: a problem of memory.

    Observed are a 1, the conditioned stimulus (CS) and the unconditioned stimulus (US). The CS
    lasts one step; the US, one step too, follows `interval` steps after it. From one CS to the next
    it is `interval` plus a number of steps drawn uniformly from `min_gap` to `max_gap`; a life
    starts with a CS. The reward is the US that is observed with it. There is one action, which does
    nothing. Never terminated.

    To be predicted is the discounted sum of the US to come, for which the CS must be remembered.

    Source: the trace conditioning problem of Rafiee et al. (2023), simplified.

    **Arguments:** `interval`, `min_gap`, `max_gap`: integers in [1, 2^31), `min_gap` <= `max_gap`,
    `interval` + `max_gap` < 2^31.
    """

    interval: Hyperparameter = eqx.field(default=10, metadata={"counts_steps": True})
    min_gap: Hyperparameter = eqx.field(default=30, metadata={"counts_steps": True})
    max_gap: Hyperparameter = eqx.field(default=59, metadata={"counts_steps": True})

    def __check_init__(self):
        for name in ("interval", "min_gap", "max_gap"):
            require_steps(self, name)
        require_at_most(self, "min_gap", "max_gap")
        if not (is_traced(self.interval) or is_traced(self.max_gap)):
            longest = np.max(self.interval) + np.max(np.asarray(self.max_gap, np.float64))
            if longest >= 2**31:
                raise ValueError(
                    "TraceConditioning: `interval` + `max_gap` must be below 2^31, got "
                    f"{self.interval} and {self.max_gap}."
                )

    @property
    def observation_size(self) -> int:
        return 3

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(1)

    def reset(self, key: PRNGKeyArray) -> tuple[TraceConditioningState, Float[Array, "3"]]:
        state = TraceConditioningState(jnp.zeros((), jnp.int32), self._gap(key))
        return state, self._seen(state)

    def step(
        self, state: TraceConditioningState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[TraceConditioningState, EnvStep]:
        begins = state.until <= 1
        after = TraceConditioningState(
            since=jnp.where(begins, 0, state.since + 1),
            until=jnp.where(begins, self._gap(key), state.until - 1),
        )
        observation = self._seen(after)
        now = EnvStep(
            observation=observation,
            reward=self._reward(action, observation[2]),
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
        )
        return after, now

    def _gap(self, key: PRNGKeyArray) -> Int[Array, ""]:
        """The steps from one onset to the next."""
        low, high = (jnp.asarray(gap, jnp.int32) for gap in (self.min_gap, self.max_gap))
        return jnp.asarray(self.interval, jnp.int32) + jr.randint(key, (), low, high + 1, jnp.int32)

    def _seen(self, state: TraceConditioningState) -> Float[Array, "3"]:
        stimuli = (state.since == 0), (state.since == jnp.asarray(self.interval, jnp.int32))
        return jnp.stack([jnp.ones((), bool), *stimuli]).astype(jnp.float32)
