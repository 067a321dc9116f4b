"""Environments around another one."""

from .changing import Changing as Changing
from .changing import ChangingState as ChangingState
from .sticky_actions import StickyActions as StickyActions
from .sticky_actions import StickyActionsState as StickyActionsState
from .time_limit import TimeLimit as TimeLimit
from .time_limit import TimeLimitState as TimeLimitState
