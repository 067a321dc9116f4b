"""Continual learning from a stream: learners that update at every step and never stop."""

from ._component import AbstractComponent as AbstractComponent
from ._component import from_config as from_config
from ._state import AbstractState as AbstractState
from .bounders import AbstractBounder as AbstractBounder
from .bounders import AGCBounding as AGCBounding
from .bounders import ObGDBounding as ObGDBounding
from .bounders import bounder_from_config as bounder_from_config
from .experience import MultiHeadStep as MultiHeadStep
from .experience import TDTimeStep as TDTimeStep
from .experience import TimeStep as TimeStep
from .learners import AbstractLearner as AbstractLearner
from .learners import AbstractLearnerState as AbstractLearnerState
from .learners import HeadOptimizerStates as HeadOptimizerStates
from .learners import HeadTraces as HeadTraces
from .learners import HeadUpdate as HeadUpdate
from .learners import LearnerState as LearnerState
from .learners import Lifecycle as Lifecycle
from .learners import LinearLearner as LinearLearner
from .learners import MLPLearner as MLPLearner
from .learners import MLPLearnerState as MLPLearnerState
from .learners import MLPUpdateResult as MLPUpdateResult
from .learners import MultiHeadMLPLearner as MultiHeadMLPLearner
from .learners import MultiHeadMLPState as MultiHeadMLPState
from .learners import MultiHeadMLPUpdateResult as MultiHeadMLPUpdateResult
from .learners import TDLearnerState as TDLearnerState
from .learners import TDLinearLearner as TDLinearLearner
from .learners import TDUpdateResult as TDUpdateResult
from .learners import UpdateResult as UpdateResult
from .learners import agent_age_s as agent_age_s
from .learners import agent_uptime_s as agent_uptime_s
from .loops import AbstractRecorder as AbstractRecorder
from .loops import BatchedLearningResult as BatchedLearningResult
from .loops import BatchedTDResult as BatchedTDResult
from .loops import EveryNth as EveryNth
from .loops import NormalizerHistory as NormalizerHistory
from .loops import NormalizerTrackingConfig as NormalizerTrackingConfig
from .loops import StateHistory as StateHistory
from .loops import StateTracking as StateTracking
from .loops import StepSizeHistory as StepSizeHistory
from .loops import StepSizeTrackingConfig as StepSizeTrackingConfig
from .loops import WindowMean as WindowMean
from .loops import drive as drive
from .loops import metrics_to_dicts as metrics_to_dicts
from .loops import run_learning_loop as run_learning_loop
from .loops import run_learning_loop_batched as run_learning_loop_batched
from .loops import run_td_learning_loop as run_td_learning_loop
from .loops import run_td_learning_loop_batched as run_td_learning_loop_batched
from .networks import MLPParams as MLPParams
from .networks import sparse_init as sparse_init
from .normalizers import AbstractNormalizer as AbstractNormalizer
from .normalizers import AbstractNormalizerState as AbstractNormalizerState
from .normalizers import AnyNormalizerState as AnyNormalizerState
from .normalizers import EMANormalizer as EMANormalizer
from .normalizers import EMANormalizerState as EMANormalizerState
from .normalizers import WelfordNormalizer as WelfordNormalizer
from .normalizers import WelfordNormalizerState as WelfordNormalizerState
from .normalizers import normalizer_from_config as normalizer_from_config
from .optimizers import IDBD as IDBD
from .optimizers import LMS as LMS
from .optimizers import TDIDBD as TDIDBD
from .optimizers import AbstractOptimizer as AbstractOptimizer
from .optimizers import AbstractTDOptimizer as AbstractTDOptimizer
from .optimizers import Autostep as Autostep
from .optimizers import AutostepParamState as AutostepParamState
from .optimizers import AutostepState as AutostepState
from .optimizers import AutoTDIDBD as AutoTDIDBD
from .optimizers import AutoTDIDBDState as AutoTDIDBDState
from .optimizers import IDBDParamState as IDBDParamState
from .optimizers import IDBDState as IDBDState
from .optimizers import LMSState as LMSState
from .optimizers import ObGD as ObGD
from .optimizers import ObGDState as ObGDState
from .optimizers import OptimizerUpdate as OptimizerUpdate
from .optimizers import TDIDBDState as TDIDBDState
from .optimizers import TDOptimizerUpdate as TDOptimizerUpdate
from .optimizers import create_autostep_state as create_autostep_state
from .optimizers import create_autotdidbd_state as create_autotdidbd_state
from .optimizers import create_idbd_state as create_idbd_state
from .optimizers import create_lms_state as create_lms_state
from .optimizers import create_obgd_state as create_obgd_state
from .optimizers import create_tdidbd_state as create_tdidbd_state
from .optimizers import optimizer_from_config as optimizer_from_config
from .streams import AbruptChangeState as AbruptChangeState
from .streams import AbruptChangeStream as AbruptChangeStream
from .streams import AbstractStream as AbstractStream
from .streams import ArrayStream as ArrayStream
from .streams import ArrayStreamState as ArrayStreamState
from .streams import CyclicState as CyclicState
from .streams import CyclicStream as CyclicStream
from .streams import DynamicScaleShiftState as DynamicScaleShiftState
from .streams import DynamicScaleShiftStream as DynamicScaleShiftStream
from .streams import PeriodicChangeState as PeriodicChangeState
from .streams import PeriodicChangeStream as PeriodicChangeStream
from .streams import RandomWalkChainState as RandomWalkChainState
from .streams import RandomWalkChainStream as RandomWalkChainStream
from .streams import RandomWalkState as RandomWalkState
from .streams import RandomWalkStream as RandomWalkStream
from .streams import ScaleDriftState as ScaleDriftState
from .streams import ScaleDriftStream as ScaleDriftStream
from .streams import ScaledStreamState as ScaledStreamState
from .streams import ScaledStreamWrapper as ScaledStreamWrapper
from .streams import ScanStream as ScanStream
from .streams import SuttonExperiment1State as SuttonExperiment1State
from .streams import SuttonExperiment1Stream as SuttonExperiment1Stream
from .streams import TDArrayStream as TDArrayStream
from .streams import TDScanStream as TDScanStream
from .streams import make_scale_range as make_scale_range

# The documented names of the bases.
Bounder = AbstractBounder
Normalizer = AbstractNormalizer
Optimizer = AbstractOptimizer
TDOptimizer = AbstractTDOptimizer

# Older names of the synthetic streams.
AbruptChangeTarget = AbruptChangeStream
CyclicTarget = CyclicStream
PeriodicChangeTarget = PeriodicChangeStream
RandomWalkTarget = RandomWalkStream

__version__ = "0.1.0"
