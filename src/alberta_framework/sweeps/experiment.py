"""A sweep as an experiment: with a name, seeds, and what is scored; from a configuration."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import jax
import numpy as np

from ..comparisons.naming import require_spoken
from ..components.component import AbstractComponent, component_from_config, from_config
from ..components.known import require_known
from ..components.ranges import require_choice, require_count
from ..components.strict_json import in_words, numbers_from
from ..control import AbstractAgent
from ..environments import AbstractEnvironment
from ..hyperparameters.axes import Axes
from ..hyperparameters.paths import dotted_paths
from ..learners import AbstractLearner
from ..lives.life import carried
from ..loops import WindowMean
from ..streams import AbstractStream
from .roots import at_paths, require_roots
from .run import SweepRun

_OF_A_STREAM: dict[str, type] = {"learner": AbstractLearner, "stream": AbstractStream}
_OF_A_LIFE: dict[str, type] = {"agent": AbstractAgent, "environment": AbstractEnvironment}


@dataclass(frozen=True)
class SweepExperiment:
    """A sweep with everything that a file can say of it; seed s is `jax.random.key(s)`.

    **Arguments:**

    - `name`: of the folder of its results.
    - `learner`, `stream`, `axes`, `num_steps`, `combine`, `max_batch`: as `sweep` takes them, an
      agent and an environment too.
    - `seeds` >= 1: how many, 0 to seeds - 1; default 30.
    - `window`: steps of one point of the learning curves; None for about a fiftieth of all.
    - `metric`: what is scored, a metric that every learner has; None for a squared error, and where
      there is none the first.
    - `lower_is_better`: of the metric; by default so, but for rewards and returns.
    - `evaluate_last`: score the mean over so many of the last steps; None for all.
    - `title`, `description`: for people.

    **Raises:** `ValueError`, `TypeError` naming what is wrong.
    """

    name: str
    learner: AbstractLearner
    stream: AbstractStream
    axes: Mapping[str, Sequence[Any]]
    num_steps: int
    seeds: int = 30
    combine: str = "product"
    window: int | None = None
    metric: str | None = None
    lower_is_better: bool | None = None
    evaluate_last: int | None = None
    max_batch: int | None = None
    title: str = ""
    description: str = ""

    def __post_init__(self):
        require_spoken(self)
        require_count("SweepExperiment", "num_steps", self.num_steps, high=2**31)
        require_count("SweepExperiment", "seeds", self.seeds)
        require_choice(
            "SweepExperiment", "lower_is_better", self.lower_is_better, (True, False, None)
        )
        for name in ("window", "evaluate_last"):
            if getattr(self, name) is not None:
                high = self.num_steps + 1
                require_count("SweepExperiment", name, getattr(self, name), high=high)
        axes = Axes(self.axes, self.combine)
        learner, stream = carried("SweepExperiment", self.learner, self.stream)
        require_roots(axes.values, learner, stream)
        for point in axes.points:
            at_paths(learner, "learner", point)
            at_paths(stream, "stream", point)
        if self.metric is not None:
            # Every learner must have it.
            self._begun(metrics=(self.metric,))

    def run(self, checkpoint: str | PathLike[str] | None = None) -> SweepRun:
        """The sweep, not begun, or resumed from the checkpoint."""
        return self._begun(checkpoint=checkpoint)

    def _begun(self, **options: Any) -> SweepRun:
        return SweepRun(
            self.learner,
            self.stream,
            self.axes,
            num_steps=self.num_steps,
            keys=jax.vmap(jax.random.key)(np.arange(self.seeds)),
            combine=self.combine,
            record=None if self.window is None else WindowMean(self.window),
            max_batch=self.max_batch,
            **options,
        )

    def to_config(self) -> dict[str, Any]:
        """The experiment as JSON types; `sweep_from_config` reads it."""
        config = {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        axes = {path: in_words([_plain(v) for v in given]) for path, given in self.axes.items()}
        lives = isinstance(self.stream, AbstractEnvironment)
        names = ("agent", "environment") if lives else ("learner", "stream")
        del config["learner"], config["stream"]
        parts = zip(names, (self.learner, self.stream), strict=True)
        return {name: part.to_config() for name, part in parts} | config | {"axes": axes}


def sweep_from_config(config: Mapping[str, Any], name: str = "sweep") -> SweepExperiment:
    """The sweep that `config` describes, as `SweepExperiment.to_config` writes it.

    Keys are the arguments of `SweepExperiment`. `learner` and `stream` are configurations; so are
    `agent` and `environment`, which stand in their place for an agent in an environment. The
    paths of `axes` are written with dots or as nested tables; a table among the values of an axis
    is the configuration of a component, a list a tuple of sizes. The words "Infinity", "-Infinity"
    and "NaN" are numbers, but for a path that holds a text.

    **Arguments:** `config`, which is not changed; `name`: of a sweep that has none.

    **Raises:** `ValueError` naming the path of what is wrong.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"a sweep must be a table of keys, got {config!r}.")
    config = {key: value for key, value in config.items() if key != "run"}
    lives = not config.keys().isdisjoint(_OF_A_LIFE)
    families = _OF_A_LIFE if lives else _OF_A_STREAM
    fields = [field.name for field in dataclasses.fields(SweepExperiment)]
    fields = [*families, *(name for name in fields if name not in _OF_A_STREAM)]
    for key in config:
        require_known(f"key {key!r}", key, fields)
    for key in (*families, "axes", "num_steps"):
        if key not in config:
            raise ValueError(f"missing key {key!r}. Known: {', '.join(fields)}.")
    if not isinstance(config["axes"], Mapping):
        raise ValueError(f"axes: must map paths to lists of values, got {config['axes']!r}.")
    parts: dict[str, Any] = {
        name: component_from_config(config[name], (family,), path=name)
        for name, family in families.items()
    }
    axes = {
        path: [_read(v, path, parts) for v in given] if _is_list(given) else given
        for path, given in dotted_paths(config["axes"]).items()
    }
    config = {key: value for key, value in config.items() if key not in families}
    pair = dict(zip(_OF_A_STREAM, parts.values(), strict=True))
    arguments: dict[str, Any] = {"name": name} | config | pair | {"axes": axes}
    try:
        return SweepExperiment(**arguments)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _is_list(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str)


def _read(value: Any, path: str, parts: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        try:
            return from_config(value)
        except ValueError as error:
            raise ValueError(f"axes.{path}: {error}") from error
    if not _is_text(path, parts):
        value = numbers_from(value)
    return tuple(value) if isinstance(value, list) else value


def _is_text(path: str, parts: Mapping[str, Any]) -> bool:
    """Whether a text stands at a path; an unknown one is for `Axes` to refuse."""
    root, *names = path.split(".")
    found = parts.get(root)
    for name in names:
        found = getattr(found, name, None)
    return isinstance(found, str)


def _plain(value: Any) -> Any:
    if isinstance(value, AbstractComponent):
        return value.to_config()
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return np.asarray(value).tolist()
    return list(value) if isinstance(value, tuple) else value
