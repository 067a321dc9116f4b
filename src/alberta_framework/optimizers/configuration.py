"""`optimizer_from_config`: optimizers and TD optimizers by their configuration."""

from collections.abc import Mapping
from typing import Any

from ..components.component import component_from_config
from .abstract import AbstractOptimizer, AbstractTDOptimizer


def optimizer_from_config(config: Mapping[str, Any]) -> AbstractOptimizer | AbstractTDOptimizer:
    """The optimizer or TD optimizer that `config["type"]` names.

    **Raises:** `ValueError` for an unknown or missing type, an unknown key or a bad value.
    """
    return component_from_config(config, (AbstractOptimizer, AbstractTDOptimizer), "optimizer")
