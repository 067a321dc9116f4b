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
from .finished import FinishedEpisodes
from .result import AgentResult, of_lives

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
    episodes goes on until the others have, and nothing more of it is noted; counted in steps, all
    have had theirs at once.
    """

    def __init__(self, comparison: ControlComparison, contender: Contender):
        seeds, self._points = comparison.seeds, contender.points
        self._extent = comparison.extent
        agents = contender.learners
        if comparison.features is not None:
            agents = [WithFeatures(agent, comparison.features) for agent in agents]
        lives = stacked([Life(agent, comparison.environment) for agent in agents])
        lives = jax.tree.map(lambda leaf: np.repeat(leaf, seeds, axis=0), lives)
        count = len(self._points) * seeds
        keys = jax.vmap(jax.random.key)(np.tile(np.arange(seeds), len(self._points)))
        self._states, self._worlds = _begun(lives, keys)
        self._episodes, self._lived = FinishedEpisodes(count), 0
        self._rejected = np.zeros(count, np.int64)

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
            self._episodes.add(place, found.returns[place, of_row], found.lengths[place, of_row])
        self._lived += num_steps

    @property
    def finished(self) -> np.ndarray:
        """How many episodes of each life are kept."""
        return self._episodes.counts

    @property
    def done(self) -> np.ndarray:
        """How much each life has had of what is asked of it."""
        return self._extent.done(self.finished, np.full(len(self.finished), self._lived))

    @property
    def active(self) -> np.ndarray:
        """Which lives have something to go."""
        return self.done < self._extent.count

    def recent_return(self) -> float | None:
        """The mean over the last 50 episodes of each life; None before the first."""
        return self._episodes.recent_return()

    def result(self) -> AgentResult:
        """Of what every life has had."""
        returns, steps = self._episodes.arrays(self._extent.whole(self.finished))
        lived = self._extent.lived(steps, self._lived)
        # An episode that goes on has rewards too, but no return.
        going_on = np.asarray(self._states.inner.episode_return, np.float64)
        rest = np.where(lived > steps.sum(axis=-1), going_on, 0.0)
        return of_lives(self._points, returns, steps, self._rejected, lived, rest)

    def close(self) -> None:
        """There is nothing to close."""


@jax.jit
def _begun(lives: Any, keys: Any) -> tuple[_OwnLifeState, Any]:
    def one(life, key):
        world_key, life_key = jax.random.split(key)
        return _OwnLifeState(life, life.init(0, life_key)), WorldKeyStream().init(world_key)

    return jax.vmap(one)(jax.tree.map(jnp.asarray, lives), keys)
