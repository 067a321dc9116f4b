"""The lives of a comparison in an environment in JAX: all points and seeds in one program."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...components.state import AbstractState
from ...control import WithFeatures
from ...hyperparameters.stacked import stacked
from ...loops import EpisodeRing, Lanes, Life, LifeState, drive
from ...loops.life import WorldKeyStream
from ..contender import Contender
from .comparison import ControlComparison
from .result import AgentResult, of_finished, recent_return

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


class CompiledLives:
    """One agent at every point and seed, point by point, in one environment in JAX.

    Seed s lives as `interact` with the key `jax.random.key(s)` lets it. A life that has had its
    episodes goes on until the others have, and nothing more of it is noted.
    """

    def __init__(self, comparison: ControlComparison, contender: Contender):
        seeds, self._points = comparison.seeds, contender.points
        self._episodes = comparison.episodes
        agents = contender.learners
        if comparison.features is not None:
            agents = [WithFeatures(agent, comparison.features) for agent in agents]
        lives = stacked([Life(agent, comparison.environment) for agent in agents])
        lives = jax.tree.map(lambda leaf: np.repeat(leaf, seeds, axis=0), lives)
        count = len(self._points) * seeds
        keys = jax.vmap(jax.random.key)(np.tile(np.arange(seeds), len(self._points)))
        self._states, self._worlds = _begun(lives, keys)
        self.active = np.ones(count, bool)
        self.finished = np.zeros(count, np.int64)
        self._returns = np.zeros((count, self._episodes))
        self._steps = np.zeros((count, self._episodes), np.int64)
        self._rejected = np.zeros(count, np.int64)

    def advance(self) -> None:
        """A thousand more steps of every life."""
        (self._states, self._worlds), _, (found,) = drive(
            _OwnLife(),
            WorldKeyStream(),
            _STEPS_AT_A_TIME,
            state=self._states,
            stream_state=self._worlds,
            recorders=(EpisodeRing(_STEPS_AT_A_TIME),),
            keep_outputs=False,
            chunk_size=_STEPS_AT_A_TIME,
            lanes=Lanes(),
        )
        rejected = np.asarray(self._states.inner.rejected_words)[:, 1].astype(np.int64)
        self._rejected[self.active] = rejected[self.active]
        for place in np.flatnonzero(self.active).tolist():
            new = int(found.count[place])
            done = int(self.finished[place])
            kept = min(new, self._episodes - done)
            # The rows of lanes with fewer episodes than others begin with blanks.
            first = found.returns.shape[-1] - new
            of_row = slice(first, first + kept)
            self._returns[place, done : done + kept] = found.returns[place, of_row]
            self._steps[place, done : done + kept] = found.lengths[place, of_row]
            self.finished[place] = done + kept
        self.active &= self.finished < self._episodes

    def recent_return(self) -> float | None:
        """The mean over the last 50 episodes of each life; None before the first."""
        return recent_return(self._returns, self.finished)

    def result(self) -> AgentResult:
        """Of the episodes that every life has finished."""
        kept = self._returns, self._steps, self._rejected
        return of_finished(self._points, self.finished, *kept)

    def close(self) -> None:
        """There is nothing to close."""


@jax.jit
def _begun(lives: Any, keys: Any) -> tuple[_OwnLifeState, Any]:
    def one(life, key):
        world_key, life_key = jax.random.split(key)
        return _OwnLifeState(life, life.init(0, life_key)), WorldKeyStream().init(world_key)

    return jax.vmap(one)(jax.tree.map(jnp.asarray, lives), keys)
