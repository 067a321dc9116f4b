"""Classic control: the problems of Gymnasium, step for step."""

from .acrobot import Acrobot as Acrobot
from .acrobot import AcrobotState as AcrobotState
from .cart_pole import CartPole as CartPole
from .cart_pole import CartPoleState as CartPoleState
from .mountain_car import MountainCar as MountainCar
from .mountain_car import MountainCarState as MountainCarState
from .mountain_car_continuous import MountainCarContinuous as MountainCarContinuous
from .mountain_car_continuous import MountainCarContinuousState as MountainCarContinuousState
from .pendulum import Pendulum as Pendulum
from .pendulum import PendulumState as PendulumState
