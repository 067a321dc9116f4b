"""Value functions of given features, learned from transitions, each weight with its own trace."""

from .abstract import AbstractLinearTD as AbstractLinearTD
from .abstract import AbstractLinearTDState as AbstractLinearTDState
from .abstract import AbstractLinearValue as AbstractLinearValue
from .abstract import TDUpdate as TDUpdate
from .linear_td import LinearTD as LinearTD
from .linear_td import LinearTDState as LinearTDState
from .off_policy import AbstractOffPolicyTD as AbstractOffPolicyTD
from .off_policy import EmphaticTD as EmphaticTD
from .off_policy import EmphaticTraces as EmphaticTraces
from .off_policy import GradientTD as GradientTD
from .off_policy import GradientTDMemory as GradientTDMemory
from .off_policy import OffPolicyHorde as OffPolicyHorde
from .off_policy import OffPolicyHordeState as OffPolicyHordeState
from .off_policy import OffPolicyHordeUpdate as OffPolicyHordeUpdate
from .off_policy import OffPolicyTD as OffPolicyTD
from .off_policy import OffPolicyTDState as OffPolicyTDState
from .off_policy import OffPolicyTraces as OffPolicyTraces
from .off_policy import VTrace as VTrace
from .off_policy import VTraceTraces as VTraceTraces
from .off_policy import importance_ratio as importance_ratio
from .swift_td import SwiftTD as SwiftTD
from .swift_td import SwiftTDState as SwiftTDState
from .true_online import TrueOnlineTD as TrueOnlineTD
from .true_online import TrueOnlineTDState as TrueOnlineTDState
