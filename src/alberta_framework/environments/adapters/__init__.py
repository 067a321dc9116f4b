"""Environments of other packages in JAX, each imported when first asked for."""

from .gymnax import GymnaxEnvironment as GymnaxEnvironment
from .gymnax import GymnaxState as GymnaxState
