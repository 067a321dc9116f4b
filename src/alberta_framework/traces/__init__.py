"""Eligibility traces: what of the past the error of this moment is credited to."""

from .abstract import AbstractTrace as AbstractTrace
from .accumulating import Accumulating as Accumulating
from .dutch import Dutch as Dutch
from .replacing import Replacing as Replacing
