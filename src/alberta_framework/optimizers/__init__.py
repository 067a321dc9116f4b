"""Optimizers: an error and an observation become a change of weights."""

from .abstract import AbstractOptimizer as AbstractOptimizer
from .abstract import AbstractTDOptimizer as AbstractTDOptimizer
from .abstract import OptimizerUpdate as OptimizerUpdate
from .abstract import TDOptimizerUpdate as TDOptimizerUpdate
from .auto_td_idbd import AutoTDIDBD as AutoTDIDBD
from .auto_td_idbd import AutoTDIDBDState as AutoTDIDBDState
from .auto_td_idbd import create_autotdidbd_state as create_autotdidbd_state
from .autostep import Autostep as Autostep
from .autostep import AutostepParamState as AutostepParamState
from .autostep import AutostepState as AutostepState
from .autostep import create_autostep_state as create_autostep_state
from .configuration import optimizer_from_config as optimizer_from_config
from .idbd import IDBD as IDBD
from .idbd import IDBDParamState as IDBDParamState
from .idbd import IDBDState as IDBDState
from .idbd import create_idbd_state as create_idbd_state
from .lms import LMS as LMS
from .lms import LMSState as LMSState
from .lms import create_lms_state as create_lms_state
from .obgd import ObGD as ObGD
from .obgd import ObGDState as ObGDState
from .obgd import create_obgd_state as create_obgd_state
from .td_idbd import TDIDBD as TDIDBD
from .td_idbd import TDIDBDState as TDIDBDState
from .td_idbd import create_tdidbd_state as create_tdidbd_state
