"""Running a comparison: one compiled program, in segments whose results are kept."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from ...compilation.boundary import strong
from ...horde import GVFSpec
from ...hyperparameters.stacked import stacked
from ...learners import rejections
from ...loops import Lanes, WindowMean, drive
from ...loops.entrance import stream_states
from ...loops.progress import one_chunk_ahead
from ...loops.window_ends import WindowEnds
from ...streams import RandomWalkChainStream
from ..contender import Contender
from .comparison import Comparison
from .measures import AbstractMeasure, DemonValueDistances, Metric, ValueDistance
from .result import ComparisonResult, LearnerResult
from .side_by_side import LearnerGrid, SideBySide

_SEGMENTS = 20


def run_comparison(
    comparison: Comparison, on_chunk: Callable[[int], None] | None = None
) -> ComparisonResult:
    """Run a comparison from start to end.

    **Arguments:** `comparison`; `on_chunk(done)`: called with the number of steps done, as often
    as a chunk of them is.
    """
    run = ComparisonRun(comparison)
    while not run.finished:
        run.advance(on_chunk)
    return run.result()


@dataclass(frozen=True)
class _Segment:
    """What a segment gave, of each learner: window means [points, seeds, windows], of a Horde
    [points, seeds, windows, demons], how many steps were rejected up to the end of each window
    [points, seeds, windows], and the step sizes at its end [points, seeds, inputs]."""

    curves: tuple[NDArray[np.float32], ...]
    rejected: tuple[NDArray[np.uint32] | None, ...]
    step_sizes: tuple[NDArray[np.float32] | None, ...]


class ComparisonRun:
    """A comparison under way, advanced a segment at a time.

    A segment is about a twentieth of the steps: a whole number of windows, the same for each (but
    perhaps the last) so that one program serves them all. Finished segments are kept: `result`
    holds them whenever it is asked for, also after an exception ended a segment halfway.
    """

    def __init__(self, comparison: Comparison):
        self.comparison = comparison
        stream, seeds = comparison.stream, np.arange(comparison.seeds)
        self._learners = side_by_side(comparison)
        keys = jax.vmap(jax.random.key)(seeds)
        states = jax.vmap(
            lambda key: self._learners.init(stream.feature_dim, jax.random.split(key)[1])
        )(keys)
        windows = _windows_per_segment(comparison.num_steps // comparison.window)
        self._segment_steps = windows * comparison.window
        # Exchanged as one, so that an interrupt finds both before or both after a segment.
        self._progress: tuple[Any, tuple[_Segment, ...]] = (
            (states, stream_states(stream, keys)),
            (),
        )

    @property
    def steps_done(self) -> int:
        """Steps of the finished segments."""
        return min(len(self._progress[1]) * self._segment_steps, self.comparison.num_steps)

    @property
    def finished(self) -> bool:
        return self.steps_done == self.comparison.num_steps

    def advance(self, on_chunk: Callable[[int], None] | None = None) -> None:
        """Run the next segment; `on_chunk` as in `run_comparison`."""
        begun = self.steps_done

        def report(done: int) -> None:
            if on_chunk is not None:
                on_chunk(begun + done)

        (state, stream_state), segments = self._progress
        window = self.comparison.window
        carry, _, (means, rejected) = drive(
            self._learners,
            self.comparison.stream,
            min(self._segment_steps, self.comparison.num_steps - begun),
            state=state,
            stream_state=stream_state,
            recorders=(WindowMean(window), WindowEnds(_rejections, window)),
            keep_outputs=False,
            after_chunk=one_chunk_ahead(report),
            lanes=Lanes(),
        )
        step_sizes = _step_sizes(strong(self._learners), carry[0])
        segment = _Segment(
            curves=tuple(np.moveaxis(np.asarray(mean), 2, 0) for mean in means),
            rejected=tuple(
                None if count is None else np.moveaxis(np.asarray(count), 2, 0)
                for count in rejected
            ),
            step_sizes=tuple(
                None if sizes is None else np.asarray(sizes).swapaxes(0, 1) for sizes in step_sizes
            ),
        )
        self._progress = (carry, (*segments, segment))

    def result(self) -> ComparisonResult:
        """The results of the finished segments.

        **Raises:** `ValueError` before the first is finished.
        """
        _, segments = self._progress
        if not segments:
            raise ValueError("no segment of the comparison is finished yet.")
        learners = {}
        places = {name: place for place, name in enumerate(self.comparison.learners)}
        for row, (name, demon) in self.comparison.rows.items():
            place = places[name]
            sizes = [s for segment in segments if (s := segment.step_sizes[place]) is not None]
            curves = np.concatenate([segment.curves[place] for segment in segments], axis=2)
            counts = [c for segment in segments if (c := segment.rejected[place]) is not None]
            rejected = (
                np.diff(np.concatenate(counts, axis=2), prepend=np.uint32(0)) if counts else None
            )
            learners[row] = LearnerResult(
                points=self.comparison.learners[name].points,
                curves=curves if demon is None else curves[..., demon],
                step_sizes=np.stack(sizes, axis=2) if sizes else None,
                rejected=np.zeros(curves.shape[:2], np.int64)
                if rejected is None
                else rejected.sum(axis=-1, dtype=np.int64),
                rejected_at=rejected,
            )
        recorded_at = self._segment_steps * np.arange(1, len(segments) + 1)
        recorded_at[-1] = self.steps_done
        return ComparisonResult(self.comparison, self.steps_done, learners, recorded_at)


def side_by_side(comparison: Comparison) -> SideBySide:
    """The comparison's learners as one."""
    grids, stream = [], comparison.stream
    for name, contender in comparison.learners.items():
        measure = Metric(comparison.scored_metrics[name])
        if comparison.score == "value_error" and isinstance(stream, RandomWalkChainStream):
            measure = _value_distance(stream, contender)
        grids.append(LearnerGrid(stacked(contender.learners), measure, contender.first_inputs))
    return SideBySide(tuple(grids))


def _value_distance(stream: RandomWalkChainStream, contender: Contender) -> AbstractMeasure:
    states = jnp.arange(stream.n_states, dtype=jnp.int32)
    features = jax.vmap(stream.observation)(states)[:, : contender.first_inputs]
    learner: Any = contender.learner
    if not learner.demons:
        return ValueDistance(features, stream.true_values())
    # Every demon has a discount of its own, and an episode ends with its terminal reward besides.
    truth = [_true_values(stream, demon) for demon in learner.demons]
    return DemonValueDistances(features, jnp.stack(truth))


def _true_values(stream: RandomWalkChainStream, demon: GVFSpec) -> Array:
    return dataclasses.replace(
        stream,
        gamma=demon.gamma,
        left_reward=stream.left_reward + demon.terminal_reward,
        right_reward=stream.right_reward + demon.terminal_reward,
    ).true_values()


def _windows_per_segment(windows: int) -> int:
    """A divisor that gives ten to forty segments where there is one, else about twenty."""
    wanted = max(1, round(windows / _SEGMENTS))
    candidates = [n for n in range(max(1, wanted // 2), 2 * wanted + 1) if windows % n == 0]
    return min(candidates, key=lambda n: abs(n - wanted), default=wanted)


def _rejections(states: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(rejections(state) for state in states)


@jax.jit
def _step_sizes(learners: SideBySide, states: tuple[Any, ...]) -> tuple[Any, ...]:
    pairs = zip(learners.learners, states, strict=True)
    return tuple(jax.vmap(grid.step_sizes)(state) for grid, state in pairs)
