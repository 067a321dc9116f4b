"""An environment on the host as agents and walks see it: flat, checked, its failures named."""

import contextlib
import reprlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from .action_spaces import ActionSpace, BoxActions, DiscreteActions
from .actions import BoxSpaceActions, SpaceActions
from .failure import ContractBroken, EnvironmentFailure
from .package import gymnasium_package
from .spaces import Flattener, flattener


class HostStep(NamedTuple):
    """What a step gave; of a vector environment, arrays with its copies as first axis."""

    observation: np.ndarray
    reward: Any
    terminated: Any
    truncated: Any
    info: Any


def is_vector(env: Any) -> bool:
    """Whether `env` steps several copies at once."""
    return isinstance(env, gymnasium_package().vector.VectorEnv)


class HostEnvironment:
    """A Gymnasium environment whose observations are float32 vectors.

    The one place where the spaces of an environment are mapped to what agents see, and where what
    an environment returns is looked at before anything learns from it. Every loop, stream and
    collector goes through it. A reward may be any single number, NaN included, which learners
    reject.

    **Arguments:** `owner`: who is named in errors; `encoding` of observations as in
    `flatten_value`, by default "onehot".

    **Raises:** `TypeError`, `ValueError` for an environment without spaces that can be flattened.
    Once it is running, `EnvironmentFailure` for whatever it raises, and for what it must not
    return.
    """

    def __init__(self, owner: str, env: Any, encoding: str = "onehot"):
        self.env, self.where = env, f"{owner}: {env}"
        self.vector = is_vector(env)
        self.lead: tuple[int, ...] = (env.num_envs,) if self.vector else ()
        self.observed = self.flattener_of("observation", encoding)

    def space(self, name: str) -> Any:
        """The action or observation space; of a single copy in a vector environment."""
        attribute = f"single_{name}_space" if self.vector else f"{name}_space"
        space = getattr(self.env, attribute, None)
        if not isinstance(space, gymnasium_package().spaces.Space):
            raise TypeError(
                f"{self.where}: `{attribute}` must be a Gymnasium space, got {space!r}."
            )
        return space

    def flattener_of(self, name: str, encoding: str) -> Flattener:
        """The flattener of the action or observation space."""
        return flattener(self.space(name), encoding, f"{self.where}: {name} space")

    def require_single(self) -> None:
        """Check that it is no vector of environments."""
        if self.vector:
            raise TypeError(f"{self.where}: `env` must be a single environment.")

    def actions_of(self, own: ActionSpace) -> SpaceActions | BoxSpaceActions:
        """What the actions of an agent are in this environment; of numbered ones it may have fewer,
        and takes the first.

        **Raises:** `ValueError` where they do not suit it.
        """
        space = self.space("action")
        if isinstance(own, DiscreteActions):
            actions = SpaceActions(self.where, space)
            if own.n > actions.n:
                raise ValueError(
                    f"{self.where}: the agent's `n_actions` must be at most {actions.n}, the "
                    f"number of actions of the environment, got {own.n}."
                )
            return actions
        box = isinstance(space, gymnasium_package().spaces.Box)
        if not box or space.shape != own.shape or not _within(own, space):
            raise ValueError(
                f"{self.where}: the agent acts in {own}, which does not suit {space} of the "
                "environment."
            )
        return BoxSpaceActions(space)

    def require_features(self, feature_dim: int, features: Any = None) -> None:
        """Check that a state for `feature_dim` features suits the environment, or what `features`
        makes of its observations."""
        size = self.observed.size if features is None else getattr(features, "feature_dim", None)
        if size is not None and size != feature_dim:
            raise TypeError(
                f"{self.where}: `state` must be for {size} features, got one for {feature_dim}; "
                f"agent.init({size}, key) makes one."
            )

    def reset(self, **options: Any) -> np.ndarray:
        """The first observation of an episode; the options are Gymnasium's."""
        found = _called(self.where, self.env, "reset", **options)
        if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], Mapping)):
            raise ContractBroken(
                f"{self.where}: `reset` must return (observation, info), got {_told(found)}."
            )
        return self.flat("reset", found[0], self.lead)

    def step(self, action: Any) -> HostStep:
        """What follows the action, which is one of the environment's own."""
        found = _called(self.where, self.env, "step", action)
        if not isinstance(found, tuple | list) or len(found) != 5:
            old = isinstance(found, tuple | list) and len(found) == 4
            hint = " (old Gym's form: the package shimmy converts such environments)" if old else ""
            raise ContractBroken(
                f"{self.where}: `step` must return (observation, reward, terminated, truncated, "
                f"info), got {_told(found)}{hint}."
            )
        observation, reward, terminated, truncated, info = found
        return HostStep(
            self.flat("step", observation, self.lead),
            self._reward(reward),
            self._flag("terminated", terminated),
            self._flag("truncated", truncated),
            info,
        )

    def flat(self, name: str, observation: Any, lead: tuple[int, ...]) -> np.ndarray:
        """The observation, or as many as `lead` says, that the method `name` returned."""
        try:
            with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
                if lead:
                    return self.observed.flatten(observation, lead)
                return self.observed.one(observation)
        except ValueError as error:
            raise ContractBroken(f"{error} It came from `{name}`.") from None

    def close(self) -> None:
        _called(self.where, self.env, "close")

    def _reward(self, reward: Any) -> Any:
        if type(reward) is float and not self.lead:
            return reward
        found = self._numbers("reward", reward).astype(np.float64)
        return found if self.lead else float(found)

    def _flag(self, name: str, flag: Any) -> Any:
        if type(flag) is bool and not self.lead:
            return flag
        found = self._numbers(name, flag)
        if not ((found == 0) | (found == 1)).all():
            raise ContractBroken(f"{self.where}: `{name}` must be true or false, got {flag!r}.")
        return found.astype(bool) if self.lead else bool(found)

    def _numbers(self, name: str, value: Any) -> np.ndarray:
        """One number for each copy; one in all for a single environment, in whatever shape."""
        try:
            array = np.asarray(value)
        except ValueError:  # rows of different lengths
            array = np.asarray(None)
        if array.dtype.kind not in "biuf" or array.size != (self.lead or (1,))[0]:
            wanted = f"{self.lead[0]} numbers" if self.lead else "a number"
            raise ContractBroken(
                f"{self.where}: the `{name}` of `step` must be {wanted}, got {reprlib.repr(value)}."
            )
        return array.reshape(self.lead)


def _within(own: BoxActions, space: Any) -> bool:
    return bool(np.all(own.low >= space.low) and np.all(own.high <= space.high))


def _called(where: str, env: Any, name: str, *arguments: Any, **options: Any) -> Any:
    """What the method of the environment returns; what it raises is an `EnvironmentFailure`."""
    try:
        return getattr(env, name)(*arguments, **options)
    except Exception as error:
        told = " ".join([f"{type(error).__name__}:", *str(error).split()]).removesuffix(":")
        raise EnvironmentFailure(f"{where}: `{name}` raised {told}") from error


@contextlib.contextmanager
def closing(owner: str, env: Any) -> Iterator[None]:
    """Close the environment at last; what it raises then does not hide what was raised before."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            env.close()
        raise
    _called(f"{owner}: {env}", env, "close")


def _told(found: Any) -> str:
    if isinstance(found, tuple | list):
        return f"a {type(found).__name__} of {len(found)}"
    return reprlib.repr(found)
