"""Hordes: many general value functions learned side by side."""

from .cumulants import cumulants_of as cumulants_of
from .gvf import DemonType as DemonType
from .gvf import GVFSpec as GVFSpec
from .gvf import HordeSpec as HordeSpec
from .gvf import create_horde_spec as create_horde_spec
from .learner import HordeLearner as HordeLearner
from .learner import HordeUpdateResult as HordeUpdateResult
from .returns import discounted_returns as discounted_returns
from .returns import return_error as return_error
from .state import HordeState as HordeState
from .target_policy import AbstractTargetPolicy as AbstractTargetPolicy
from .target_policy import FixedTargetPolicy as FixedTargetPolicy
