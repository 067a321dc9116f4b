"""Endless iterators of experience from one Gymnasium environment."""

import abc
from collections.abc import Iterator
from typing import Any, Self, TypeVar

import numpy as np

from ...experience import TDTimeStep, TimeStep
from ...interface.package import gymnasium_package
from .policies import Policy
from .prediction_mode import PredictionMode, prediction_mode
from .targets import Supervision, ValueEstimator, require_estimator
from .walk import Passage, Walk


class AbstractEnvironmentStream(abc.ABC):
    """Iterates over the steps of an environment without end; it owns the environment, and changes.

    The environment is reset at the first `next`, and at the `next` after the end of an episode.
    Arrays are NumPy's, on the host. Iterating a second time goes on. A context manager closes the
    environment.
    """

    def __init__(
        self,
        env: Any,
        mode: PredictionMode | str,
        policy: Policy | None,
        gamma: float,
        include_action_in_features: bool,
        seed: int,
        encoding: str,
        reset_seeding: str,
    ):
        owner, actions = type(self).__name__, include_action_in_features
        self._supervision = Supervision(owner, mode, gamma, actions)
        self._walk = Walk(owner, env, policy, seed, encoding, reset_seeding, actions)
        self._steps = self._episodes = 0
        self._terminated = self._truncated = False

    @property
    def feature_dim(self) -> int:
        """How many numbers an observation holds, the action's included if features do."""
        acted = self._walk.acted
        return self._walk.observed.size + (0 if acted is None else acted.size)

    @property
    @abc.abstractmethod
    def target_dim(self) -> int:
        """How many numbers a target holds."""

    @property
    def mode(self) -> PredictionMode:
        """What the target is."""
        return self._supervision.mode

    @property
    def step_count(self) -> int:
        """Steps taken so far."""
        return self._steps

    @property
    def episode_count(self) -> int:
        """Episodes that ended so far, terminated or truncated."""
        return self._episodes

    @property
    def last_terminated(self) -> bool:
        """Whether the last step terminated its episode."""
        return self._terminated

    @property
    def last_truncated(self) -> bool:
        """Whether the last step truncated its episode."""
        return self._truncated

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> TimeStep:
        passage = self._next_passage(self._supervision.look_ahead)
        features = self._supervision.features(passage.observation, passage.action)
        target = np.array(self._supervision.target(passage, ()), np.float32, ndmin=1)
        return _of_numpy(TimeStep, features, target)

    def td_transitions(self) -> Iterator[TDTimeStep]:
        """The same walk as transitions, for TD learners; endless.

        `gamma` is 0 where the episode terminated, and stays where it was truncated, whose next
        observation is the true last one. Where features hold actions, the next observation holds
        the action that the policy picked there, zeros after a termination.
        """
        make = self._supervision
        while True:
            passage = self._next_passage(make.include_actions)
            gamma = 0.0 if passage.terminated else make.gamma
            yield _of_numpy(
                TDTimeStep,
                make.features(passage.observation, passage.action),
                np.float32(passage.reward),
                make.features(passage.next_observation, passage.next_action),
                np.float32(gamma),
                np.bool_(passage.truncated),
            )

    def close(self) -> None:
        """Close the environment."""
        self._walk.host.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_passage(self, look_ahead: bool) -> Passage:
        passage = self._walk.step(look_ahead)
        self._terminated, self._truncated = passage.terminated, passage.truncated
        self._steps += 1
        self._episodes += passage.terminated or passage.truncated
        return passage


_Unit = TypeVar("_Unit", TimeStep, TDTimeStep)


def _of_numpy(unit: type[_Unit], *fields: Any) -> _Unit:
    """A unit of experience whose arrays stay on the host."""
    return unit(*fields)


class GymnasiumStream(AbstractEnvironmentStream):
    """Yields a `TimeStep` for each step of a Gymnasium environment.

    Features are the flat observation, followed by the flat action if included. Targets: the reward;
    the next observation; or in `VALUE` mode R + gamma v, and R alone after a termination. A
    truncation bootstraps from the true last observation. v is the estimator's value of the next
    features; with actions included these hold the action that the policy picks in the next
    observation, which is the one taken in the next step (SARSA), so that a learner of these
    features can be the estimator.

    **Arguments:**

    - `env`: a Gymnasium environment with spaces that `flatten_space` supports.
    - `mode`: a `PredictionMode` or its string; default `REWARD`.
    - `policy`: from the flat observation to an action; default the random policy of `seed`.
    - `gamma` in [0, 1], default 0.99.
    - `include_action_in_features`, default True.
    - `seed` >= 0, default 0: of the resets.
    - `encoding`, keyword only: "index" or "onehot", see `flatten_value`; "onehot" is the better one
      for linear learners.
    - `reset_seeding`, keyword only: how reset i is seeded. "increment": by seed + i, so seeds s and
      s + 1 share all but one of their episode starts and are no independent replicates. "spawn": by
      words of `numpy.random.SeedSequence(seed)`, the one for replicates. "first": only reset 0, by
      `seed`.
    """

    def __init__(
        self,
        env: Any,
        mode: PredictionMode | str = PredictionMode.REWARD,
        policy: Policy | None = None,
        gamma: float = 0.99,
        include_action_in_features: bool = True,
        seed: int = 0,
        *,
        encoding: str = "index",
        reset_seeding: str = "increment",
    ):
        super().__init__(
            env, mode, policy, gamma, include_action_in_features, seed, encoding, reset_seeding
        )

    @property
    def target_dim(self) -> int:
        return self._walk.observed.size if self.mode is PredictionMode.NEXT_STATE else 1

    def set_value_estimator(self, value_estimator: ValueEstimator) -> None:
        """Use another v from the next step on; until the first call v is 0.

        v gets the features of the next step and returns a number, or an array of one.
        """
        require_estimator("GymnasiumStream", "value_estimator", value_estimator)
        self._supervision.estimator = value_estimator


class TDStream(AbstractEnvironmentStream):
    """A `GymnasiumStream` in `VALUE` mode, whose features leave the action out by default.

    Starts with v = 0. It yields supervised examples; the transitions for a TD learner are those of
    `td_transitions`. Arguments as `GymnasiumStream`.
    """

    def __init__(
        self,
        env: Any,
        policy: Policy | None = None,
        gamma: float = 0.99,
        include_action_in_features: bool = False,
        seed: int = 0,
        *,
        encoding: str = "index",
        reset_seeding: str = "increment",
    ):
        mode, actions = PredictionMode.VALUE, include_action_in_features
        super().__init__(env, mode, policy, gamma, actions, seed, encoding, reset_seeding)

    @property
    def target_dim(self) -> int:
        return 1

    def update_value_function(self, value_function: ValueEstimator) -> None:
        """Use another v from the next step on; see `GymnasiumStream.set_value_estimator`."""
        require_estimator("TDStream", "value_function", value_function)
        self._supervision.estimator = value_function


def make_gymnasium_stream(
    env_id: str,
    mode: PredictionMode | str = PredictionMode.REWARD,
    policy: Policy | None = None,
    gamma: float = 0.99,
    include_action_in_features: bool = True,
    seed: int = 0,
    **env_kwargs: Any,
) -> GymnasiumStream:
    """`gymnasium.make(env_id, **env_kwargs)` as a `GymnasiumStream`."""
    mode = prediction_mode(mode)
    env = gymnasium_package().make(env_id, **env_kwargs)
    return GymnasiumStream(env, mode, policy, gamma, include_action_in_features, seed)
