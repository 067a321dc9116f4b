"""Schedules: numbers that depend on how many steps were taken."""

from .abstract import AbstractSchedule as AbstractSchedule
from .constant import Constant as Constant
from .linear import Linear as Linear
from .periodic import Periodic as Periodic
