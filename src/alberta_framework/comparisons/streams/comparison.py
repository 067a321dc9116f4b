"""What is compared: learners with grids of hyperparameters, on one stream, over seeds."""

import dataclasses
import functools as ft
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax

from ...components.ranges import require_choice, require_count
from ...experience import DemonStep, MultiHeadStep, TDTimeStep, TimeStep
from ...figures.words import spoken_metric
from ...hyperparameters.stacked import stacked
from ...learners import AbstractLearner, MetricsError, experience_of
from ...results.scores import less_is_better
from ...streams import AbstractStream, RandomWalkChainStream
from ..contender import Contender
from ..naming import require_spoken
from .measures import EveryMetric, scored_metric
from .side_by_side import LearnerGrid

_VALUE_ERROR = "value_error"
_EXAMPLES, _TRANSITIONS = (TimeStep, MultiHeadStep), (TDTimeStep, DemonStep)
_LONGEST_CURVE = 1000


@dataclass(frozen=True)
class _Scored:
    """The metric of a learner that is scored, and the names of its parts, if it has any."""

    metric: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """An experiment: every learner, at every point of its grid, on the same streams.

    Seed s draws the stream from `jax.random.key(s)`, the same for every learner. The score of a
    learner at a point and seed is the mean of its measure over the last `evaluate_last` steps. Each
    demon of a Horde, which learns from transitions with the reward as signal 0, has its own score;
    so has each part of any other metric that is not one number.

    **Arguments:**

    - `name`: of the files and folders of its results.
    - `stream`: yields examples or transitions.
    - `learners`: name to `Contender`, or to a learner without a grid.
    - `num_steps` >= 1.
    - `evaluate_last`: 1 to `num_steps`; the steps before wash out the start.
    - `window`: steps of one point of the learning curves; divides `num_steps` and
      `evaluate_last`.
    - `seeds` >= 1: how many, 0 to seeds - 1; default 30.
    - `score`: a metric that every learner has, by its name in `learner.metrics`; by default
      `"squared_error"`, of predictions made before the update, which also stands for the
      `"squared_td_error"` of a learner that has that one. Or `"value_error"` for a
      `RandomWalkChainStream`: the root mean square over states of learned minus true value.
    - `lower_is_better`: of the score; by default so, but for `"accuracy"` and rewards.
    - `relevant_inputs`: the first so many inputs are relevant, None if there is no such division.
    - `title`, `description`: for people.

    **Raises:** `ValueError`, `TypeError` naming what is wrong, learners as `learners.NAME`.
    """

    name: str
    stream: AbstractStream
    learners: Mapping[str, Contender]
    num_steps: int
    evaluate_last: int
    window: int
    seeds: int = 30
    score: str = "squared_error"
    relevant_inputs: int | None = None
    title: str = ""
    description: str = ""
    lower_is_better: bool | None = None
    _scored: Mapping[str, _Scored] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self):
        require_spoken(self)
        if not isinstance(self.stream, AbstractStream):
            raise TypeError(f"`stream` must be an AbstractStream, got {self.stream!r}.")
        require_count("Comparison", "num_steps", self.num_steps, high=2**31)
        require_count("Comparison", "evaluate_last", self.evaluate_last, high=self.num_steps + 1)
        require_count("Comparison", "window", self.window)
        require_count("Comparison", "seeds", self.seeds)
        require_choice("Comparison", "lower_is_better", self.lower_is_better, (True, False, None))
        for name in ("num_steps", "evaluate_last"):
            if getattr(self, name) % self.window:
                raise ValueError(
                    f"`window` must divide `{name}` ({getattr(self, name)}), got {self.window}."
                )
        if not self.learners:
            raise ValueError("`learners` must name a learner, got none.")
        learners = {
            name: entry if isinstance(entry, Contender) else Contender(entry)
            for name, entry in self.learners.items()
        }
        object.__setattr__(self, "learners", learners)
        self._require_match()

    def _require_match(self):
        """Learners, score and counts of inputs must suit the stream."""
        features, stream = self.stream.feature_dim, type(self.stream).__name__
        if self.relevant_inputs is not None:
            require_count("Comparison", "relevant_inputs", self.relevant_inputs, high=features + 1)
        if self.score == _VALUE_ERROR and not isinstance(self.stream, RandomWalkChainStream):
            raise ValueError(
                "`score` 'value_error' needs a stream whose true values are known, "
                f"RandomWalkChainStream, got {stream}."
            )
        experience = _experience(self.stream)
        transitions, scored = isinstance(experience, TDTimeStep), {}
        for name, contender in self.learners.items():
            learner, inputs = contender.learner, contender.first_inputs
            kind = type(learner).__name__
            if not isinstance(learner, AbstractLearner):
                raise ValueError(
                    f"learners.{name}: {kind} acts in environments, and learns from no stream."
                )
            if experience_of(learner) in _EXAMPLES and transitions:
                raise ValueError(
                    f"learners.{name}: {kind} learns from examples, but {stream} yields "
                    "transitions; take a TDLinearLearner."
                )
            if experience_of(learner) in _TRANSITIONS and isinstance(experience, _EXAMPLES):
                raise ValueError(
                    f"learners.{name}: {kind} learns from transitions, but {stream} yields "
                    "examples; take a LinearLearner."
                )
            if inputs is not None and inputs > features:
                raise ValueError(
                    f"learners.{name}: `first_inputs` must be at most the {features} inputs of "
                    f"{stream}, got {inputs}."
                )
            if self.score == _VALUE_ERROR and not callable(getattr(learner, "predict", None)):
                raise ValueError(
                    f"learners.{name}: `score` 'value_error' needs a method `predict`, which "
                    f"{kind} does not have."
                )
            scored[name] = self._scored_of(name, contender, experience)
        object.__setattr__(self, "_scored", scored)

    def _scored_of(self, name: str, contender: Contender, experience: Any) -> _Scored:
        """What is scored of a learner; it must be able to learn, and have the metric."""
        metrics = _metrics(name, contender, self.stream.feature_dim, experience)
        parts = contender.learner.metric_parts
        if self.score == _VALUE_ERROR:
            return _Scored(_VALUE_ERROR, parts.names)
        metric = scored_metric(self.score, metrics)
        if metric is None:
            kind, known = type(contender.learner).__name__, ", ".join(metrics)
            raise ValueError(
                f"learners.{name}: `score` must be one of {known}, which {kind} gives, or "
                f"{_VALUE_ERROR}, got {self.score!r}."
            )
        _, *width = metrics[metric].shape
        numbered = tuple(map(str, range(*width))) if width else ()
        return _Scored(metric, parts.names if len(parts.names) == len(numbered) else numbered)

    @property
    def rows(self) -> dict[str, tuple[str, int | None]]:
        """What is scored by itself: learners by name, and of a Horde `NAME: DEMON` for each demon.

        Each row's name to the learner's, and to the demon's place, None where there is none.
        """
        rows: dict[str, tuple[str, int | None]] = {}
        for name, scored in self._scored.items():
            if scored.parts:
                parts = enumerate(scored.parts)
                rows |= {f"{name}: {part}": (name, place) for place, part in parts}
            else:
                rows[name] = name, None
        return rows

    @property
    def scored_metrics(self) -> dict[str, str]:
        """The name of the metric that is scored of each learner; or `"value_error"`."""
        return {name: scored.metric for name, scored in self._scored.items()}

    @property
    def less_is_better(self) -> bool:
        """Whether less of the score is better."""
        return less_is_better(self.score, self.lower_is_better)

    @property
    def measure(self) -> str:
        """What is measured at each step, in words."""
        if self.score == _VALUE_ERROR:
            return "RMS error of the values"
        names = set(self.scored_metrics.values())
        return spoken_metric(names.pop() if len(names) == 1 else self.score)

    def to_config(self) -> dict[str, Any]:
        """The comparison as JSON types; `comparison_from_config` reads it."""
        learners = {name: contender.to_config() for name, contender in self.learners.items()}
        plain = [f.name for f in dataclasses.fields(self) if f.init]
        config = {name: getattr(self, name) for name in plain}
        if self.relevant_inputs is None:
            del config["relevant_inputs"]
        if self.lower_is_better is None:
            del config["lower_is_better"]
        return config | {"stream": self.stream.to_config(), "learners": learners}

    def resized(self, num_steps: int) -> "Comparison":
        """The comparison over another number of steps.

        Evaluation and window stay if they fit, else they shrink in proportion.

        **Raises:** `ValueError` if no such window divides `num_steps` into 1000 or fewer.
        """
        require_count("Comparison", "num_steps", num_steps, high=2**31)
        share = min(1.0, num_steps / self.num_steps)
        window = _largest_divisor(num_steps, max(1, int(self.window * share)))
        if num_steps % self.window == 0 and num_steps >= self.evaluate_last:
            window = self.window
        if num_steps // window > max(_LONGEST_CURVE, self.num_steps // self.window):
            round_number = max(1, round(num_steps / 1000)) * 1000
            raise ValueError(
                f"`num_steps` must divide into at most {_LONGEST_CURVE} windows, got {num_steps}; "
                f"try {round_number}."
            )
        evaluate = self.evaluate_last
        if num_steps < evaluate:
            evaluate = num_steps * evaluate / self.num_steps
        evaluate_last = window * max(1, round(evaluate / window))
        return dataclasses.replace(
            self, num_steps=num_steps, window=window, evaluate_last=evaluate_last
        )


def default_window(num_steps: int, evaluate_last: int) -> int:
    """The largest window, up to a fiftieth of the steps, that divides both."""
    return _largest_divisor(math.gcd(num_steps, evaluate_last), max(1, num_steps // 50))


def _largest_divisor(number: int, at_most: int) -> int:
    return next(d for d in range(min(number, at_most), 0, -1) if number % d == 0)


def _experience(stream: AbstractStream) -> Any:
    """The shapes of one unit of experience."""
    return jax.eval_shape(lambda key: stream.step(stream.init(key), 0)[0], jax.random.key(0))


def _metrics(name: str, contender: Contender, features: int, experience: Any) -> dict[str, Any]:
    """The shapes of the metrics of a step by name, after an axis of one point.

    **Raises:** `ValueError` unless the learner can take a step with the experience.
    """
    grid = LearnerGrid(stacked([contender.learner]), EveryMetric(), contender.first_inputs)
    try:
        return _one_step.eval_shape(grid, jax.random.key(0), experience, features=features)
    except MetricsError as error:
        raise ValueError(f"learners.{name}: {error}") from error
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        kind = type(contender.learner).__name__
        what = f"{kind} cannot learn from {type(experience).__name__}"
        raise ValueError(f"learners.{name}: {what}: {str(error).splitlines()[0]}") from error


@ft.partial(jax.jit, static_argnames="features")
def _one_step(grid, key, experience, *, features):
    """What a step gives; evaluated for its shapes alone."""
    return grid.learn(grid.init(features, key), experience)[1]
