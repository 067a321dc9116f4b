"""What is compared in control: agents with grids of hyperparameters, in one environment."""

import dataclasses
import functools as ft
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import jax
import numpy as np

from ...components.component import AbstractComponent, component_from_config
from ...components.ranges import require_choice, require_count
from ...components.strict_json import in_words
from ...control import AbstractAgent, WithFeatures
from ...environments import AbstractEnvironment
from ...features import AbstractFeatures, Percept
from ...interface import ActionSpace, DiscreteActions
from ...interface.action_spaces import require_suited
from ...interface.actions import SpaceActions
from ...interface.failure import EnvironmentFailure
from ...interface.host import HostEnvironment, closing
from ...interface.package import gymnasium_package
from ..contender import Contender
from ..naming import require_spoken
from .extent import Extent, InEpisodes, InSteps

SCORES = {"return": "Return", "steps": "Steps"}


@dataclass(frozen=True)
class ControlComparison:
    """An experiment in control: every agent, at every point of its grid, for so many episodes, or
    for so many steps.

    Seed s resets the environment with s once, and draws the agent from `jax.random.key(s)`, both
    the same for every agent; in JAX it is `interact` with that key. The score of an agent at a
    point and seed is the mean over its last `evaluate_last` episodes; counted in steps, over the
    episodes that end in the last `evaluate_last_share` of them, NaN where none does. An episode
    that the end of the run cuts counts nowhere. Observations are flattened, discrete ones to a one
    among zeros.

    **Arguments:**

    - `name`: of the files and folders of its results.
    - `environment`: an `AbstractEnvironment`, or its configuration, in which all points and seeds
      live in one compiled program; or of Gymnasium `id`, and whatever else `gymnasium.make` takes,
      as `max_episode_steps`.
    - `agents`: name to `Contender`, or to an agent without a grid.
    - `episodes` >= 1 of every agent, point and seed; or instead `steps` >= 1.
    - `evaluate_last`, with `episodes`: 1 to `episodes`, default 50 or all.
    - `evaluate_last_share` in (0, 1], with `steps`: default 0.2.
    - `features`: what the agents see of an observation, as a `TileCoder`; default None, itself.
    - `seeds` >= 1: how many, 0 to seeds - 1; default 10.
    - `score`: `"return"`, the sum of an episode's rewards, the more the better; or `"steps"`, its
      length, the less the better.
    - `title`, `description`: for people.

    **Raises:** `ValueError`, `TypeError` naming what is wrong, agents as `agents.NAME`;
    `ImportError` without gymnasium.
    """

    name: str
    environment: Any
    agents: Mapping[str, Contender]
    episodes: int | None = None
    evaluate_last: int | None = None
    features: Any = None
    seeds: int = 10
    score: str = "return"
    title: str = ""
    description: str = ""
    steps: int | None = dataclasses.field(default=None, kw_only=True)
    evaluate_last_share: float | None = dataclasses.field(default=None, kw_only=True)

    def __post_init__(self):
        require_spoken(self)
        self._require_extent()
        require_count("ControlComparison", "seeds", self.seeds)
        require_choice("ControlComparison", "score", self.score, tuple(SCORES))
        if not self.agents:
            raise ValueError("`agents` must name an agent, got none.")
        agents = {
            name: entry if isinstance(entry, Contender) else Contender(entry)
            for name, entry in self.agents.items()
        }
        object.__setattr__(self, "agents", agents)
        if isinstance(self.environment, Mapping) and "type" in self.environment:
            families = (AbstractEnvironment,)
            made = component_from_config(self.environment, families, path="environment")
            object.__setattr__(self, "environment", made)
        self._require_match()

    def _require_extent(self):
        """Either `episodes` or `steps`, each with what belongs to it."""
        if (self.episodes is None) == (self.steps is None):
            raise ValueError(
                "ControlComparison: must have either `episodes` or `steps`, got "
                f"{self.episodes!r} and {self.steps!r}."
            )
        own, of = ("evaluate_last", "episodes"), ("evaluate_last_share", "steps")
        (given, by), (other, _) = (own, of) if self.steps is None else (of, own)
        if getattr(self, other) is not None:
            raise ValueError(
                f"ControlComparison: `{other}` does not go with `{by}`; say `{given}`."
            )
        require_count("ControlComparison", by, getattr(self, by))
        if self.episodes is not None:
            if self.evaluate_last is None:
                object.__setattr__(self, "evaluate_last", min(50, self.episodes))
            high = self.episodes + 1
            require_count("ControlComparison", "evaluate_last", self.evaluate_last, high=high)
            return
        share = 0.2 if self.evaluate_last_share is None else self.evaluate_last_share
        if isinstance(share, bool) or not isinstance(share, int | float):
            raise TypeError(
                f"ControlComparison: `evaluate_last_share` must be a real number, got {share!r}."
            )
        if not 0.0 < share <= 1.0:
            raise ValueError(
                f"ControlComparison: `evaluate_last_share` must lie in (0, 1], got {share}."
            )
        object.__setattr__(self, "evaluate_last_share", float(share))

    @property
    def extent(self) -> Extent:
        """How far every life goes, and what of it is scored."""
        if self.steps is not None and self.evaluate_last_share is not None:
            return InSteps(self.steps, self.evaluate_last_share)
        assert self.episodes is not None and self.evaluate_last is not None
        return InEpisodes(self.episodes, self.evaluate_last)

    def _require_match(self):
        """Features and agents must suit the environment."""
        inputs, require_space = self._offered()
        if self.features is not None:
            _require_features(self.features, inputs)
        for name, contender in self.agents.items():
            agent = contender.learner
            if not isinstance(agent, AbstractAgent):
                raise ValueError(f"agents.{name}: must be an AbstractAgent, got {agent!r}.")
            if contender.first_inputs is not None:
                raise ValueError(f"agents.{name}: `first_inputs` is for learners on streams.")
            require_space(f"agents.{name}", agent.action_space)

    def _offered(self) -> tuple[int, Callable[[str, ActionSpace], None]]:
        """How many numbers an observation has, and a check of what an agent does."""
        if isinstance(self.environment, AbstractEnvironment):
            if not isinstance(self.features, AbstractFeatures | None):
                raise TypeError(f"`features` must be an AbstractFeatures, got {self.features!r}.")
            offered = self.environment.action_space
            return self.environment.observation_size, ft.partial(_require_space, offered)
        env = self.make_environment()
        try:
            with closing("environment", env):
                host = HostEnvironment("environment", env)
                space = host.space("action")
        except EnvironmentFailure as failure:
            raise ValueError(str(failure)) from failure
        if isinstance(space, gymnasium_package().spaces.Box):
            return host.observed.size, lambda _, own: host.actions_of(own) and None
        offered = DiscreteActions(SpaceActions("environment", space).n)
        return host.observed.size, ft.partial(_require_space, offered)

    def seen_by(self, agent: AbstractAgent) -> AbstractAgent:
        """The agent, which is shown what `features` makes of observations."""
        if self.features is None:
            return agent
        features = self.features
        own = isinstance(features, AbstractFeatures)
        return WithFeatures(agent, features if own else _Mapped(features))

    def make_environment(self) -> Any:
        """A new copy of the environment of Gymnasium.

        **Raises:** `ValueError` for one that Gymnasium does not know or does not make so.
        """
        gymnasium = gymnasium_package()
        name = self.environment.get("id") if isinstance(self.environment, Mapping) else None
        if not isinstance(name, str):
            raise ValueError(f"`environment` must have a string `id`, got {self.environment!r}.")
        others = {key: value for key, value in self.environment.items() if key != "id"}
        try:
            return gymnasium.make(name, **{"disable_env_checker": True} | others)
        except Exception as error:  # whatever the environment's own code raises
            told = str(error) or type(error).__name__
            raise ValueError(f"environment: {name!r}: {told}") from error

    @property
    def not_resumed(self) -> str | None:
        """Why a run cannot be saved and resumed; None if it can."""
        if isinstance(self.environment, AbstractEnvironment):
            return None
        return (
            f"{self.name!r} cannot be resumed: the state of an environment of Gymnasium is an "
            "object of Python that nothing saves. Only lives in an environment in JAX, of a "
            "`type`, can be."
        )

    @property
    def measure(self) -> str:
        """What an episode is scored by, in words."""
        return f"{SCORES[self.score]} per episode"

    def to_config(self) -> dict[str, Any]:
        """The comparison as JSON types; `control_comparison_from_config` reads it."""
        agents = {name: contender.to_config() for name, contender in self.agents.items()}
        parts = ("environment", "features", "agents")
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        # None is what does not apply: `steps` where it is counted in episodes.
        config = {k: v for k, v in plain.items() if k not in parts and v is not None}
        in_jax = isinstance(self.environment, AbstractEnvironment)
        config["environment"] = (
            self.environment.to_config() if in_jax else in_words(self.environment)
        )
        if self.features is not None:
            config["features"] = self.features.to_config()
        return config | {"agents": agents}

    def resized(self, count: int) -> "ControlComparison":
        """The comparison over another number of episodes, of which it evaluates no more than there
        are; or of steps, where it is counted in steps."""
        if self.episodes is None:
            return dataclasses.replace(self, steps=count)
        require_count("ControlComparison", "episodes", count)
        evaluate_last = min(self.evaluate_last or count, count)
        return dataclasses.replace(self, episodes=count, evaluate_last=evaluate_last)


class _Mapped(AbstractFeatures[None]):
    """What a component without a state makes of an observation by being called with it."""

    component: Any

    def feature_dim_of(self, observation_dim: int) -> int:
        del observation_dim
        return self.component.feature_dim

    def init(self, observation_dim: int) -> None:
        del observation_dim

    def see(self, state: None, percept: Percept) -> tuple[Percept, None]:
        return percept.replace(observation=self.component(percept.observation)), state


def _require_space(offered: ActionSpace, owner: str, own: ActionSpace) -> None:
    """`ValueError` unless what an agent does is what is offered, all of it."""
    if not isinstance(offered, DiscreteActions):
        require_suited(owner, own, offered)
    elif not isinstance(own, DiscreteActions):
        raise ValueError(f"{owner}: must act by number, got actions in {own}.")
    elif own.n != offered.n:
        raise ValueError(
            f"{owner}: `n_actions` must be {offered.n}, the number of actions of the "
            f"environment, got {own.n}."
        )


def _require_features(features: Any, inputs: int) -> None:
    """`TypeError`, `ValueError` unless `features` makes a vector of an observation."""
    if not (isinstance(features, AbstractComponent) and hasattr(features, "feature_dim")):
        raise TypeError(
            "`features` must be a component with a `feature_dim` that is called with an "
            f"observation, as a TileCoder, got {features!r}."
        )
    try:
        jax.eval_shape(cast(Callable, features), np.zeros(inputs, np.float32))
    except TypeError as error:
        raise ValueError(
            f"features: {type(features).__name__} does not take the {inputs} numbers of an "
            f"observation: {error}"
        ) from error
