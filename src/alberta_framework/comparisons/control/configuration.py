"""Comparisons in control as configurations."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...components.component import AbstractComponent, component_from_config
from ...components.known import require_known
from ...components.strict_json import numbers_from
from ..contender import contender_from_config
from .comparison import ControlComparison


def control_comparison_from_config(
    config: Mapping[str, Any], name: str = "control"
) -> ControlComparison:
    """The comparison that `config` describes, as `ControlComparison.to_config` writes it.

    Keys are the arguments of `ControlComparison`. `environment` and `features` may be the
    configuration of a component; `agents` maps a name to the configuration of an agent, to which
    `grid` may be added as in `comparison_from_config`. The key `run` of a saved `config.json` is
    passed over.

    **Arguments:** `config`, which is not changed; `name`: of a comparison that has none.

    **Raises:** `ValueError` naming the path of what is wrong; `ImportError` without gymnasium.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"a comparison must be a table of keys, got {config!r}.")
    fields = {f.name: f for f in dataclasses.fields(ControlComparison)}
    arguments: dict[str, Any] = {"name": name} | {k: v for k, v in config.items() if k != "run"}
    for key in arguments:
        require_known(f"key {key!r}", key, fields)
    for key in ("environment", "agents"):
        if key not in config:
            raise ValueError(f"missing key {key!r}. Known: {', '.join(fields)}.")
    if "episodes" not in config and "steps" not in config:
        raise ValueError(f"missing key 'episodes' or 'steps'. Known: {', '.join(fields)}.")
    given = config["environment"]
    in_jax = isinstance(given, Mapping) and "type" in given
    arguments["environment"] = given if in_jax else numbers_from(given)
    agents = config["agents"]
    if not isinstance(agents, Mapping) or not agents:
        raise ValueError(f"agents: must be a table with an agent by name, got {agents!r}.")
    if config.get("features") is not None:
        families = (AbstractComponent,)
        arguments["features"] = component_from_config(
            config["features"], families, family="features", path="features"
        )
    arguments["agents"] = {
        agent: contender_from_config(entry, f"agents.{agent}") for agent, entry in agents.items()
    }
    try:
        return ControlComparison(**arguments)
    except TypeError as error:
        raise ValueError(str(error)) from error
