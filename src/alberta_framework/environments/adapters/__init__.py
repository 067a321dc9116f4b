"""Environments of other packages in JAX, each imported when first asked for."""

from .abstract import AbstractAdapter as AbstractAdapter
from .abstract import AdapterState as AdapterState
from .brax import BraxEnvironment as BraxEnvironment
from .craftax import CraftaxEnvironment as CraftaxEnvironment
from .foragax import ForagaxEnvironment as ForagaxEnvironment
from .gymnax import GymnaxEnvironment as GymnaxEnvironment
from .navix import NavixEnvironment as NavixEnvironment
from .octax import OctaxEnvironment as OctaxEnvironment
from .playground import PlaygroundEnvironment as PlaygroundEnvironment
