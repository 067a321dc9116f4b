"""How good predictions were, event by event, beside those of who learns nothing."""

import abc
import math
from collections import deque
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float

# The latest events of which a score is told besides that of all.
WINDOW = 1_000
# A probability is taken for no less: float32 has no more digits near 1.
_LEAST = 1e-7
# At so many events at most the running scores are kept for a figure.
_POINTS = 1_000


class Score(NamedTuple):
    """Of one system the mean of each measure, over all events and over the latest."""

    system: str
    all: dict[str, float]
    latest: dict[str, float]


class AbstractScores(abc.ABC):
    """The measures of each system, added up as events come; the first event, before which a
    baseline knows nothing, counts for none.

    `systems`: what is compared, the learner first; `measures`: what of each is measured, means over
    events; `told`: what `scores` makes of them.
    """

    systems: ClassVar[tuple[str, ...]]
    measures: ClassVar[tuple[str, ...]]
    # The measure of figures, as `told` calls it.
    shown: ClassVar[str]

    def __init__(self) -> None:
        self.count = 0
        shape = len(self.systems), len(self.measures)
        self._sums = np.zeros(shape)
        self._latest: deque[np.ndarray] = deque(maxlen=WINDOW)
        self._curve: list[tuple[int, np.ndarray]] = []
        self._every, self._begun = 1, False

    def add(self, predictions: np.ndarray, target: float) -> None:
        """One more event, with what was predicted before it was learned."""
        if self._begun:
            measured = self._measured(predictions, target)
            self.count += 1
            self._sums += measured
            self._latest.append(measured)
            if self.count % self._every == 0:
                self._note()
        self._begun = True
        self._learn(target)

    def scores(self) -> list[Score]:
        """The score of each system; NaN where nothing was measured."""
        count = max(self.count, 1) if self.count else math.nan
        latest = np.mean(self._latest, 0) if self._latest else np.full_like(self._sums, math.nan)
        return [
            Score(name, self._told(whole), self._told(recent))
            for name, whole, recent in zip(self.systems, self._sums / count, latest, strict=True)
        ]

    def curve(self) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, "points systems"]]:
        """At so many events, what `shown` was over the latest."""
        counts = np.array([count for count, _ in self._curve], np.float64)
        values = [[self._told(row)[self.shown] for row in means] for _, means in self._curve]
        return counts, np.array(values).reshape(len(counts), len(self.systems))

    def _note(self) -> None:
        self._curve.append((self.count, np.mean(self._latest, 0)))
        if len(self._curve) >= _POINTS:
            self._curve = self._curve[1::2]
            self._every *= 2

    @abc.abstractmethod
    def _measured(self, predictions: np.ndarray, target: float) -> np.ndarray:
        """The measures of an event [systems, measures]."""

    @abc.abstractmethod
    def _learn(self, target: float) -> None:
        """What the baselines learn from an event."""

    @abc.abstractmethod
    def _told(self, means: np.ndarray) -> dict[str, float]:
        """What the means of the measures are told as."""


class NumberScores(AbstractScores):
    """Of a number: beside its running mean, and its last value."""

    systems = ("learned", "running mean", "last value")
    measures = ("absolute error", "squared error")
    shown = "MAE"

    def __init__(self) -> None:
        super().__init__()
        self._mean = self._last = 0.0
        self._targets = 0

    def _measured(self, predictions, target):
        errors = np.array([predictions[0], self._mean, self._last], np.float64) - target
        return np.stack([np.abs(errors), errors**2], -1)

    def _learn(self, target):
        self._targets += 1
        self._mean += (target - self._mean) / self._targets
        self._last = target

    def _told(self, means):
        return {"MAE": float(means[0]), "RMSE": float(np.sqrt(means[1]))}


class ClassScores(AbstractScores):
    """Of a class: beside the frequencies of the classes so far, each counted as once more than it
    was seen, and the last class, which is no probability and has no log loss."""

    systems = ("learned", "frequencies", "last class")
    measures = ("accuracy", "log loss")
    shown = "accuracy"

    def __init__(self, classes: int):
        super().__init__()
        self._counts, self._last = np.ones(classes), -1

    def _measured(self, predictions, target):
        place, frequencies = int(target), self._counts / self._counts.sum()
        right = [np.argmax(predictions) == place, np.argmax(frequencies) == place]
        probabilities = np.clip([predictions[place], frequencies[place]], _LEAST, 1.0)
        losses = [*-np.log(probabilities), math.nan]
        return np.stack([np.array([*right, self._last == place], np.float64), losses], -1)

    def _learn(self, target):
        self._counts[int(target)] += 1.0
        self._last = int(target)

    def _told(self, means):
        return {"accuracy": float(means[0]), "log loss": float(means[1])}


def scores_of(classes: int | None) -> Any:
    """The scores of a number, or of one of so many classes."""
    return NumberScores() if classes is None else ClassScores(classes)
