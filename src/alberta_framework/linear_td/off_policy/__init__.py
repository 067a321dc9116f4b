"""Linear values of one policy, learned from the actions of another."""

from .abstract import AbstractOffPolicyTD as AbstractOffPolicyTD
from .abstract import OffPolicyTDState as OffPolicyTDState
from .differential_td import DifferentialTD as DifferentialTD
from .emphatic_td import EmphaticTD as EmphaticTD
from .emphatic_td import EmphaticTraces as EmphaticTraces
from .gq import GQ as GQ
from .gradient_td import GradientTD as GradientTD
from .gradient_td import GradientTDMemory as GradientTDMemory
from .horde import OffPolicyHorde as OffPolicyHorde
from .horde import OffPolicyHordeState as OffPolicyHordeState
from .horde import OffPolicyHordeUpdate as OffPolicyHordeUpdate
from .importance_ratio import importance_ratio as importance_ratio
from .off_policy_td import OffPolicyTD as OffPolicyTD
from .off_policy_td import OffPolicyTraces as OffPolicyTraces
from .retrace import Retrace as Retrace
from .v_trace import VTrace as VTrace
from .v_trace import VTraceTraces as VTraceTraces
