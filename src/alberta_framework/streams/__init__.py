"""Streams: where experience comes from."""

from .abrupt_change import AbruptChangeState as AbruptChangeState
from .abrupt_change import AbruptChangeStream as AbruptChangeStream
from .abstract import AbstractStream as AbstractStream
from .abstract import ScanStream as ScanStream
from .abstract import TDScanStream as TDScanStream
from .arrays import AbstractArrayStream as AbstractArrayStream
from .arrays import ArrayStream as ArrayStream
from .arrays import ArrayStreamState as ArrayStreamState
from .arrays import TDArrayStream as TDArrayStream
from .cyclic import CyclicState as CyclicState
from .cyclic import CyclicStream as CyclicStream
from .dynamic_scale_shift import DynamicScaleShiftState as DynamicScaleShiftState
from .dynamic_scale_shift import DynamicScaleShiftStream as DynamicScaleShiftStream
from .labelled_data import MNIST as MNIST
from .labelled_data import AbstractLabelledData as AbstractLabelledData
from .labelled_data import Digits as Digits
from .labelled_data import LabelledArrays as LabelledArrays
from .periodic_change import PeriodicChangeState as PeriodicChangeState
from .periodic_change import PeriodicChangeStream as PeriodicChangeStream
from .permuted_classification import PermutedClassificationState as PermutedClassificationState
from .permuted_classification import PermutedClassificationStream as PermutedClassificationStream
from .random_walk import RandomWalkState as RandomWalkState
from .random_walk import RandomWalkStream as RandomWalkStream
from .random_walk_chain import RandomWalkChainState as RandomWalkChainState
from .random_walk_chain import RandomWalkChainStream as RandomWalkChainStream
from .recorded import RecordedStream as RecordedStream
from .scale_drift import ScaleDriftState as ScaleDriftState
from .scale_drift import ScaleDriftStream as ScaleDriftStream
from .scaled import ScaledStreamState as ScaledStreamState
from .scaled import ScaledStreamWrapper as ScaledStreamWrapper
from .scaled import make_scale_range as make_scale_range
from .slowly_changing_regression import (
    SlowlyChangingRegressionState as SlowlyChangingRegressionState,
)
from .slowly_changing_regression import (
    SlowlyChangingRegressionStream as SlowlyChangingRegressionStream,
)
from .sutton_experiment1 import SuttonExperiment1State as SuttonExperiment1State
from .sutton_experiment1 import SuttonExperiment1Stream as SuttonExperiment1Stream

# Older names.
from .abrupt_change import AbruptChangeStream as AbruptChangeTarget  # isort: skip
from .cyclic import CyclicStream as CyclicTarget  # isort: skip
from .periodic_change import PeriodicChangeStream as PeriodicChangeTarget  # isort: skip
from .random_walk import RandomWalkStream as RandomWalkTarget  # isort: skip
