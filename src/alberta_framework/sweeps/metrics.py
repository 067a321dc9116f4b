"""What a sweep records of a learner's step, and what its numbers are called."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..control import SARSAAgent
from ..experiments.measures import AbstractMeasure
from ..horde import HordeLearner
from ..learners import LinearLearner, MLPLearner, MultiHeadMLPLearner, TDLinearLearner

_ERRORS = ("squared_error", "error")
_TD_ERRORS = ("squared_td_error", "td_error")


class StepMetrics(AbstractMeasure):
    """The metrics of a step as one array, its last axis that of the names."""

    def __call__(self, learner: Any, state: Any, outputs: Any) -> Float[Array, "..."]:
        del state
        if isinstance(learner, HordeLearner):
            return outputs[0]
        if isinstance(learner, SARSAAgent):
            values, error, _ = outputs
            return jnp.stack([error**2, error, jnp.max(values)])
        if isinstance(outputs, dict):
            return jnp.stack([jnp.asarray(v, jnp.float32) for v in outputs.values()], -1)
        leaves = jax.tree.leaves(outputs)
        if len(leaves) != 1:
            raise TypeError(
                f"sweep: {type(learner).__name__}.learn must give one array or a dictionary of "
                f"numbers for its metrics, got {jax.tree.structure(outputs)}."
            )
        return jnp.atleast_1d(leaves[0])


@dataclass(frozen=True)
class MetricNames:
    """The names along the last axis of the metrics, and what the axis before them counts."""

    names: tuple[str, ...]
    part: str | None = None


def metric_names(learner: Any, outputs: Any) -> MetricNames:
    """The names of a learner's metrics; `outputs` are the shapes that its `learn` gives."""
    normalized = ("normalizer_mean_var",) if getattr(learner, "normalizer", None) else ()
    if isinstance(learner, LinearLearner):
        return MetricNames((*_ERRORS, "mean_step_size", *normalized))
    if isinstance(learner, MLPLearner):
        return MetricNames((*_ERRORS, "bounding_metric", *normalized))
    if isinstance(learner, TDLinearLearner):
        return MetricNames((*_TD_ERRORS, "mean_step_size", "mean_eligibility_trace"))
    if isinstance(learner, MultiHeadMLPLearner):
        return MetricNames((*_ERRORS, "mean_step_size"), "head")
    if isinstance(learner, HordeLearner):
        return MetricNames((*_TD_ERRORS, "mean_step_size"), "demon")
    if isinstance(learner, SARSAAgent):
        return MetricNames((*_TD_ERRORS, "greedy_value"))
    if isinstance(outputs, dict):
        return MetricNames(tuple(map(str, outputs)), "part" if _parts(outputs) else None)
    (leaf,) = jax.tree.leaves(outputs)
    columns = leaf.shape[-1] if leaf.shape else 1
    return MetricNames(
        tuple(f"output_{i}" for i in range(columns)), "part" if leaf.ndim > 1 else None
    )


def _parts(outputs: dict[str, Any]) -> bool:
    return any(value.ndim for value in outputs.values())
