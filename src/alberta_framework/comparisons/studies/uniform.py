"""The uniformly random policy, which every study tells beside the agents."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, PRNGKeyArray

from ...components.ranges import require_key
from ...components.state import AbstractState
from ...control import AbstractAgent, AgentStep
from ...interface import ActionSpace, BoxActions, DiscreteActions


class UniformState(AbstractState):
    """Where the draws stand."""

    key: PRNGKeyArray


class UniformAgent(AbstractAgent[UniformState]):
    """Every action is as likely as any other, and nothing is learned.

    **Arguments:** `n_actions` of so many actions by number; or `low` and `high`, the bounds of each
    number of an action.
    """

    draws_weights: ClassVar[bool | None] = True

    n_actions: int | None = eqx.field(static=True)
    low: tuple[float, ...] | None = eqx.field(static=True, default=None)
    high: tuple[float, ...] | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        bounds = self.low is not None and self.high is not None
        if (self.n_actions is None) != bounds:
            raise ValueError(
                "UniformAgent: must have either `n_actions` or `low` and `high`, got "
                f"{self.n_actions!r}, {self.low!r} and {self.high!r}."
            )
        _ = self.action_space  # validates

    @property
    def action_space(self) -> ActionSpace:
        if self.n_actions is not None:
            return DiscreteActions(self.n_actions)
        low = () if self.low is None else self.low
        return BoxActions((len(low),), low, self.high)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> UniformState:
        del feature_dim
        return UniformState(require_key("UniformAgent.init", key))

    def start(self, state: UniformState, observation: Array) -> tuple[Array, UniformState]:
        del observation
        key, own = jr.split(state.key)
        return self.action_space.sample(own), UniformState(key)

    def act_and_learn(
        self, state: UniformState, reward: Any, observation: Array, terminated: Any, truncated: Any
    ) -> AgentStep:
        del terminated, truncated
        action, state = self.start(state, observation)
        nothing: Any = {}
        return AgentStep(state, action, nothing, ~jnp.isfinite(reward))

    def act(
        self, state: UniformState, observation: Array, key: PRNGKeyArray, *, explore: bool = True
    ) -> Array:
        del state, observation, explore
        return self.action_space.sample(key)


def uniform_in(space: ActionSpace) -> UniformAgent:
    """The uniformly random policy of a space."""
    if isinstance(space, DiscreteActions):
        return UniformAgent(space.n)
    return UniformAgent(None, tuple(space.low.tolist()), tuple(space.high.tolist()))
