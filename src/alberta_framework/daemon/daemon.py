"""The daemon: a learner, its state, and its checkpoints."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from .._packing import packed, unpacked
from .._ranges import require_choice, require_count
from ..checkpoints import (
    CheckpointError,
    checkpoint_exists,
    list_checkpoints,
    load_checkpoint,
    save_agent,
)
from ..learners import LinearLearner, TDLinearLearner, agent_age_s, with_uptime
from . import report
from .latencies import Latencies
from .program import OF_EXAMPLES, OF_TRANSITIONS, Programs

_log = logging.getLogger(__name__)
_OBSERVATIONS_KEPT = 256
_KEY_OF_METADATA = "daemon"


class StepResult(NamedTuple):
    """What an event gave: the predictions, whether the learning was rejected, the event's number.

    `step` counts the events that were learned from or rejected, this one included.
    """

    predictions: Float[np.ndarray, " heads"]
    rejected: bool
    step: int


class Daemon:
    """One learner in a long-lived process: NumPy in, NumPy out.

    Every call of the hot path is one compiled program on the packed state, compiled when the daemon
    is made, so that the first event is as fast as any. Checkpoints are written by a background
    thread; while one is being written no other is begun. Methods may be called from several
    threads; one runs at a time.

    A learner of examples (`LinearLearner`, `MLPLearner`, `MultiHeadMLPLearner`) predicts, then
    learns. A learner of transitions (`TDLinearLearner`, `HordeLearner`) keeps the last observation:
    it learns the transition from there to this observation, then predicts here. After a
    termination, or an observation that is not finite, the next observation begins anew.

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
    - `gamma`: the discount of a `TDLinearLearner`, in [0, 1].
    - `feature_names`, `head_names`: for `report`; stored in the checkpoint, which refuses others
      and gives its own if none are given.

    **Raises:** `TypeError`, `ValueError` for a bad argument; `CheckpointError` for a checkpoint of
    another structure, or one of which no kept file is sound.

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
        require_count("Daemon", "keep", keep)
        require_choice("Daemon", "resume", resume, (True, False))
        if checkpoint_every is not None:
            require_count("Daemon", "checkpoint_every", checkpoint_every)
        _require_seconds(checkpoint_every_s)
        if not isinstance(checkpoint, str | os.PathLike | None):
            raise TypeError(f"Daemon: `checkpoint` must be a path, got {checkpoint!r}.")
        if checkpoint is None and not (checkpoint_every is None and checkpoint_every_s is None):
            raise ValueError("Daemon: there is a saving interval but no `checkpoint` to save to.")
        self.learner, self.feature_dim = learner, int(feature_dim)
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.checkpoint_every, self.checkpoint_every_s = checkpoint_every, checkpoint_every_s
        self.keep, self.gamma = keep, gamma
        self._of_transitions = isinstance(learner, OF_TRANSITIONS)
        self._resumed: dict[str, Any] = {}
        state, self._last, self._steps = self._initial(key, resume)
        self._programs = Programs(learner, state, gamma)
        self._words = packed(self._programs.packing, state)
        self._lock = threading.RLock()
        self.n_heads = self._warmed_up(state)
        self.feature_names = self._named("feature_names", feature_names, self.feature_dim)
        self.head_names = self._named("head_names", head_names, self.n_heads)
        self._latencies = Latencies()
        self._ring = np.zeros((_OBSERVATIONS_KEPT, self.feature_dim), np.float32)
        self._seen = 0
        self._saving: Future | None = None
        self._saved_step, self._saved_at = self._steps, time.monotonic()
        self._lived_from = time.monotonic()
        self._failures = 0

    def predict(self, observation: Any) -> Float[np.ndarray, " heads"]:
        """The predictions at `observation` [features]; nothing changes."""
        observation = self._row("observation", observation, self.feature_dim)
        with self._lock:
            return np.asarray(self._programs.predict(self._words, observation))

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

        **Raises:** `TypeError` naming the argument of the wrong shape or kind.
        """
        if targets is None:
            return StepResult(self.predict(observation), False, self._steps)
        started = time.perf_counter()
        observation = self._row("observation", observation, self.feature_dim)
        targets = self._row("targets", targets, self.n_heads)
        with self._lock:
            if self._of_transitions:
                row = self._transition(observation, targets, _flag(terminated))
            else:
                # No program still reads the numbers of the event before: its row was waited for.
                numbers, n = self._numbers, self.feature_dim
                numbers[:n], numbers[n:] = observation, targets
                self._words, row = self._programs.step(self._words, numbers)
                row = np.asarray(row)
            self._steps += 1
            self._ring[self._seen % _OBSERVATIONS_KEPT] = observation
            self._seen += 1
            result = StepResult(row[:-1], bool(row[-1]), self._steps)
            self._latencies.add(time.perf_counter() - started)
            self._save_if_due()
        return result

    @property
    def state(self) -> Any:
        """The learner's state as it is now, built when asked for."""
        with self._lock:
            return self._unpacked(np.array(self._words))

    @property
    def steps(self) -> int:
        """How many events were learned from or rejected, in this process and those before."""
        return self._steps

    @property
    def learns_transitions(self) -> bool:
        """Whether the learner learns from the last observation to this one, as a Horde does."""
        return self._of_transitions

    @property
    def last_observation(self) -> Float[np.ndarray, " features"] | None:
        """Where the next transition begins; None for learners of examples and after an end."""
        return self._last

    def save(self, blocking: bool = True) -> None:
        """Write a checkpoint now.

        **Raises:** `ValueError` without a `checkpoint` path; `OSError` if the disk refuses: of this
        save if blocking, else of the one before, if nobody was told. The old file is intact.
        """
        if self.checkpoint is None:
            raise ValueError("Daemon.save: there is no `checkpoint` to save to.")
        with self._lock:
            before = self._saving
            failed = before.exception() if before is not None and before.done() else None
            if blocking:
                # Whatever became of the one before: this one says what is so now.
                self._saving = None
                try:
                    if before is not None:
                        with contextlib.suppress(Exception):
                            before.result()
                    self._begin_saving().result()
                except Exception:
                    self._failures += 1
                    raise
                return
            self._saving = self._begin_saving()
            if failed is not None:
                self._failures += 1
                raise failed

    def report(self) -> dict[str, Any]:
        """What the learner relies on, whether it can still learn, counts and latencies, as JSON."""
        with self._lock:
            state = self.state
            seen = self._ring[: min(self._seen, _OBSERVATIONS_KEPT)].copy()
            checkpoint = {
                "path": None if self.checkpoint is None else str(self.checkpoint),
                "steps_since": self._steps - self._saved_step,
                "failed_saves": self._failures,
            }
        names = self.feature_names, self.head_names
        return report.plain(
            {
                "learner": type(self.learner).__name__,
                "steps": self._steps,
                "step_count": state.step_count,
                "rejected_count": state.rejected_count,
                "age_s": float(agent_age_s(state)),
                "uptime_s": float(state.uptime_s),
                "latency": self._latencies.to_dict(),
                "checkpoint": checkpoint,
                "relevance": report.relevance(self.learner, state, *names),
                "plasticity": report.plasticity(self.learner, state, seen, _OBSERVATIONS_KEPT),
            }
        )

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *error: Any) -> None:
        """Save, if there is somewhere to save to."""
        if self.checkpoint is not None:
            self.save()

    def _named(self, argument: str, names: Sequence[str] | None, count: int) -> list[str] | None:
        """The names given, or else those of the checkpoint, whose order its weights have."""
        found, kept = _names(argument, names, count), self._resumed.get(argument)
        if found is not None and kept is not None and found != kept:
            raise ValueError(
                f"Daemon: `{argument}` are {kept} in {self.checkpoint}, got {found}; its weights "
                "belong to its names, in their order."
            )
        return kept if found is None else found

    def _initial(self, key: Any, resume: bool) -> tuple[Any, Any, int]:
        if isinstance(self.learner, LinearLearner | TDLinearLearner):
            state = self.learner.init(self.feature_dim)
        else:
            state = self.learner.init(self.feature_dim, jax.random.key(0) if key is None else key)
        path = self.checkpoint
        if path is None or not resume or not (path.exists() or list_checkpoints(path)):
            return state, None, 0
        state, metadata = load_checkpoint(state, path, fallback=True)
        kept = self._resumed = metadata.get(_KEY_OF_METADATA, {})
        name = type(self.learner).__name__
        if kept.get("learner", name) != name:
            raise CheckpointError(path, f"holds a {kept['learner']}, not a {name}")
        if path.exists() and not checkpoint_exists(path):
            # An older file was taken; the damaged one makes way for the next.
            aside = path.with_name(f"{path.name}.damaged")
            os.replace(path, aside)
            _log.warning("%s: is damaged; kept as %s", path, aside)
        last = kept.get("last_observation")
        steps = kept.get("steps", state.step_count + state.rejected_count)
        return state, None if last is None else np.asarray(last, np.float32), steps

    def _warmed_up(self, state: Any) -> int:
        """Compile what events need, on a copy of the state; the number of heads."""
        observation = np.zeros(self.feature_dim, np.float32)
        heads = np.asarray(self._programs.predict(self._words, observation)).size
        length = 2 * self.feature_dim + heads + 1 if self._of_transitions else None
        self._numbers = np.zeros(length or self.feature_dim + heads, np.float32)
        words, _ = self._programs.step(packed(self._programs.packing, state), self._numbers)
        jax.block_until_ready(words)
        return heads

    def _row(self, name: str, values: Any, length: int) -> np.ndarray:
        if type(values) is np.ndarray and values.dtype == np.float32 and values.shape == (length,):
            return values
        try:
            found = np.asarray(values)
            found = found.astype(np.float64) if found.dtype.kind in "biufO" else None
        except (OverflowError, TypeError, ValueError):
            found = None
        if found is None or found.shape not in ((length,), () if length == 1 else (length,)):
            shape = "no numbers" if found is None else f"shape {found.shape}"
            raise TypeError(f"Daemon: `{name}` must be {length} numbers, got {shape}.")
        with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
            return found.astype(np.float32).reshape(length)

    def _transition(
        self, observation: np.ndarray, targets: np.ndarray, terminated: bool
    ) -> np.ndarray:
        last, programs = self._last, self._programs
        sound = bool(np.isfinite(observation).all())
        if last is None and sound:
            # Nothing leads here yet: the episode begins.
            predictions = np.asarray(programs.predict(self._words, observation))
            row = np.append(predictions, np.float32(0.0))
        else:
            # What is not finite is rejected and counted, whether something leads here or not.
            last = observation if last is None else last
            numbers, n = self._numbers, self.feature_dim
            numbers[:n], numbers[n : 2 * n] = last, observation
            numbers[2 * n : -1], numbers[-1] = targets, terminated
            self._words, row = programs.step(self._words, numbers)
            row = np.asarray(row)
        self._last = None if terminated or not sound else observation.copy()
        return row

    def _unpacked(self, words: np.ndarray) -> Any:
        state = unpacked(self._programs.packing, words)
        return with_uptime(state, time.monotonic() - self._lived_from)

    def _save_if_due(self) -> None:
        due = self.checkpoint_every is not None and (
            self._steps - self._saved_step >= self.checkpoint_every
        )
        if not due and self.checkpoint_every_s is not None:
            due = time.monotonic() - self._saved_at >= self.checkpoint_every_s
        if not due or (self._saving is not None and not self._saving.done()):
            return
        self._note_failure()
        self._saving = self._begin_saving()

    def _note_failure(self) -> None:
        error = None if self._saving is None else self._saving.exception()
        if error is not None:
            self._failures += 1
            _log.error("%s: was not saved, going on: %s", self.checkpoint, error)

    def _begin_saving(self) -> Future:
        state = self._unpacked(np.array(self._words))
        self._saved_step, self._saved_at = self._steps, time.monotonic()
        last = None if self._last is None else [float(value) for value in self._last]
        about = {
            "learner": type(self.learner).__name__,
            "steps": self._steps,
            "last_observation": last,
            "gamma": self.gamma,
            "feature_names": self.feature_names,
            "head_names": self.head_names,
        }
        assert self.checkpoint is not None
        future = save_agent(
            self.learner,
            state,
            self.checkpoint,
            {_KEY_OF_METADATA: about},
            keep=self.keep,
            blocking=False,
        )
        assert future is not None
        return future


def _require_learner(learner: Any, gamma: Any) -> None:
    kinds = OF_EXAMPLES + OF_TRANSITIONS
    if not isinstance(learner, kinds):
        names = ", ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"Daemon: `learner` must be one of {names}, got {learner!r}.")
    if not isinstance(learner, TDLinearLearner):
        if gamma is not None:
            raise ValueError("Daemon: `gamma` is for a TDLinearLearner; others hold their own.")
        return
    real = isinstance(gamma, int | float) and not isinstance(gamma, bool)
    if not real or not 0.0 <= gamma <= 1.0:
        raise ValueError(f"Daemon: `gamma` of a TDLinearLearner must lie in [0, 1], got {gamma!r}.")


def _require_seconds(seconds: Any) -> None:
    if seconds is None:
        return
    real = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not real or not 0.0 < seconds < float("inf"):
        raise (ValueError if real else TypeError)(
            f"Daemon: `checkpoint_every_s` must be a number of seconds > 0, got {seconds!r}."
        )


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
