"""Servers to which customers of different priority are let in or not."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import f32, is_traced
from ...components.ranges import require_count, require_range
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep


class AccessControlState(AbstractState):
    """How many servers are free, and the priority of the customer at the head of the queue."""

    free: Int[Array, ""]
    priority: Int[Array, ""]


class AccessControl(AbstractEnvironment[AccessControlState]):
    """Access-control queuing: the customer at the head of the queue is accepted or rejected.

    Action 1 gives the customer a server, if one is free, and is paid by priority; else, and for
    action 0, the customer leaves, and the reward is 0. Then every busy server, the one just given
    included, becomes free with `free_probability`, and the next customer comes, of each priority
    alike. Observed is the pair of free servers and priority, one-hot: place free * priorities +
    priority of (servers + 1) * priorities. Never terminated; a life starts with all servers free.

    With the defaults the best average reward is 2.7476, by relative value iteration, and 2.6469
    with a tenth of the actions random (epsilon 0.1, and the rest the best for that).

    Source: Sutton and Barto (2018), example 10.2, whose numbers are the defaults.

    **Arguments:** `n_servers` >= 1; `payments`: one number for each priority;
    `free_probability` in [0, 1].
    """

    n_servers: int = eqx.field(default=10, static=True)
    payments: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    free_probability: Hyperparameter = 0.06

    def __check_init__(self):
        require_count("AccessControl", "n_servers", self.n_servers)
        require_range(self, "free_probability", 0.0, 1.0)
        known = isinstance(self.payments, tuple) and len(self.payments) > 0
        numbers = [pay for pay in self.payments if not is_traced(pay)] if known else []
        if not known or any(np.ndim(pay) or not np.isfinite(pay) for pay in numbers):
            raise ValueError(
                "AccessControl: `payments` must be a tuple of finite numbers, at least one, got "
                f"{self.payments!r}."
            )

    @property
    def observation_size(self) -> int:
        return (self.n_servers + 1) * len(self.payments)

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(2)

    def reset(self, key: PRNGKeyArray) -> tuple[AccessControlState, Float[Array, " pairs"]]:
        return self._seen(jnp.asarray(self.n_servers, jnp.int32), self._customer(key))

    def step(
        self, state: AccessControlState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[AccessControlState, EnvStep]:
        free_key, next_key = jr.split(key)
        accepted = (action == 1) & (state.free > 0)
        payment = jnp.stack([f32(pay) for pay in self.payments])[state.priority]
        busy = self.n_servers - state.free + accepted.astype(jnp.int32)
        ready = jr.uniform(free_key, (self.n_servers,), jnp.float32) < f32(self.free_probability)
        freed = jnp.sum(ready & (jnp.arange(self.n_servers) < busy), dtype=jnp.int32)
        after, observation = self._seen(self.n_servers - busy + freed, self._customer(next_key))
        now = EnvStep(
            observation=observation,
            reward=self._reward(action, jnp.where(accepted, payment, 0.0)),
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
        )
        return after, now

    def _customer(self, key: PRNGKeyArray) -> Int[Array, ""]:
        return jr.randint(key, (), 0, len(self.payments), jnp.int32)

    def _seen(
        self, free: Int[Array, ""], priority: Int[Array, ""]
    ) -> tuple[AccessControlState, Float[Array, " pairs"]]:
        place = free * len(self.payments) + priority
        seen = jax.nn.one_hot(place, self.observation_size, dtype=jnp.float32)
        return AccessControlState(free, priority), seen
