"""A file learned event by event, and how good the predictions were on the way."""

import dataclasses
import json
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..components.ranges import require_choice
from ..daemon import Daemon
from ..event_features import EventFeatures, FieldError
from .event_file import EventFile, FileRow
from .field_bounds import require_bounds
from .field_kinds import FieldKind, Seen, kinds_of
from .recommended import recommended_learner
from .scores import AbstractScores, Score, scores_of
from .values import as_number

_AT_ONCE = 200
_LARGEST = float(np.finfo(np.float32).max)
_MOST_CLASSES = 1_000
# 12, -3 and 1.0 are whole numbers; 007 is rather a text.
_DIGITS = re.compile(r"-?(0|[1-9][0-9]*)(\.0+)?")
_TASKS = ("regression", "classification")
_RECENT = 200
_PROBLEMS_KEPT = 20


class FitTarget(NamedTuple):
    """What is predicted: a number, or one of `classes`, as texts, in their order; `written`:
    whether texts write numbers, as in a table."""

    name: str
    classes: tuple[str, ...] | None
    written: bool = True

    def number_of(self, value: Any) -> float:
        """The value as the learner takes it.

        **Raises:** `ValueError` for what is none.
        """
        if self.classes is not None:
            return float(self.classes.index(class_name(value)))
        found = None if isinstance(value, str) and not self.written else as_number(value)
        if found is None or abs(found) > _LARGEST:
            raise ValueError(f"{self.name}: is no number: {value!r:.80}")
        return found


@dataclasses.dataclass(frozen=True)
class FilePlan:
    """What is in a file, and what is to be learned from it: `plan_fit` makes one.

    **Arguments:** `file`; `rows`: how many there are; `target`; `kinds`: of each field besides.
    """

    file: EventFile
    rows: int
    target: FitTarget
    kinds: tuple[FieldKind, ...]

    @property
    def features(self) -> EventFeatures:
        """What makes the inputs."""
        return EventFeatures([kind.field for kind in self.kinds if kind.field is not None])

    @property
    def left_out(self) -> dict[str, str]:
        """The fields that are no inputs, and why."""
        return {kind.name: kind.why for kind in self.kinds if kind.field is None}

    @property
    def learner(self) -> Any:
        """The recommended one."""
        classes = self.target.classes
        return recommended_learner(None if classes is None else len(classes))


def plan_fit(
    path: str | os.PathLike,
    target: str,
    *,
    task: str | None = None,
    ignore: Collection[str] = (),
    categories: Collection[str] = (),
    times: Collection[str] = (),
    bounds: Mapping[str, tuple[float | None, float | None]] | None = None,
) -> FilePlan:
    """Read a file once, and find what its fields are.

    Numbers, truth values and times of ISO 8601 are taken for such where nine tenths of a field's
    values are, and rows that hold others are not learned; other texts are categories: up to 32 have
    inputs of their own, more share hashed ones. A text that is hardly ever the same is left out, as
    is a field of lists or objects. Nothing else is taken from this reading; what is learned, scales
    and means included, comes event by event.

    **Arguments:** `path`: a table with a header, or `.jsonl` lines; `target`: the field to predict;
    `task`: `"regression"` or `"classification"`; default by the target: numbers are predicted as
    such, anything else as classes; `ignore`: fields to leave out; `categories`, `times`: fields
    that are such although they are written as numbers, times as seconds since 1970; a target that
    is a category is one of classes; `bounds`: of fields of numbers the least and the largest that
    can be, either None for no bound; what lies outside, as the -9999 of a sensor that has measured
    nothing, is missing, here and in a daemon that goes on. A target outside of its bounds is none
    here; a daemon learns every target that it is sent.

    **Raises:** `OSError`; `TypeError` for bounds that are no pair of numbers; `ValueError` for
    names that are not there or contradict each other, a file with nothing to learn from, bounds of
    what is no number, and a target that is none; each names what is wrong.
    """
    if task is not None:
        require_choice("plan_fit", "task", task, _TASKS)
    within = {n: require_bounds("plan_fit", n, pair) for n, pair in (bounds or {}).items()}
    file = EventFile(Path(path), within)
    seen: dict[str, Seen] = {}
    if file.is_table:
        seen = {name: Seen(written=True) for name in file.header}
    labels: set[str] = set()
    rows, problem = 0, None
    for row in file.rows():
        rows += 1
        if row.event is None:
            problem = problem or f"line {row.line} {row.problem}"
            continue
        for name, value in row.event.items():
            if name not in seen:
                seen[name] = Seen()
            seen[name].add(value)
        value = row.event.get(target)
        if value is not None and len(labels) <= _MOST_CLASSES:
            labels.add(class_name(value))
    if problem is not None and not any(own.count for own in seen.values()):
        raise ValueError(f"{path}: has no row that can be read; {problem}")
    for names in ((target,), ignore, categories, times, within):
        unknown = next((name for name in names if name not in seen), None)
        if unknown is not None:
            raise ValueError(
                f"{path}: no field is called {unknown!r}; there are: {', '.join(seen) or 'none'}"
            )
    for told, names in (("ignored", ignore), ("taken as a time", times)):
        if target in names:
            raise ValueError(f"{path}: the target {target!r} cannot be {told}")
    twice = next((name for name in categories if name in times), None)
    if twice is not None:
        raise ValueError(f"{path}: {twice!r} cannot be both a category and a time")
    if target in categories:
        if task == "regression":
            raise ValueError(f"{path}: the target {target!r} is a category, and no number")
        task = "classification"
    found = _target(target, seen.pop(target), labels, task, target in within)
    others = {name: own for name, own in seen.items() if name not in ignore}
    try:
        kinds = kinds_of(others, rows, categories, times, within)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    kinds += [FieldKind(name, None, lambda value: value, "you said so") for name in ignore]
    if not any(kind.field is not None for kind in kinds):
        raise ValueError(f"{path}: besides {target!r} there is no field to learn from")
    plan = FilePlan(file, rows, found, tuple(kinds))
    try:
        _ = plan.features
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return plan


def _target(name: str, seen: Seen, labels: set[str], task: str | None, bounded: bool) -> FitTarget:
    if not seen.count:
        where = " within its bounds" if bounded else ""
        raise ValueError(f"the target {name!r} is never there{where}")
    if bounded and not seen.numbers:
        raise ValueError(
            f"the target {name!r} must be written as numbers to have bounds, and is never one, as "
            f"{seen.first_text!r:.40}"
        )
    if task is None:
        task = "regression" if seen.is_mostly(seen.numbers) else "classification"
    if task == "regression":
        if not seen.numbers:
            raise ValueError(
                f"the target {name!r} is never a number, as {seen.first_text!r:.40}; take it as "
                "classes (classification)"
            )
        return FitTarget(name, None, seen.written)
    if len(labels) > _MOST_CLASSES:
        raise ValueError(
            f"the target {name!r} has more than {_MOST_CLASSES:,} classes, as "
            f"{min(labels)!r:.40}; it is a number in {seen.numbers:,} of {seen.count:,} rows"
        )
    if len(labels) < 2:
        raise ValueError(f"the target {name!r} is always {next(iter(labels))!r}: one class")
    return FitTarget(name, tuple(sorted(labels, key=_in_order)))


def class_name(value: Any) -> str:
    """What a class is called, of which this is the value: a text as it is, 1.0 as "1"."""
    number = None if isinstance(value, bool) else as_number(value)
    if number is not None and number.is_integer() and _DIGITS.fullmatch(str(value)):
        return str(value).partition(".")[0]
    return value if isinstance(value, str) else json.dumps(value)


def _in_order(label: str) -> tuple:
    number = as_number(label)
    return (0, number, label) if number is not None else (1, 0.0, label)


class Recent(NamedTuple):
    """An event that was learned from: its number, the target, and what was predicted before."""

    number: int
    target: float
    predictions: np.ndarray


class FileFit:
    """Learns a file from its first row to its last: of each event a prediction is made, then it is
    learned from, so that every score is of what had not been seen.

    A row without a target is only passed by. A row that cannot be read, or that the learner
    rejects, is counted and told, and nothing is learned from it.

    **Arguments:** `plan`; `learner`: in place of the recommended one.

    ```python
    fit = FileFit(plan_fit("bikes.csv", "count"))
    while fit.advance():
        print(fit.rows_done, fit.scores())
    ```
    """

    def __init__(self, plan: FilePlan, learner: Any = None):
        self.plan, target = plan, plan.target
        self.daemon = Daemon(
            plan.learner if learner is None else learner,
            features=plan.features,
            head_names=[target.name] if target.classes is None else target.classes,
        )
        self._scores: AbstractScores = scores_of(
            None if target.classes is None else len(target.classes)
        )
        self._rows = plan.file.rows()
        self._cells = [(k.name, k.cell) for k in plan.kinds if k.field is not None]
        self.rows_done = self.learned = self.unlabelled = self.rejected = 0
        self.not_read = 0
        self.problems: list[str] = []
        self.recent: list[Recent] = []

    def advance(self, rows: int = _AT_ONCE) -> bool:
        """Go on by so many rows; whether there are more."""
        for _ in range(rows):
            row = next(self._rows, None)
            if row is None:
                return False
            self.rows_done += 1
            self._take(row)
        return True

    def scores(self) -> list[Score]:
        """How good the predictions were, the learner's first."""
        return self._scores.scores()

    def curve(self) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], str]:
        """At so many events the score of each system over the latest, their names, and what it is
        of."""
        return (*self._scores.curve(), self._scores.systems, self._scores.shown)

    def relevance(self) -> dict[str, float]:
        """How large the weights of each input are, on inputs and targets of one scale, the largest
        first; of several classes the mean over them."""
        found = self.daemon.report()["relevance"]
        return dict(sorted(_by_input(found).items(), key=lambda pair: -pair[1]))

    def config(self) -> dict[str, Any]:
        """The configuration with which `alberta daemon` goes on from the checkpoint."""
        return {
            "learner": self.daemon.learner.to_config(),
            "features": self.plan.features.to_config(),
            "head_names": list(self.daemon.head_names or ()),
        }

    def _take(self, row: FileRow) -> None:
        if row.event is None:
            self._problem(row, str(row.problem))
            return
        value = row.event.get(self.plan.target.name)
        if value is None:
            self.unlabelled += 1
            return
        event = {}
        for name, cell in self._cells:
            given = row.event.get(name)
            event[name] = None if given is None else cell(given)
        try:
            target = self.plan.target.number_of(value)
            predictions, rejected, _ = self.daemon.step(event, self._targets(target))
        except (FieldError, ValueError) as error:
            self._problem(row, str(error))
            return
        if rejected:
            self.rejected += 1
            return
        self.learned += 1
        self._scores.add(predictions, target)
        self.recent.append(Recent(self.learned, target, predictions))
        del self.recent[:-_RECENT]

    def _targets(self, target: float) -> list[float]:
        """As the learner takes them: a number, or the number of a class, or of each class its
        probability."""
        classes = self.plan.target.classes
        if classes is None or self.daemon.n_targets == 1:
            return [target]
        return [float(place == target) for place in range(len(classes))]

    def _problem(self, row: FileRow, told: str) -> None:
        self.not_read += 1
        if len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(f"line {row.line}: {told}")


def _by_input(relevance: dict[str, Any]) -> dict[str, float]:
    if "weight_relevance" in relevance:
        return relevance["weight_relevance"]
    of_heads = [head["weight_relevance"] for head in relevance["per_head"].values()]
    return {name: float(np.mean([head[name] for head in of_heads])) for name in of_heads[0]}
