"""The lives of a comparison in an environment in JAX: all points and seeds in one program."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...checkpoints.unfinished import as_arrays, from_arrays
from ...components.state import AbstractState
from ...hyperparameters.stacked import stacked
from ...lives import EpisodeRing, Life, LifeState
from ...lives.life import WorldKeyStream
from ...loops import Lanes, drive
from ..contender import Contender
from .comparison import ControlComparison
from .lives import AbstractLives

_STEPS_AT_A_TIME = 1000


class _OwnLifeState(AbstractState):
    """A life and its state, so that each lane has numbers of its own."""

    life: Life
    inner: LifeState

    # What the recorder of episodes reads.
    ended = property(lambda self: self.inner.ended)
    last_return = property(lambda self: self.inner.last_return)
    last_steps = property(lambda self: self.inner.last_steps)


class _OwnLife(eqx.Module):
    """A life whose numbers ride in its state."""

    def learn(self, state: _OwnLifeState, experience: Any) -> tuple[_OwnLifeState, Any]:
        """One step."""
        inner, metrics = state.life.learn(state.inner, experience)
        return _OwnLifeState(state.life, inner), metrics


class CompiledLives(AbstractLives):
    """Lives in one environment in JAX, all in one program.

    Seed s lives as `interact` with the key `jax.random.key(s)` lets it. A life that has had its
    episodes goes on until the others have, and nothing more of it is noted; counted in steps, all
    have had theirs at once.
    """

    def __init__(self, comparison: ControlComparison, contender: Contender):
        super().__init__(comparison, contender)
        agents = [comparison.seen_by(agent) for agent in contender.learners]
        lives = stacked([Life(agent, comparison.environment) for agent in agents])
        lives = jax.tree.map(lambda leaf: np.repeat(leaf, comparison.seeds, axis=0), lives)
        keys = jax.vmap(jax.random.key)(self._seeds)
        self._states, self._worlds = _begun(lives, keys)
        self._note_nan_at_birth()

    def advance(self) -> None:
        """Up to a thousand more steps of every life."""
        active = self.active
        num_steps = self._extent.ahead(self._lived, _STEPS_AT_A_TIME)
        (self._states, self._worlds), _, (found,) = drive(
            _OwnLife(),
            WorldKeyStream(),
            num_steps,
            state=self._states,
            stream_state=self._worlds,
            recorders=(EpisodeRing(num_steps),),
            keep_outputs=False,
            chunk_size=num_steps,
            lanes=Lanes(),
        )
        rejected = np.asarray(self._states.inner.rejected_words)[:, 1].astype(np.int64)
        self._rejected[active] = rejected[active]
        for place in np.flatnonzero(active).tolist():
            new = int(found.count[place])
            kept = self._extent.kept(int(self.finished[place]), new)
            # The rows of lanes with fewer episodes than others begin with blanks.
            first = found.returns.shape[-1] - new
            of_row = slice(first, first + kept)
            rows = found.returns, found.lengths, found.terminated
            self._episodes.add(place, *(row[place, of_row] for row in rows))
        self._lived += num_steps

    @property
    def _going_on(self) -> np.ndarray:
        return np.asarray(self._states.inner.episode_return, np.float64)

    @property
    def _agent_states(self) -> Any:
        return self._states.inner.agent_state

    def close(self) -> None:
        """There is nothing to close."""

    def _saved_states(self) -> list[np.ndarray]:
        return as_arrays((self._states, self._worlds))

    def _restore_states(self, saved: Sequence[np.ndarray]) -> None:
        self._states, self._worlds = from_arrays(saved, (self._states, self._worlds))


@jax.jit
def _begun(lives: Any, keys: Any) -> tuple[_OwnLifeState, Any]:
    def one(life, key):
        world_key, life_key = jax.random.split(key)
        return _OwnLifeState(life, life.init(0, life_key)), WorldKeyStream().init(world_key)

    return jax.vmap(one)(jax.tree.map(jnp.asarray, lives), keys)
