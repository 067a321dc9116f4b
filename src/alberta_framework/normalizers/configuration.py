"""`normalizer_from_config`: normalizers by their configuration."""

from collections.abc import Mapping
from typing import Any

from ..components.component import component_from_config
from .abstract import AbstractNormalizer


def normalizer_from_config(config: Mapping[str, Any]) -> AbstractNormalizer:
    """The normalizer that `config["type"]` names.

    **Raises:** `ValueError` for an unknown or missing type, an unknown key or a bad value.
    """
    return component_from_config(config, (AbstractNormalizer,), "normalizer")
