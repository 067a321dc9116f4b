"""Value functions of given features, learned from transitions, each weight with its own trace."""

from .abstract import AbstractLinearTD as AbstractLinearTD
from .abstract import AbstractLinearTDState as AbstractLinearTDState
from .abstract import TDUpdate as TDUpdate
from .linear_td import LinearTD as LinearTD
from .linear_td import LinearTDState as LinearTDState
from .swift_td import SwiftTD as SwiftTD
from .swift_td import SwiftTDState as SwiftTDState
from .true_online import TrueOnlineTD as TrueOnlineTD
from .true_online import TrueOnlineTDState as TrueOnlineTDState
