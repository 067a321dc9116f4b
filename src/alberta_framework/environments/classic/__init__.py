"""Classic control: the four problems of Gymnasium, step for step."""

from .cart_pole import CartPole as CartPole
from .cart_pole import CartPoleState as CartPoleState
