"""One default on every data set that River, scikit-learn and statsmodels bring along.

Prequential: each system predicts an event, then learns from it, once, all in the same order. Beside
ours run River's linear model behind its `StandardScaler`, the same with its `TargetStandardScaler`,
its adaptive random forest, and predictions that look at no input. What an event is,
`prequential_sets.py` says. Ours get it through `EventFeatures`: numbers as they are, texts as
categories, one-hot. To River's systems texts go through its `OneHotEncoder`.

Measures: of regression MAE and RMSE; of classification accuracy and log loss, with probabilities of
at least 1e-6, and of 1 / (number of classes) for a class that an answer does not name. The first
event counts too. Time is that of predicting and learning an event, features included. Of ours it is
the median of `Daemon.step`, while the answers come from a compiled loop over the same events. On
the first ones it is checked that `update` predicts what `predict` said before, to the last bit.

Three targets, judged at the end for each of our candidates:

1. no set where it is worse than 1.1 times the better of River's linear model and the running mean
   (MAE) or the frequencies of the classes (log loss, and share of errors);
2. at or below River's linear model, with scaled targets (MAE), or as it is (log loss), on at least
   two thirds of the sets;
3. every prediction finite, no event rejected.

With `--last-target` each event of a regression also holds the target of the event before it.

Needs: pip install river scikit-learn statsmodels
Run: python benchmarks/prequential.py [--sets NAME,...] [--ours NAME] [--without-forest]
         [--last-target] [--least EVENTS] [--json FILE]
"""

import argparse
import importlib.util
import json
import math
import numbers
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from measure import machine
from prequential_sets import LOADERS, DataSet, Event, loaded

import alberta_framework as af

LEAST_PROBABILITY = 1e-6
TOLERANCE = 1.1
TIMED_EVENTS = 500
CHECKED_EVENTS = 50
# Of sets with fewer events the first predictions decide.
LEAST_EVENTS = 100

# Our candidates, the recommended learner first; for classes of the number of classes.
OURS: dict[str, dict[str, Callable[..., Any]]] = {
    "regression": {
        "recommended": af.recommended_learner,
        "forgetting": lambda: af.LinearLearner(
            af.Autostep(0.05, 0.1),
            af.EMANormalizer(decay=0.999, clip=10.0),
            target_normalizer=af.WelfordNormalizer(clip=10.0, memory=1_000),
        ),
        "targets as they are": lambda: af.LinearLearner(
            af.Autostep(0.05, 0.1), af.WelfordNormalizer(clip=10.0, memory=10_000)
        ),
        "network": lambda: af.MLPLearner(
            (64, 64),
            bounder=af.ObGDBounding(),
            normalizer=af.WelfordNormalizer(clip=10.0),
            sparsity=0.0,
            target_normalizer=af.WelfordNormalizer(clip=10.0),
        ),
    },
    "classification": {
        "recommended": af.recommended_learner,
        "forgetting": lambda classes: af.SoftmaxLinearLearner(
            classes, af.Autostep(0.1, 0.1), af.EMANormalizer(decay=0.999, clip=3.0)
        ),
        "inputs up to 10": lambda classes: af.SoftmaxLinearLearner(
            classes, af.Autostep(0.1, 0.1), af.WelfordNormalizer(clip=10.0, memory=10_000)
        ),
        "network": lambda classes: af.MultiHeadMLPLearner(
            classes,
            (64, 64),
            bounder=af.ObGDBounding(),
            normalizer=af.WelfordNormalizer(clip=3.0),
            sparsity=0.0,
            loss="softmax",
        ),
    },
}


class Answers(NamedTuple):
    """What a system predicted before it learned: numbers [events], or probabilities [events,
    classes]; how many events it rejected; microseconds per event."""

    predictions: np.ndarray
    rejected: int
    us: float


class Figures(NamedTuple):
    """The measures of a system on a set; `not_finite` is the share of such predictions."""

    measures: dict[str, float]
    rejected: float
    not_finite: float
    us: float


# Predicts the event it is given, and learns the target of it afterwards.
Predict = Callable[[Event], Any]
Learn = Callable[[Event, Any], Any]


def one_by_one(data: DataSet, predict: Predict, learn: Learn) -> Answers:
    """The loop that all systems of Python go through."""
    told = []
    start = time.perf_counter()
    for event, target in zip(data.events, data.targets, strict=True):
        told.append(predict(event))
        learn(event, target)
    us = (time.perf_counter() - start) / data.size * 1e6
    if data.n_classes is not None:
        told = [_named_probabilities(answer, data.n_classes) for answer in told]
    return Answers(np.array(told, np.float64), 0, us)


def _named_probabilities(answer: Any, classes: int) -> Any:
    """Of a mapping from classes to probabilities, or an array of all, the array."""
    if not isinstance(answer, Mapping):
        return answer
    found = np.array([answer.get(k, 1.0 / classes) for k in range(classes)], np.float64)
    return found / found.sum()


# Without inputs


def running_mean(data: DataSet) -> Answers:
    total = count = 0.0

    def learn(event, target):
        nonlocal total, count
        total, count = total + target, count + 1

    return one_by_one(data, lambda event: total / count if count else 0.0, learn)


def last_value(data: DataSet) -> Answers:
    last = 0.0

    def learn(event, target):
        nonlocal last
        last = target

    return one_by_one(data, lambda event: last, learn)


def class_frequencies(data: DataSet) -> Answers:
    """Each class as often as it came, and once more."""
    counts = np.ones(data.n_classes or 0)

    def learn(event, target):
        counts[target] += 1

    return one_by_one(data, lambda event: counts / counts.sum(), learn)


def last_class(data: DataSet) -> Answers:
    """The last class, as probably as it stayed so far, and once more; else each of the others."""
    classes = data.n_classes or 0
    last, stayed, count = None, 1.0, 2.0

    def predict(event):
        if last is None:
            return np.full(classes, 1.0 / classes)
        found = np.full(classes, (1.0 - stayed / count) / (classes - 1))
        found[last] = stayed / count
        return found

    def learn(event, target):
        nonlocal last, stayed, count
        if last is not None:
            stayed, count = stayed + (target == last), count + 1
        last = target

    return one_by_one(data, predict, learn)


# River


def _river_features() -> Any:
    from river import compose, preprocessing

    scaled = compose.SelectType(numbers.Number) | preprocessing.StandardScaler()
    return scaled + (compose.SelectType(str) | preprocessing.OneHotEncoder())


def river_linear(data: DataSet) -> Answers:
    from river import linear_model

    if data.n_classes is None:
        model = _river_features() | linear_model.LinearRegression()
        return one_by_one(data, model.predict_one, model.learn_one)
    binary = data.n_classes == 2
    last = linear_model.LogisticRegression() if binary else linear_model.SoftmaxRegression()
    model = _river_features() | last
    return one_by_one(data, model.predict_proba_one, model.learn_one)


def river_scaled_target(data: DataSet) -> Answers:
    from river import linear_model, preprocessing

    regressor = preprocessing.TargetStandardScaler(regressor=linear_model.LinearRegression())
    model = _river_features() | regressor
    return one_by_one(data, model.predict_one, model.learn_one)


def river_forest(data: DataSet) -> Answers:
    from river import forest

    if data.n_classes is None:
        model = _river_features() | forest.ARFRegressor(seed=0)
        return one_by_one(data, model.predict_one, model.learn_one)
    model = _river_features() | forest.ARFClassifier(seed=0)
    return one_by_one(data, model.predict_proba_one, model.learn_one)


SYSTEMS: dict[str, dict[str, Callable[[DataSet], Answers]]] = {
    "regression": {
        "running mean": running_mean,
        "last value": last_value,
        "River linear": river_linear,
        "River, scaled target": river_scaled_target,
        "River forest": river_forest,
    },
    "classification": {
        "class frequencies": class_frequencies,
        "last class": last_class,
        "River linear": river_linear,
        "River forest": river_forest,
    },
}
# What target 1 takes as naive, and target 2 as the linear model to reach.
NAIVE = {"regression": "running mean", "classification": "class frequencies"}
TO_REACH = {"regression": "River, scaled target", "classification": "River linear"}
# The measures, all the better the smaller; target 2 goes by the first one.
JUDGED = {"regression": ("MAE",), "classification": ("log loss", "share of errors")}


# Ours


def event_features(events: Iterable[Event]) -> af.EventFeatures:
    """The fields of the first event: a text is a category."""
    first = next(iter(events))
    return af.EventFeatures(
        tuple(
            af.CategoryField(name) if isinstance(value, str) else af.NumberField(name)
            for name, value in first.items()
        )
    )


def rows_of(features: af.EventFeatures, events: Iterable[Event]) -> np.ndarray:
    state, read, rows = features.init(), features.reader(), []
    for event in events:
        row, state = read(state, event)
        rows.append(row)
    return np.stack(rows)


def targets_of(learner: Any, data: DataSet) -> np.ndarray:
    """Numbers [events], or for learners of many heads one of them per class [events, classes]."""
    targets = np.array(data.targets, np.float32)
    if learner.experience is not af.MultiHeadStep:
        return targets
    return (targets[:, None] == np.arange(data.n_classes or 0)).astype(np.float32)


@eqx.filter_jit
def _lived(learner: Any, state: Any, rows: np.ndarray, targets: np.ndarray) -> Any:
    def event(state, row_and_target):
        before = learner.predict(state, row_and_target[0])
        result = learner.update(state, *row_and_target)
        return result.state, (before, result.rejected)

    return jax.lax.scan(event, state, (rows, targets))[1]


def ours(make: Callable[..., Any], data: DataSet) -> Answers:
    """The answers of a learner over the events, and the median time of `Daemon.step`.

    **Raises:** `RuntimeError` where an update predicts something else than `predict` before it.
    """
    learner = make() if data.n_classes is None else make(data.n_classes)
    features = event_features(data.events)
    rows, targets = rows_of(features, data.events), targets_of(learner, data)
    state = learner.init(features.feature_dim, key=jax.random.key(0))
    _require_predicted(learner, state, rows[:CHECKED_EVENTS], targets, data)
    predictions, rejected = _lived(learner, state, rows, targets)
    told = np.asarray(predictions, np.float64)
    told = told[:, 0] if data.n_classes is None else told
    us = _daemon_us(learner, features, data, targets)
    return Answers(told, int(np.sum(rejected)), us)


def _require_predicted(learner, state, rows, targets, data: DataSet) -> None:
    """In calls of their own: within one program XLA may round the two differently."""
    for i, row in enumerate(rows):
        before = learner.predict(state, row)
        result = learner.update(state, row, targets[i])
        after = result.prediction if data.n_classes is None else result.predictions
        if not result.rejected and not np.array_equal(before, after):
            raise RuntimeError(f"{data.name}: `update` and `predict` differ at event {i}.")
        state = result.state


def _daemon_us(learner, features, data: DataSet, targets) -> float:
    times = []
    with af.Daemon(learner, features=features) as daemon:
        for event, target in zip(data.events[:TIMED_EVENTS], targets, strict=False):
            start = time.perf_counter()
            daemon.step(event, target)
            times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


# Measures


def figures_of(data: DataSet, answers: Answers) -> Figures:
    """The measures of answers; infinite where a prediction was not finite."""
    told = answers.predictions
    not_finite = ~np.isfinite(told.reshape(data.size, -1)).all(axis=1)
    targets = np.array(data.targets)
    if data.n_classes is None:
        errors = np.where(not_finite, math.inf, np.abs(targets - told))
        measures = {
            "MAE": float(np.mean(errors)),
            "RMSE": float(np.sqrt(np.mean(errors**2))),
        }
    else:
        of_target = told[np.arange(data.size), targets]
        losses = -np.log(np.clip(of_target, LEAST_PROBABILITY, 1.0))
        wrong = np.argmax(np.nan_to_num(told, nan=-1.0), axis=1) != targets
        measures = {
            "log loss": float(np.mean(np.where(not_finite, math.inf, losses))),
            "share of errors": float(np.mean(wrong | not_finite)),
            "accuracy": float(np.mean(~(wrong | not_finite))),
        }
    return Figures(measures, answers.rejected / data.size, float(np.mean(not_finite)), answers.us)


def with_last_target(data: DataSet) -> DataSet:
    """The events with one more field: the target of the event before, of the first one 0."""
    before = [0.0, *data.targets[:-1]]
    pairs = zip(data.events, before, strict=True)
    return data._replace(events=[event | {"last target": last} for event, last in pairs])


# By set, by system.
Results = dict[str, dict[str, Figures]]


class Judgement(NamedTuple):
    """How a candidate fares: on which sets it misses target 1, by which factor; on how many of how
    many it reaches target 2; on which it misses target 3."""

    worse: dict[str, float]
    reached: int
    sets: int
    broken: list[str]

    @property
    def verdicts(self) -> tuple[bool, bool, bool]:
        return not self.worse, 3 * self.reached >= 2 * self.sets, not self.broken


def judged(task: str, results: Results, name: str) -> Judgement:
    worse, reached, broken = {}, 0, []
    for data, of_set in results.items():
        mine = of_set[name]
        factor = 0.0
        for measure in JUDGED[task]:
            bars = [of_set[bar].measures[measure] for bar in (NAIVE[task], "River linear")]
            factor = max(factor, _factor(mine.measures[measure], min(bars)))
        if factor > TOLERANCE:
            worse[data] = factor
        first = JUDGED[task][0]
        reached += mine.measures[first] <= of_set[TO_REACH[task]].measures[first]
        if mine.rejected or mine.not_finite:
            broken.append(data)
    return Judgement(worse, reached, len(results), broken)


def _factor(value: float, bar: float) -> float:
    if value == bar:
        return 1.0
    return value / bar if bar > 0.0 else math.inf


# Tables


def markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header), *[list(row) for row in rows]]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float) -> str:
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.3g}" if abs(value) < 1e3 or abs(value) >= 1e6 else f"{value:.0f}"


def tables(task: str, sets: Mapping[str, DataSet], results: Results) -> str:
    """A table for each measure, with the best figure of a set in bold, and one of the time."""
    systems = list(next(iter(results.values())))
    told = []
    for measure in ("MAE", "RMSE") if task == "regression" else ("log loss", "accuracy"):
        rows = []
        for name, of_set in results.items():
            values = [of_set[system].measures[measure] for system in systems]
            best = max(values) if measure == "accuracy" else min(values)
            cells = [f"**{number(v)}**" if v == best else number(v) for v in values]
            rows.append((f"{name} ({sets[name].size:,})", *cells))
        told.append(markdown((measure, *systems), rows))
    rows = [
        (name, *(f"{of_set[system].us:.0f}" for system in systems))
        for name, of_set in results.items()
    ]
    told.append(markdown(("µs per event", *systems), rows))
    rows = [
        (name, *(f"{of_set[s].rejected:.2%}, {of_set[s].not_finite:.2%}" for s in systems))
        for name, of_set in results.items()
        if any(figures.rejected or figures.not_finite for figures in of_set.values())
    ]
    if rows:
        told.append(markdown(("rejected, not finite", *systems), rows))
    return "\n\n".join(told)


def summary(task: str, results: Results, names: Iterable[str]) -> str:
    rows = []
    for name in names:
        found = judged(task, results, name)
        words = [("met" if met else "missed") for met in found.verdicts]
        worse = ", ".join(f"{data} {factor:.2f}" for data, factor in found.worse.items())
        rows.append(
            (
                name,
                f"{words[0]}: {worse}" if worse else words[0],
                f"{words[1]}: {found.reached} of {found.sets}",
                ": ".join([words[2], *([", ".join(found.broken)] if found.broken else [])]),
            )
        )
    header = (
        "ours",
        f"1. at most {TOLERANCE} times naive and River linear",
        f"2. at or below {TO_REACH[task]} on two thirds",
        "3. finite, none rejected",
    )
    return markdown(header, rows)


def _without_infinities(report: Any) -> Any:
    """JSON knows none; they become null."""
    if isinstance(report, dict):
        return {name: _without_infinities(part) for name, part in report.items()}
    if isinstance(report, float) and not math.isfinite(report):
        return None
    return report


def require_packages() -> None:
    packages = {"river": "river", "sklearn": "scikit-learn", "statsmodels": "statsmodels"}
    missing = [name for module, name in packages.items() if not importlib.util.find_spec(module)]
    if missing:
        raise SystemExit(f"This benchmark needs: pip install {' '.join(missing)}")


def chosen_sets(names: str | None) -> dict[str, list[str]]:
    """The names of the sets of each task, in order; all by default."""
    known = [name for of_task in LOADERS.values() for name in of_task]
    wanted = known if names is None else names.split(",")
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SystemExit(f"--sets: {', '.join(unknown)} unknown; known: {', '.join(known)}")
    return {task: [name for name in of_task if name in wanted] for task, of_task in LOADERS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", help="names, with commas between them; default all")
    parser.add_argument("--ours", help="one of our candidates; default all")
    parser.add_argument("--without-forest", action="store_true")
    parser.add_argument("--last-target", action="store_true", help="as a field; regression only")
    parser.add_argument("--least", type=int, default=LEAST_EVENTS, help="events a set must have")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    options = parser.parse_args()
    known = {name for candidates in OURS.values() for name in candidates}
    if options.ours is not None and options.ours not in known:
        raise SystemExit(f"--ours: {options.ours!r} unknown; known: {', '.join(sorted(known))}")
    wanted = chosen_sets(options.sets)
    require_packages()
    # The time of a single event, as in a process that serves them.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    print(f"predict, then learn, event by event; {machine()}")
    report: dict[str, Any] = {"machine": machine(), "sets": {}, "figures": {}, "judged": {}}
    if options.last_target:
        wanted = {"regression": wanted["regression"]}
    for task, names in wanted.items():
        sets = {name: loaded(task, name) for name in names}
        if options.sets is None:
            sets = {name: data for name, data in sets.items() if data.size >= options.least}
        if options.last_target:
            sets = {name: with_last_target(data) for name, data in sets.items()}
        candidates = {
            f"ours: {name}": make
            for name, make in OURS[task].items()
            if options.ours in (None, name)
        }
        if not sets or not candidates:
            continue
        results: Results = {}
        for name, data in sets.items():
            of_set = results[name] = {}
            for system, run in SYSTEMS[task].items():
                if not (options.without_forest and system == "River forest"):
                    of_set[system] = figures_of(data, run(data))
            for candidate, make in candidates.items():
                of_set[candidate] = figures_of(data, ours(make, data))
        print(f"\n## {task.capitalize()}\n\n{tables(task, sets, results)}")
        print(f"\n{summary(task, results, candidates)}", flush=True)
        report["sets"][task] = {
            name: {"source": data.source, "target": data.target, "events": data.size}
            for name, data in sets.items()
        }
        report["figures"][task] = {
            name: {system: figures._asdict() for system, figures in of_set.items()}
            for name, of_set in results.items()
        }
        report["judged"][task] = {
            candidate: judged(task, results, candidate)._asdict() for candidate in candidates
        }
    if options.json is not None:
        text = json.dumps(_without_infinities(report), indent=1, allow_nan=False)
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
