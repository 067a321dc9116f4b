"""The daemon: a learner or an agent, its state, and its events."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ..checkpoints.pinned import Pins
from ..compilation.packing import unpacked
from ..components.ranges import require_count
from ..event_features import EventFeatures, EventFeaturesState
from ..learners import initial_state, with_uptime
from . import report
from .actions import ActionEvents, ActionResult, in_float32
from .divergence import Divergence, NewestBefore
from .event_rows import EventRow, feature_dim_of, names_of, resumed_features, stored_features
from .kinds import event_kind, require_served
from .label_window import LabelWindows
from .losses import Losses
from .moments import Moment, Moments
from .names import agreed_names
from .observations import numbers_of
from .predictions import AbstractPredictionEvents
from .recording import Recording
from .saving import Content, Saving
from .tally import Tally


class StepResult(NamedTuple):
    """What an event gave: the predictions, whether the event was rejected, the event's number.

    An event that is only predicted is rejected if its observation or its predictions are not
    finite. `step` counts the events that were learned from or rejected, this one included.
    """

    predictions: Float[np.ndarray, " heads"]
    rejected: bool
    step: int


class Daemon:
    """One learner, or one agent, in a long-lived process: NumPy in, NumPy out.

    Every call of the hot path is one compiled program on the packed state, compiled when the daemon
    is made, as is what a save and a brief report need, so that the first of each is as fast as any;
    `warm_up` does so for a whole report. Checkpoints are written by a background
    thread; while one is being written no other is begun. Methods may be called from several
    threads; one runs at a time.

    A learner of examples (`LinearLearner`, `MLPLearner`, `MultiHeadMLPLearner`,
    `SoftmaxLinearLearner`) predicts, then learns. A learner of transitions (`TDLinearLearner`,
    `HordeLearner`) keeps the last observation: it learns the transition from there to this
    observation, then predicts here. After a termination, or an observation that is not finite, the
    next observation begins anew. One of your own says which it is by its `experience`; where its
    state counts no rejected steps, one that would leave a number that is not finite is undone. Both
    take `step`, `update` and `predict`.

    An agent (`StreamQ`, `SARSAAgent`, `WithFeatures(...)`, any `AbstractAgent`) takes `act`: the
    observation and the reward that came with it in, its action out. With the key
    `jax.random.key(seed)` it lives the life of `interact_gymnasium` with that seed.

    One process at a time has the checkpoint; `close`, the end of a `with` block and the end of the
    process let go of it. A signal that raises, as Ctrl-C does, takes effect between two events: the
    event under way is learned whole or not at all, `steps` tells which, and the state can be used
    and saved.

    JAX hands CPU programs to another thread, which costs an event more than its arithmetic. A
    process that serves single events turns this off before anything else is computed:
    `jax.config.update("jax_cpu_enable_async_dispatch", False)`; `alberta daemon` does so.

    **Arguments:**

    - `learner`, `feature_dim`: the learner or agent, and how long an observation is.
    - `features`: what makes the numbers of an observation that is a mapping of named fields, in
      place of `feature_dim` and `feature_names`. Its state is part of the daemon's: saved with it,
      and moved on only by events that are learned from.
    - `key`: for the initial weights, and an agent's choices; default `jax.random.key(0)`.
    - `checkpoint`: the file to save to; with `resume` (default) the state is taken from it if it is
      there, from an older kept file if it is damaged.
    - `checkpoint_every`, `checkpoint_every_s`: save after so many learned events, or seconds
      (looked at when an event comes, also one that is predicted only); default only on `save` and
      at the end of a `with` block.
    - `keep`: how many files to keep. `keep_hourly`, `keep_daily`: of how many hours and days to
      keep the first file besides; default 0.
    - `gamma`: the discount of a learner of `TDTimeStep`s, as `TDLinearLearner`, in [0, 1].
    - `feature_names`, `head_names`: for `report`, and for observations and targets that are Series
      of pandas, which are taken by name; stored in the checkpoint, which refuses others and gives
      its own if none are given.
    - `on_divergence`: what happens after `divergence_after` (default 100) rejected events in a row
      whose numbers are sound: the weights have run away, and nothing more would be learned for
      ever. "warn" (default) logs one line. "restore" goes on from the newest checkpoint from before
      the trouble, from an older one if that runs away too, and as "reset" without one. "reset" goes
      on with new parameters and step sizes, and the statistics of the normalizers. Counts go on,
      traces are cut, an agent's next event begins an episode. While events are being rejected no
      save falls due then, so that what is kept is sound. `report()["divergence"]` says how often.
    - `frozen`: predict and count, and learn nothing: labels enter the losses of the report alone,
      an agent does what it holds to be best. `features` carry on what they do elsewhere, by the
      events that would be learned from. The `checkpoint` is only read, so another process may have
      it. Default False.
    - `record`: a file to append each event to that changes the state, before it does;
      `replay_daemon` lives the same life from it. Default None, and none of a frozen daemon.

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
        feature_dim: int | None = None,
        *,
        features: EventFeatures | None = None,
        key: PRNGKeyArray | None = None,
        checkpoint: str | os.PathLike | None = None,
        checkpoint_every: int | None = None,
        checkpoint_every_s: float | None = None,
        resume: bool = True,
        keep: int = 1,
        gamma: float | None = None,
        feature_names: Sequence[str] | None = None,
        head_names: Sequence[str] | None = None,
        on_divergence: str = "warn",
        divergence_after: int = 100,
        frozen: bool = False,
        record: str | os.PathLike | None = None,
        keep_hourly: int = 0,
        keep_daily: int = 0,
    ):
        require_served(learner, gamma)
        feature_dim = feature_dim_of(feature_dim, features)
        require_count("Daemon", "feature_dim", feature_dim)
        assert feature_dim is not None
        self.learner, self.feature_dim = learner, int(feature_dim)
        self.gamma = gamma
        self._resumed: dict[str, Any] | None = None
        key = jax.random.key(0) if key is None else key
        self._divergence = Divergence(
            learner, self.feature_dim, key, on_divergence, divergence_after
        )
        self._saving = Saving(
            learner,
            checkpoint,
            checkpoint_every,
            checkpoint_every_s,
            resume,
            keep,
            frozen,
            Pins(keep_hourly, keep_daily),
        )
        if frozen and record is not None:
            self._saving.release()
            raise ValueError("Daemon: a `frozen` one learns nothing that it could `record`.")
        self.frozen = frozen
        self._shadow: Daemon | None = None
        self._newest_before: NewestBefore = self._saving.newest_before
        try:
            self._begin(key, features)
            feature_names = names_of(self.features, feature_names)
            self.feature_names, self.head_names = (
                agreed_names(name, given, count, (self._resumed or {}).get(name), self.checkpoint)
                for name, given, count in (
                    ("feature_names", feature_names, self.feature_dim),
                    ("head_names", head_names, self.n_heads),
                )
            )
            self._recording = (
                None if record is None else Recording(record, self._life(key), self.features)
            )
        except BaseException:
            self._saving.release()
            raise
        self.tally = Tally()
        self._saving.begin(self.steps)
        self._lived_from = time.monotonic()
        # So that the first save and the first brief report find their programs compiled.
        self.report(brief=True)

    def predict(self, observation: Any) -> Float[np.ndarray, " heads"]:
        """The predictions at `observation` [features]; nothing changes."""
        kind = self._predicting("predict")
        with self._lock:
            observation, _ = self._shown(observation)
            return kind.predicted(self._moments.settled().words, observation)

    def update(self, observation: Any, targets: Any, terminated: bool = False) -> StepResult:
        """`step` with targets."""
        if targets is None:
            raise TypeError("Daemon.update: `targets` must be given; `step` predicts without.")
        return self.step(observation, targets, terminated)

    def step(
        self,
        observation: Any,
        targets: Any = None,
        terminated: bool = False,
        *,
        before_save: Callable[[StepResult], Any] | None = None,
    ) -> StepResult:
        """Predict and learn from one event; without `targets` predict only.

        **Arguments:** `observation` [features], or with `features` a mapping of fields or an
        `event_row`; `targets` [heads]: targets, or the cumulants of the
        transition into this observation; NaN leaves a head as it was; of a learner of classes, as
        `SoftmaxLinearLearner`, the number of the class; `terminated`: whether this transition ended
        an episode, for learners of transitions; `before_save`: called with the result of an event
        that is learned from, before a save that falls due, for what is saved beside the state.

        For a learner of one target NaN is no target: of an example it is predicted only, and of a
        transition nothing is learned, and the next one begins here, with traces cut.

        **Raises:** `TypeError` naming the argument of the wrong shape or kind; for an agent, whose
        events `act` takes.
        """
        started = time.perf_counter()
        kind = self._predicting("step")
        if targets is not None:
            targets = self._row("targets", targets, kind.n_targets, self.target_names)
            if kind.n_targets == 1 and targets[0] != targets[0] and not kind.learns_transitions:
                targets = None
        with self._lock:
            came = observation
            observation, featured = self._shown(observation)
            if targets is None or self.frozen:
                result = self._predicted(kind, observation, started, targets)
                self._save_if_due()
                if targets is not None and not result.rejected and kind.allows(targets):
                    self._moments.pass_over(featured)
                if targets is not None and self._shadow is not None:
                    self._shadow.step(EventRow(observation, None), targets, terminated)
                return result
            terminated = kind.learns_transitions and _flag("terminated", terminated)
            turn = kind.turn(self._moments.settled().carried, observation, targets, terminated)
            if self._recording is not None:
                number, fields = self._moments.now.steps + 1, self._fields_of(came)
                self._recording.event(number, observation, targets, terminated, fields)
            found = self._moments.take(turn, featured)
            kind.note(observation)
            result = StepResult(*kind.told(turn, found), self._moments.now.steps)
            if self._losses is not None and not result.rejected:
                self._losses.add(result.predictions, targets)
            if before_save is not None:
                before_save(result)
            self._end_of_event(started)
            if self._shadow is not None:
                self._shadow.step(EventRow(observation, None), targets, terminated)
        return result

    def act(
        self,
        observation: Any,
        reward: Any = None,
        terminated: bool = False,
        truncated: bool = False,
        *,
        learn: bool = True,
    ) -> ActionResult:
        """The agent's action at `observation`, after it has learned what its last action led to.

        - **An observation without a `reward` begins an episode**: nothing led to it, so nothing is
          learned. One that was under way ends nowhere, its last action is never learned from, and
          its return is none. So begins whoever has lost a reward, or the thread.
        - With a `reward` the pending action led to it and to this observation. Where no episode is
          under way (the first event of a life, the one after an end) the reward belongs to nothing
          and an episode begins; the result says so by `began`.
        - `terminated` or `truncated`: the episode ends with this observation, the true last one;
          the next event begins one. The action that is answered belongs to nothing.
        - **What is no number**, in the observation or the reward, is rejected and counted. The
          action is a legal one all the same; the episode goes on, but nothing is learned across an
          observation that is none. After `terminated` the observation may be anything.
        - With `learn=False` the answer is what the agent holds to be best at `observation`, without
          exploring; nothing is learned or counted, and the pending action stays pending.

        The pending action is part of the state: after a restart from a checkpoint the life goes on
        as if it had not stopped, if the events go on from `steps`. After a crash events are lost
        that the client knows of, and the pending action is an older one: send them again from
        `steps` on, or begin with an observation without a reward.

        **Arguments:** `observation` [features]; `reward`: a number, or None.

        **Raises:** `TypeError`, `ValueError` naming the argument of the wrong shape or kind, and
        where a flag or `learn=False` does not go with the reward; `TypeError` for a learner, whose
        events `step` takes. Nothing has changed then.
        """
        started = time.perf_counter()
        kind = self._acting()
        terminated, truncated = _flag("terminated", terminated), _flag("truncated", truncated)
        reward = None if reward is None else in_float32("reward", reward)
        if reward is None and (terminated or truncated):
            flag = "terminated" if terminated else "truncated"
            raise ValueError(
                f"Daemon.act: `reward` must be given with `{flag}`: what ends an episode is a step."
            )
        learn = _flag("learn", learn)
        if not learn and reward is not None:
            raise ValueError(
                f"Daemon.act: `reward` must be None where nothing is learned, got {reward}."
            )
        with self._lock:
            came = observation
            observation, featured = self._shown(observation)
            if not learn or self.frozen:
                result = self._acted(kind, observation, started, labelled=reward is not None)
                self._save_if_due()
                if learn and not result.rejected and kind.allows(reward):
                    self._moments.pass_over(featured)
                return result
            episodes = self._moments.settled().carried
            if self._recording is not None:
                number, fields = self._moments.now.steps + 1, self._fields_of(came)
                self._recording.act(number, observation, reward, terminated, truncated, fields)
            began = reward is None or not episodes.under_way
            turn = kind.turn(episodes, observation, reward, terminated, truncated)
            found = self._moments.take(turn, featured)
            result = kind.result(found, self._moments.now.steps, began)
            self._end_of_event(started)
        return result

    def event_row(self, event: Mapping[str, Any]) -> EventRow:
        """The features of an event as they are now, for a `step` that learns from them later, when
        the targets are known. The next time it is learned from, give `row._replace(event=None)`.

        **Raises:** `TypeError` without `features`; `FieldError` for a bad event.
        """
        if self.features is None:
            raise TypeError("Daemon.event_row: there are no `features` that rows are made by.")
        with self._lock:
            return EventRow(self._shown(event)[0], event)

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
            return self._unpacked(_copied(self._moments.settled().words))

    @property
    def features_state(self) -> EventFeaturesState | None:
        """What the features of events carry on; None without `features`."""
        return self._moments.seen().featured

    @property
    def steps(self) -> int:
        """How many events were learned from or rejected, in this process and those before."""
        return self._moments.seen().steps

    @property
    def resumed(self) -> bool:
        """Whether the state was taken from a checkpoint."""
        return self._resumed is not None

    @property
    def learns_transitions(self) -> bool:
        """Whether the learner learns from the last observation to this one, as a Horde does."""
        return self._kind.learns_transitions

    @property
    def acts(self) -> bool:
        """Whether it is an agent, whose events `act` takes."""
        return self._kind.acts

    @property
    def n_heads(self) -> int:
        """How many predictions an event gives; 0 of an agent."""
        return self._kind.n_heads

    @property
    def n_targets(self) -> int:
        """How many targets an event may have: one for each prediction, or one, the number of the
        class, of a learner of classes; 0 of an agent."""
        return 0 if self._predictions is None else self._predictions.n_targets

    @property
    def target_names(self) -> list[str] | None:
        """The names of the targets: those of the heads, where each head has one."""
        return self.head_names if self.n_targets == self.n_heads else None

    @property
    def class_names(self) -> list[str] | None:
        """The names of the classes, of a learner whose target is the number of one."""
        return self.head_names if self.n_targets != self.n_heads else None

    @property
    def last_observation(self) -> Float[np.ndarray, " features"] | None:
        """Where the next transition begins; None for learners of examples, for agents, whose state
        holds it, and after an end."""
        return self._kind.last_observation(self._moments.seen().carried)

    def save(self, blocking: bool = True) -> None:
        """Write a checkpoint now.

        **Raises:** `ValueError` without a `checkpoint` path; `OSError` if the disk refuses: of this
        save if blocking, else of the one before, if nobody was told. The old file is intact.
        """
        with self._lock:
            self._saving.save(self._content, blocking)

    def save_to(self, path: str | os.PathLike) -> None:
        """Write the state as it is now to another file, from which a daemon can go on.

        **Raises:** as `save_checkpoint`.
        """
        with self._lock:
            self._saving.save_to(path, self._content)

    def close(self) -> None:
        """Save, if there is somewhere to save to, and let others have the checkpoint.

        The daemon can be used on; a later `save` claims the checkpoint again.

        **Raises:** as `save`.
        """
        if self.checkpoint is None or self.frozen:
            return
        try:
            self.save()
        finally:
            self._saving.release()

    def be_shadowed(self, shadow: "Daemon | None") -> None:
        """Tell another daemon, that of `shadow_of`, each event that has targets, after it was
        answered and learned here; `report` tells of it as `shadow`. None: no longer."""
        with self._lock:
            self._shadow = shadow

    def live_apart(self, newest_before: NewestBefore | None = None) -> None:
        """Learn, and save nowhere from now on; a recovery takes what `newest_before` gives."""
        self._saving.leave()
        self.frozen = False
        if newest_before is not None:
            self._newest_before = newest_before

    def warm_up(self) -> None:
        """Compile what a whole `report` of a learner needs, which the first one does otherwise;
        nothing changes. All else is compiled when the daemon is made."""
        with self._lock:
            self._kind.warm_up_report(self.state)

    def report(self, brief: bool = False) -> dict[str, Any]:
        """Counts, losses and latencies, and what the learner relies on and whether it can still
        learn, or what the agent has lived, as JSON; `brief` leaves out the last two of a learner,
        which take programs of their own.

        None stands for what the learner or its state does not tell. `losses`, of learners whose
        targets are what they predict: for each head, over the latest 1,000 events and all, the mean
        squared error of the predictions before each was learned (log loss, of classes), that of a
        prediction by the mean of the labels so far, and the skill, 1 - their ratio. Latencies,
        lines that were wrong and events without a label are of this process. Of an agent:
        `episodes` begun and ended, and the means over the last 100 that ended; the running
        `reward_rate`, over about the last 1,000 steps; and the `plasticity` of its network, if it
        has a `PlasticityMonitor`.
        """
        with self._lock:
            state, (_, carried, steps, in_a_row, featured) = self.state, self._moments.settled()
            names, own = self.feature_names, {}
            if self.features is not None and featured is not None:
                names = self.features.told_names(featured)
                own["features"] = self.features.report(featured)
            if self._actions is not None or not brief:
                own |= self._kind.report(state, carried, names, self.head_names)
            checkpoint = self._saving.report(steps)
            divergence = self._divergence.report(in_a_row)
            losses = None if self._losses is None else self._losses.to_dict(self.head_names)
            tally = self.tally.report()
            shadow = None if self._shadow is None else self._shadow.report(brief=True)
        failed = None if self._recording is None else self._recording.failed.count
        return report.plain(
            {"learner": self._kind.name, "frozen": self.frozen, "failed_records": failed}
            | report.life(state, steps, own.get("rejected_events"))
            | tally
            | {"losses": losses, "checkpoint": checkpoint, "divergence": divergence}
            | {"shadow": shadow}
            | own
        )

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *error: Any) -> None:
        """`close`."""
        self.close()

    def _life(self, key: Any) -> dict[str, Any]:
        """What tells this life from others, as JSON values."""
        data = {"kind": str(jax.random.key_impl(key)), "data": jax.random.key_data(key).tolist()}
        return {
            "learner": self.learner.to_config(),
            "feature_dim": self.feature_dim,
            "key": data,
            "gamma": self.gamma,
            "feature_names": self.feature_names,
            "features": None if self.features is None else self.features.to_config(),
            "head_names": self.head_names,
            "on_divergence": self._divergence.how,
            "divergence_after": self._divergence.after,
        }

    def _begin(self, key: Any, features: EventFeatures | None) -> None:
        """The state, new or resumed, and all that events need, compiled."""
        state = initial_state(self.learner, self.feature_dim, key)
        state, stored = self._saving.resumed(state)
        self._kind = event_kind(self.learner, state, self.feature_dim, self.gamma)
        # Asked once: an event has no time for the checks of abstract classes.
        kind = self._kind
        self._predictions = kind if isinstance(kind, AbstractPredictionEvents) else None
        self._actions = kind if isinstance(kind, ActionEvents) else None
        self._losses: Losses | None = None
        if self._predictions is not None and self._predictions.targets_are_predicted:
            self._losses = Losses(kind.n_heads, self.learner.target_classes is not None)
        # The events that wait for labels, by the clients that `EventProcessor`s know by name.
        self.label_windows = LabelWindows()
        carried, steps, in_a_row = kind.begun, 0, 0
        if stored is not None:
            self._resumed, carried = stored, kind.restored(stored)
            steps = stored.get("steps")
            if steps is None:
                steps = state.step_count + state.rejected_count if report.has_life(state) else 0
            if stored.get("divergence") is not None:
                in_a_row = self._divergence.resume(stored["divergence"])
            if self._losses is not None and stored.get("losses") is not None:
                self._losses.resume(stored["losses"])
            self.label_windows.resume(stored.get("label_windows") or {})
        if self._divergence.recovers:
            self._divergence.warm_up(state)
            kind.recovered(state, carried)
        kept = (stored or {}).get("features")
        self.features, featured = resumed_features(features, kept)
        self._read = None if self.features is None else self.features.reader()
        begun = Moment(kind.programs.packed(state), carried, steps, in_a_row, featured)
        self._lock = threading.RLock()
        self._moments = Moments(kind, begun, self._lock)

    def _row(self, name: str, values: Any, length: int, names: Sequence[str] | None) -> np.ndarray:
        if type(values) is np.ndarray and values.dtype == np.float32 and values.shape == (length,):
            return values
        return numbers_of(name, values, length, names, partial=name == "targets")

    def _shown(self, observation: Any) -> tuple[np.ndarray, Any]:
        """The row of an observation, and what its features carry on if it is learned from."""
        before = self._moments.settled().featured
        if isinstance(observation, EventRow):
            row, event = observation
            if event is None or self._read is None or before is None:
                return row, before
            return row, self._read(before, event)[1]
        if self._read is None:
            row = self._row("observation", observation, self.feature_dim, self.feature_names)
            return row, None
        if not isinstance(observation, Mapping):
            raise TypeError(
                "Daemon: `observation` must be a mapping of the fields of `features`, got "
                f"{observation!r:.80}."
            )
        assert before is not None
        return self._read(before, observation)

    def _fields_of(self, observation: Any) -> Mapping[str, Any] | None:
        """The fields by which the features move on with it; None without any."""
        if self._read is None:
            return None
        return observation.event if isinstance(observation, EventRow) else observation

    def _predicting(self, method: str) -> AbstractPredictionEvents:
        if self._predictions is None:
            raise TypeError(
                f"Daemon.{method}: `learner` is an agent, a {self._kind.name}; `act` takes its "
                "events."
            )
        return self._predictions

    def _acting(self) -> ActionEvents:
        if self._actions is None:
            raise TypeError(
                f"Daemon.act: `learner` is no agent but a {self._kind.name}; `step` takes its "
                "events."
            )
        return self._actions

    def _predicted(
        self,
        kind: AbstractPredictionEvents,
        observation: np.ndarray,
        started: float,
        targets: np.ndarray | None,
    ) -> StepResult:
        with self._lock:
            now = self._moments.settled()
            predictions = kind.predicted(now.words, observation)
            sound = bool(np.isfinite(observation).all() and np.isfinite(predictions).all())
            if targets is not None and sound and self._losses is not None:
                self._losses.add(predictions, targets)
            seconds = time.perf_counter() - started
            self.tally.predicted(seconds, not sound, targets is not None)
        return StepResult(predictions, not sound, now.steps)

    def _acted(
        self, kind: ActionEvents, observation: np.ndarray, started: float, labelled: bool = False
    ) -> ActionResult:
        with self._lock:
            now = self._moments.settled()
            result = kind.result(kind.acted(now.words, observation), now.steps, began=False)
            self.tally.predicted(time.perf_counter() - started, result.rejected, labelled)
        return result

    def _end_of_event(self, started: float) -> None:
        self.tally.learning.add(time.perf_counter() - started)
        divergence = self._divergence
        if self._moments.now.in_a_row or divergence.under_way:
            self._recover_if_due()
        self._save_if_due()

    def _save_if_due(self) -> None:
        if self._moments.now.in_a_row and self._divergence.recovers:
            # A save would put what may have run away in the place of what has not.
            return
        self._saving.save_if_due(
            self._moments.now.steps, self.label_windows.remembered, self._content
        )

    def _recover_if_due(self) -> None:
        words, _, steps, in_a_row, _ = self._moments.now
        if not self._divergence.is_due(in_a_row, steps):
            return
        restored_from = None
        if self._divergence.recovers:
            state, restored_from = self._divergence.recovered(
                self._unpacked(_copied(words)), self._newest_before
            )
            if self._recording is not None:
                self._recording.recovered(steps, restored_from)
            self._moments.go_on_from(state)
        self._divergence.note(self._kind.name, steps, restored_from)

    def _unpacked(self, words: Any) -> Any:
        state = unpacked(self._kind.programs.packing, words)
        return with_uptime(state, time.monotonic() - self._lived_from)

    def _content(self) -> Content:
        """What a save holds."""
        words, carried, steps, in_a_row, featured = self._moments.settled()
        about = {
            "learner": self._kind.name,
            "steps": steps,
            **self._kind.stored(carried),
            "divergence": self._divergence.stored(in_a_row),
            "losses": None if self._losses is None else self._losses.stored(),
            "gamma": self.gamma,
            "feature_names": self.feature_names,
            "features": stored_features(self.features, featured),
            "head_names": self.head_names,
            "label_windows": self.label_windows.stored(),
        }
        return self._unpacked(_copied(words)), about


def _flag(name: str, value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.number) and value in (0, 1):
        return bool(value)
    raise TypeError(f"Daemon: `{name}` must be True or False, got {value!r}.")


def _copied(words: Any) -> Any:
    """Arrays that no later event takes away."""
    return jax.tree.map(np.array, words)
