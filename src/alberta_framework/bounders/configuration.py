"""`bounder_from_config`: bounders by their configuration."""

from collections.abc import Mapping
from typing import Any

from ..components.component import component_from_config
from .abstract import AbstractBounder


def bounder_from_config(config: Mapping[str, Any]) -> AbstractBounder:
    """The bounder that `config["type"]` names.

    **Raises:** `ValueError` for an unknown or missing type, an unknown key or a bad value.
    """
    return component_from_config(config, (AbstractBounder,), "bounder")
