"""A learner that takes part in a comparison, and the settings of it to try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..components.component import component_from_config
from ..components.known import require_known
from ..components.ranges import require_count
from ..components.strict_json import in_words, numbers_from
from ..control import AbstractAgent
from ..hyperparameters.axes import Axes, listed
from ..hyperparameters.paths import dotted_paths, exchanged, numeric_hyperparameters
from ..learners import AbstractLearner

_OF_CONTENDER = ("grid", "first_inputs")


@dataclass(frozen=True)
class Contender:
    """A learner, and the values of its hyperparameters to try.

    `axes` is the grid; `points` are the combinations of its values, one empty point without a grid;
    `learners` the learner at each.

    **Arguments:** `learner`; `grid`: for each dotted path of a number in the learner, as
    `"optimizer.step_size"`, the values to try, in every combination; `first_inputs`: show the
    learner only so many inputs, None for all (an oracle that knows which inputs are relevant).

    **Raises:** `ValueError` for an unknown path, no value or a value twice, and for what the
    learner refuses; `TypeError` for what is no learner.
    """

    learner: AbstractLearner | AbstractAgent
    grid: Mapping[str, Sequence[float]] = field(default_factory=dict)
    first_inputs: int | None = None
    axes: Axes = field(init=False, repr=False, compare=False)
    points: tuple[dict[str, float], ...] = field(init=False, repr=False, compare=False)
    learners: tuple[Any, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        if not isinstance(self.learner, AbstractLearner | AbstractAgent):
            raise TypeError(f"`learner` must be a learner, got {self.learner!r}.")
        if self.first_inputs is not None:
            require_count("Contender", "first_inputs", self.first_inputs)
        known = numeric_hyperparameters(self.learner)
        for path in self.grid:
            require_known(f"path {path!r} in `grid`", path, known)
        axes = Axes(listed("`grid`", self.grid))
        object.__setattr__(self, "axes", axes)
        object.__setattr__(self, "points", tuple(axes.points))
        object.__setattr__(self, "learners", tuple(exchanged(self.learner, p) for p in axes.points))

    def to_config(self) -> dict[str, Any]:
        """The configuration of the learner, with `grid` and `first_inputs` where there are any."""
        config = self.learner.to_config()
        if self.grid:
            config["grid"] = in_words({path: list(v) for path, v in self.axes.values.items()})
        if self.first_inputs is not None:
            config["first_inputs"] = self.first_inputs
        return config


def contender_from_config(entry: Any, path: str) -> Contender:
    """The learner or agent that `entry` describes, with its `grid` and `first_inputs`."""
    if not isinstance(entry, Mapping):
        raise ValueError(f"{path}: must be a learner's configuration, got {entry!r}.")
    config = {key: value for key, value in entry.items() if key not in _OF_CONTENDER}
    learner = component_from_config(config, (AbstractLearner, AbstractAgent), path=path)
    grid = entry.get("grid", {})
    if not isinstance(grid, Mapping):
        raise ValueError(f"{path}.grid: must map paths to lists of values, got {grid!r}.")
    try:
        return Contender(learner, numbers_from(dotted_paths(grid)), entry.get("first_inputs"))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
