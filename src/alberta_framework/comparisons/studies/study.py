"""What a study holds: agents, environments, variants; and the comparisons that it is made of."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ...components.component import component_from_config
from ...components.ranges import require_count
from ...components.strict_json import in_words
from ...control import AbstractAgent
from ...environments import AbstractEnvironment
from ...hyperparameters.paths import dotted_paths, exchanged
from ...interface import ActionSpace, DiscreteActions
from ..control import ControlComparison
from ..naming import require_spoken
from .uniform import uniform_in

REFERENCE = "uniformly random"
_OF_ENVIRONMENT = "environment."


class Part(NamedTuple):
    """One comparison of a study: the agents of an environment in a variant; None for that of the
    uniformly random policy alone."""

    environment: str
    variant: str | None


@dataclass(frozen=True)
class ControlStudy:
    """Every agent in every environment whose kind of actions it takes, in every variant.

    Each environment with each variant is a `ControlComparison` counted in steps, so that seed s is
    the same world and the same initial weights in all of them, and differences between variants are
    paired. Beside the agents each environment has the uniformly random policy. Nothing is searched
    for: agents have no grids.

    **Arguments:**

    - `name`: of the files and folders of its results.
    - `environments`: name to an `AbstractEnvironment`, or to its configuration.
    - `agents`: name to an `AbstractAgent`, or to its configuration, in which a text that begins
      with `environment.` stands for what the environment has by that name:
      `"environment.action_space.n"`, `"environment.action_space.low"`,
      `"environment.observation_size"`. An agent that acts by number is left out of environments
      whose actions are numbers in a box, and the other way round.
    - `variants`: name to values by dotted paths, as `{"agent.bootstrap_on_truncation": False}`,
      which every agent has in that variant; default one, `""`, as the agents are.
    - `steps` >= 1 of every life.
    - `evaluate_last_share` in (0, 1], default 0.2: scored are the episodes that end in it.
    - `seeds` >= 1: how many, 0 to seeds - 1; default 10.
    - `title`, `description`: for people.

    **Raises:** `ValueError`, `TypeError` naming what is wrong.
    """

    name: str
    environments: Mapping[str, Any]
    agents: Mapping[str, Any]
    steps: int
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"": {}})
    evaluate_last_share: float = 0.2
    seeds: int = 10
    title: str = ""
    description: str = ""
    comparisons: Mapping[Part, ControlComparison] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        require_spoken(self)
        for count in ("steps", "seeds"):
            require_count("ControlStudy", count, getattr(self, count))
        for table in ("environments", "agents", "variants"):
            if not isinstance(getattr(self, table), Mapping) or not getattr(self, table):
                raise ValueError(
                    f"ControlStudy: `{table}` must be a table with an entry by name, got "
                    f"{getattr(self, table)!r}."
                )
        environments = {name: _environment(name, one) for name, one in self.environments.items()}
        object.__setattr__(self, "environments", environments)
        variants = {name: _variant(name, values) for name, values in self.variants.items()}
        object.__setattr__(self, "variants", variants)
        if REFERENCE in self.agents:
            raise ValueError(f"agents: {REFERENCE!r} is what the reference is called.")
        object.__setattr__(self, "comparisons", self._compared())

    def _compared(self) -> dict[Part, ControlComparison]:
        found, alone = {}, set(self.agents)
        for name, environment in self.environments.items():
            agents = {}
            for called, entry in self.agents.items():
                agent = _suited(f"agents.{called}", entry, environment)
                if agent is not None:
                    agents[called] = agent
            alone -= set(agents)
            if not agents:
                raise ValueError(
                    f"environments.{name}: no agent acts in {environment.action_space}."
                )
            reference = {REFERENCE: uniform_in(environment.action_space)}
            found[Part(name, None)] = self._comparison(name, environment, reference)
            for variant, values in self.variants.items():
                varied = {
                    called: _varied(called, a, variant, values) for called, a in agents.items()
                }
                found[Part(name, variant)] = self._comparison(name, environment, varied)
        if alone:
            raise ValueError(
                f"agents.{min(alone)}: no environment has the kind of actions that it takes."
            )
        return found

    def _comparison(
        self, name: str, environment: AbstractEnvironment, agents: Mapping[str, Any]
    ) -> ControlComparison:
        try:
            return ControlComparison(
                self.name,
                environment,
                agents,
                steps=self.steps,
                evaluate_last_share=self.evaluate_last_share,
                seeds=self.seeds,
                title=name,
            )
        except ValueError as error:
            raise ValueError(f"environments.{name}: {error}") from error

    def agents_of(self, environment: str) -> list[str]:
        """The names of the agents that live in an environment."""
        return list(self.comparisons[Part(environment, next(iter(self.variants)))].agents)

    def to_config(self) -> dict[str, Any]:
        """The study as JSON types; `control_study_from_config` reads it."""
        fields = (f.name for f in dataclasses.fields(self) if f.init)
        config = {name: getattr(self, name) for name in fields}
        config["environments"] = {n: one.to_config() for n, one in self.environments.items()}
        config["agents"] = {
            name: one.to_config() if isinstance(one, AbstractAgent) else in_words(one)
            for name, one in self.agents.items()
        }
        config["variants"] = {name: in_words(values) for name, values in self.variants.items()}
        return config

    def resized(self, count: int) -> "ControlStudy":
        """The study over another number of steps."""
        return dataclasses.replace(self, steps=count)


def _environment(name: str, entry: Any) -> AbstractEnvironment:
    where = f"environments.{name}"
    if isinstance(entry, Mapping):
        if "type" not in entry and "id" in entry:
            raise ValueError(f"{where}: must be an environment in JAX, of a `type`, got {entry!r}.")
        return component_from_config(entry, (AbstractEnvironment,), path=where)
    if not isinstance(entry, AbstractEnvironment):
        raise TypeError(f"{where}: must be an AbstractEnvironment, got {entry!r}.")
    return entry


def _variant(name: str, values: Any) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise ValueError(f"variants.{name}: must map paths to values, got {values!r}.")
    flat = dotted_paths(values)
    return {path: tuple(v) if isinstance(v, list) else v for path, v in flat.items()}


def _varied(
    called: str, agent: AbstractAgent, variant: str, values: Mapping[str, Any]
) -> AbstractAgent:
    try:
        return exchanged(agent, values)
    except ValueError as error:
        told = str(error).replace(" in `axes`", "")
        raise ValueError(f"variants.{variant}: agents.{called}: {told}") from error


def _suited(where: str, entry: Any, environment: AbstractEnvironment) -> AbstractAgent | None:
    """The agent for this environment; None where the actions are not of its kind."""
    agent = entry
    if isinstance(entry, Mapping):
        if "grid" in entry:
            raise ValueError(f"{where}: a study has no `grid`: nothing in it is searched for.")
        try:
            config = _filled(entry, environment)
        except _OtherKindError:
            return None
        agent = component_from_config(config, (AbstractAgent,), path=where)
    if not isinstance(agent, AbstractAgent):
        raise TypeError(f"{where}: must be an AbstractAgent, got {agent!r}.")
    return agent if _same_kind(agent.action_space, environment.action_space) else None


def _same_kind(own: ActionSpace, offered: ActionSpace) -> bool:
    return isinstance(own, DiscreteActions) == isinstance(offered, DiscreteActions)


class _OtherKindError(Exception):
    """An agent asks for what the other kind of actions has."""


def _filled(entry: Any, environment: AbstractEnvironment, path: str = "") -> Any:
    """The configuration with what the environment has in the place of texts that name it."""
    if isinstance(entry, Mapping):
        return {key: _filled(value, environment, f"{path}.{key}") for key, value in entry.items()}
    if isinstance(entry, list | tuple):
        return [_filled(value, environment, f"{path}[{i}]") for i, value in enumerate(entry)]
    if not (isinstance(entry, str) and entry.startswith(_OF_ENVIRONMENT)):
        return entry
    found: Any = environment
    for name in entry.removeprefix(_OF_ENVIRONMENT).split("."):
        if not hasattr(found, name):
            # What an action space has depends on its kind.
            if found is environment.action_space or isinstance(found, ActionSpace):
                raise _OtherKindError
            raise ValueError(
                f"agents{path}: {entry!r} is nothing that {type(environment).__name__} has."
            )
        found = getattr(found, name)
    return np.asarray(found).tolist()
