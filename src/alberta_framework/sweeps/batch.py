"""The members of one program as a batch that the driver carries: set up, advanced, told apart."""

import functools as ft
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from numpy.typing import NDArray

from ..compilation.boundary import strong
from ..experience import TimeStep
from ..hyperparameters.stacked import stacked
from ..learners import draws_weights, experience_of, initial_state
from ..loops import Lanes
from ..loops.rollouts import rollable
from ..streams import AbstractArrayStream
from .blocks import Block
from .members import OwnNumbersLearner, OwnNumbersStream, SharedStream, stream_begun
from .plan import Program


@dataclass(frozen=True)
class Keys:
    """The keys of streams and of learners, one per seed, as words on the host."""

    streams: NDArray[np.uint32]
    learners: NDArray[np.uint32]
    kind: str


class Batch:
    """A program with its seeds: lanes (each stream with each seed) times the points of a lane.

    `recorded`: the metrics that a step gives, by name.
    """

    def __init__(self, program: Program, keys: Keys, recorded: tuple[str, ...], mesh: Mesh | None):
        self.program = program
        self._keys, self.seeds = keys, len(keys.streams)
        # What is carried: the learners' numbers ride in their states.
        self.learner = OwnNumbersLearner(recorded)
        self.lanes = len(program.streams) * self.seeds
        self.points = program.points.shape[1]
        self._learners = stacked(program.learners)
        self._own_streams = len(program.streams) > 1
        # Recorded experience is the same for every seed, and is drawn once for all of them.
        replayed = isinstance(program.streams[0], AbstractArrayStream)
        self.carried = Lanes(replayed and not self._own_streams, members=True, mesh=mesh)
        if self._own_streams:
            self._streams = stacked([rollable(stream) for stream in program.streams])
            self.stream: Any = OwnNumbersStream()
        else:
            self._streams = self.carried.everywhere(strong(rollable(program.streams[0])))
            self.stream = SharedStream(self._streams)

    def begin(self, block: Block, mesh: tuple[int, int]) -> tuple[Any, Any]:
        """The states of learners [lanes, points] and of streams [lanes] before the first step."""
        lanes, points = block.shared_out(mesh)
        stream_of_lane, seed = np.divmod(lanes, self.seeds)
        places = stream_of_lane[:, None] if self.program.paired else points
        streams = _rows(self._streams, stream_of_lane) if self._own_streams else self._streams
        states = _begun(
            _rows(self._learners, places),
            streams,
            self._keys.learners[seed],
            self._keys.streams[seed],
            kind=self._keys.kind,
            feature_dim=self.program.streams[0].feature_dim,
            points=points.shape[1],
            own_streams=self._own_streams,
            shared_stream=self.carried.shared_stream,
        )
        return self.carried.placed(*states)

    def members(
        self, block: Block, mesh: tuple[int, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The point of the sweep and the seed of each lane and point of a block."""
        lanes, points = block.shared_out(mesh)
        stream_of_lane, seed = np.divmod(lanes, self.seeds)
        points = self.program.points[stream_of_lane[:, None], points]
        return points, np.broadcast_to(seed[:, None], points.shape)


def member_keys(all_programs: tuple[Program, ...], keys: Any) -> Keys:
    """The keys of streams and of learners, as the loops of the library take them from `keys`.

    Where some learner draws its initial weights, the key is split into that of the stream and that
    of the learner, for every learner of the sweep, so that all see the same experience. Only where
    the experience is recorded, the whole key is the learner's, as in the loops over arrays; except
    that of a learner of examples, whose loop takes a stream even then.
    """
    learners = [learner for program in all_programs for learner in program.learners]
    streams = [stream for program in all_programs for stream in program.streams]
    drawing = [learner for learner in learners if draws_weights(learner)]
    if not drawing:
        return _words(keys, keys)
    recorded = all(isinstance(stream, AbstractArrayStream) for stream in streams)
    if recorded and not any(experience_of(learner) is TimeStep for learner in drawing):
        return _words(keys, keys)
    return _words(*_split(keys))


def _words(streams: Any, learners: Any) -> Keys:
    words = [np.asarray(jax.random.key_data(of)) for of in (streams, learners)]
    return Keys(words[0], words[1], str(jax.random.key_impl(streams)))


@jax.jit
def _split(keys):
    pairs = jax.vmap(jax.random.split)(keys)
    return pairs[:, 0], pairs[:, 1]


def _rows(tree: Any, places: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[places], tree)


_STATIC = ("kind", "feature_dim", "points", "own_streams", "shared_stream")


@ft.partial(jax.jit, static_argnames=_STATIC)
def _begun(
    learners,
    streams,
    learner_keys,
    stream_keys,
    *,
    kind,
    feature_dim,
    points,
    own_streams,
    shared_stream,
):
    learner_keys = jax.random.wrap_key_data(learner_keys, impl=kind)
    stream_keys = jax.random.wrap_key_data(stream_keys, impl=kind)

    def of_lane(learners, key):
        # A learner without numbers has no axis to tell their number by.
        of_point = ft.partial(initial_state, feature_dim=feature_dim, key=key)
        return jax.vmap(of_point, axis_size=points)(learners)

    state = (learners, jax.vmap(of_lane)(learners, learner_keys))
    if shared_stream:
        return state, stream_begun(streams, stream_keys[0])
    if own_streams:
        return state, (streams, jax.vmap(stream_begun)(streams, stream_keys))
    return state, jax.vmap(lambda key: stream_begun(streams, key))(stream_keys)
