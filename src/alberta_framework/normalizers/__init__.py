"""Normalizers: features brought to one scale by their running statistics."""

from .abstract import AbstractNormalizer as AbstractNormalizer
from .abstract import AbstractNormalizerState as AbstractNormalizerState
from .abstract import next_count as next_count
from .any_state import AnyNormalizerState as AnyNormalizerState
from .configuration import normalizer_from_config as normalizer_from_config
from .ema import EMANormalizer as EMANormalizer
from .ema import EMANormalizerState as EMANormalizerState
from .welford import WelfordNormalizer as WelfordNormalizer
from .welford import WelfordNormalizerState as WelfordNormalizerState
from .welford import no_samples as no_samples
from .welford import with_sample as with_sample
