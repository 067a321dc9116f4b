"""The lives of a comparison in Gymnasium's environments: all points and seeds in one call."""

import contextlib
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ...environments.gymnasium.lives import LifeOfCopies, new_agents, steps_of
from ...environments.gymnasium.policies import Policy
from ...environments.gymnasium.walk import WalkApart
from ...hyperparameters.stacked import stacked
from ...interface.failure import EnvironmentFailure, close_all
from ...interface.host import HostEnvironment
from ..contender import Contender
from .comparison import ControlComparison
from .extent import InEpisodes
from .lives import AbstractLives

_STEPS_AT_A_TIME = 100


class HostLives(AbstractLives):
    """Lives on the host, each in an environment of its own; counted in episodes, one that has had
    its episodes rests."""

    def __init__(self, comparison: ControlComparison, contender: Contender):
        super().__init__(comparison, contender)
        self._comparison, count = comparison, len(self._seeds)
        agents = stacked([comparison.seen_by(agent) for agent in contender.learners])
        agents = jax.tree.map(lambda leaf: np.repeat(leaf, comparison.seeds, axis=0), agents)
        self._hosts: list[HostEnvironment] = []
        try:
            self._hosts.extend(_made(comparison) for _ in range(count))
            life = self._life(agents, comparison.seen_by(contender.learners[0]).action_space)
        except EnvironmentFailure:
            with contextlib.suppress(EnvironmentFailure):
                self.close()
            raise
        self._life_of_copies, self._steps = life, steps_of(life)
        self._note_nan_at_birth()
        self._returns, self._lengths = np.zeros(count), np.zeros(count, np.int64)

    def _life(self, agents: Any, action_space: Any) -> LifeOfCopies:
        keys = jax.vmap(jax.random.key)(self._seeds)
        states = new_agents(agents, self._hosts[0].observed.size, keys, own=True)
        episodes = self._extent.count if isinstance(self._extent, InEpisodes) else None

        def walk_with(policy: Policy) -> WalkApart:
            return WalkApart(self._hosts, policy, self._seeds.tolist(), episodes)

        return LifeOfCopies(agents, action_space, walk_with, states, own=True)

    def advance(self) -> None:
        """Up to a hundred more steps of every life that has something to go."""
        num_steps = self._extent.ahead(self._lived, _STEPS_AT_A_TIME)
        for lived in itertools.islice(self._steps, num_steps):
            valid, over = lived.valid, lived.terminated | lived.truncated
            self._lived += 1
            self._returns += np.where(valid, lived.reward, 0.0)
            self._lengths += valid
            self._rejected += lived.rejected & valid
            for place in np.flatnonzero(over).tolist():
                rows = self._returns, self._lengths, lived.terminated
                self._episodes.add(place, *(row[[place]] for row in rows))
            self._returns[over], self._lengths[over] = 0.0, 0
            if not self.active.any():
                return

    @property
    def _going_on(self) -> np.ndarray:
        return self._returns

    @property
    def _agent_states(self) -> Any:
        return self._life_of_copies.state

    def _saved_states(self) -> list[np.ndarray]:
        raise TypeError(self._comparison.not_resumed)

    def _restore_states(self, saved: Sequence[np.ndarray]) -> None:
        raise TypeError(self._comparison.not_resumed)

    def close(self) -> None:
        """**Raises:** the first `EnvironmentFailure` of one that does not let itself be closed."""
        close_all(self._hosts)


def _made(comparison: ControlComparison) -> HostEnvironment:
    try:
        return HostEnvironment("environment", comparison.make_environment())
    except ValueError as error:  # it was made before, when the comparison was
        raise EnvironmentFailure(str(error)) from error
