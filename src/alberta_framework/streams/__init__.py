"""Streams: where experience comes from."""

from .abstract import AbstractStream as AbstractStream
from .abstract import ScanStream as ScanStream
from .abstract import TDScanStream as TDScanStream
from .random_walk import RandomWalkState as RandomWalkState
from .random_walk import RandomWalkStream as RandomWalkStream
from .sutton_experiment1 import SuttonExperiment1State as SuttonExperiment1State
from .sutton_experiment1 import SuttonExperiment1Stream as SuttonExperiment1Stream
