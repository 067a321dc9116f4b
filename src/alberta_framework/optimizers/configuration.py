"""`optimizer_from_config`: optimizers of any kind by their configuration."""

from collections.abc import Mapping
from typing import Any

from ..components.component import component_from_config
from .abstract import AbstractOptimizer, AbstractTDOptimizer
from .hybrid import Hybrid


def optimizer_from_config(
    config: Mapping[str, Any],
) -> AbstractOptimizer | AbstractTDOptimizer | Hybrid:
    """The optimizer, TD optimizer or `Hybrid` that `config["type"]` names.

    **Raises:** `ValueError` for an unknown or missing type, an unknown key or a bad value.
    """
    return component_from_config(
        config, (AbstractOptimizer, AbstractTDOptimizer, Hybrid), "optimizer"
    )
