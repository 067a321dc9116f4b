"""The same learner on the same stream for many seeds: run, and put together."""

import math
import re
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ..components.component import component_from_config
from ..components.ranges import require_choice, require_count
from ..learners import AbstractLearner, draws_weights, initial_state, parts_of
from ..loops import Lanes
from ..loops.entrance import initial_states, run, stream_state, stream_states
from ..loops.progress import progress_bar
from ..results.aggregated import AggregatedResults, mean_of_parts, summarize_metric
from ..results.methods import Results
from ..statistics.performance import get_final_performance
from ..streams import AbstractStream

_BYTES_AT_ONCE = 1 << 30
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class ExperimentConfig:
    """A learner on a stream for `num_steps` steps, under a name.

    **Arguments:** `learner_factory`, `stream_factory`: functions without arguments, or the
    components themselves, which alone have a configuration.

    **Raises:** `TypeError`, `ValueError` for a name or a number of steps that is none.
    """

    name: str
    learner_factory: Callable[[], Any] | AbstractLearner
    stream_factory: Callable[[], Any] | AbstractStream
    num_steps: int

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"ExperimentConfig: `name` must be a text, got {self.name!r}.")
        require_count("ExperimentConfig", "num_steps", self.num_steps)

    @property
    def learner(self) -> Any:
        made = self.learner_factory
        return made if isinstance(made, AbstractLearner) else made()

    @property
    def stream(self) -> Any:
        made = self.stream_factory
        return made if isinstance(made, AbstractStream) else made()

    def to_config(self) -> dict[str, Any]:
        """The experiment as JSON types, its components as their configurations."""
        return {
            "name": self.name,
            "learner": self.learner.to_config(),
            "stream": self.stream.to_config(),
            "num_steps": self.num_steps,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ExperimentConfig":
        """The experiment that `to_config` described.

        **Raises:** `ValueError` naming the path of what is unknown, missing or out of range.
        """
        keys = ("name", "learner", "stream", "num_steps")
        if set(config) != set(keys):
            raise ValueError(
                f"ExperimentConfig: needs the keys {', '.join(keys)}, got {sorted(config)}."
            )
        learner = component_from_config(config["learner"], (AbstractLearner,), path="learner")
        stream = component_from_config(config["stream"], (AbstractStream,), path="stream")
        return cls(config["name"], learner, stream, config["num_steps"])


@dataclass(frozen=True, eq=False)
class SingleRunResult:
    """One run: `metrics_history` maps each metric to an array [num_steps], or [num_steps, parts]
    where it has parts; `part` is what those are."""

    config_name: str
    seed: int
    metrics_history: Mapping[str, NDArray[np.float32]]
    final_state: Any
    part: str = "part"


def run_single_experiment(config: ExperimentConfig, seed: int) -> SingleRunResult:
    """Run a configuration once, with the key `jax.random.key(seed)`.

    The key is the stream's; of a learner that draws its initial weights it is split into that of
    the stream and that of the weights.

    **Raises:** `TypeError` for what is no learner, and for one that learns from other experience
    than the stream yields.
    """
    require_count("run_single_experiment", "seed", seed, low=0)
    started, learner, stream = time.perf_counter(), _learner_of(config), config.stream
    key, own_key = jax.random.key(seed), None
    if draws_weights(learner):
        key, own_key = jax.random.split(key)
    state = initial_state(learner, stream.feature_dim, own_key)
    begin = stream_state(stream, key)
    (state, _), outputs, _ = run(learner, stream, config.num_steps, state, begin, started=started)
    found = _by_name(learner, outputs)
    return SingleRunResult(config.name, seed, found, state, parts_of(learner).kind)


def aggregate_metrics(results: Sequence[SingleRunResult]) -> AggregatedResults:
    """Runs of one configuration as arrays [n_seeds, num_steps], in the order given.

    **Raises:** `ValueError` for no runs, runs of several configurations, of several lengths, or
    with other metrics.
    """
    if not results:
        raise ValueError("`results` must hold at least one run.")
    names = list(dict.fromkeys(result.config_name for result in results))
    if len(names) > 1:
        raise ValueError(f"`results` must be runs of one configuration, got {', '.join(names)}.")
    shapes = [
        {name: np.shape(v) for name, v in result.metrics_history.items()} for result in results
    ]
    for result, shape in zip(results, shapes, strict=True):
        if shape != shapes[0]:
            raise ValueError(
                f"`results` must have the same metrics and lengths: seed {results[0].seed} has "
                f"{shapes[0]}, seed {result.seed} {shape}."
            )
    arrays = {
        name: np.stack([np.asarray(result.metrics_history[name]) for result in results])
        for name in shapes[0]
    }
    return _aggregated(names[0], [result.seed for result in results], arrays, results[0].part)


def run_multi_seed_experiment(
    configs: Sequence[ExperimentConfig],
    seeds: int | Sequence[int] = 30,
    parallel: bool = True,
    n_jobs: int = -1,
    show_progress: bool = True,
) -> dict[str, AggregatedResults]:
    """Run every configuration for every seed; one compiled program for each configuration.

    Seeds run side by side as lanes of the program, as many at once as memory allows. A lane equals
    the single run with its seed to float32 rounding.

    **Arguments:** `seeds`: how many (then 0, 1, ...), or which; `parallel=False` runs them one by
    one; `n_jobs` has no meaning here and is ignored with a warning; `show_progress`: a bar over the
    configurations.

    **Raises:** `ValueError` for no configurations or seeds, and for a name or seed that stands
    twice; `TypeError` as `run_single_experiment`.
    """
    require_choice("run_multi_seed_experiment", "parallel", parallel, (True, False))
    if n_jobs != -1:
        warnings.warn("`n_jobs` is ignored: all seeds run in one compiled program.", stacklevel=2)
    names = [config.name for config in configs]
    _require_distinct("configs", names)
    chosen = list(range(seeds)) if isinstance(seeds, int) else [int(seed) for seed in seeds]
    _require_distinct("seeds", chosen)
    for config in configs:
        _learner_of(config)
    found = {}
    bar = progress_bar(show_progress, len(names))
    try:
        for done, config in enumerate(configs, 1):
            if parallel:
                found[config.name] = _side_by_side(config, chosen)
            else:
                runs = [run_single_experiment(config, seed) for seed in chosen]
                found[config.name] = aggregate_metrics(runs)
            bar(done, ((), ()))
    finally:
        bar.close()
    return found


def extract_hyperparameter_results(
    results: Results,
    metric: str = "squared_error",
    param_extractor: Callable[[str], Any] | None = None,
) -> dict[Any, tuple[float, float]]:
    """Mean and standard deviation over seeds by the hyperparameter that a name tells.

    **Arguments:** `param_extractor` maps a name to the value; default the last number in it.

    **Raises:** `ValueError` for a name without a number, or two names of one value.
    """
    extract = _last_number if param_extractor is None else param_extractor
    found: dict[Any, tuple[float, float]] = {}
    for name, performance in get_final_performance(results, metric).items():
        value = extract(name)
        if value in found:
            raise ValueError(
                f"two configurations have the hyperparameter {value!r}; one is {name!r}."
            )
        found[value] = performance
    return found


def _learner_of(config: ExperimentConfig) -> AbstractLearner:
    learner = config.learner
    if not isinstance(learner, AbstractLearner):
        raise TypeError(f"an experiment's learner must be an AbstractLearner, got {learner!r}.")
    return learner


def _by_name(learner: AbstractLearner, outputs: Any) -> dict[str, NDArray]:
    """The metrics of a loop by name."""
    found = learner.metrics(jax.tree.map(np.asarray, outputs))
    return {name: np.asarray(values) for name, values in found.items()}


def _side_by_side(config: ExperimentConfig, seeds: list[int]) -> AggregatedResults:
    learner = _learner_of(config)
    most = max(1, _BYTES_AT_ONCE // (16 * config.num_steps))
    # Batches of one size, so that there is one program; the last is filled up and cut.
    size = math.ceil(len(seeds) / math.ceil(len(seeds) / most))
    parts = []
    for start in range(0, len(seeds), size):
        batch = seeds[start : start + size]
        filled = batch + batch[:1] * (size - len(batch))
        keys = jax.vmap(jax.random.key)(np.asarray(filled, np.uint32))
        found = _by_name(learner, _outputs_of_lanes(config, keys))
        parts.append({name: values[: len(batch)] for name, values in found.items()})
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _aggregated(config.name, seeds, arrays, parts_of(learner).kind)


def _outputs_of_lanes(config: ExperimentConfig, keys: Any) -> Any:
    """What the learner gives at each step of every key, as `run_single_experiment` with it."""
    started, learner, stream = time.perf_counter(), _learner_of(config), config.stream
    own_keys = keys
    if draws_weights(learner):
        keys, own_keys = jax.vmap(jax.random.split, out_axes=1)(keys)
    _, outputs, _ = run(
        learner,
        stream,
        config.num_steps,
        initial_states(learner, stream.feature_dim, own_keys),
        stream_states(stream, keys),
        lanes=Lanes(),
        started=started,
    )
    return outputs


def _aggregated(
    name: str, seeds: list[int], arrays: Mapping[str, NDArray], part: str
) -> AggregatedResults:
    """`part`: what the last axis of those metrics counts that have one more than steps."""
    parts = {metric: part for metric, array in arrays.items() if array.ndim > 2}
    summary = {
        metric: summarize_metric(mean_of_parts(array) if metric in parts else array)
        for metric, array in arrays.items()
    }
    return AggregatedResults(name, seeds, arrays, summary, parts=parts)


def _require_distinct(argument: str, values: Sequence[Any]) -> None:
    if not values:
        raise ValueError(f"`{argument}` must not be empty.")
    twice = [value for value in dict.fromkeys(values) if values.count(value) > 1]
    if twice:
        raise ValueError(f"`{argument}` must be distinct, got {', '.join(map(repr, twice))} twice.")


def _last_number(name: str) -> float:
    numbers = _NUMBER.findall(name)
    if not numbers:
        raise ValueError(f"the name {name!r} tells no number; give a `param_extractor`.")
    return float(numbers[-1])
