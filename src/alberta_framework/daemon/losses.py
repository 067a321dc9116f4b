"""How well the predictions of a daemon are, beside those of the running mean."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

_WINDOW = 1_000
# So many numbers are kept of predictions, and as many of targets, at most.
_KEPT = 1 << 20
# A probability is taken for no less: float32 has no more digits near 1.
_LEAST = 1e-7


class _Sums(NamedTuple):
    """Of all events so far, for each head: how many had a label and one before, the sums of both
    losses, and the count and the mean of all labels."""

    events: np.ndarray
    loss: np.ndarray
    loss_of_mean: np.ndarray
    labels: np.ndarray
    mean: np.ndarray

    @classmethod
    def none(cls, targets: int) -> "_Sums":
        return cls(*(np.zeros(targets) for _ in cls._fields))

    def to_dict(self) -> dict[str, list[float]]:
        return {name: sums.tolist() for name, sums in self._asdict().items()}


class Losses:
    """The squared error of each head, and that of a prediction by the mean of its labels so far.

    An event enters it with the predictions that were made before it was learned; one that was
    rejected does not, nor does the first label of a head, before which there is no mean. Events are
    only kept as they come, and are reckoned up a thousand at a time, or when a report is asked for.

    With `classes` the one target is the number of a class, and the losses are log losses: that of
    the probabilities predicted, and that of the frequencies of the classes so far, each class
    counted as once more than it was seen.

    **Arguments:** `heads`: how many predictions; `classes`: whether they are probabilities of
    classes.
    """

    def __init__(self, heads: int, classes: bool):
        self.heads, self.classes = heads, classes
        targets = 1 if classes else heads
        self.window = max(1, min(_WINDOW, _KEPT // max(heads, 1)))
        self._predictions = np.zeros((self.window, heads), np.float32)
        self._targets = np.full((self.window, targets), np.nan, np.float32)
        self._waiting = 0
        self._sums = _Sums.none(targets)
        self._frequencies = np.zeros(heads if classes else 0)
        # Of the latest events that were reckoned up, newest last; NaN without a label.
        self._recent = np.full((2, 0, targets), np.nan)

    def add(self, predictions: np.ndarray, targets: np.ndarray) -> None:
        """One more event; NaN for no label."""
        if self._waiting == self.window:
            self._reckon()
        self._predictions[self._waiting] = predictions
        self._targets[self._waiting] = targets
        self._waiting += 1

    def to_dict(self, names: Sequence[str] | None) -> dict[str, Any]:
        """For each head, by name or place: of the latest events and of all, the mean `loss`, that
        of the running mean, `skill` = 1 - the ratio of the two, and how many `events` had a label;
        None where nothing is known."""
        self._reckon()
        recent, sums = self._recent, self._sums
        labelled = ~np.isnan(recent[0])
        latest = [labelled.sum(0), *np.where(labelled, recent, 0.0).sum(1)]
        whole = [sums.events, sums.loss, sums.loss_of_mean]
        told = self.heads if not self.classes else 1
        names = None if self.classes else names
        keys = [str(i) for i in range(told)] if names is None else names
        return {
            "kind": "log loss" if self.classes else "squared error",
            "window": self.window,
            "heads": {
                key: {
                    "latest": _compared(*(row[i] for row in latest)),
                    "all": _compared(*(row[i] for row in whole)),
                }
                for i, key in enumerate(keys)
            },
        }

    def stored(self) -> dict[str, Any]:
        """The sums over all events, as JSON values."""
        self._reckon()
        return self._sums.to_dict() | {"frequencies": self._frequencies.tolist()}

    def resume(self, stored: dict[str, Any]) -> None:
        """Go on with the sums of another process; the latest events were its own."""
        self._sums = _Sums(*(np.asarray(stored[name]) for name in _Sums._fields))
        self._frequencies = np.asarray(stored["frequencies"])

    def _reckon(self) -> None:
        n = self._waiting
        if not n:
            return
        predictions, targets = self._predictions[:n].astype(float), self._targets[:n].astype(float)
        both = (
            self._of_classes(predictions, targets)
            if self.classes
            else self._of_numbers(predictions, targets)
        )
        counted = ~np.isnan(both[0])
        events, loss, loss_of_mean, *labels = self._sums
        more = np.where(counted, both, 0.0).sum(1)
        self._sums = _Sums(events + counted.sum(0), loss + more[0], loss_of_mean + more[1], *labels)
        self._recent = np.concatenate([self._recent, both], 1)[:, -self.window :]
        self._waiting = 0

    def _of_numbers(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        events, loss, loss_of_mean, labels, mean = self._sums
        labelled = np.isfinite(targets) & np.isfinite(predictions)
        counts = labels + np.cumsum(labelled, 0)
        # About the mean so far, so that no digits are lost to a large one.
        away = np.where(labelled, targets - mean, 0.0)
        means = mean + np.cumsum(away, 0) / np.maximum(counts, 1.0)
        before = np.concatenate([mean[None], means[:-1]])
        known = labelled & (np.concatenate([labels[None], counts[:-1]]) > 0)
        both = np.stack([(targets - predictions) ** 2, (targets - before) ** 2])
        self._sums = _Sums(events, loss, loss_of_mean, counts[-1], means[-1])
        return np.where(known, both, np.nan)

    def _of_classes(self, predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(np.isin(targets[:, 0], np.arange(self.heads)))
        labels, places = targets[rows, 0].astype(int), np.arange(len(rows))
        seen = np.zeros((len(rows) + 1, self.heads))
        seen[0] = self._frequencies
        seen[places + 1, labels] = 1.0
        seen = np.cumsum(seen, 0)
        self._frequencies = seen[-1]
        before = seen[places] + 1.0
        of_frequencies = before[places, labels] / before.sum(1)
        predicted = np.clip(predictions[rows, labels], _LEAST, 1.0)
        both = np.full((2, len(targets), 1), np.nan)
        both[:, rows, 0] = -np.log(np.stack([predicted, of_frequencies]))
        return both


def migrated_losses(
    stored: dict[str, Any], heads: Callable[[Sequence[Any], Any], list[Any]]
) -> dict[str, Any]:
    """What `Losses.stored` told, for a learner of other heads: those that are new begin at 0."""
    if stored["frequencies"]:
        # The heads are classes, of which there is one loss.
        return stored | {"frequencies": heads(stored["frequencies"], 0.0)}
    return stored | {name: heads(stored[name], 0.0) for name in _Sums._fields}


def _compared(events: float, loss: float, loss_of_mean: float) -> dict[str, float | int | None]:
    if not events:
        return {"events": 0, "loss": None, "loss_of_mean": None, "skill": None}
    skill = 1.0 - loss / loss_of_mean if loss_of_mean > 0.0 else None
    return {
        "events": int(events),
        "loss": float(loss / events),
        "loss_of_mean": float(loss_of_mean / events),
        "skill": None if skill is None else float(skill),
    }
