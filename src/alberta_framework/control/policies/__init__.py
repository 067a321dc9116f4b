"""Policies: distributions over actions, made of the outputs of a network."""

from .abstract import AbstractPolicy as AbstractPolicy
from .gaussian import GaussianPolicy as GaussianPolicy
from .softmax import SoftmaxPolicy as SoftmaxPolicy
from .tanh_gaussian import TanhGaussianPolicy as TanhGaussianPolicy
