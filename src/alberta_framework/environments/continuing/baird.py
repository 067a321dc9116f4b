"""Baird's counterexample, on which semi-gradient TD diverges off policy."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.state import AbstractState
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep


class BairdState(AbstractState):
    """The number of the state, 0 to 5 the upper ones and 6 the lower one."""

    place: Int[Array, ""]


def _features() -> Float[np.ndarray, "7 8"]:
    features = np.zeros((7, 8), np.float32)
    features[:6, :6] = 2.0 * np.eye(6)
    features[:6, 7] = 1.0
    features[6, 6:] = 1.0, 2.0
    return features


class Baird(AbstractEnvironment[BairdState]):
    """Seven states with eight features, and a reward that is always 0.

    Action 0, dashed, leads to one of the six upper states, each alike; action 1, solid, to the
    lower one. Observed are the features by which the value is 2 w_i + w_8 in the upper state i, and
    w_7 + 2 w_8 in the lower one. Never terminated; a life starts in one of the seven states, each
    alike.

    In the counterexample the behaviour policy is solid with probability 1/7, the target policy
    always, the discount 0.99, and the weights start as (1, 1, 1, 1, 1, 1, 10, 1).

    Source: Baird (1995), in the form of Sutton and Barto (2018), section 11.2.
    """

    @property
    def observation_size(self) -> int:
        return 8

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(2)

    def reset(self, key: PRNGKeyArray) -> tuple[BairdState, Float[Array, "8"]]:
        return self._seen(jr.randint(key, (), 0, 7, jnp.int32))

    def step(
        self, state: BairdState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[BairdState, EnvStep]:
        del state
        upper = jr.randint(key, (), 0, 6, jnp.int32)
        after, observation = self._seen(jnp.where(action == 1, 6, upper))
        now = EnvStep(
            observation=observation,
            reward=self._reward(action, 0.0),
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
        )
        return after, now

    def _seen(self, place: Int[Array, ""]) -> tuple[BairdState, Float[Array, "8"]]:
        return BairdState(place), jnp.asarray(_features())[place]
