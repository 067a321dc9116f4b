"""Running agents in environments: many lives side by side, one compiled call for all."""

import contextlib
import functools as ft
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...compilation.boundary import strong
from ...compilation.execution_plan import Program, execution_plan
from ...compilation.one_kernel import ZERO, one_kernel
from ...environments import AbstractEnvironment
from ...hyperparameters.stacked import stacked
from ...interface.actions import SpaceActions
from ...interface.failure import EnvironmentFailure, handing_back
from ...interface.host import HostEnvironment
from ...learners import initial_state
from ..contender import Contender
from .comparison import ControlComparison
from .compiled_lives import CompiledLives
from .finished import recent_return
from .result import AgentResult, ControlResult, of_lives

_STEPS_AT_A_TIME = 100


def run_control_comparison(
    comparison: ControlComparison, on_progress: Callable[["ControlRun"], None] | None = None
) -> ControlResult:
    """Run a comparison in control from start to end.

    **Arguments:** `comparison`; `on_progress(run)`: called after every hundred steps.

    **Raises:** `EnvironmentFailure` where an environment raises an error or returns what it must
    not, whose `result` holds the episodes that were finished before, None if there are none.
    """
    run = ControlRun(comparison)
    with handing_back(lambda: run.result() if run.any_finished else None):
        while not run.finished:
            run.advance()
            if on_progress is not None:
                on_progress(run)
    return run.result()


class ControlRun:
    """A comparison in control under way, advanced a hundred steps at a time.

    The agents live one after the other; the points and seeds of an agent side by side, each in an
    environment of its own: on the host, or all in one program where the environment is in JAX,
    which is advanced a thousand steps at a time. Finished episodes are kept: `result` holds them
    whenever it is asked for.
    """

    def __init__(self, comparison: ControlComparison):
        self.comparison = comparison
        self._lives: dict[str, _HostLives | CompiledLives] = {}
        self._failure: EnvironmentFailure | None = None

    @property
    def episodes_done(self) -> int:
        """Finished episodes of all agents, points and seeds."""
        return sum(int(lives.finished.sum()) for lives in self._lives.values())

    @property
    def done(self) -> int:
        """What all agents, points and seeds did of what is asked for: episodes, or steps."""
        return sum(int(lives.done.sum()) for lives in self._lives.values())

    @property
    def asked(self) -> int:
        """Episodes, or steps, of all agents, points and seeds."""
        points = sum(len(contender.points) for contender in self.comparison.agents.values())
        return points * self.comparison.seeds * self.comparison.extent.count

    @property
    def any_finished(self) -> bool:
        """Whether every point and seed of some agent has finished an episode, or lived a step."""
        return any(lives.done.all() for lives in self._lives.values())

    @property
    def recent_return(self) -> float | None:
        """The mean over the last 50 episodes of each life of the agent at work; None before."""
        lives = next(reversed(self._lives.values()), None)
        return None if lives is None else lives.recent_return()

    @property
    def recent_returns(self) -> dict[str, float]:
        """The same of every agent that has finished an episode."""
        found = {name: lives.recent_return() for name, lives in self._lives.items()}
        return {name: mean for name, mean in found.items() if mean is not None}

    @property
    def finished(self) -> bool:
        return self.done == self.asked

    def advance(self) -> None:
        """Up to a hundred more steps of every life of the agent at work.

        **Raises:** `EnvironmentFailure` where an environment fails, and whenever it is called after
        that: lives that lost a step do not go on.
        """
        if self._failure is not None:
            raise self._failure
        try:
            self._advance()
        except EnvironmentFailure as failure:
            self._failure = failure
            raise

    def _advance(self) -> None:
        for name, contender in self.comparison.agents.items():
            if name not in self._lives:
                self._lives[name] = _lives_of(self.comparison, contender)
            lives = self._lives[name]
            if lives.active.any():
                lives.advance()
                if not lives.active.any():
                    lives.close()
                return

    def result(self) -> ControlResult:
        """The results of the finished episodes, or of the steps that were lived.

        **Raises:** `ValueError` before every seed of an agent has one.
        """
        if not self.any_finished:
            unit = self.comparison.extent.unit
            raise ValueError(f"no {unit} of the comparison is finished yet at every seed.")
        results = {name: lives.result() for name, lives in self._lives.items() if lives.done.all()}
        return ControlResult(self.comparison, results)

    def close(self) -> None:
        """Close the environments, all of them.

        **Raises:** the first `EnvironmentFailure` of one that does not let itself be closed.
        """
        _close(self._lives.values())


def _lives_of(comparison: ControlComparison, contender: Contender) -> "_HostLives | CompiledLives":
    compiled = isinstance(comparison.environment, AbstractEnvironment)
    return (CompiledLives if compiled else _HostLives)(comparison, contender)


class _HostLives:
    """One agent at every point and seed, point by point; each with an environment of its own.

    A life that has had its episodes rests: it is given NaN as reward, which changes no state.
    """

    def __init__(self, comparison: ControlComparison, contender: Contender):
        seeds, self._points = comparison.seeds, contender.points
        self._episodes = comparison.extent.count
        count = len(self._points) * seeds
        agents = stacked(contender.learners)
        self._agents = jax.tree.map(lambda leaf: np.repeat(leaf, seeds, axis=0), agents)
        self._features = strong(comparison.features)
        self._envs: list[HostEnvironment] = []
        try:
            self._envs.extend(_made(comparison) for _ in range(count))
            first = [env.reset(seed=place % seeds) for place, env in enumerate(self._envs)]
        except EnvironmentFailure:
            with contextlib.suppress(EnvironmentFailure):
                self.close()
            raise
        self._observations = np.stack(first)
        self._own = SpaceActions("environment", self._envs[0].space("action")).own
        inputs = self._observations.shape[-1]
        seen = inputs if self._features is None else self._features.feature_dim
        keys = jax.vmap(jax.random.key)(np.tile(np.arange(seeds), len(self._points)))
        begin = jax.vmap(lambda agent, key: initial_state(agent, seen, key))
        self._states = begin(self._agents, keys)
        self._fixed = self._agents, self._features
        self._alone = execution_plan().one_kernel(self._fixed, self._states)
        self.active = np.ones(count, bool)
        self.finished = np.zeros(count, np.int64)
        self._returns = np.zeros((count, self._episodes))
        self._steps = np.zeros((count, self._episodes), np.int64)
        self._rejected = np.zeros(count, np.int64)
        self._actions = np.zeros(count, np.int32)
        self._begin(self.active.copy())

    def advance(self) -> None:
        """Up to a hundred more steps of every life that has episodes to go."""
        for _ in range(_STEPS_AT_A_TIME):
            if self.active.any():
                self.step()

    def step(self) -> None:
        """One step of every life that has episodes to go."""
        rewards = np.full(len(self._envs), np.nan, np.float32)
        ends = np.zeros((len(self._envs), 2), bool)
        actions = self._actions.tolist()
        for place in np.flatnonzero(self.active).tolist():
            observation, reward, *over = self._envs[place].step(self._own(actions[place]))[:4]
            self._observations[place] = observation
            with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
                rewards[place], ends[place] = reward, over
            self._returns[place, self.finished[place]] += reward
        found = self._all(_act_and_learn, rewards, self._observations, ends)
        self._actions, rejected = np.asarray(found).T
        living = np.flatnonzero(self.active)
        self._rejected[living] += rejected[living]
        self._steps[living, self.finished[living]] += 1
        if ends.any():
            self._end(ends[:, 0] | ends[:, 1])

    def _end(self, over: np.ndarray) -> None:
        """Count the episodes that are over, and begin the next ones."""
        self.finished[over] += 1
        self.active &= self.finished < self._episodes
        begins = over & self.active
        for place in np.flatnonzero(begins).tolist():
            self._observations[place] = self._envs[place].reset()
        if begins.any():
            self._begin(begins)

    def _begin(self, begins: np.ndarray) -> None:
        found = self._all(_start, self._observations, begins, self._actions)
        self._actions = np.asarray(found)

    def _all(self, fn: Callable, *seen: Any) -> Any:
        """What `fn` finds for every life."""
        static = fn, self._alone
        found, self._states = _side_by_side(
            self._alone, *static, ZERO, self._fixed, self._states, *seen
        )
        return found

    @property
    def done(self) -> np.ndarray:
        return self.finished

    def recent_return(self) -> float | None:
        return recent_return(self._returns, self.finished)

    def result(self) -> AgentResult:
        done = int(self.finished.min())
        returns, steps = self._returns[:, :done].copy(), self._steps[:, :done].copy()
        return of_lives(self._points, returns, steps, self._rejected, steps.sum(axis=-1))

    def close(self) -> None:
        _close(self._envs)


def _close(what: Iterable[Any]) -> None:
    """Close each of them; then raise the first failure, if there was one."""
    failures = []
    for each in what:
        try:
            each.close()
        except EnvironmentFailure as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


def _made(comparison: ControlComparison) -> HostEnvironment:
    try:
        return HostEnvironment("environment", comparison.make_environment())
    except ValueError as error:  # it was made before, when the comparison was
        raise EnvironmentFailure(str(error)) from error


@ft.partial(Program, static_argnums=(0, 1))
def _side_by_side(fn, alone, zero, fixed, states, *seen):
    """`fn` of every life: what it found, and its state."""

    def called(fixed, states, *seen):
        agents, features = fixed
        see = (lambda observation: observation) if features is None else features
        lanes = jax.vmap(lambda agent, state, *own: fn(agent, see, state, *own))
        return lanes(agents, states, *seen)

    if alone:
        return one_kernel(zero, called, fixed, states, *seen)
    return called(fixed, states, *seen)


def _start(agent, see, state, observation, begins, pending):
    """The first action of an episode that begins, or the pending action of another one."""
    first, begun = agent.start(state, see(observation))
    state = jax.tree.map(lambda new, old: jnp.where(begins, new, old), begun, state)
    return jnp.where(begins, first.astype(jnp.int32), pending), state


def _act_and_learn(agent, see, state, reward, observation, ends):
    """The next action, and whether the step was rejected."""
    result = agent.act_and_learn(state, reward, see(observation), ends[0], ends[1])
    found = [result.action.astype(jnp.int32), result.rejected.astype(jnp.int32)]
    return jnp.stack(found), result.state
