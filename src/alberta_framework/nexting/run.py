"""A life of predictions: of the machine that it runs on, or of a time series."""

import dataclasses
import functools as ft
from collections.abc import Iterator
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from ..compilation.boundary import strong
from ..components.ranges import require_count
from ..experience import DemonStep
from ..horde import HordeSpec
from .evaluation import NextingErrors, nexting_errors
from .learner import nexting_learner
from .system_stream import SignalRecord, SystemStream
from .with_features import HordeWithFeatures

# So much later than usual a row stands after a gap: what led to it was not seen.
_GAP = 1.5
_ROWS_AT_ONCE = 256


class SignalSource(Protocol):
    """Where rows of signals come from."""

    names: tuple[str, ...]

    @property
    def dt(self) -> float:
        """Seconds between two rows."""
        ...

    @property
    def length(self) -> int | None:
        """How many rows there are; None if there is no end to them."""
        ...

    @property
    def at_once(self) -> int:
        """How many rows are there at once."""
        ...

    def rows(self) -> Iterator[tuple[float, NDArray[np.float32]]]:
        """Seconds and signals, a row at a time."""
        ...


class LiveSource:
    """Rows of this machine, each when its time has come."""

    length = None
    at_once = 1

    def __init__(self, stream: SystemStream):
        self.stream, self.names, self.dt = stream, stream.names, stream.interval

    def rows(self) -> Iterator[tuple[float, NDArray[np.float32]]]:
        return self.stream.rows()


class RecordSource:
    """Rows of a record, as fast as they are learned from."""

    at_once = _ROWS_AT_ONCE

    def __init__(self, record: SignalRecord):
        self.record, self.names, self.dt = record, record.names, record.dt
        self.length = len(record.times)

    def rows(self) -> Iterator[tuple[float, NDArray[np.float32]]]:
        return zip(self.record.times.tolist(), self.record.values, strict=True)


@dataclasses.dataclass(frozen=True)
class NextingExperiment:
    """Predictions of all signals of a source at several time scales, made and learned row by row.

    **Arguments:** `source`: where the rows come from; `num_rows`: how many, at most as many as
    there are; `scales`: time scales, in rows, each >= 1; `lamda`, `step_size`, `memories`,
    `tilings`, `tiles`: as of `nexting_learner`; `evaluate_last_share` in (0, 1]: the errors are
    those of so much of the rows, the last.
    """

    source: SignalSource
    num_rows: int
    scales: tuple[float, ...] = (1.0, 5.0, 20.0, 80.0)
    lamda: float = 0.9
    step_size: float = 0.1
    memories: tuple[float, ...] = (0.8, 0.95)
    tilings: int = 4
    tiles: int = 2
    evaluate_last_share: float = 0.5
    name: str = "nexting"
    title: str = ""
    description: str = ""

    def __post_init__(self):
        require_count("NextingExperiment", "num_rows", self.num_rows, low=2)
        if not 0.0 < self.evaluate_last_share <= 1.0:
            raise ValueError(
                f"`evaluate_last_share` must lie in (0, 1], got {self.evaluate_last_share}."
            )
        _ = self.learner  # validates the rest

    @property
    def timescales(self) -> tuple[float, ...]:
        """In seconds."""
        return tuple(float(f"{scale * self.source.dt:.6g}") for scale in self.scales)

    @ft.cached_property
    def learner(self) -> HordeWithFeatures:
        dt = float(f"{self.source.dt:.6g}")
        return nexting_learner(
            self.source.names,
            self.timescales,
            dt,
            lamda=self.lamda,
            step_size=self.step_size,
            memories=self.memories,
            tilings=self.tilings,
            tiles=self.tiles,
        )

    @property
    def spec(self) -> HordeSpec:
        """The questions that are asked."""
        horde: Any = self.learner.horde
        return horde.horde_spec

    def resized(self, num_rows: int) -> "NextingExperiment":
        """The same with so many rows.

        **Raises:** `ValueError` for more than there are.
        """
        length = self.source.length
        if length is not None and num_rows > length:
            raise ValueError(f"there are {length:,} rows, got {num_rows:,}.")
        return dataclasses.replace(self, num_rows=num_rows)


@dataclasses.dataclass(frozen=True)
class NextingResult:
    """What was seen and what was predicted of it.

    `times` [T]; `signals` [T, n], NaN where one was missing; `predictions` [T, demons], the sums of
    each row, before what came next was seen; `gaps` [T]: rows after which there is a gap in time;
    `rejected` rows; `state` of the learner.
    """

    experiment: NextingExperiment
    times: Float[np.ndarray, " steps"]
    signals: Float[np.ndarray, "steps signals"]
    predictions: Float[np.ndarray, "steps demons"]
    gaps: NDArray[np.bool_]
    state: Any

    @property
    def rows_done(self) -> int:
        return len(self.times)

    @property
    def complete(self) -> bool:
        return self.rows_done == self.experiment.num_rows

    @property
    def rejected(self) -> int:
        return self.state.rejected_count

    @property
    def evaluated(self) -> int:
        """How many transitions are evaluated, the last."""
        steps = self.rows_done - 1
        return max(1, round(steps * self.experiment.evaluate_last_share))

    @property
    def means(self) -> Float[np.ndarray, "steps demons"]:
        """Predictions as (1 - gamma) v: the mean over the time scale, in the signal's own unit."""
        return self.predictions * (1.0 - np.asarray(self.experiment.spec.gammas, np.float32))

    @ft.cached_property
    def errors(self) -> NextingErrors:
        """RMSE / std(G) of each demon over the rows that are evaluated."""
        return nexting_errors(
            self.experiment.spec,
            self.signals,
            self.predictions[:-1],
            gaps=self.gaps[:-1],
            last=self.evaluated,
        )


class NextingRun:
    """Carries an experiment out, some rows at a time."""

    def __init__(self, experiment: NextingExperiment):
        self.experiment = experiment
        source = experiment.source
        self._learner = strong(experiment.learner)
        self._state = experiment.learner.init(len(source.names), jr.key(0))
        self._rows = source.rows()
        self._filled = np.zeros(len(source.names), np.float32)
        self._times: list[float] = []
        self._signals: list[NDArray[np.float32]] = []
        self._predictions: list[NDArray[np.float32]] = []
        self._gaps: list[bool] = []
        self._compile()

    @property
    def rows_done(self) -> int:
        return len(self._predictions)

    @property
    def finished(self) -> bool:
        return self.rows_done >= self.experiment.num_rows

    def advance(self) -> None:
        """Wait for the next rows, predict at each, and learn from what led to it."""
        source, missing = self.experiment.source, self.experiment.num_rows - self.rows_done
        if not self._predictions:
            self._first()
            return
        given, seen, gaps = [], [], []
        for _ in range(min(source.at_once, missing)):
            time, row = next(self._rows)
            gaps.append(time - self._times[-1] > _GAP * source.dt)
            self._times.append(time)
            self._signals.append(np.asarray(row, np.float32))
            given.append(self._filled)
            self._filled = np.asarray(np.where(np.isnan(row), self._filled, row), np.float32)
            seen.append(self._filled)
        signals = np.stack(self._signals[-len(seen) :])
        # What came during a gap was not seen.
        signals = np.where(np.asarray(gaps)[:, None], np.float32(np.nan), signals)
        step = _transitions(np.stack(given), np.stack(seen), signals, np.asarray(gaps))
        self._state, predictions = _lived(self._learner, self._state, step)
        self._predictions += list(np.asarray(predictions))
        self._gaps += gaps

    def result(self) -> NextingResult:
        """What was done until now, of which there is something."""
        done = self.rows_done
        return NextingResult(
            self.experiment,
            np.asarray(self._times[:done]),
            np.stack(self._signals[:done]),
            np.stack(self._predictions),
            # Row t has a gap after it if row t + 1 has one before it.
            np.asarray([*self._gaps[: done - 1], False], bool),
            self._state,
        )

    @property
    def latest(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The last row of signals, and what is predicted there as means over the time scales."""
        gammas = np.asarray(self.experiment.spec.gammas, np.float32)
        means = np.asarray(self._predictions[-1] * (1.0 - gammas), np.float32)
        return self._signals[self.rows_done - 1], means

    def _compile(self) -> None:
        """Before the first row is measured: compiling meanwhile would miss some."""
        n, rows = len(self.experiment.source.names), self.experiment.source.at_once
        nothing = np.zeros((rows, n), np.float32)
        steps = _transitions(nothing, nothing, nothing, np.zeros(rows, bool))
        jax.block_until_ready(_lived(self._learner, self._state, steps))
        self._learner.predict(self._state, nothing[0])

    def _first(self) -> None:
        """Nothing led to the first row."""
        time, row = next(self._rows)
        self._filled = np.nan_to_num(np.asarray(row, np.float32), nan=0.0)
        self._times, self._signals = [time], [np.asarray(row, np.float32)]
        self._predictions = [np.asarray(self._learner.predict(self._state, self._filled))]


def _transitions(before: Any, after: Any, signals: Any, gaps: Any) -> DemonStep:
    """From row to row; after a gap in time nothing that was before it lives on."""
    given = map(jnp.asarray, (before, after, signals, gaps))
    x, next_x, cumulants, cut = given
    return DemonStep(x, None, next_x, signals=cumulants, truncated=cut)


@jax.jit
def _lived(learner: HordeWithFeatures, state: Any, steps: DemonStep) -> tuple[Any, Any]:
    """Learn each transition, then predict where it led to."""

    def one(state, step):
        state, _ = learner.learn(state, step)
        return state, learner.predict(state, step.next_observation)

    return jax.lax.scan(one, state, steps)
