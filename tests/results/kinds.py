"""A small result of every kind, and the numbers that it holds, taken from it by other means."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax.random as jr
import numpy as np

import alberta_framework as af
from tests.comparisons.comparisons import small
from tests.sweeps.grids import DRIFT, META, rows, swept


@dataclasses.dataclass(frozen=True)
class Kind:
    """A result, one of its metrics, the arrays [seeds, T] of its methods in their order, the step
    of each column, what seeds are scored, and what each method is labelled with."""

    result: Any
    metric: str
    arrays: list[np.ndarray]
    recorded: np.ndarray
    finals: list[np.ndarray]
    labels: list[dict]
    unit: str = "step"


def _sweep(**changes):
    result = swept(**{"record": af.WindowMean(20)} | changes)
    finals = result.scores("squared_error")
    arrays = list(result.curves("squared_error"))
    return Kind(
        result, "squared_error", arrays, np.array([20, 40, 60]), list(finals), result.labels
    )


def product():
    return _sweep(axes={META: [0.0, 0.05], DRIFT: [0.01, 0.1]})


def zipped():
    return _sweep(axes={META: [0.0, 0.05], DRIFT: [0.01, 0.1]}, combine="zip")


def components():
    return _sweep(axes={"learner.optimizer": [af.LMS(0.01), af.LMS(0.05), af.IDBD(0.05)]})


def heads():
    """A sweep whose metrics have a number for each head, some of which had no target."""
    learner = af.MultiHeadMLPLearner(2, hidden_sizes=(), optimizer=af.LMS(0.1), sparsity=0.0)
    x, _, targets = rows()
    axes = {"learner.optimizer.step_size": [0.05, 0.1]}
    result = swept(
        learner, af.RecordedStream(af.MultiHeadStep(x, targets)), axes, record=af.EveryNth(20)
    )
    values = result.metrics["squared_error"]
    assert values.shape == (2, 3, 3, 2) and np.isnan(values).any()
    arrays, finals = list(np.nanmean(values, -1, float)), list(result.scores("squared_error"))
    return Kind(result, "squared_error", arrays, np.array([0, 20, 40]), finals, result.labels)


def comparison():
    result = af.run_comparison(small())
    best = {name: result.best(name) for name in result.learners}
    return Kind(
        result,
        "squared_error",
        [result.learners[name].curves[place] for name, place in best.items()],
        np.arange(10, 201, 10),
        [result.scores(name)[place] for name, place in best.items()],
        [{"learner": name, **result.learners[name].points[place]} for name, place in best.items()],
    )


def control():
    agent = af.SARSAAgent(
        af.SARSAConfig(2, epsilon_start=0.1), hidden_sizes=(), optimizer=af.LMS(0.01)
    )
    agents = {
        "grid": af.Contender(agent, {"optimizer.step_size": [0.001, 0.01]}),
        "one": af.Contender(agent),
    }
    result = af.run_control_comparison(
        af.ControlComparison("c", af.CartPole(), agents, episodes=4, evaluate_last=2, seeds=3)
    )
    best = {name: result.best(name) for name in result.agents}
    return Kind(
        result,
        "return",
        [result.agents[name].returns[place] for name, place in best.items()],
        np.array([1, 2, 3, 4]),
        [result.scores(name)[place] for name, place in best.items()],
        [{"learner": name, **result.agents[name].points[place]} for name, place in best.items()],
        "episode",
    )


def _lived(**options):
    agent = af.SARSAAgent(af.SARSAConfig(2), hidden_sizes=(), optimizer=af.LMS(0.01))
    return af.interact_batched(agent, af.CartPole(), 60, jr.split(jr.key(0), 3), **options)


def lives():
    result = _lived(record_window=20)
    values = np.asarray(result.metrics["reward"])
    finals = [values.mean(-1, dtype=float)]
    return Kind(result, "reward", [values], np.array([20, 40, 60]), finals, [{}])


def lives_by_name():
    one, other = _lived(record_every=20), _lived(record_every=20)
    arrays = [np.asarray(each.metrics["reward"]) for each in (one, other)]
    finals = [values.mean(-1, dtype=float) for values in arrays]
    results = {"one": one, "other": other}
    return Kind(results, "reward", arrays, np.array([0, 20, 40]), finals, [{}, {}])


def many_seeds():
    configs = [
        af.ExperimentConfig(
            name, af.LinearLearner(af.LMS(step_size)), af.RandomWalkStream(3), num_steps=120
        )
        for name, step_size in (("slow", 0.01), ("fast", 0.05))
    ]
    results = af.run_multi_seed_experiment(configs, 3, show_progress=False)
    arrays = [each.metric_arrays["squared_error"] for each in results.values()]
    finals = [values[:, -100:].mean(-1, dtype=float) for values in arrays]
    return Kind(results, "squared_error", arrays, np.arange(120), finals, [{}, {}])


def one_of_many_seeds():
    kind = of("many_seeds")
    return dataclasses.replace(
        kind,
        result=kind.result["fast"],
        arrays=kind.arrays[1:],
        finals=kind.finals[1:],
        labels=[{}],
    )


KINDS: dict[str, Callable[[], Kind]] = {
    made.__name__: made
    for made in (
        product,
        zipped,
        components,
        heads,
        comparison,
        control,
        lives,
        lives_by_name,
        many_seeds,
        one_of_many_seeds,
    )
}


@functools.cache
def of(name: str) -> Kind:
    """Made once."""
    return KINDS[name]()
