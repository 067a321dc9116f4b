"""The daemon: a learner, its state, and its events."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ..compilation.packing import packed, unpacked
from ..components.ranges import require_count
from ..experience import TDTimeStep
from ..learners import (
    AbstractLearner,
    AbstractLearnerState,
    agent_age_s,
    experience_of,
    initial_state,
    living,
    with_uptime,
)
from . import report
from .latencies import Latencies
from .observations import numbers_of
from .program import OF_EXAMPLES, OF_TRANSITIONS, Programs
from .saving import Content, Saving

_OBSERVATIONS_KEPT = 256


class StepResult(NamedTuple):
    """What an event gave: the predictions, whether the event was rejected, the event's number.

    An event that is only predicted is rejected if its observation or its predictions are not
    finite. `step` counts the events that were learned from or rejected, this one included.
    """

    predictions: Float[np.ndarray, " heads"]
    rejected: bool
    step: int


# What a daemon is between two events: the learner's words, where the next transition begins, and
# how many events there were. Exchanged as one, so that no interrupt finds half of an event.
_Moment: TypeAlias = tuple[Any, np.ndarray | None, int]


class Daemon:
    """One learner in a long-lived process: NumPy in, NumPy out.

    Every call of the hot path is one compiled program on the packed state, compiled when the daemon
    is made, so that the first event is as fast as any. Checkpoints are written by a background
    thread; while one is being written no other is begun. Methods may be called from several
    threads; one runs at a time.

    A learner of examples (`LinearLearner`, `MLPLearner`, `MultiHeadMLPLearner`) predicts, then
    learns. A learner of transitions (`TDLinearLearner`, `HordeLearner`) keeps the last observation:
    it learns the transition from there to this observation, then predicts here. After a
    termination, or an observation that is not finite, the next observation begins anew. One of your
    own says which it is by its `experience`; where its state counts no rejected steps, one that
    would leave a number that is not finite is undone.

    One process at a time has the checkpoint; `close`, the end of a `with` block and the end of the
    process let go of it. A signal that raises, as Ctrl-C does, takes effect between two events: the
    event under way is learned whole or not at all, `steps` tells which, and the state can be used
    and saved.

    JAX hands CPU programs to another thread, which costs an event more than its arithmetic. A
    process that serves single events turns this off before anything else is computed:
    `jax.config.update("jax_cpu_enable_async_dispatch", False)`; `alberta daemon` does so.

    **Arguments:**

    - `learner`, `feature_dim`: what learns, and how long an observation is.
    - `key`: for the initial weights, default `jax.random.key(0)`.
    - `checkpoint`: the file to save to; with `resume` (default) the state is taken from it if it is
      there, from an older kept file if it is damaged.
    - `checkpoint_every`, `checkpoint_every_s`: save after so many learned events, or seconds
      (looked at when an event comes); default only on `save` and at the end of a `with` block.
    - `keep`: how many files to keep.
    - `gamma`: the discount of a learner of `TDTimeStep`s, as `TDLinearLearner`, in [0, 1].
    - `feature_names`, `head_names`: for `report`, and for observations and targets that are Series
      of pandas, which are taken by name; stored in the checkpoint, which refuses others and gives
      its own if none are given.

    **Raises:** `TypeError`, `ValueError` for a bad argument; `CheckpointError` for a checkpoint of
    another learner (numbers may differ), or one of which no kept file is sound;
    `CheckpointInUseError` if another process has it; `OSError` if its folder cannot be written to.

    ```python
    with Daemon(learner, 12, checkpoint="agent.ckpt", checkpoint_every=1000) as daemon:
        predictions, rejected, step = daemon.step(observation, targets)
    ```
    """

    def __init__(
        self,
        learner: Any,
        feature_dim: int,
        *,
        key: PRNGKeyArray | None = None,
        checkpoint: str | os.PathLike | None = None,
        checkpoint_every: int | None = None,
        checkpoint_every_s: float | None = None,
        resume: bool = True,
        keep: int = 1,
        gamma: float | None = None,
        feature_names: Sequence[str] | None = None,
        head_names: Sequence[str] | None = None,
    ):
        _require_learner(learner, gamma)
        require_count("Daemon", "feature_dim", feature_dim)
        self.learner, self.feature_dim = learner, int(feature_dim)
        self.gamma = gamma
        self._of_transitions = experience_of(learner) in OF_TRANSITIONS
        self._resumed: dict[str, Any] | None = None
        self._saving = Saving(
            learner, checkpoint, checkpoint_every, checkpoint_every_s, resume, keep
        )
        try:
            self._begin(key)
            self.feature_names = self._named("feature_names", feature_names, self.feature_dim)
            self.head_names = self._named("head_names", head_names, self.n_heads)
        except BaseException:
            self._saving.release()
            raise
        self._latencies = Latencies()
        self._ring = np.zeros((_OBSERVATIONS_KEPT, self.feature_dim), np.float32)
        self._seen = 0
        self._saving.begin(self.steps)
        self._lived_from = time.monotonic()

    def predict(self, observation: Any) -> Float[np.ndarray, " heads"]:
        """The predictions at `observation` [features]; nothing changes."""
        observation = self._row("observation", observation, self.feature_dim, self.feature_names)
        with self._lock:
            return np.asarray(self._programs.predict(self._settled()[0], observation))

    def update(self, observation: Any, targets: Any, terminated: bool = False) -> StepResult:
        """`step` with targets."""
        if targets is None:
            raise TypeError("Daemon.update: `targets` must be given; `step` predicts without.")
        return self.step(observation, targets, terminated)

    def step(self, observation: Any, targets: Any = None, terminated: bool = False) -> StepResult:
        """Predict and learn from one event; without `targets` predict only.

        **Arguments:** `observation` [features]; `targets` [heads]: targets, or the cumulants of the
        transition into this observation; NaN leaves a head as it was; `terminated`: whether this
        transition ended an episode, for learners of transitions.

        For a learner of one head NaN is no target: of an example it is predicted only, and of a
        transition nothing is learned, and the next one begins here, with traces cut.

        **Raises:** `TypeError` naming the argument of the wrong shape or kind.
        """
        started = time.perf_counter()
        observation = self._row("observation", observation, self.feature_dim, self.feature_names)
        if targets is not None:
            targets = self._row("targets", targets, self.n_heads, self.head_names)
            if self.n_heads == 1 and targets[0] != targets[0] and not self._of_transitions:
                targets = None
        if targets is None:
            return self._predicted(observation)
        with self._lock:
            if self._of_transitions:
                row = self._transition(observation, targets, _flag(terminated))
            else:
                # No program still reads the numbers of the event before: its row was waited for.
                numbers, n = self._numbers, self.feature_dim
                numbers[:n], numbers[n:] = observation, targets
                row = self._learned(None)
            self._ring[self._seen % _OBSERVATIONS_KEPT] = observation
            self._seen += 1
            steps = self._now[2]
            result = StepResult(row[:-1], bool(row[-1]), steps)
            self._latencies.add(time.perf_counter() - started)
            self._saving.save_if_due(steps, self._content)
        return result

    @property
    def checkpoint(self) -> Path | None:
        """The file to save to, if there is one."""
        return self._saving.path

    @property
    def checkpoint_every(self) -> int | None:
        """After how many learned events it is saved."""
        return self._saving.every

    @property
    def checkpoint_every_s(self) -> float | None:
        """After how many seconds it is saved."""
        return self._saving.every_s

    @property
    def keep(self) -> int:
        """How many files are kept."""
        return self._saving.keep

    @property
    def state(self) -> Any:
        """The learner's state as it is now, built when asked for."""
        with self._lock:
            return self._unpacked(np.array(self._settled()[0]))

    @property
    def steps(self) -> int:
        """How many events were learned from or rejected, in this process and those before."""
        return self._moment()[2]

    @property
    def resumed(self) -> bool:
        """Whether the state was taken from a checkpoint."""
        return self._resumed is not None

    @property
    def learns_transitions(self) -> bool:
        """Whether the learner learns from the last observation to this one, as a Horde does."""
        return self._of_transitions

    @property
    def last_observation(self) -> Float[np.ndarray, " features"] | None:
        """Where the next transition begins; None for learners of examples and after an end."""
        return self._moment()[1]

    def save(self, blocking: bool = True) -> None:
        """Write a checkpoint now.

        **Raises:** `ValueError` without a `checkpoint` path; `OSError` if the disk refuses: of this
        save if blocking, else of the one before, if nobody was told. The old file is intact.
        """
        with self._lock:
            self._saving.save(self._content, blocking)

    def close(self) -> None:
        """Save, if there is somewhere to save to, and let others have the checkpoint.

        The daemon can be used on; a later `save` claims the checkpoint again.

        **Raises:** as `save`.
        """
        if self.checkpoint is None:
            return
        try:
            self.save()
        finally:
            self._saving.release()

    def report(self) -> dict[str, Any]:
        """What the learner relies on, whether it can still learn, counts and latencies, as JSON.

        None stands for what the learner or its state does not tell.
        """
        with self._lock:
            state, steps = self.state, self.steps
            seen = self._ring[: min(self._seen, _OBSERVATIONS_KEPT)].copy()
            checkpoint = self._saving.report(steps)
        names, alive = (self.feature_names, self.head_names), _has_life(state)
        return report.plain(
            {
                "learner": type(self.learner).__name__,
                "steps": steps,
                "step_count": state.step_count if alive else None,
                "rejected_count": state.rejected_count if alive else None,
                "age_s": float(agent_age_s(state)) if alive else None,
                "uptime_s": float(state.uptime_s) if alive else None,
                "latency": self._latencies.to_dict(),
                "checkpoint": checkpoint,
                "relevance": report.relevance(self.learner, state, *names),
                "plasticity": report.plasticity(self.learner, state, seen, _OBSERVATIONS_KEPT),
            }
        )

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *error: Any) -> None:
        """`close`."""
        self.close()

    def _named(self, argument: str, names: Sequence[str] | None, count: int) -> list[str] | None:
        """The names given, or else those of the checkpoint, whose order its weights have."""
        found, kept = _names(argument, names, count), (self._resumed or {}).get(argument)
        if found is not None and kept is not None and found != kept:
            raise ValueError(
                f"Daemon: `{argument}` are {kept} in {self.checkpoint}, got {found}; its weights "
                "belong to its names, in their order."
            )
        return kept if found is None else found

    def _begin(self, key: Any) -> None:
        """The state, new or resumed, and all that events need, compiled."""
        key = jax.random.key(0) if key is None else key
        state = initial_state(self.learner, self.feature_dim, key)
        state, kept = self._saving.resumed(state)
        last, steps = None, 0
        if kept is not None:
            self._resumed, last, steps = kept, kept.get("last_observation"), kept.get("steps")
            if steps is None:
                steps = state.step_count + state.rejected_count if _has_life(state) else 0
        self._programs = Programs(self.learner, state, self.feature_dim, self.gamma)
        last = None if last is None else np.asarray(last, np.float32)
        self._now: _Moment = packed(self._programs.packing, state), last, steps
        self._under_way: tuple[list, np.ndarray | None, int] | None = None
        self._lock = threading.RLock()
        self.n_heads = self._warmed_up(state)

    def _warmed_up(self, state: Any) -> int:
        """Compile what events need, on a copy of the state; the number of heads."""
        observation = np.zeros(self.feature_dim, np.float32)
        heads = np.asarray(self._programs.predict(self._now[0], observation)).size
        length = 2 * self.feature_dim + heads + 1 if self._of_transitions else None
        self._numbers = np.zeros(length or self.feature_dim + heads, np.float32)
        words = packed(self._programs.packing, state)
        for _ in range(2):  # a state as it is at first, and one that a step gave
            words, _ = self._programs.step(words, self._numbers)
        jax.block_until_ready(words)
        return heads

    def _row(self, name: str, values: Any, length: int, names: Sequence[str] | None) -> np.ndarray:
        if type(values) is np.ndarray and values.dtype == np.float32 and values.shape == (length,):
            return values
        return numbers_of(name, values, length, names, partial=name == "targets")

    def _predicted(self, observation: np.ndarray) -> StepResult:
        with self._lock:
            predictions, steps = self.predict(observation), self._now[2]
        sound = np.isfinite(observation).all() and np.isfinite(predictions).all()
        return StepResult(predictions, not sound, steps)

    def _transition(
        self, observation: np.ndarray, targets: np.ndarray, terminated: bool
    ) -> np.ndarray:
        words, last, steps = self._settled()
        sound = bool(np.isfinite(observation).all())
        following = None if terminated or not sound else observation.copy()
        if last is None and sound:
            # Nothing leads here yet: the episode begins.
            predictions = np.asarray(self._programs.predict(words, observation))
            self._now = words, following, steps + 1
            return np.append(predictions, np.float32(0.0))
        # What is not finite is rejected and counted, whether something leads here or not.
        last = observation if last is None else last
        numbers, n = self._numbers, self.feature_dim
        numbers[:n], numbers[n : 2 * n] = last, observation
        numbers[2 * n : -1], numbers[-1] = targets, terminated
        return self._learned(following)

    def _learned(self, last: np.ndarray | None) -> np.ndarray:
        """Learn from `self._numbers`, with `last` as where the next transition begins.

        What the step will have changed besides the words is noted first. If a signal raises
        anywhere in here, `_settled` finds either a result beside the note, and finishes the step,
        or none: then the program was not called, and the moment before still holds.
        """
        words, _, steps = self._settled()
        done: list = []
        self._under_way = done, last, (steps := steps + 1)
        self._programs.step_into(done, words, self._numbers)
        row = np.asarray(done[0][1])
        self._now = done[0][0], last, steps
        self._under_way = None
        return row

    def _moment(self) -> _Moment:
        """As it is now; waits only for a step of another thread, or after an interrupted one."""
        if self._under_way is None:
            return self._now
        with self._lock:
            return self._settled()

    def _settled(self) -> _Moment:
        """The daemon between two events, once a step that was interrupted is finished."""
        if self._under_way is not None:
            done, last, steps = self._under_way
            if done:
                # The program may be running still, and reads the numbers until it is waited for.
                np.asarray(done[0][1])
                self._now = done[0][0], last, steps
            elif self._now[0].is_deleted():
                raise RuntimeError(
                    "Daemon: a step failed after its program had begun, and the state is lost; "
                    "make a new Daemon, which resumes from the checkpoint."
                )
            self._under_way = None
        return self._now

    def _unpacked(self, words: np.ndarray) -> Any:
        state = unpacked(self._programs.packing, words)
        return with_uptime(state, time.monotonic() - self._lived_from)

    def _content(self) -> Content:
        """What a save holds."""
        words, last, steps = self._settled()
        about = {
            "learner": type(self.learner).__name__,
            "steps": steps,
            "last_observation": None if last is None else [float(value) for value in last],
            "gamma": self.gamma,
            "feature_names": self.feature_names,
            "head_names": self.head_names,
        }
        return self._unpacked(np.array(words)), about


def _require_learner(learner: Any, gamma: Any) -> None:
    if not isinstance(learner, AbstractLearner):
        raise TypeError(f"Daemon: `learner` must be an AbstractLearner, got {learner!r}.")
    kind, kinds = type(learner).__name__, OF_EXAMPLES + OF_TRANSITIONS
    experience = experience_of(learner)
    if experience not in kinds:
        told = "nothing" if experience is None else experience.__name__
        raise TypeError(
            f"Daemon: `learner` must say by its class attribute `experience` that it learns from "
            f"one of {', '.join(each.__name__ for each in kinds)}; {kind} says {told}."
        )
    if not callable(getattr(learner, "predict", None)):
        raise TypeError(f"Daemon: `learner` must have a method `predict`; {kind} has none.")
    if experience is not TDTimeStep:
        if gamma is not None:
            raise ValueError(
                "Daemon: `gamma` is for a learner of TDTimeSteps, as TDLinearLearner; "
                f"{kind} is none."
            )
        return
    real = isinstance(gamma, int | float) and not isinstance(gamma, bool)
    if not real or not 0.0 <= gamma <= 1.0:
        raise ValueError(f"Daemon: `gamma` of a {kind} must lie in [0, 1], got {gamma!r}.")


def _has_life(state: Any) -> bool:
    return isinstance(living(state), AbstractLearnerState)


def _flag(terminated: Any) -> bool:
    if isinstance(terminated, bool | np.bool_):
        return bool(terminated)
    if isinstance(terminated, int | float | np.number) and terminated in (0, 1):
        return bool(terminated)
    raise TypeError(f"Daemon: `terminated` must be True or False, got {terminated!r}.")


def _names(argument: str, names: Sequence[str] | None, count: int) -> list[str] | None:
    if names is None:
        return None
    found = list(names)
    if not all(isinstance(name, str) for name in found):
        raise TypeError(f"Daemon: `{argument}` must be texts, got {found}.")
    if len(found) != count or len(set(found)) != count:
        raise ValueError(f"Daemon: `{argument}` must be {count} different names, got {found}.")
    return found
