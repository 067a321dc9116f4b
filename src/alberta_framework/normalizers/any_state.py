"""The state of whichever normalizer the library has."""

from .ema import EMANormalizerState
from .welford import WelfordNormalizerState

AnyNormalizerState = EMANormalizerState | WelfordNormalizerState
