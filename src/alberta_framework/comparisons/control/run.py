"""Running agents in environments: many lives side by side, one compiled call for all."""

import hashlib
from collections.abc import Callable
from os import PathLike

from ...checkpoints.unfinished import UnfinishedRun
from ...components.strict_json import strict_json
from ...environments import AbstractEnvironment
from ...interface.failure import EnvironmentFailure, close_all, handing_back
from ..contender import Contender
from .comparison import ControlComparison
from .compiled_lives import CompiledLives
from .host_lives import HostLives
from .lives import AbstractLives
from .result import ControlResult


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

    **Arguments:**

    - `comparison`.
    - `checkpoint`: a folder to resume from if it holds a checkpoint of this very comparison, and to
      write to; the resumed run gives the same bits. Only with an environment in JAX, and with
      Orbax.
    - `checkpoint_every_s` >= 0: seconds between saves at least.

    **Raises:** `TypeError` for a checkpoint of lives in an environment of Gymnasium, whose state is
    an object of Python that nothing saves; `ValueError` for a checkpoint of another comparison.
    """

    def __init__(
        self,
        comparison: ControlComparison,
        *,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every_s: float = 60.0,
    ):
        self.comparison = comparison
        self._lives: dict[str, AbstractLives] = {}
        self._failure: EnvironmentFailure | None = None
        self._checkpoint: UnfinishedRun | None = None
        self._torn = False
        if checkpoint is None:
            return
        if comparison.not_resumed is not None:
            raise TypeError(f"`checkpoint`: {comparison.not_resumed}")
        self._checkpoint = UnfinishedRun(
            "comparison",
            checkpoint,
            _mark_of(comparison),
            checkpoint_every_s,
            "environment, agents, extent or seeds",
        )
        self._restore(self._checkpoint.load())

    def _restore(self, saved: dict | None) -> None:
        for name, lives in (saved or {}).items():
            self._lives[name] = _lives_of(self.comparison, self.comparison.agents[name])
            self._lives[name].restore(lives)

    def save(self) -> None:
        """Save what is done to the checkpoint, if there is one.

        Nothing is saved of steps that were broken off: what was saved before them stays.
        """
        if self._checkpoint is not None and self._lives and not self._torn:
            steps = sum(lives.lived for lives in self._lives.values())
            done = {name: lives.saved() for name, lives in self._lives.items()}
            self._checkpoint.save(steps, done)

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
        if self._checkpoint is not None and (self.finished or self._checkpoint.due):
            self.save()

    def _advance(self) -> None:
        for name, contender in self.comparison.agents.items():
            if name not in self._lives:
                self._lives[name] = _lives_of(self.comparison, contender)
            lives = self._lives[name]
            if lives.active.any():
                self._torn = True
                lives.advance()
                self._torn = False
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
        close_all(self._lives.values())


def _mark_of(comparison: ControlComparison) -> str:
    """Tells apart comparisons that a checkpoint must not mix up; what they are called does not."""
    told = ("name", "title", "description")
    config = {key: value for key, value in comparison.to_config().items() if key not in told}
    return hashlib.sha256(strict_json(config, sort_keys=True).encode()).hexdigest()


def _lives_of(comparison: ControlComparison, contender: Contender) -> AbstractLives:
    if isinstance(comparison.environment, AbstractEnvironment):
        return CompiledLives(comparison, contender)
    return HostLives(comparison, contender)
