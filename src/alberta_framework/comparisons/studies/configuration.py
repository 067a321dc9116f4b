"""Studies as configurations."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...components.known import require_known
from .study import ControlStudy


def control_study_from_config(config: Mapping[str, Any], name: str = "study") -> ControlStudy:
    """The study that `config` describes, as `ControlStudy.to_config` writes it.

    Keys are the arguments of `ControlStudy`. The paths of `variants` are written with dots or as
    nested tables. The key `run` of a saved `config.json` is passed over.

    **Arguments:** `config`, which is not changed; `name`: of a study that has none.

    **Raises:** `ValueError` naming the path of what is wrong; `ImportError` for an environment
    whose package is missing.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"a study must be a table of keys, got {config!r}.")
    fields = {f.name: f for f in dataclasses.fields(ControlStudy) if f.init}
    arguments: dict[str, Any] = {"name": name} | {k: v for k, v in config.items() if k != "run"}
    for key in arguments:
        require_known(f"key {key!r}", key, fields)
    for key in ("environments", "agents", "steps"):
        if key not in config:
            raise ValueError(f"missing key {key!r}. Known: {', '.join(fields)}.")
    try:
        return ControlStudy(**arguments)
    except TypeError as error:
        raise ValueError(str(error)) from error
