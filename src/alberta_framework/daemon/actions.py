"""Events of agents: an observation and the reward that came with it in, an action out."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from ..components.numbers import all_finite
from ..interface import ActionSpace, DiscreteActions
from ..learners import is_judged, metrics_of_step, with_step
from .episodes import Episodes
from .event_kind import AbstractEventKind, Turn
from .program import where
from .report import watched_plasticity
from .verdict import is_rejected, verdict

_LARGEST = float(np.finfo(np.float32).max)


class ActionResult(NamedTuple):
    """What an event gave to an agent, and the agent to it.

    - `action`: what to do next: an `int` of `DiscreteActions`, a float32 array in the shape of
      `BoxActions`. After the last observation of an episode it belongs to nothing.
    - `rejected`: what came was no number, and taught nothing.
    - `step`: how many events were learned from or rejected, this one included if it was.
    - `began`: an episode begins here: no action led to this observation, so nothing was learned.
    - `metrics`: what the agent tells of the step, by name; none where an episode began.
    """

    action: int | Float[np.ndarray, "..."]
    rejected: bool
    step: int
    began: bool
    metrics: Mapping[str, Any]


class ActionEvents(AbstractEventKind):
    """`start`, `act_and_learn` and `act` of an agent, one compiled call for each event.

    Carried on are the episodes so far, with whether one is under way; the action that is pending is
    part of the agent's state. A row that a program gives are the words of the action, of the
    `verdict` on the event, and of the metrics.
    """

    acts = True
    begun = Episodes()

    def turn(
        self,
        carried: Episodes,
        observation: np.ndarray,
        reward: float | None,
        terminated: bool,
        truncated: bool,
    ) -> Turn:
        """What an event does; no program is running."""
        numbers, n = self._numbers, self.feature_dim
        numbers[:n] = observation
        if reward is None or not carried.under_way:
            # Nothing was done that could have led here.
            after = carried.begin(terminated or truncated)
            return Turn(self._start, numbers, True, after)
        numbers[n], numbers[n + 1], numbers[n + 2] = reward, terminated, truncated
        after = carried.step(reward, terminated, truncated)
        return Turn(self._learn, numbers, True, after)

    def acted(self, words: Any, observation: np.ndarray) -> np.ndarray:
        """The action that the agent holds to be best; nothing changes."""
        return np.asarray(self.programs.call(self._act, words, observation))

    def concluded(self, carried: Episodes, found: np.ndarray) -> Episodes:
        if not is_rejected(self.said(found)):
            return carried
        # What was undone with the state is the pending action too: the next event begins anew.
        under_way = carried.under_way and self._counts
        return carried._replace(rejected=carried.rejected + 1, under_way=under_way)

    def allows(self, reward: float | None) -> bool:
        """Whether an event with such a reward, and sound otherwise, would be learned from."""
        return reward is None or bool(np.isfinite(reward))

    def result(self, found: np.ndarray, step: int, began: bool) -> ActionResult:
        """Of the row that a program gave."""
        n, space = self._in_action, self._space
        if isinstance(space, DiscreteActions):
            action = found.item(0)
        else:
            action = found[:n].view(np.float32).reshape(space.shape).copy()
        rejected = is_rejected(self.said(found))
        return ActionResult(action, rejected, step, began, self._metrics(found[n + 1 :]))

    def said(self, found: np.ndarray) -> float:
        return found.item(self._in_action)

    def recovered(self, state: Any, carried: Episodes) -> tuple[Any, Episodes]:
        """The pending action is not the one that leads to what comes next."""
        return state, carried._replace(under_way=False)

    def stored(self, carried: Episodes) -> dict[str, Any]:
        return {"episodes": carried.stored()}

    def restored(self, stored: dict[str, Any]) -> Episodes:
        episodes = stored.get("episodes")
        return self.begun if episodes is None else Episodes.restored(episodes)

    def report(
        self,
        state: Any,
        carried: Episodes,
        features: Sequence[str] | None,
        heads: Sequence[str] | None,
    ) -> dict[str, Any]:
        rate = carried.reward_rate if carried.reward_rate_weight else None
        return {
            "rejected_events": carried.rejected,
            "episodes": carried.report(),
            "reward_rate": rate,
            "plasticity": watched_plasticity(self.learner, state),
        }

    def warm_up_report(self, state: Any) -> None:
        watched_plasticity(self.learner, state)

    def _prepared(self, state: Any) -> int:
        self._space: ActionSpace = self.learner.action_space
        self._in_action = math.prod(self._space.shape)
        # One that does not count what it rejects may not know what is no number.
        self._told, self._counts = self._of_a_step(state)
        self._numbers = np.zeros(self.feature_dim + 3, np.float32)
        self._start = self.programs.changing(self._started)
        self._learn = self.programs.changing(self._learned)
        self._act = self.programs.reading(self._best)
        self._warm_up(state, self._start, self._learn, numbers=self._numbers)
        self.acted(self.programs.packed(state), self._numbers[: self.feature_dim])
        return 0

    def _of_a_step(self, state: Any) -> tuple[tuple[tuple[str, tuple[int, ...]], ...], bool]:
        """The names of the metrics and their shapes, and whether a step judges itself."""
        counts = False

        def of_a_step(agent, state):
            nonlocal counts
            x, zero, no = jnp.zeros(self.feature_dim), jnp.zeros(()), jnp.zeros((), bool)
            _, begun = agent.start(state, x)
            found = agent.act_and_learn(begun, zero, x, no, no)
            counts = is_judged(begun, found.state)
            return _metrics_of(agent, found)

        found = jax.eval_shape(of_a_step, self.learner, state)
        return tuple((name, shape.shape) for name, shape in found.items()), counts

    def _metrics(self, words: np.ndarray) -> dict[str, Any]:
        if not words.size:
            return {}
        values, start, found = words.view(np.float32), 0, {}
        for name, shape in self._told:
            size = math.prod(shape)
            part = values[start : start + size]
            found[name] = part.reshape(shape).copy() if shape else part.item()
            start += size
        return found

    def _started(self, agent: Any, state: Any, numbers: Array) -> tuple[Any, Array]:
        observation = numbers[: self.feature_dim]
        action, after = agent.start(state, observation)
        rejected = ~jnp.all(jnp.isfinite(observation))
        if not self._counts:
            rejected |= ~all_finite(after)
            after = where(rejected, state, after)
        return after, self._words(action, verdict(rejected, all_finite(observation), False))

    def _learned(self, agent: Any, state: Any, numbers: Array) -> tuple[Any, Array]:
        observation, reward = numbers[: self.feature_dim], numbers[-3]
        terminated, truncated = numbers[-2] != 0, numbers[-1] != 0
        found = agent.act_and_learn(state, reward, observation, terminated, truncated)
        after, rejected = found.state, found.rejected
        # A terminal observation may be anything.
        sound = jnp.isfinite(reward) & (jnp.all(jnp.isfinite(observation)) | terminated)
        if not self._counts:
            rejected |= ~(sound & all_finite(after))
            after = with_step(where(rejected, state, after), ~rejected)
        said = verdict(rejected, sound, True)
        return after, self._words(found.action, said, *_metrics_of(agent, found).values())

    def _best(self, agent: Any, state: Any, observation: Array) -> Array:
        # At zeros where it is no number, as agents do when they act and learn.
        sound = jnp.isfinite(observation)
        shown = jnp.where(sound, observation, 0.0)
        action = agent.act(state, shown, jax.random.key(0), explore=False)
        rejected = ~(jnp.all(sound) & jnp.all(jnp.isfinite(action)))
        return self._words(action, verdict(rejected, jnp.all(sound), False))

    def _words(self, action: Array, said: Array, *metrics: Array) -> UInt32[Array, " words"]:
        """Bits and not numbers: an action keeps all of its 32."""
        action = _some_number(self._space, action.astype(self._space.dtype))
        parts = [action, said, *metrics]
        words = [jnp.ravel(jax.lax.bitcast_convert_type(part, jnp.uint32)) for part in parts]
        return jnp.concatenate(words)


def in_float32(name: str, value: Any) -> float:
    """A number that a program gave, as float32 holds it; infinite out of its range.

    **Raises:** `TypeError` naming the argument.
    """
    if type(value) is float and -_LARGEST <= value <= _LARGEST:
        return value
    found = np.asarray(value) if not np.ma.isMaskedArray(value) else None
    if found is None or found.shape != () or found.dtype.kind not in "biuf":
        raise TypeError(f"Daemon: `{name}` must be a number, got {value!r}.")
    with np.errstate(over="ignore"):
        return float(found.astype(np.float32))


def _metrics_of(agent: Any, found: Any) -> Mapping[str, Array]:
    # An agent may have nothing to tell.
    return metrics_of_step(agent, found.metrics) if jax.tree.leaves(found.metrics) else {}


def _some_number(space: ActionSpace, action: Array) -> Array:
    """The action, with the middle of its bounds where an agent gave no number."""
    if isinstance(space, DiscreteActions):
        return action
    middle = jnp.asarray(0.5 * (space.low + space.high))
    return jnp.where(jnp.isfinite(action), action, middle)
