"""Problems without episodes, which never end."""

from .access_control import AccessControl as AccessControl
from .access_control import AccessControlState as AccessControlState
from .baird import Baird as Baird
from .baird import BairdState as BairdState
from .river_swim import RiverSwim as RiverSwim
from .river_swim import RiverSwimState as RiverSwimState
from .switching_bandit import SwitchingBandit as SwitchingBandit
from .switching_bandit import SwitchingBanditState as SwitchingBanditState
from .trace_conditioning import TraceConditioning as TraceConditioning
from .trace_conditioning import TraceConditioningState as TraceConditioningState
from .two_rooms import TwoRooms as TwoRooms
from .two_rooms import TwoRoomsState as TwoRoomsState
