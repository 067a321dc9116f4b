"""Running a sweep: seeds times grid points, in segments whose results are kept."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from ..checkpoints.unfinished import UnfinishedRun, as_arrays, from_arrays
from ..components.ranges import require_count, require_key
from ..hyperparameters.axes import Axes
from ..learners import Metrics
from ..lives.life import carried
from ..loops import AbstractRecorder, EveryNth, WindowMean, drive
from ..loops.progress import one_chunk_ahead, progress_bar
from ..loops.recorded import RecordedSteps
from ..loops.window_ends import WindowEnds
from .batch import Batch, member_keys
from .blocks import Block, Cut, cut
from .checkpoint import DIFFERS, fingerprint
from .devices import gathered, mesh_of
from .members import rejections_of_member
from .metrics import axis_names, offered, recorded_names
from .plan import programs
from .result import Found, SweepResult, assembled

_RECORDINGS = 50
_SEGMENTS = 20
# Below this a segment's dispatch would show.
_SHORTEST_SEGMENT = 2000


def sweep(
    learner: Any,
    stream: Any,
    axes: Mapping[str, Sequence[Any]],
    *,
    num_steps: int,
    keys: Any,
    combine: str = "product",
    record: AbstractRecorder | None = None,
    max_batch: int | None = None,
    chunk_size: int | None = None,
    devices: Sequence[Any] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_every_s: float = 60.0,
    progress: bool = False,
    metrics: Iterable[str] | None = None,
) -> SweepResult:
    """Run a learner on a stream for every seed at every point of a grid.

    Points that differ in numbers alone, and all of their seeds, are one compiled program; points
    that differ in structure (another class, a static size) are one program each. The experience
    of a seed is drawn once and all points whose stream is the same learn from it: comparisons are
    paired. The batch is divided among the devices of this process, and under `jax.distributed`
    among the processes, each of which makes the same call and gets the whole result.

    Each member equals the loop of the library with its key (`run_learning_loop`,
    `run_td_learning_loop`, `run_mlp_learning_loop`, `run_horde_learning_loop_batched`, `interact`
    and so on) to float32 rounding. If any learner of the sweep draws its initial weights, all take
    the keys of streams as `run_mlp_learning_loop` does, from the split key.

    **Arguments:**

    - `learner`: any learner or agent of the library, or a user's with `init` and `learn`, which
      gives a dictionary or a Module of its metrics.
    - `stream`: yields the experience that `learner.learn` takes; or an environment, in which the
      agent lives as `interact` lets it. A `SARSAAgent` learns from a `RecordedStream` of
      `ControlStep` too, with the actions that were taken.
    - `axes`: maps dotted paths, as `"learner.optimizer.meta_step_size"` or `"stream.drift_rate"`,
      of an agent in an environment `"agent.lamda"` or `"environment.gravity"`, to the values to
      try. Numbers are one program; components, `"learner"` and `"stream"`
      themselves, and static sizes are structural. A number in place of an array stands for all of
      its elements.
    - `num_steps` >= 1: of each member.
    - `keys`: one typed key per seed, `jax.random.split(key, seeds)`.
    - `combine`: `"product"`: every combination; `"zip"`: the first values together, and so on.
    - `record`: `WindowMean(n)` or `EveryNth(n)`; by default means over windows of about a fiftieth
      of the steps, so that memory does not grow with `num_steps`.
    - `max_batch`: members (points times seeds) of this process at once, rounded up to share among
      its devices; None for all. A smaller batch needs less memory and takes longer.
    - `chunk_size`: as in `drive`.
    - `devices`: of this process, by default all of `jax.local_devices()`.
    - `checkpoint`: a folder to resume from if it holds a checkpoint of this very sweep, and to
      write to, at most every `checkpoint_every_s` seconds. The resumed sweep gives the same bits.
    - `progress`: show a progress bar.
    - `metrics`: the names of those to record; by default all that every learner of the sweep has
      (`learner.metrics` names them).

    **Raises:** `ValueError` for an unknown path, naming the nearest and all valid ones, for a
    value that the component at its path refuses, and for a metric that a learner does not have,
    naming those that it has; `TypeError` for keys that are none.
    """
    run = SweepRun(
        learner,
        stream,
        axes,
        num_steps=num_steps,
        keys=keys,
        combine=combine,
        record=record,
        max_batch=max_batch,
        chunk_size=chunk_size,
        devices=devices,
        checkpoint=checkpoint,
        checkpoint_every_s=checkpoint_every_s,
        metrics=metrics,
    )
    bar = progress_bar(progress, run.total_steps)
    try:
        while not run.finished:
            run.advance(lambda done: bar(done, (None, None)))
    finally:
        bar.close()
    return run.result()


class _Recording(NamedTuple):
    """What was recorded of lanes and points: metrics by name [lanes, points, recordings, ...], and
    how many steps were rejected until each recording; None if the learners do not tell."""

    metrics: Mapping[str, Any]
    rejected: NDArray[np.uint32] | None


@dataclass(frozen=True)
class _Progress:
    """What is done: blocks that are finished, and the running one up to some step."""

    finished: tuple[_Recording, ...] = ()
    segments: tuple[Any, ...] = ()
    steps: int = 0
    carry: Any = None


class SweepRun:
    """A sweep under way, advanced a segment at a time.

    A segment is about a twentieth of the steps of a block: a whole number of recordings, the same
    for each (but perhaps the last) so that one program serves them all. Arguments as `sweep`.
    """

    def __init__(
        self,
        learner: Any,
        stream: Any,
        axes: Mapping[str, Sequence[Any]],
        *,
        num_steps: int,
        keys: Any,
        combine: str = "product",
        record: AbstractRecorder | None = None,
        max_batch: int | None = None,
        chunk_size: int | None = None,
        devices: Sequence[Any] | None = None,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every_s: float = 60.0,
        metrics: Iterable[str] | None = None,
    ):
        require_count("sweep", "num_steps", num_steps, high=2**31)
        keys = require_key("sweep", keys, "keys", lanes=True)
        if max_batch is not None:
            require_count("sweep", "max_batch", max_batch)
        self.num_steps, self.seeds = int(num_steps), keys.shape[0]
        self._record = _recorder(record, self.num_steps)
        learner, stream = carried("sweep", learner, stream)
        self._learner, self._stream = learner, stream
        self._axes = Axes(axes, combine)
        plan = programs(learner, stream, self._axes)
        pair = member_keys(plan, keys)
        devices = tuple(jax.local_devices() if devices is None else devices)
        mesh = mesh_of(devices)
        offers = tuple(offered(program, self._axes) for program in plan)
        self._names = recorded_names(offers, metrics, self._axes)
        self._parts = axis_names(offers, self._names, self._axes)
        self._batches = tuple(Batch(program, pair, self._names, mesh) for program in plan)
        self._cuts = tuple(
            cut(
                batch.lanes,
                batch.points,
                max_batch=max_batch,
                processes=jax.process_count(),
                devices=len(devices),
            )
            for batch in self._batches
        )
        self._own = tuple(
            (place, block) for place, each in enumerate(self._cuts) for block in _own_blocks(each)
        )
        self._chunk_size = chunk_size
        self._segment_steps = _segment_steps(self.num_steps, self._record.interval)
        # Exchanged as one, so that an interrupt finds both before or both after a segment.
        self._progress = _Progress()
        self._checkpoint = None
        if checkpoint is not None:
            how = self.num_steps, self._record, self._names, chunk_size
            mark = fingerprint(plan, pair, how, self._cuts)
            self._checkpoint = UnfinishedRun("sweep", checkpoint, mark, checkpoint_every_s, DIFFERS)
            self._restore(self._checkpoint.load())

    @property
    def metric_names(self) -> list[str]:
        """The names of the metrics that are recorded."""
        return list(self._names)

    @property
    def total_steps(self) -> int:
        """Steps of all blocks of this process; of a block, those of a member."""
        return len(self._own) * self.num_steps

    @property
    def steps_done(self) -> int:
        """How many of the `total_steps` are done."""
        return len(self._progress.finished) * self.num_steps + self._progress.steps

    @property
    def finished(self) -> bool:
        """Whether all blocks of this process are done."""
        return len(self._progress.finished) == len(self._own)

    def advance(self, on_chunk: Callable[[int], None] | None = None) -> None:
        """Run the next segment; `on_chunk(done)` is called after each chunk of it."""
        before, now = self.steps_done, self._progress
        place, block = self._own[len(now.finished)]
        batch = self._batches[place]
        state, stream_state = now.carry or batch.begin(block, self._cuts[place].mesh)

        def report(done: int) -> None:
            if on_chunk is not None:
                on_chunk(before + done)

        steps = min(self._segment_steps, self.num_steps - now.steps)
        carry, _, tapes = drive(
            batch.learner,
            batch.stream,
            steps,
            state=state,
            stream_state=stream_state,
            recorders=self._recorders,
            keep_outputs=False,
            chunk_size=self._chunk_size,
            after_chunk=one_chunk_ahead(report),
            lanes=batch.carried,
            finish=False,
        )
        done = now.steps + steps
        # The segment before is fetched while this one runs.
        segments = (*self._fetched(now.segments), tapes)
        if done == self.num_steps:
            self._progress = _Progress((*now.finished, _joined(self._fetched(segments))))
        else:
            self._progress = _Progress(now.finished, segments, done, carry)
        if self._checkpoint is not None and (self.finished or self._checkpoint.due):
            self.save()

    @property
    def _recorders(self) -> tuple[AbstractRecorder, AbstractRecorder]:
        return self._record, WindowEnds(rejections_of_member, self._record.interval)

    def _fetched(self, segments: Sequence[Any]) -> list[_Recording]:
        """The recordings of segments; the last of them may still be tapes."""
        return [s if isinstance(s, _Recording) else self._finished(s) for s in segments]

    def _finished(self, tapes: tuple[Any, Any]) -> _Recording:
        # On the host: a device would first finish what it is doing.
        pairs = zip(self._recorders, jax.device_get(tapes), strict=True)
        return jax.tree.map(np.asarray, _Recording(*(r.finish(tape) for r, tape in pairs)))

    def save(self) -> None:
        """Save what is done to the checkpoint, if there is one."""
        if self._checkpoint is not None and self.steps_done:
            self._checkpoint.save(self.steps_done, self._saved())

    def result(self) -> SweepResult:
        """The labelled result, of all processes.

        **Raises:** `ValueError` before the sweep is finished.
        """
        if not self.finished:
            raise ValueError(
                f"the sweep is not finished: {self.steps_done} of {self.total_steps} steps."
            )
        everything = []
        for place, (batch, each) in enumerate(zip(self._batches, self._cuts, strict=True)):
            pairs = zip(self._own, self._progress.finished, strict=True)
            own = [found for (of, _), found in pairs if of == place]
            found = jax.tree.map(lambda *arrays: gathered(np.stack(arrays)), *own)
            processes = jax.process_count()
            for i, block in enumerate(each.blocks):
                where = (i % processes, i // processes)
                one = jax.tree.map(lambda array, at=where: array[at], found)
                everything.append(Found(*batch.members(block, each.mesh), *one))
        return assembled(
            self._learner,
            self._stream,
            self._axes,
            self.seeds,
            self.num_steps,
            RecordedSteps.by(self._record, self.num_steps).numbers,
            self._parts,
            everything,
        )

    def _saved(self) -> dict[str, Any]:
        now = self._progress
        return {
            "finished": [_as_entries(recording) for recording in now.finished],
            "segments": [_as_entries(recording) for recording in self._fetched(now.segments)],
            "carry": as_arrays(now.carry),
            "steps": now.steps,
        }

    def _restore(self, saved: dict[str, Any] | None) -> None:
        if saved is None:
            return
        finished = tuple(self._from_entries(entries) for entries in saved["finished"])
        segments = tuple(self._from_entries(entries) for entries in saved["segments"])
        carry = None
        if saved["steps"]:
            place, block = self._own[len(finished)]
            fresh = self._batches[place].begin(block, self._cuts[place].mesh)
            carry = from_arrays(saved["carry"], fresh)
        self._progress = _Progress(finished, segments, saved["steps"], carry)

    def _from_entries(self, entries: Mapping[str, NDArray]) -> _Recording:
        metrics = Metrics((name, entries[_METRIC + name]) for name in self._names)
        return _Recording(metrics, entries.get(_REJECTED))


def _own_blocks(each: Cut) -> list[Block]:
    """Every n-th block of n processes; a process without one left repeats the last, so that all
    gather the same number."""
    processes, index = jax.process_count(), jax.process_index()
    rounds = math.ceil(len(each.blocks) / processes)
    places = [min(i * processes + index, len(each.blocks) - 1) for i in range(rounds)]
    return [each.blocks[place] for place in places]


def _recorder(record: AbstractRecorder | None, num_steps: int) -> WindowMean | EveryNth:
    if record is None:
        return WindowMean(_near_divisor(num_steps, math.ceil(num_steps / _RECORDINGS)))
    if not isinstance(record, WindowMean | EveryNth):
        raise TypeError(f"sweep: `record` must be a WindowMean or an EveryNth, got {record!r}.")
    return record


def _segment_steps(num_steps: int, interval: int) -> int:
    recordings = math.ceil(num_steps / interval)
    wanted = max(1, round(recordings / _SEGMENTS), math.ceil(_SHORTEST_SEGMENT / interval))
    return min(num_steps, _near_divisor(recordings, wanted) * interval)


def _near_divisor(number: int, wanted: int) -> int:
    """The divisor of `number` nearest to `wanted` between its half and its double, else itself."""
    near = [n for n in range(max(1, wanted // 2), 2 * wanted + 1) if number % n == 0]
    return min(near, key=lambda n: abs(n - wanted), default=wanted)


def _joined(segments: Sequence[_Recording]) -> _Recording:
    """The recordings of segments one after the other."""
    return jax.tree.map(lambda *parts: np.concatenate(parts, axis=2), *segments)


# In a checkpoint the metrics and the count of rejected steps are entries of one dictionary, under
# names that no metric has.
_METRIC, _REJECTED = "metric ", "rejected"


def _as_entries(recording: _Recording) -> dict[str, NDArray]:
    entries = {_METRIC + name: values for name, values in recording.metrics.items()}
    return entries if recording.rejected is None else entries | {_REJECTED: recording.rejected}
