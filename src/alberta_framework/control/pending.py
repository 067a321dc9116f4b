"""The pair of observation and action that is still to be learned, and how a step of it ends."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..components.numbers import f32, scalar, truth
from ..components.state import AbstractState
from ..learners import Candidate, concluded
from ..targets import CenteringState, continuation


class Outcome(eqx.Module):
    """What followed on the pending action, as an agent learns of it.

    `discount`: 0 where nothing is bootstrapped; `observation`: zeros where it is no number;
    `sound`: whether it was one; `acceptable`: whether the step may teach anything.
    """

    reward: Float[Array, ""]
    observation: Float[Array, " features"]
    discount: Float[Array, ""]
    boundary: Bool[Array, ""]
    sound: Bool[Array, ""]
    acceptable: Bool[Array, ""]


def outcome_of(
    reward: Any,
    observation: Any,
    terminated: Any,
    truncated: Any,
    gamma: Any,
    bootstrap_on_truncation: bool,
) -> Outcome:
    """A terminal observation may be anything, for no value of it enters a target."""
    reward, ended, cut = scalar(reward), flag(terminated), flag(truncated)
    # A discount is never below 0. Asked of it, and not in Python, both rules are one program but
    # for the direction of one comparison: lives in which nothing is cut are the same in bits. Those
    # of two programs need not be, whose roundings differ now and then.
    discount = jnp.asarray(gamma)
    taken_for_an_end = discount < 0 if bootstrap_on_truncation else discount >= 0
    terminal = ended | (cut & taken_for_an_end)
    x = f32(observation)
    sound = jnp.all(jnp.isfinite(x))
    return Outcome(
        reward=reward,
        observation=jnp.where(sound, x, 0.0),
        discount=continuation(gamma, terminal),
        boundary=ended | cut,
        sound=sound,
        acceptable=jnp.isfinite(reward) & (sound | terminal),
    )


class Learned(AbstractState):
    """What a step of learning gave: numbers by name, NaN where it taught nothing."""

    state: Any
    told: dict[str, Float[Array, ""]]
    rejected: Bool[Array, ""]


def learned(
    state: Any, after: Any, told: dict[str, Any], witnesses: Any, acceptable: Any
) -> Learned:
    """The step from `state` to `after`, judged.

    Where no action is pending nothing is learned, and nothing counted but what is bad.
    """
    pending = state.pending
    found = Learned(after, told, jnp.asarray(False))
    found = concluded(state, Candidate(found, witnesses, acceptable & pending))
    counted = pending | ~acceptable
    words = jnp.where(counted, found.state.life.words, state.life.words)
    kept = eqx.tree_at(lambda s: s.life.words, found.state, words)
    return found.replace(state=kept, rejected=found.rejected & counted)


def flag(value: Any) -> Bool[Array, ""]:
    return jnp.reshape(truth(value), ())


def average_told(centering: CenteringState | None) -> dict[str, Float[Array, ""]]:
    """What an agent tells of the average reward it has learned; nothing without a centering."""
    return {} if centering is None else {"average_reward": centering.reward_rate}
