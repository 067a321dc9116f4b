"""Comparisons as configurations."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...components.component import component_from_config
from ...components.known import require_known
from ...streams import AbstractStream
from ..contender import contender_from_config
from .comparison import Comparison, default_window


def comparison_from_config(config: Mapping[str, Any], name: str = "comparison") -> Comparison:
    """The comparison that `config` describes, as `Comparison.to_config` writes it.

    Keys are the arguments of `Comparison`. `stream` is the configuration of a stream; `learners`
    maps a name to the configuration of a learner, to which `grid` and `first_inputs` may be added.
    A grid's paths are written with dots or as nested tables. `evaluate_last` is by default
    `num_steps`, `window` about a fiftieth of it. The key `run` of a saved `config.json`, which
    tells how a run went, is passed over.

    **Arguments:** `config`, which is not changed; `name`: of a comparison that has none.

    **Raises:** `ValueError` naming the path of what is wrong, as
    `learners.IDBD.optimizer.meta_step_size`.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"a comparison must be a table of keys, got {config!r}.")
    fields = [f.name for f in dataclasses.fields(Comparison) if f.init]
    config = {key: value for key, value in config.items() if key != "run"}
    for key in config:
        require_known(f"key {key!r}", key, fields)
    for key in ("stream", "learners", "num_steps"):
        if key not in config:
            raise ValueError(f"missing key {key!r}. Known: {', '.join(fields)}.")
    learners, num_steps = config["learners"], config["num_steps"]
    if not isinstance(learners, Mapping) or not learners:
        raise ValueError(f"learners: must be a table with a learner by name, got {learners!r}.")
    arguments: dict[str, Any] = {"name": name, "evaluate_last": num_steps, "window": 1} | config
    if "window" not in config and _counts(num_steps) and _counts(arguments["evaluate_last"]):
        arguments["window"] = default_window(num_steps, arguments["evaluate_last"])
    arguments["stream"] = component_from_config(config["stream"], (AbstractStream,), path="stream")
    arguments["learners"] = {
        learner: contender_from_config(entry, f"learners.{learner}")
        for learner, entry in learners.items()
    }
    try:
        return Comparison(**arguments)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _counts(value: Any) -> bool:
    return isinstance(value, int) and value > 0
